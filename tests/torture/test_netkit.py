"""Every fault of the catalogue on netkit: each layer and loop, echo and chat, in the clear and over TLS, and over UDP.

At the front door: ``netkit torture`` starts ``netkit serve``, and all must hold.
"""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks.torture.run import Server, own
from tests.process import NETKIT, Program

#: Each run takes about a minute, and waits for most of it.
pytestmark = [pytest.mark.torture, pytest.mark.timeout(300)]

#: Several of these run side by side on the processors that there are: they are slower, and a crowd is smaller.
BOUNDS = ("--slower", "1500", "--connections", "100", "--watch", "0.4")


#: The chat takes longest, and comes first.
CELLS: list[Server] = sorted(own(), key=lambda each: each.service)


@pytest.mark.parametrize("server", CELLS, ids=lambda each: each.name)
def test_all_faults_hold(server: Server) -> None:
    pytest.importorskip("uvloop" if "uvloop" in server.name else "asyncio")
    serve = f"{server.command} --grace 2"
    command = (*NETKIT, "torture", server.endpoint, "--service", server.service, "--server-cmd", serve, *BOUNDS)
    with Program(*command, "--json", "-") as program:
        program.output.all, _ = program.process.communicate(timeout=240)
        result = json.loads(program.output.all)
    broken = {each["fault"]: each["broken"] for each in result["verdicts"] if each["outcome"] == "broken"}
    assert broken == {}
    assert program.process.returncode == 0
    assert sys.platform != "linux" or not [each for each in result["verdicts"] if each["outcome"] == "untried"]
