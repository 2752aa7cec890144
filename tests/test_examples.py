"""The same echo on each tier of asyncio, run as its reader would run it: a process, sockets and Ctrl-C."""

from __future__ import annotations

import ast
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
ECHOES = [EXAMPLES / f"echo_{tier}.py" for tier in ("transports", "protocols", "streams")]

MIB = 1 << 20
PATIENCE = 20.0  # seconds until a wait for a process or a socket counts as failed
READ_AHEAD = 32 * MIB  # more than the socket buffers of both directions hold together

#: Not a power of two long, so that a piece put in the wrong place cannot look right.
PATTERN = bytes(range(251))


@pytest.fixture(params=ECHOES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    chosen = request.param
    assert isinstance(chosen, Path)
    return chosen


@dataclass(frozen=True)
class Example:
    process: subprocess.Popen[str]
    port: int
    errors: IO[str]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def end_by_ctrl_c(self) -> tuple[int, str]:
        """The exit status, and what was written to standard error."""
        self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(PATIENCE / 2)
        except subprocess.TimeoutExpired:
            # asyncio.run has no wake-up for a signal that comes between its last look and its sleep: once more.
            self.process.send_signal(signal.SIGINT)
            status = self.process.wait(PATIENCE / 2)
        self.errors.seek(0)
        return status, self.errors.read()


@contextmanager
def running(path: Path, *options: str) -> Iterator[Example]:
    """The example on a free port. Standard error goes to a file: a full pipe would stop the process."""
    command = [sys.executable, *options, str(path), "0"]
    with (
        TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            ready = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", process.stdout.readline())
            assert ready is not None
            yield Example(process, int(ready[1]), errors)
        finally:
            process.kill()


def read_to_end(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(MIB), b""))


def echoed(sock: socket.socket, data: bytes) -> bytes:
    """What comes back for a few bytes, as many as were sent."""
    sock.sendall(data)
    back = b""
    while len(back) < len(data):
        piece = sock.recv(len(data) - len(back))
        assert piece, f"the connection ended after {back!r}"
        back += piece
    return back


def test_a_mebibyte_comes_back_and_half_close_ends_it(path: Path) -> None:
    payload = (PATTERN * (MIB // len(PATTERN) + 1))[:MIB]

    def send(sock: socket.socket) -> None:
        sock.sendall(payload)
        sock.shutdown(socket.SHUT_WR)

    with running(path) as example, example.connect() as sock, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, sock)
        received = read_to_end(sock)
        sending.result()
    assert received == payload


def test_two_clients_are_served_at_once(path: Path) -> None:
    with running(path) as example, example.connect() as first, example.connect() as second:
        assert echoed(first, b"one") == b"one"
        assert echoed(second, b"two") == b"two"
        assert echoed(first, b"three") == b"three"


def test_a_peer_that_does_not_read_is_not_read_from(path: Path) -> None:
    """The server takes no more than the sockets hold, and keeps what it took apart from another's bytes."""
    with running(path) as example, example.connect() as sock:
        sock.setblocking(False)
        sent = 0
        chunk = PATTERN * 1024
        while sent < READ_AHEAD and select.select([], [sock], [], 0.5)[1]:
            sent += sock.send(chunk[sent % len(PATTERN) :])
        assert sent < READ_AHEAD
        with example.connect() as other:
            assert echoed(other, b"meanwhile " * 20_000) == b"meanwhile " * 20_000
        sock.setblocking(True)
        sock.shutdown(socket.SHUT_WR)
        received = read_to_end(sock)
    assert received == (PATTERN * (sent // len(PATTERN) + 1))[:sent]


def test_a_peer_that_breaks_off_costs_only_itself(path: Path) -> None:
    with running(path) as example:
        with example.connect() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close is a reset
            assert echoed(sock, b"here") == b"here"
            sock.sendall(PATTERN * 1024)
        with example.connect() as sock:
            assert echoed(sock, b"still there") == b"still there"
            sock.shutdown(socket.SHUT_WR)
            assert read_to_end(sock) == b""
        assert example.end_by_ctrl_c() == (0, "")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit another process")
def test_running_out_of_descriptors_passes() -> None:
    """Only the tier that accepts by hand has this to see to."""
    with running(EXAMPLES / "echo_transports.py") as example, ExitStack() as clients:
        resource.prlimit(example.process.pid, resource.RLIMIT_NOFILE, (10, 10))
        crowd = [clients.enter_context(example.connect()) for _ in range(10)]  # more than fit: the rest wait
        assert echoed(crowd[0], b"inside") == b"inside"
        for leaver in crowd[:-1]:
            leaver.close()
        assert echoed(crowd[-1], b"at last") == b"at last"


def test_ctrl_c_ends_it_with_all_closed(path: Path) -> None:
    """Development mode tells what is left open."""
    with running(path, "-X", "dev") as example:
        assert example.end_by_ctrl_c() == (0, "")


def test_ctrl_c_does_not_wait_for_a_peer_that_stays(path: Path) -> None:
    with running(path) as example, example.connect() as sock:
        assert echoed(sock, b"here") == b"here"
        assert example.end_by_ctrl_c() == (0, "")


def test_it_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40


def test_it_needs_only_the_standard_library(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    assert "asyncio" in imported
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_the_tiers_differ_only_in_what_carries_the_bytes() -> None:
    """The same handling of arguments in each of them."""
    entries = {ast.unparse(ast.parse(path.read_text()).body[-1]) for path in ECHOES}
    assert len(entries) == 1
