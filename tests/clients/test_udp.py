"""The clients that people have, against the echo over UDP: what they send comes back to them, datagram by datagram."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.process import NETKIT, PATIENCE, Program, Server, environment

if TYPE_CHECKING:
    from tests.clients.conftest import Cell

#: Each client as it is typed, by the name of its program.
COMMANDS = [
    "nc -u -w1 127.0.0.1 {udp}",
    "socat - UDP:127.0.0.1:{udp}",
]

UDP = "udp://127.0.0.1:0"


@pytest.fixture(scope="module")
def server(cell: Cell) -> Iterator[Server]:
    """An echo over UDP and TCP, the same for all tests of a cell. It must stop without a word of complaint."""
    layer, loop = cell
    options = ("--service", "echo", "--layer", layer, "--loop", loop, "--grace", "5")
    with Server(*options, "--listen", UDP, "--listen", "tcp://127.0.0.1:0") as server:
        yield server
        assert server.stop() == 0
        assert server.errors.rest() == b""


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_typed_comes_back(server: Server, command: str, program: Callable[[str], str]) -> None:
    name, *words = command.split()
    with Program(program(name), *(word.format(udp=server.port("udp")) for word in words)) as client:
        for line in (b"abc\n", b"\xff\x00 no telnet here\r\n", b"x" * 1000 + b"\n"):
            client.types(line)
            assert client.output.until(line) == line


@pytest.mark.parametrize("cell", [("streams", "asyncio")], ids=["streams-asyncio"], indirect=True)
def test_what_is_piped_in_comes_out(server: Server, program: Callable[[str], str]) -> None:
    """As the README has it. It takes the second that nc waits."""
    command = [program("nc"), "-u", "-w1", "127.0.0.1", server.port("udp")]
    done = subprocess.run(command, input=b"abc", capture_output=True, timeout=PATIENCE, check=True)
    assert (done.stdout, done.stderr) == (b"abc", b"")


def test_the_endpoint_is_printed_with_its_port(server: Server) -> None:
    udp, tcp = server.endpoints
    assert udp.startswith("udp://127.0.0.1:")
    assert not udp.endswith(":0")
    assert tcp.startswith("tcp://")


def test_a_chat_is_refused_in_one_line() -> None:
    command = [*NETKIT, "serve", "--listen", UDP]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment())
    said = f"netkit: Chat needs connections and cannot be served on {UDP}: echo can, or give tcp://\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
