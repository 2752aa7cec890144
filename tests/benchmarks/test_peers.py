"""Every peer of the benchmark gives the same service: a comparison of servers that do different work says nothing.

Each is a process, met through blocking sockets. One start serves several tests, which run peer by peer.
"""

from __future__ import annotations

import importlib.util
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import lacking
from tests.process import PATIENCE, Program

if TYPE_CHECKING:
    from tests.conftest import Certificates

FOLDER = Path(__file__).parent.parent.parent / "benchmarks" / "peers"

#: How each is started.
PEERS = {
    **{
        f"bare-{tier}-{loop}": ("bare.py", tier, loop)
        for tier in ("transports", "protocols", "streams")
        for loop in ("asyncio", "uvloop")
    },
    "trio": ("trio_server.py",),
    "anyio": ("anyio_server.py",),
    "anyio-trio": ("anyio_server.py", "trio"),
    "twisted": ("twisted_server.py",),
    "gevent": ("gevent_server.py",),
    "tornado": ("tornado_server.py",),
    "threads": ("threads.py",),
    "epoll": ("native.py", "epoll"),
    "go": ("native.py", "go"),
}

#: Those that cannot do it: see the README of the peers.
NO_TLS = {"epoll"}

#: Those that slow a peer down only once they have caught up with it: see there too.
LATE_PRESSURE = {"anyio"}

COMPILERS = {"epoll": "cc", "go": "go"}
LIBRARIES = ("uvloop", "trio", "anyio", "twisted", "gevent", "tornado")

MANY = 1024 * 1024  # bytes, more than any one read or socket buffer
TOO_MANY = 64 * MANY  # more than a server shall take in
MAX_LINE = 64 * 1024
KERNEL_HOLDS = 10 * MANY  # more than Linux buffers by default for one who does not read: 4 MiB, and 128 KiB on its side

#: Seconds that SIGTERM may take.
PROMPT = 5.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


class Peer:
    """One of them, with a process for each service that was asked for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.running: dict[str, tuple[Program, int]] = {}

    def start(self, service: str, *options: str | Path) -> tuple[Program, int]:
        """Start it afresh, and return it with its port once it accepts connections."""
        script, *variant = PEERS[self.name]
        port = free_port()
        program = Program(sys.executable, FOLDER / script, *variant, service, str(port), *options)
        try:
            accepts(port, program.process)
        except AssertionError:
            program.close()
            raise
        return program, port

    def port(self, service: str) -> int:
        """Where a service is. It is started once."""
        if service not in self.running:
            self.running[service] = self.start(service)
        return self.running[service][1]

    def forget(self, service: str) -> Program:
        """Leave a service to the caller: the next one who asks for it starts another."""
        return self.running.pop(service)[0]

    def close(self) -> None:
        for program, _ in self.running.values():
            program.close()


def accepts(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody accepts connections there, or the process that should has ended."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return dial(port).close()
        except ConnectionRefusedError:
            with suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"it has ended with {process.wait(0.01)}") from None
            assert time.monotonic() < deadline


def dial(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def read(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return bytes(data)


def read_line(sock: socket.socket) -> bytes:
    """Byte by byte, so that what follows stays where it is."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        assert byte, f"the end came after {bytes(line)!r}"
        line += byte
    return bytes(line)


def reset(sock: socket.socket) -> None:
    """Close it with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def check_echo(port: int) -> None:
    with dial(port) as sock:
        sock.sendall(b"still there?\n")
        assert read(sock, 13) == b"still there?\n"


@pytest.fixture(scope="module", params=PEERS)
def peer(request: pytest.FixtureRequest, program: Callable[[str], str]) -> Iterator[Peer]:
    """Each of them that this machine can run."""
    name = str(request.param)
    if name in COMPILERS:
        program(COMPILERS[name])
    for library in LIBRARIES:
        if library in name.split("-") and importlib.util.find_spec(library) is None:
            lacking(library, f"{library} is not installed")
    with closing(Peer(name)) as peer:
        yield peer


# Echo.


def test_every_byte_comes_back(peer: Peer) -> None:
    everything = bytes(range(256))
    with dial(peer.port("echo")) as sock:
        for n in range(256):
            sock.sendall(everything[n : n + 1])
        assert read(sock, 256) == everything


def test_a_mebibyte_comes_back_while_it_is_sent_and_the_half_close_is_answered(peer: Peer) -> None:
    data = os.urandom(MANY)
    with dial(peer.port("echo")) as sock:

        def send() -> None:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            assert read(sock, MANY) == data
            assert sock.recv(1) == b""
        finally:
            sender.join(PATIENCE)


def test_a_word_and_the_end_at_once_are_answered(peer: Peer) -> None:
    with dial(peer.port("echo")) as sock:
        sock.sendall(b"goodbye")
        sock.shutdown(socket.SHUT_WR)
        assert read(sock, 8) == b"goodbye"


def test_connections_do_not_wait_for_each_other(peer: Peer) -> None:
    with ExitStack() as stack:
        socks = [stack.enter_context(dial(peer.port("echo"))) for _ in range(100)]
        for n, sock in enumerate(socks):
            sock.sendall(b"%3d" % n)
        for n, sock in reversed([*enumerate(socks)]):
            assert read(sock, 3) == b"%3d" % n


def test_who_does_not_read_its_echo_sends_no_more(peer: Peer, tick: float) -> None:
    block = os.urandom(MAX_LINE)
    sent = 0
    with dial(peer.port("echo")) as sock:
        if peer.name in LATE_PRESSURE:
            sock.sendall(b"x")
            assert read(sock, 1) == b"x"
        sock.settimeout(4 * tick)
        with suppress(TimeoutError):
            while sent < TOO_MANY:
                sent += sock.send(block[sent % len(block) :])
        assert sent < TOO_MANY
        check_echo(peer.port("echo"))
        sock.settimeout(PATIENCE)
        sock.shutdown(socket.SHUT_WR)
        for at in range(0, sent, len(block)):
            assert read(sock, len(block)) == block[: sent - at]
        assert sock.recv(1) == b""


def test_a_reset_is_survived(peer: Peer) -> None:
    port = peer.port("echo")
    for said in (b"", b"x" * MANY):
        sock = dial(port)
        sock.setblocking(False)
        if said:
            sock.send(said)
        reset(sock)
    check_echo(port)


# Chat.


def meet(stack: ExitStack, port: int, count: int) -> list[socket.socket]:
    """Connect some clients, and see to it that each hears all others, and has nothing more to read."""
    first = stack.enter_context(dial(port))
    socks = [first]
    for number in range(1, count):  # once one hears the other, both are in the room
        sock = stack.enter_context(dial(port))
        knock = b"knock %d\n" % number  # one of its own: an earlier one may have knocked twice
        deadline = time.monotonic() + PATIENCE
        sock.sendall(knock)
        while not (select.select([first], [], [], 0.01)[0] and read_line(first).endswith(knock)):
            assert time.monotonic() < deadline
            sock.sendall(knock)
        socks.append(sock)
    for sock in socks:
        sock.sendall(b"ready\n")
    for sock in socks:
        ready = 0
        while ready < count - 1:
            ready += read_line(sock).endswith(b"> ready\n")
    return socks


def test_lines_go_to_everyone_else_under_the_number_of_the_connection(peer: Peer) -> None:
    with ExitStack() as stack:
        socks = meet(stack, peer.port("chat"), 4)
        numbers = []
        for sock in socks:
            sock.sendall(b"one\ntwo \xff\n\n")
            said = {tuple(read_line(other) for _ in range(3)) for other in socks if other is not sock}
            assert len(said) == 1  # the sender's next line is another one's, or nothing
            one, two, empty = said.pop()
            found = re.fullmatch(rb"<user([1-9]\d*)> one\n", one)
            assert found is not None
            assert two == b"<user%b> two \xff\n" % found[1]
            assert empty == b"<user%b> \n" % found[1]
            numbers.append(int(found[1]))
        assert len(set(numbers)) == 4
        # The first two were not waited for: whoever came at the same time, to find the server, may be between them.
        assert numbers[3] == numbers[2] + 1 > 3


def test_a_line_may_come_in_any_pieces(peer: Peer) -> None:
    line = b"0123\n"
    with ExitStack() as stack:
        alice, bob = meet(stack, peer.port("chat"), 2)
        alice.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for cut in range(len(line)):
            for piece in (line[:cut], line[cut:] + line[:cut], line[cut:]):
                alice.sendall(piece)
            assert read_line(bob).endswith(b"> 0123\n")
            assert read_line(bob).endswith(b"> 0123\n")
        for byte in line:
            alice.sendall(bytes([byte]))
        assert read_line(bob).endswith(b"> 0123\n")


def test_a_line_may_have_64_kib(peer: Peer) -> None:
    line = b"x" * (MAX_LINE - 1) + b"\n"
    with ExitStack() as stack:
        alice, bob = meet(stack, peer.port("chat"), 2)
        alice.sendall(line + b"y\n")
        prefix = read(bob, len(b"<user"))
        while not prefix.endswith(b"> "):
            prefix += read(bob, 1)
        assert read(bob, len(line)) == line
        assert read_line(bob) == prefix + b"y\n"


def test_who_never_ends_its_line_is_cut_off(peer: Peer) -> None:
    with dial(peer.port("chat")) as sock, pytest.raises(ConnectionError):
        sock.sendall(b"x" * TOO_MANY)


def test_who_does_not_read_is_cut_off_and_nobody_waits_for_it(peer: Peer) -> None:
    line = b"x" * (MAX_LINE // 2 - 1) + b"\n"
    lines = KERNEL_HOLDS // len(line)
    with ExitStack() as stack:
        alice, bob, stalled = meet(stack, peer.port("chat"), 3)
        alice.sendall(line)
        size = len(read_line(bob))
        for _ in range(1, lines):  # one at a time: a reader must be no more than a little behind
            alice.sendall(line)
            assert len(read(bob, size)) == size
        with suppress(ConnectionError):  # whether it gets what was on its way, and how it learns, is not told
            assert len(read(stalled, lines * size)) < lines * size
        alice.sendall(b"still there?\n")
        assert read_line(bob).endswith(b"> still there?\n")


def test_who_breaks_off_is_not_missed(peer: Peer) -> None:
    with ExitStack() as stack:
        alice, bob, gone = meet(stack, peer.port("chat"), 3)
        gone.sendall(b"an unfinished")
        reset(gone)
        for _ in range(10):
            alice.sendall(b"anyone?\n")
            assert read_line(bob).endswith(b"> anyone?\n")


# TLS, and the end.


def test_echo_over_tls(peer: Peer, certificates: Certificates) -> None:
    options = "--cert", certificates.cert, "--key", certificates.key
    if peer.name in NO_TLS:
        with pytest.raises(AssertionError, match="it has ended with 2"):
            peer.start("echo", *options)
        return
    if peer.name == "twisted" and not all(map(importlib.util.find_spec, ("OpenSSL", "service_identity"))):
        lacking("pyopenssl", "Twisted has no TLS here: pip install twisted[tls]")
    program, port = peer.start("echo", *options)
    blocks = [bytes(range(256)), *(os.urandom(MAX_LINE) for _ in range(16))]
    with program, certificates.client_context().wrap_socket(dial(port), server_hostname="localhost") as sock:
        for block in blocks:
            sock.sendall(block)
            assert read(sock, len(block)) == block


@pytest.mark.parametrize("service", ["echo", "chat"])
def test_sigterm_ends_it_at_once_and_it_never_said_anything(peer: Peer, service: str) -> None:
    """Whatever the tests above have done to it."""
    with dial(peer.port(service)), peer.forget(service) as program:
        program.signal(signal.SIGTERM)
        assert program.process.wait(PROMPT) in (0, -signal.SIGTERM)
        assert (program.output.rest(), program.errors.rest()) == (b"", b"")


# Building.


def build(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, folder / "build.py", "epoll"]
    return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with a peer in it that was never built."""
    for name in ("build.py", "epoll.c"):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def test_a_peer_is_built_when_its_source_is_newer(copied: Path, program: Callable[[str], str]) -> None:
    path = str(Path(program("cc")).parent)
    binary = copied / ".built" / "epoll"
    for age, is_new in ((None, True), (-60.0, True), (60.0, False)):
        if age is not None:
            stamp = (copied / "epoll.c").stat().st_mtime + age
            os.utime(binary, (stamp, stamp))
        before = binary.stat().st_ino if binary.exists() else None
        built = build(copied, path)
        assert (built.returncode, built.stdout, built.stderr) == (0, f"{binary}\n", "")
        assert (binary.stat().st_ino != before) is is_new
    assert [each.name for each in binary.parent.iterdir()] == ["epoll"]


def test_without_a_compiler_one_line_says_so(copied: Path) -> None:
    built = build(copied, str(copied))
    assert (built.returncode, built.stdout) == (1, "")
    assert built.stderr == "cannot build epoll.c: cc is not installed\n"


def test_a_source_that_cannot_be_compiled(copied: Path, program: Callable[[str], str]) -> None:
    (copied / "epoll.c").write_text("int main(void) { return nothing; }\n")
    built = build(copied, str(Path(program("cc")).parent))
    assert (built.returncode, built.stdout) == (1, "")
    assert built.stderr.endswith("\ncannot build epoll.c: cc failed\n")
