"""Every fault of the catalogue on netkit: each layer and loop, echo and chat, in the clear and over TLS, and over UDP.

At the front door: ``netkit torture`` starts ``netkit serve``, and all must hold.
"""

from __future__ import annotations

import json
import sys

import pytest

from tests.process import NETKIT, Program

#: Each run takes about a minute, and waits for most of it.
pytestmark = [pytest.mark.torture, pytest.mark.timeout(300)]

LAYERS = ("transports", "protocols", "streams")
LOOPS = ("asyncio", "uvloop")

#: What is served and where. A Unix socket is a stream like another, and is tried on the chat alone.
CELLS = (
    ("echo", "tcp://127.0.0.1:0"),
    ("echo", "tls://localhost:0"),
    ("echo", "udp://127.0.0.1:0"),
    ("chat", "tcp://127.0.0.1:0"),
    ("chat", "tls://localhost:0"),
)

SERVE = "{python} -m netkit serve --listen {endpoint}"
CERTIFICATE = " --tls-cert {cert} --tls-key {key}"

#: Several of these run side by side on the processors that there are: they are slower, and a crowd is smaller.
BOUNDS = ("--slower", "1500", "--connections", "100", "--watch", "0.4")


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("service", "endpoint"), CELLS, ids=lambda each: each.partition(":")[0])
def test_all_faults_hold(service: str, endpoint: str, layer: str, loop: str) -> None:
    pytest.importorskip("uvloop" if loop == "uvloop" else "asyncio")
    serve = f"{SERVE} --service {service} --layer {layer} --loop {loop} --grace 2"
    serve += CERTIFICATE if endpoint.startswith("tls") else ""
    command = (*NETKIT, "torture", endpoint, "--service", service, "--server-cmd", serve, *BOUNDS)
    with Program(*command, "--json", "-") as program:
        program.output.all, _ = program.process.communicate(timeout=240)
        result = json.loads(program.output.all)
    broken = {each["fault"]: each["broken"] for each in result["verdicts"] if each["outcome"] == "broken"}
    assert broken == {}
    assert program.process.returncode == 0
    assert sys.platform != "linux" or not [each for each in result["verdicts"] if each["outcome"] == "untried"]
