"""Starting as a process: what it says when it serves, and the one line when it cannot."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.process import NETKIT, PATIENCE, READ_SIZE, Program, Server, environment

if TYPE_CHECKING:
    from tests.conftest import Certificates

#: What an installed ``netkit`` runs.
SCRIPT = (sys.executable, "-c", "import sys; from netkit.cli import main; sys.argv[0] = 'netkit'; sys.exit(main())")

SHOUT = """
import netkit

class Shout(netkit.Service):
    def received(self, conn, data, now):
        yield data.upper()
"""

#: Stands for a module that takes long to import: says when it is at it, and goes on for ever.
SLOW = """
import signal, sys
print("importing", file=sys.stderr, flush=True)
signal.pause()
"""

#: Stands for a uvloop that is not installed.
ABSENT = "raise ModuleNotFoundError('No module named uvloop', name='uvloop')\n"


def run(*command: str | Path, **variables: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command that ends by itself."""
    done = subprocess.run(
        command, env=environment(**variables), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return done.returncode, done.stdout, done.stderr


def failed(*options: str | Path, **variables: str) -> str:
    """The one line of a server that cannot start."""
    status, output, errors = run(*NETKIT, "serve", *options, **variables)
    assert (status, output) == (1, "")
    line, end = errors.split("\n")
    assert end == ""
    assert line.startswith("netkit: ")
    return line


def echoed(server: Server, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(server.port())), PATIENCE) as sock:
        sock.sendall(data)
        return sock.recv(READ_SIZE)


def test_it_says_where_and_what_it_serves(short_path: Path) -> None:
    listen = ("--listen", "0", "--listen", f"unix://{short_path}/s")
    with Server(*listen, "--layer", "protocols", "--loop", "asyncio", "--service", "echo") as server:
        assert server.endpoints == [f"tcp://127.0.0.1:{server.port()}", f"unix://{short_path}/s"]
        assert server.ready == "service echo, layer protocols, loop asyncio"
        assert echoed(server, b"hello") == b"hello"


def test_the_environment_is_asked(short_path: Path) -> None:
    env = environment(NETKIT_SERVE_LISTEN=f"0 unix://{short_path}/s", NETKIT_SERVE_LAYER="transports")
    with Server("--loop", "asyncio", env=env) as server:
        assert server.endpoints == [f"tcp://127.0.0.1:{server.port()}", f"unix://{short_path}/s"]
        assert server.ready == "service chat, layer transports, loop asyncio"


@pytest.mark.parametrize("command", [NETKIT, SCRIPT], ids=["module", "script"])
def test_a_service_in_the_current_directory_is_found(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "shout.py").write_text(SHOUT)
    with Server("--service", "shout:Shout", "--listen", "0", cwd=tmp_path, command=command) as server:
        assert server.ready.startswith("service shout:Shout, layer streams, loop ")
        assert echoed(server, b"hello") == b"HELLO"


@pytest.mark.parametrize(
    "arguments", [(), ("--help",), ("--version",), ("serve", "--help"), ("serve", "--layer", "x"), ("nope",)]
)
def test_the_module_is_the_command(arguments: tuple[str, ...]) -> None:
    assert run(*NETKIT, *arguments) == run(*SCRIPT, *arguments)


# What cannot be had.


def test_a_port_in_use() -> None:
    with Server("--listen", "0") as server:
        line = failed("--listen", server.port())
    assert f"tcp://127.0.0.1:{server.port()} is in use: stop what listens there" in line


def test_an_address_of_another_machine() -> None:
    assert "tcp://192.0.2.1:0 is not an address of this machine" in failed("--listen", "tcp://192.0.2.1:0")


def test_a_certificate_or_key_that_is_missing(certificates: Certificates) -> None:
    tls = ("--listen", "tls://127.0.0.1:0", "--tls-cert")
    assert "cannot read nowhere.pem" in failed(*tls, "nowhere.pem")
    assert "cannot read nowhere.pem" in failed(*tls, certificates.cert, "--tls-key", "nowhere.pem")
    assert "are no certificate and key that fit" in failed(*tls, certificates.ca, "--tls-key", certificates.key)


def test_uvloop_that_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text(ABSENT)
    line = failed("--listen", "0", "--loop", "uvloop", PYTHONPATH=str(tmp_path))
    assert "uvloop is not installed: pip install 'netkit[uvloop]', or use --loop asyncio" in line


def test_auto_does_without_uvloop(tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text(ABSENT)
    with Server("--listen", "0", env=environment(PYTHONPATH=str(tmp_path))) as server:
        assert server.ready == "service chat, layer streams, loop asyncio"


# Unix sockets.


def test_the_file_of_a_live_server_is_in_use(short_path: Path) -> None:
    place = f"unix://{short_path}/s"
    with Server("--listen", place) as server:
        assert f"{place} is in use: a server answers there" in failed("--listen", place)
        assert (short_path / "s").is_socket()
        assert server.stop() == 0


def test_the_file_of_a_dead_server_is_replaced(short_path: Path) -> None:
    place = f"unix://{short_path}/s"
    with Server("--listen", place) as server:
        server.signal(signal.SIGKILL)
        server.wait()
    assert (short_path / "s").is_socket()
    with Server("--listen", place) as server:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(short_path / "s"))
        assert server.stop() == 0


@pytest.mark.parametrize(("query", "mode"), [("", 0o600), ("?mode=660", 0o660)])
def test_the_file_is_there_while_it_serves_for_whom_it_is_meant(short_path: Path, query: str, mode: int) -> None:
    path = short_path / "s"
    with Server("--listen", f"unix://{path}{query}") as server:
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert server.stop() == 0
    assert not path.exists()


# Who reads what it says.


@pytest.mark.parametrize("arguments", [("--help",), ("serve", "--help"), ("serve", "--layer", "x")])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_has_left_costs_no_traceback(arguments: tuple[str, ...], stream: str) -> None:
    """As in ``netkit --help | head``."""
    reader, writer = os.pipe()
    os.close(reader)
    stdout, stderr = (writer, subprocess.PIPE) if stream == "stdout" else (subprocess.PIPE, writer)
    process = subprocess.Popen((*NETKIT, *arguments), env=environment(), text=True, stdout=stdout, stderr=stderr)
    os.close(writer)
    said = process.communicate(timeout=PATIENCE)
    assert process.returncode in {0, 1, 2}
    assert not [text for text in said if text and ("Traceback" in text or "Exception ignored" in text)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_disk_that_is_full_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            (*NETKIT, "--help"), env=environment(), stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"netkit: [Errno 28] No space left on device\n")


def test_ctrl_c_while_it_starts(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    with Program(*NETKIT, "serve", "--service", "slow:make", cwd=tmp_path) as program:
        program.errors.until(b"importing\n")
        program.signal(signal.SIGINT)
        assert program.wait() == 1
        assert program.errors.rest() == b"\nnetkit: interrupted\n"
