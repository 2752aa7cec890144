"""The programs that start one netkit for each connection, or pass it sockets that listen already."""

from __future__ import annotations

import shlex
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.process import NETKIT, PATIENCE, Program

if TYPE_CHECKING:
    from tests.conftest import Certificates

Find = Callable[[str], str]

ECHO = (*NETKIT, "serve", "--service", "echo")

#: What starts netkit for a connection that it makes itself, and what it gives it to talk with: a socket, or two pipes.
STARTERS = [
    ("socat TCP:127.0.0.1:{port} EXEC:{command}", "streams", "uvloop", "unix:"),
    ("socat TCP:127.0.0.1:{port} EXEC:{command},pipes", "protocols", "uvloop", "stdio:"),
    ("socat TCP:127.0.0.1:{port} EXEC:{command},pty,setsid,raw,echo=0", "transports", "uvloop", "stdio:"),
    ("ncat 127.0.0.1 {port} -c {command}", "streams", "asyncio", "stdio:"),
]


@pytest.mark.parametrize(("starter", "layer", "loop", "peer"), STARTERS, ids=[each[0] for each in STARTERS])
def test_what_starts_it_for_a_connection(program: Find, starter: str, layer: str, loop: str, peer: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    command = shlex.join([*ECHO, "-v", "--layer", layer, "--loop", loop, "--listen", "stdio"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        name, *words = (each.format(port=listener.getsockname()[1], command=command) for each in starter.split(" "))
        with Program(program(name), *words) as started:
            with listener.accept()[0] as sock:
                sock.settimeout(PATIENCE)
                for line in (b"one\n", b"two\n"):
                    sock.send(line)
                    assert sock.recv(20) == line
                started.errors.until(f"INFO opened {peer}\n".encode())
            assert started.wait() == 0


class Activated(Program):
    """systemd-socket-activate, which becomes netkit, or starts one, when somebody knocks."""

    def __init__(self, program: Find, *words: str | Path) -> None:
        super().__init__(program("systemd-socket-activate"), *words)
        self.errors.until(b"Listening on ")

    def serves(self, *endpoints: str) -> None:
        """Wait until netkit accepts, and see where."""
        for endpoint in endpoints:
            self.errors.until(b"listening on ")
            assert self.errors.line().decode() == f"{endpoint}\n"
        self.errors.until(b"service echo, ")
        self.errors.line()


def echoes(sock: socket.socket) -> None:
    """Say something, end our side, and hear both."""
    sock.settimeout(PATIENCE)
    sock.send(b"one")
    sock.shutdown(socket.SHUT_WR)
    assert sock.makefile("rb").read() == b"one"


def connected(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    return sock


def test_sockets_of_systemd(program: Find, short_path: Path) -> None:
    """As with ``Accept=no``: the one who knocks first is served, and the socket stays when netkit has gone."""
    one, two = short_path / "one", short_path / "two"
    words = ("-l", one, "-l", two, "--fdname=one:two", *ECHO, "--layer", "transports")
    with Activated(program, *words, "--listen", "systemd://two", "--listen", "systemd://one") as netkit:
        with connected(two) as sock:
            echoes(sock)
        netkit.serves(f"unix://{two}", f"unix://{one}")
        with connected(one) as sock:
            echoes(sock)
        netkit.signal(signal.SIGTERM)
        assert netkit.wait() == 0
        assert netkit.errors.rest() == b""
    assert one.is_socket()
    assert two.is_socket()


def test_tls_on_a_socket_of_systemd(program: Find, certificates: Certificates) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    words = ("-l", f"127.0.0.1:{address[1]}", *ECHO, "--listen", "systemd:?tls")
    with Activated(program, *words, "--tls-cert", certificates.cert, "--tls-key", certificates.key) as netkit:
        context = certificates.client_context()
        with context.wrap_socket(socket.create_connection(address, PATIENCE), server_hostname="127.0.0.1") as sock:
            sock.send(b"one")
            assert sock.recv(20) == b"one"
        netkit.serves(f"tls://127.0.0.1:{address[1]}")
        netkit.signal(signal.SIGTERM)
        assert netkit.wait() == 0


@pytest.mark.parametrize(("layer", "loop"), [("protocols", "asyncio"), ("streams", "uvloop")])
def test_a_connection_of_systemd(program: Find, layer: str, loop: str) -> None:
    """As with ``Accept=yes`` and ``StandardInput=socket``, and as from inetd."""
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    options = ("-v", "--layer", layer, "--loop", loop, "--listen", "stdio:")
    with Activated(program, "-l", f"127.0.0.1:{address[1]}", "--inetd", "-a", *ECHO, *options) as netkit:
        for _ in range(2):
            with socket.create_connection(address, PATIENCE) as sock:
                netkit.serves("stdio:")
                netkit.errors.until(f"INFO opened tcp://127.0.0.1:{sock.getsockname()[1]}\n".encode())
                echoes(sock)


def test_a_connection_that_is_not_standard_input(program: Find, short_path: Path) -> None:
    """``Accept=yes`` without ``StandardInput=socket``."""
    with Activated(program, "-l", short_path / "s", "-a", *ECHO, "--listen", "systemd:") as netkit:
        with connected(short_path / "s") as sock:
            assert sock.recv(20) == b""
        said = b"netkit: fd://3 does not listen: a connection is served as stdio: (StandardInput=socket)\n"
        netkit.errors.until(said)
