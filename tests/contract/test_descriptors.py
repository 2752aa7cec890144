"""When a server has no descriptors left: those who are there are served, and it neither spins nor floods its log.

This needs a process of its own, whose limit can be lowered. So it runs ``netkit serve`` as its user would.
"""

from __future__ import annotations

import os
import re
import resource
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

import netkit
from netkit import layers

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit another process")

PATIENCE = 20.0

#: Connections that fit after the limit is lowered, and those that come.
PLACES = 4
CROWD = 12

#: More than the turns of the loop that a server takes to close a connection.
ROUND_TRIPS = 50

#: Seconds for which the server is watched, the most of them it may compute, and the most lines it may log in them.
#: A server that spins computes for all of them, and logs tens of thousands of lines.
WATCHED = 1.0
BUSY = 0.4
LINES = 4


class Process:
    """A server that runs, and what it writes to standard error."""

    def __init__(self, running: subprocess.Popen[bytes]) -> None:
        assert running.stderr is not None
        self.running = running
        self.log = running.stderr
        ready = re.fullmatch(rb"listening on tcp://127\.0\.0\.1:(\d+)\n", self.log.readline())
        assert ready is not None
        assert self.log.readline().startswith(b"service echo")
        self.port = int(ready[1])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def leave_room_for(self, connections: int) -> None:
        """Lower its limit so far that only so many more descriptors can be opened."""
        open_now = {int(name) for name in os.listdir(f"/proc/{self.running.pid}/fd")}
        assert open_now == set(range(len(open_now)))  # the limit is on the number, not on how many there are
        limit = len(open_now) + connections
        resource.prlimit(self.running.pid, resource.RLIMIT_NOFILE, (limit, limit))

    def cpu(self) -> float:
        """Seconds that it has computed, see proc(5)."""
        fields = Path(f"/proc/{self.running.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def logged(self) -> bytes:
        """What it has logged since its ready lines, as far as a pipe holds it."""
        ready, _, _ = select.select([self.log], [], [], 0)
        return os.read(self.log.fileno(), 1 << 20) if ready else b""


@contextmanager
def started(layer: str, loop: str) -> Iterator[Process]:
    """The echo on a free port."""
    command = [sys.executable, "-m", "netkit", "serve", "--service", "echo", "--layer", layer, "--loop", loop]
    environment = os.environ | {"PYTHONPATH": str(Path(netkit.__file__).parent.parent)}
    with subprocess.Popen(
        [*command, "--listen", "tcp://127.0.0.1:0"], stderr=subprocess.PIPE, bufsize=0, env=environment
    ) as running:
        try:
            yield Process(running)
        finally:
            running.kill()


def echoes(sock: socket.socket) -> bool:
    """Whether a connection is served: it may have been closed, where a loop makes room that way."""
    try:
        sock.sendall(b"?")
        return sock.recv(1) == b"?"
    except ConnectionError:
        return False


@pytest.fixture(scope="module")
def starved() -> Iterator[dict[str, list[Future[None]]]]:
    """What becomes of each layer on all loops, all at the same time, since most of this is waiting."""
    loops = [loop for loop in ("asyncio", "uvloop") if find_spec(loop)]
    with ThreadPoolExecutor(len(layers.NAMES) * len(loops)) as pool:
        yield {layer: [pool.submit(starve, layer, loop) for loop in loops] for layer in layers.NAMES}


def test_those_who_are_there_are_served_and_the_rest_wait(layer: str, starved: dict[str, list[Future[None]]]) -> None:
    for each in starved[layer]:
        each.result()


def starve(layer: str, loop: str) -> None:
    """Take a server's descriptors away, and give them back."""
    with started(layer, loop) as server, ExitStack() as stack:
        inside = [stack.enter_context(server.connect())]
        assert echoes(inside[0])
        server.leave_room_for(PLACES)
        crowd = [stack.enter_context(server.connect()) for _ in range(CROWD)]
        before = server.cpu()
        # The last to come gets no byte in all that time, at most the end of the connection.
        crowd[-1].settimeout(WATCHED)
        with suppress(TimeoutError, ConnectionError):
            assert crowd[-1].recv(1) == b""
            time_left = select.select([inside[0]], [], [], WATCHED)[0]
            assert time_left == []
        assert server.cpu() - before < BUSY
        assert echoes(inside[0])
        said = server.logged().splitlines()
        assert len(said) <= LINES
        assert not any(line.startswith(b"Traceback") for line in said)
        for each in crowd:
            each.close()
        # In these round trips it sees that they have left.
        assert all(echoes(inside[0]) for _ in range(ROUND_TRIPS))
        newcomer = stack.enter_context(server.connect())
        assert echoes(newcomer)
