"""What is inherited and cannot be served: each is one line that says what to do, and is left as it was."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from netkit.endpoints import Endpoint
from netkit.errors import ListenError
from netkit.inherited import ADVICE, Shared, take
from tests.process import NETKIT, PATIENCE, environment

Make = Callable[..., socket.socket]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes sockets."""
    with ExitStack() as stack:
        yield lambda *kind: stack.enter_context(socket.socket(*kind))


def refusal(fd: int, query: str = "", *, passed: bool = True) -> str:
    if passed:
        os.set_inheritable(fd, True)
    with pytest.raises(ListenError) as refused:
        take(Endpoint.parse(f"fd://{fd}{query}"))
    return str(refused.value).removeprefix(f"fd://{fd}{query} ")


def test_one_that_is_not_open() -> None:
    assert refusal(999, passed=False) == f"was not inherited: {ADVICE}"
    assert refusal(10**20, passed=False) == f"was not inherited: {ADVICE}"


def test_one_of_our_own_that_has_the_number(make: Make) -> None:
    """The loop has a few, and gets the first numbers that are free."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert refusal(ours.fileno(), passed=False) == f"was not inherited: {ADVICE}"


def test_one_that_is_no_socket(tmp_path: Path) -> None:
    with (tmp_path / "diary").open("w") as file:
        assert refusal(file.fileno()) == f"is not a socket: {ADVICE}"
        os.fstat(file.fileno())


def test_a_connection_and_one_that_is_not_even_that(make: Make) -> None:
    said = "does not listen: a connection is served as stdio: (StandardInput=socket)"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert refusal(ours.fileno()) == said
        theirs.send(b"still there")
        assert ours.recv(20) == b"still there"
    assert refusal(make().fileno()) == said


def test_kinds_that_no_layer_serves(make: Make) -> None:
    said = "is a socket of another kind: TCP, UDP and Unix stream sockets can be served"
    assert refusal(make(socket.AF_UNIX, socket.SOCK_DGRAM).fileno()) == said
    assert refusal(make(socket.AF_UNIX, socket.SOCK_SEQPACKET).fileno()) == said
    unbound = make(socket.AF_INET, socket.SOCK_DGRAM)
    assert refusal(unbound.fileno()) == "is a UDP socket without a port: bind it first"


def test_kinds_that_tls_is_not_for(make: Make, short_path: Path) -> None:
    said = "is a socket of another kind: TCP can have TLS"
    unix, udp = make(socket.AF_UNIX), make(socket.AF_INET, socket.SOCK_DGRAM)
    unix.bind(str(short_path / "s"))
    unix.listen()
    udp.bind(("127.0.0.1", 0))
    assert refusal(unix.fileno(), "?tls") == said
    assert refusal(udp.fileno(), "?tls") == said


def test_an_abstract_unix_socket_is_shown_with_an_at(make: Make) -> None:
    sock = make(socket.AF_UNIX)
    sock.bind(f"\0netkit-test-{os.getpid()}")
    sock.listen()
    bound = take(Endpoint.parse(f"fd://{os.dup(sock.fileno())}"))
    bound.sock.close()
    assert str(bound.endpoint) == f"unix://@netkit-test-{os.getpid()}"


def test_it_is_moved_to_a_descriptor_that_our_children_do_not_get(make: Make) -> None:
    sock = make()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    inherited = os.dup(sock.fileno())
    os.set_inheritable(inherited, True)
    bound = take(Endpoint.parse(f"fd://{inherited}"))
    with bound.sock:
        assert isinstance(bound.sock, Shared)
        assert not bound.sock.get_inheritable()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(inherited)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (
            ["--listen", "fd://9"],
            1,
            "fd://9 was not inherited: start netkit with a socket that listens as that descriptor",
        ),
        (["--listen", "fd://{fd}", "--listen", "fd://{fd}"], 2, "fd://{fd} is given twice: there is only one of it"),
        (["--listen", "systemd:"], 1, "systemd has passed no sockets: start netkit from a .socket unit"),
    ],
)
def test_it_is_one_line_and_an_exit_code(make: Make, options: list[str], code: int, said: str) -> None:
    sock = make()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    command = [*NETKIT, "serve", *(each.format(fd=sock.fileno()) for each in options)]
    done = subprocess.run(
        command,
        pass_fds=[sock.fileno()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment(),
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"netkit: {said.format(fd=sock.fileno())}\n")
