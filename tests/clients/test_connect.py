"""netkit as the client, against the servers that people have: what is piped in comes back, and how it ends is told."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.process import NETKIT, PATIENCE, Program, Server, environment

if TYPE_CHECKING:
    from tests.conftest import Certificates

CONNECT = (*NETKIT, "connect")

#: A megabyte, with each byte that means something to somebody.
DATA = random.Random(0).randbytes(1 << 20)


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """Ends what a test has started."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def silent() -> Iterator[str]:
    """Where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield f"127.0.0.1:{sock.getsockname()[1]}"


def free_port() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return str(sock.getsockname()[1])


def runs(*arguments: str | Path, data: bytes = b"", code: int = 0) -> tuple[bytes, str]:
    """What ``printf ... | netkit connect`` prints, on both outputs, once it has ended so."""
    done = subprocess.run(
        (*CONNECT, *arguments), input=data, capture_output=True, timeout=PATIENCE, check=False, env=environment()
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr.decode()


def ncat(servers: ExitStack, program: Callable[[str], str], *options: str | Path) -> tuple[Program, str]:
    """An ncat that waits for one client, and its port."""
    port = free_port()
    started = servers.enter_context(Program(program("ncat"), "-v", "-l", "127.0.0.1", port, *options))
    started.errors.until(b"Listening on 127.0.0.1:" + port.encode())
    return started, port


def test_ncat_over_tcp_from_a_file_into_a_file(
    servers: ExitStack, program: Callable[[str], str], layer: str, tmp_path: Path
) -> None:
    """It ends its side at once, and so it is told that the other one has ended too."""
    server, port = ncat(servers, program)
    server.types(b"an answer\xff\n")
    server.ends_input()
    (tmp_path / "in").write_bytes(DATA)
    with (tmp_path / "in").open("rb") as given, (tmp_path / "out").open("wb") as taken:
        command = (*CONNECT, port, "--layer", layer)
        client = subprocess.Popen(command, stdin=given, stdout=taken, env=environment())
    servers.callback(client.kill)
    assert server.output.rest() == DATA
    assert client.wait(PATIENCE) == 0
    assert (tmp_path / "out").read_bytes() == b"an answer\xff\n"


def test_ncat_over_tls(servers: ExitStack, program: Callable[[str], str], certificates: Certificates) -> None:
    options = ("--ssl", "--ssl-cert", certificates.cert, "--ssl-key", certificates.key)
    server, port = ncat(servers, program, *options)
    with Program(*CONNECT, f"tls://localhost:{port}", "--cafile", certificates.ca) as client:
        client.types(b"there\n")
        assert server.output.line() == b"there\n"
        server.types(b"and back\n")
        assert client.output.line() == b"and back\n"
        server.signal(signal.SIGTERM)
        assert client.wait() == 0
        assert client.errors.rest() == b""


def test_openssl_is_believed_only_with_its_authority(
    servers: ExitStack, program: Callable[[str], str], certificates: Certificates
) -> None:
    command = (program("openssl"), "s_server", "-rev", "-accept", "127.0.0.1:0")
    started = Program(*command, "-cert", certificates.cert, "-key", certificates.key)
    servers.enter_context(started)
    started.output.until(b"ACCEPT 127.0.0.1:")
    place = f"tls://localhost:{started.output.line().decode().strip()}"
    _, errors = runs(place, code=1)
    why = "unable to get local issuer certificate: give its authority with --cafile"
    assert errors == f"netkit: cannot connect to {place}: {why}, or take any certificate with --insecure\n"
    _, errors = runs(place, "--cafile", certificates.ca, "--server-name", "example.org", code=1)
    assert "certificate is not valid for 'example.org': give its name with --server-name" in errors
    with Program(*CONNECT, place, "--cafile", certificates.ca, "--layer", "transports") as client:
        client.types(b"abc\n")
        assert client.output.line() == b"cba\n"
        started.signal(signal.SIGTERM)
        assert client.wait() == 0
        assert client.errors.rest() == b""


@pytest.mark.parametrize(
    ("kind", "scheme"), [("UNIX-LISTEN:{path}", "unix://{path}"), ("UDP-LISTEN:0,bind=127.0.0.1", "udp://127.0.0.1:")]
)
def test_socat(servers: ExitStack, program: Callable[[str], str], short_path: Path, kind: str, scheme: str) -> None:
    started = Program(program("socat"), "-d", "-d", kind.format(path=f"{short_path}/s"), "EXEC:cat")
    servers.enter_context(started)
    started.errors.until(b"listening on")
    port = started.errors.line().decode().strip().rpartition(":")[2] if "udp" in scheme else ""
    place = scheme.format(path=f"{short_path}/s") + port
    with Program(*CONNECT, place, *(("--timeout", "0.1") if port else ())) as client:
        client.types(b"there\n")
        assert client.output.line() == b"there\n"
        client.ends_input()
        assert client.wait() == 0
        assert client.errors.rest() == b""


def test_our_own_chat() -> None:
    with Server("--listen", "0") as server:
        said, errors = runs(server.port(), "--crlf", data=b"hello\n/quit bye\n")
    assert said.endswith(b"*** goodbye (quit)\r\n")
    assert errors == ""


def test_telnet_is_spoken_where_it_is_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = (*CONNECT, f"127.0.0.1:{listener.getsockname()[1]}", "--telnet", "--hexdump")
        with Program(*command) as client, listener.accept()[0] as server, server.makefile("rb") as heard:
            server.sendall(bytes.fromhex("fffb01 fffd18 fffd06") + b"login: ")
            assert heard.read(9) == bytes.fromhex("fffe01 fffc18 fffb06")
            client.output.until(b"login: ")
            client.types(b"\xff\n")
            client.ends_input()
            assert heard.read() == b"\xff\xff\r\n"
            server.shutdown(socket.SHUT_WR)
            assert client.wait() == 0
            assert (client.output.rest(), client.output.all) == (b"", b"login: ")
            dump = client.errors.rest().decode().splitlines()
    assert dump[0] == "< 00000000  ff fb 01 ff fd 18 ff fd  06 6c 6f 67 69 6e 3a 20  |.........login: |"
    assert [line[:2] for line in dump] == ["< ", "> ", "> "]


def test_nobody_there() -> None:
    place = f"tcp://127.0.0.1:{free_port()}"
    assert runs(place, code=1) == (b"", f"netkit: cannot connect to {place}: Connection refused\n")


def test_no_answer_in_time(silent: str) -> None:
    place = f"tls://{silent}"
    said = f"netkit: cannot connect to {place}: no answer within 0.1 s, see --timeout\n"
    assert runs(place, "--timeout", "0.1", code=124) == (b"", said)
    _, errors = runs(silent, "--timeout", "0.1", code=124)
    assert errors.startswith(f"netkit: tcp://{silent} said nothing for 0.1 s after the end of the input")


@pytest.mark.parametrize(("number", "loop"), [(signal.SIGINT, "asyncio"), (signal.SIGTERM, "uvloop")])
def test_a_signal_ends_it(number: signal.Signals, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Program(*CONNECT, str(listener.getsockname()[1]), "--loop", loop) as client,
        listener.accept()[0] as server,
    ):
        client.types(b"x")
        assert server.recv(1) == b"x"
        client.signal(number)
        assert client.wait() == 130
        assert client.errors.rest() == b""
        assert server.recv(1) == b""


def test_whoever_reads_the_output_may_leave() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Program(*CONNECT, str(listener.getsockname()[1])) as client,
        listener.accept()[0] as server,
    ):
        assert client.process.stdout is not None
        client.process.stdout.close()
        server.sendall(b"x")
        assert client.wait() == 1
        assert client.errors.rest() == b""


def test_an_input_that_is_closed_is_at_its_end() -> None:
    with Server("--listen", "0", "--service", "echo") as server:
        command = ("sh", "-c", 'exec "$@" <&-', "sh", *CONNECT, server.port())
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False, env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
