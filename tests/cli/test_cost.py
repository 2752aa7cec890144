"""What a question costs: the help is there at once, for nothing is imported that only a server needs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

import pytest

from tests.process import NETKIT, environment

pytestmark = pytest.mark.alone  # it measures, and nothing else may run beside it

#: What only a server needs.
HEAVY = {"asyncio", "ssl", "socket", "logging", "uvloop", "trustme"}

#: What only the bench needs.
HEAVY |= {"rich", "psutil", "hdrh", "altair", "vl_convert", "jinja2", "netkit.bench"}

#: What only the tower needs.
HEAVY |= {"ast", "difflib", "pygments", "netkit.tower"}

#: What only the client needs.
HEAVY |= {"prompt_toolkit", "netkit.client"}

#: What only the torture needs.
HEAVY |= {"OpenSSL", "netkit.torture"}

#: Runs of each program. Times are of the processor, so that other processes matter little.
RUNS = 7

#: How much longer than the import of click alone the help may take. On an idle machine it is 1.35 times.
MOST = 2.5


def imported(program: str) -> set[str]:
    said = subprocess.run(
        (sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return set(said.stdout.split())


@pytest.mark.parametrize("call", ["", "netkit.cli.main([], standalone_mode=False)"])
def test_the_command_line_imports_no_server(call: str) -> None:
    assert imported(f"import netkit.cli\n{call}") & HEAVY <= imported("import click")


def seconds(*command: str) -> float:
    """Time of the processor that a whole run takes."""
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


def test_the_help_takes_little_longer_than_click() -> None:
    pairs = [(seconds(sys.executable, "-c", "import click"), seconds(*NETKIT, "--help")) for _ in range(RUNS)]
    click, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    assert ours <= MOST * click
