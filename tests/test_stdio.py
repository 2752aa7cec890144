"""Standard input and output of a real process: pipes, a terminal, files, devices, sockets, and what is left of them."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.process import NETKIT, PATIENCE, Output, Program, Server, environment

SERVE = (*NETKIT, "serve", "--listen", "stdio:")
ECHO = (*SERVE, "--service", "echo")


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    return str(request.param)


@contextmanager
def running(command: Sequence[str], **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process with standard streams of our choice. It must have ended when the block is left."""
    with subprocess.Popen(command, env=environment(), **streams) as process:
        try:
            yield process
            process.wait(PATIENCE)
        finally:
            process.kill()


def shell(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which ``"$@"`` is the command, and ``$0`` the first argument here."""
    command = ["bash", "-c", script, *map(str, arguments)]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False, env=environment()
    )


# Pipes.


def test_sigterm_lets_a_pipe_hear_the_last_line_and_blocks_as_before(loop: str) -> None:
    (read, typed), (shown, written) = os.pipe(), os.pipe()
    with running([*SERVE, "--loop", loop], stdin=read, stdout=written, stderr=subprocess.PIPE) as process:
        output = Output(shown)
        output.until(b"nobody else is here yet\r\n")
        assert [os.get_blocking(fd) for fd in (read, written)] == [False, False]
        process.terminate()
        os.close(written)
        assert output.rest() == b"*** the server is stopping: goodbye (shutdown)\r\n"
        assert process.wait(PATIENCE) == 0
    assert os.get_blocking(read)
    for fd in (read, typed, shown):
        os.close(fd)


def test_a_reader_that_has_had_enough_ends_it_quietly() -> None:
    done = shell('yes | "$@" | head -1; echo "${PIPESTATUS[1]}"', "bash", *ECHO)
    assert done.stdout == b"y\n0\n"
    assert b"service echo" in done.stderr.splitlines()[1]
    assert len(done.stderr.splitlines()) == 2


# A terminal.


def test_whoever_runs_it_in_a_shell_can_talk(loop: str) -> None:
    ours, theirs = pty.openpty()
    with running([*SERVE, "--loop", loop], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        screen = Output(ours)
        screen.until(b"nobody else is here yet")
        os.write(ours, b"/nick ann\n")
        screen.until(b"*** you are ann now")
        assert os.get_blocking(theirs)  # which the shell shares: it would fall over
        os.write(ours, b"\x04")
        assert process.wait(PATIENCE) == 0
        assert os.get_blocking(theirs)
    os.close(theirs)
    os.close(ours)


def test_ctrl_c_on_a_terminal_says_goodbye() -> None:
    with Program(*SERVE, terminal=True) as program:
        program.output.until(b"nobody else is here yet")
        program.types(b"\x03")
        program.output.until(b"*** the server is stopping")
        assert program.wait() == 0


# Files and devices, which cannot be waited for.


def test_files_both_ways(loop: str, tmp_path: Path) -> None:
    asked, said = tmp_path / "asked", tmp_path / "said"
    asked.write_bytes(os.urandom(300_000))
    done = shell('"$@" < "$0/asked" > "$0/said"', tmp_path, *ECHO, "--loop", loop)
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 2)
    assert said.read_bytes() == asked.read_bytes()


def test_the_null_device_both_ways() -> None:
    done = shell('"$@" < /dev/null > /dev/null', "bash", *ECHO)
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 2)


def test_what_cannot_be_written_is_one_line() -> None:
    done = shell('"$@" <<< abc > /dev/full', "bash", *ECHO)
    assert b"WARNING standard output: No space left on device\n" in done.stderr
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 3)


def test_a_server_goes_on_when_there_are_other_listeners() -> None:
    with Server("--service", "echo", "--listen", "stdio:", "--listen", "0") as server:
        assert [each.partition(":")[0] for each in server.endpoints] == ["stdio", "tcp"]
        server.ends_input()
        assert server.output.rest() == b""  # it has ended, and can be seen to have
        with socket.create_connection(("127.0.0.1", int(server.port())), PATIENCE) as sock:
            sock.send(b"still there")
            assert sock.recv(20) == b"still there"
        assert server.stop() == 0


# A socket.


def test_one_socket_is_a_connection_on_which_nothing_is_logged() -> None:
    """As from inetd, where it is standard error as well."""
    ours, theirs = socket.socketpair()
    with ours, theirs, running([*ECHO, "-v"], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        ours.settimeout(PATIENCE)
        ours.send(b"one")
        assert ours.recv(20) == b"one"
        assert not os.get_blocking(theirs.fileno())
        ours.send(b"two")
        ours.shutdown(socket.SHUT_WR)
        assert ours.recv(20) == b"two"
        assert process.wait(PATIENCE) == 0
        assert os.get_blocking(theirs.fileno())


def test_a_socket_on_one_side_alone_is_read_like_a_pipe() -> None:
    """As from asyncio's own create_subprocess_exec."""
    pipe = subprocess.PIPE
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as ours:
        theirs = listener.accept()[0]
        with theirs, running([*ECHO, "-v"], stdin=theirs, stdout=pipe, stderr=pipe) as process:
            ours.send(b"one")
            ours.shutdown(socket.SHUT_WR)
            said, logged = process.communicate(timeout=PATIENCE)
        assert (process.returncode, said) == (0, b"one")
        assert f"opened stdio://127.0.0.1:{ours.getsockname()[1]}\n" in logged.decode()


def test_a_socket_that_listens_is_fd_0() -> None:
    """As from inetd with ``wait``, where it is standard error as well."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with running(ECHO, stdin=listener, stdout=listener, stderr=subprocess.PIPE) as process:
            _, error = process.communicate(timeout=PATIENCE)
        said = "stdio: needs a connection, and standard input is another socket: try fd://0"
        assert (process.returncode, error.decode()) == (1, f"netkit: {said}\n")
        command = [*NETKIT, "serve", "--service", "echo", "--listen", "fd://0"]
        with running(command, stdin=listener, stdout=listener, stderr=listener) as process:
            with socket.create_connection(listener.getsockname(), PATIENCE) as ours:
                ours.send(b"one")
                assert ours.recv(20) == b"one"
                process.terminate()
                assert ours.recv(20) == b""
            assert process.wait(PATIENCE) == 0


# What cannot be.


@pytest.mark.parametrize("script", ['"$@" <&-', '"$@" >&-'])
def test_a_stream_that_is_closed(script: str) -> None:
    done = shell(script, "bash", *ECHO)
    said = "netkit: stdio: needs both standard input and standard output: one of them is closed\n"
    assert (done.returncode, done.stderr.decode()) == (1, said)


def test_streams_that_are_closed_are_nothing_to_other_endpoints() -> None:
    """uvloop would give up the process when it closes a descriptor below 3."""
    with Server("--listen", "0", command=("bash", "-c", 'exec "$@" <&- >&-', "bash", *NETKIT)) as server:
        assert server.stop() == 0
        assert server.errors.rest() == b""


def test_it_can_be_given_once() -> None:
    done = shell('"$@" < /dev/null', "bash", *ECHO, "--listen", "stdio")
    assert (done.returncode, done.stderr) == (2, b"netkit: stdio: is given twice: there is only one of it\n")


def test_tls_needs_a_socket() -> None:
    done = shell('"$@" < /dev/null', "bash", *NETKIT, "serve", "--listen", "stdio:?tls", "--tls-dev")
    said = "stdio:?tls needs one socket as both standard input and output: only that can carry TLS"
    assert (done.returncode, done.stderr.decode()) == (1, f"netkit: {said}\n")
