"""Several workers, as a user meets them: one server, which happens to consist of more than one process."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest
from click.testing import Result

from netkit.cli.worker import command
from netkit.server import Config
from netkit.service import Service
from netkit.workers import supervisor
from tests.process import NETKIT, PATIENCE, READ_SIZE, Program, Server

Ask: TypeAlias = Callable[..., Result]

#: Answers with its process, or with more than the kernel takes at once.
SERVICE = """
import os
import netkit

class Pid(netkit.Service):
    workers = True
    datagrams = True

    def received(self, conn, data, now):
        yield b"x" * %d if data == b"much" else str(os.getpid()).encode()

class Plain(netkit.Service):
    pass
"""
MUCH = 16 * 1024 * 1024

#: Can be made here, and a second time, in a worker, cannot.
BROKEN = """
import os
import netkit

class Broken(netkit.Service):
    workers = True

    def __init__(self):
        os.mkdir("made")
"""

#: Connections until one of two workers has had none: a fair coin falls on one side so often once in 10^12 times.
TRIES = 40

#: What an installed ``netkit`` runs: unlike with -m, the current directory is not on the path.
SCRIPT = (
    *(sys.executable, "-c"),
    "import sys; sys.path.remove(''); from netkit.cli import main; sys.argv[0] = 'netkit'; sys.exit(main())",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the services are that are served."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "pid.py").write_text(SERVICE % MUCH)
    (folder / "broken.py").write_text(BROKEN)
    # A worker that were started with -m alone would take this for Python's own.
    (folder / "selectors.py").write_text("raise RuntimeError('not this one')\n")
    return folder


def two_workers(home: Path, *options: str) -> Server:
    return Server("--service", "pid:Pid", "--workers", "2", "--listen", "0", *options, cwd=home, command=SCRIPT)


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[Server]:
    """One that goes on when a test is over."""
    listen = ("--listen", "udp://127.0.0.1:0", "--listen", "tls://127.0.0.1:0", "--tls-dev")
    with two_workers(home, *listen, "--connections", "3") as server:
        yield server
        assert server.stop() == 0
        assert server.errors.rest() == b""


@pytest.fixture(scope="module")
def authority(shared: Server) -> ssl.SSLContext:
    """What trusts its throw-away certificate, which is told in the line after the ready lines."""
    said = shared.errors.line().decode()
    assert said.startswith("throw-away TLS authority, for development only: ")
    return ssl.create_default_context(cafile=said.partition("only: ")[2].rstrip())


def children(server: Program) -> set[int]:
    return {child.pid for child in psutil.Process(server.process.pid).children()}


def dial(server: Server, scheme: str = "tcp") -> socket.socket:
    kind = socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM
    sock = socket.socket(type=kind)
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", int(server.port(scheme))))
    return sock


def asked(sock: socket.socket) -> int:
    """The process that answers. The question has as many bytes as an answer may have, since over UDP none is longer."""
    with sock:
        sock.sendall(b"?" * 10)
        return int(sock.recv(READ_SIZE))


def answering(connect: Callable[[], socket.socket]) -> set[int]:
    """The two processes that answer."""
    found: set[int] = set()
    for _ in range(TRIES):
        found.add(asked(connect()))
        if len(found) == 2:
            return found
    raise AssertionError(f"only {found} answered")


def wants_much(server: Server) -> socket.socket:
    """A client with more to come than it has read, which is the first byte."""
    sock = dial(server)
    sock.sendall(b"much")
    assert sock.recv(1) == b"x"
    return sock


def rest(sock: socket.socket) -> int:
    with sock:
        return 1 + sum(iter(lambda: len(sock.recv(READ_SIZE)), 0))


def ended(pids: set[int]) -> bool:
    """Wait until these processes are no more, although they are not our children."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        with os.fdopen(handle):
            if not select.select([handle], [], [], PATIENCE)[0]:
                return False
    return True


# While it serves.


def test_it_says_once_where_and_what_it_serves(shared: Server, authority: ssl.SSLContext) -> None:
    assert [each.rpartition(":")[0] for each in shared.endpoints] == [
        f"{scheme}://127.0.0.1" for scheme in ("tcp", "udp", "tls")
    ]
    assert re.fullmatch("service pid:Pid, layer streams, loop (asyncio|uvloop), 2 workers", shared.ready)


@pytest.mark.parametrize("scheme", ["tcp", "udp"])
def test_both_answer(shared: Server, scheme: str) -> None:
    assert answering(lambda: dial(shared, scheme)) == children(shared)


def test_both_have_the_same_throw_away_certificate(shared: Server, authority: ssl.SSLContext) -> None:
    def connect() -> ssl.SSLSocket:
        return authority.wrap_socket(dial(shared, "tls"), server_hostname="localhost")

    assert answering(connect) == children(shared)


def test_a_port_in_use_is_told_as_without_workers(shared: Server) -> None:
    for workers in "1", "2":
        options = ("--service", "echo", "--workers", workers, "--listen", shared.port())
        with Program(*NETKIT, "serve", *options) as second:
            assert second.wait() == 1
            said = second.errors.rest().decode()
        assert said.startswith(f"netkit: tcp://127.0.0.1:{shared.port()} is in use: stop what listens there")
        assert len(said.splitlines()) == 1


def test_limits_hold_for_each_worker(shared: Server) -> None:
    """Three each: six are served, whoever of the two gets a connection that is one too many."""
    answers: list[int] = []
    with ExitStack() as stack:
        for _ in range(TRIES):
            sock = stack.enter_context(dial(shared))
            sock.sendall(b"?")
            with suppress(ConnectionResetError):  # it was closed with our question unread
                answers += map(int, filter(None, [sock.recv(READ_SIZE)]))
    assert Counter(answers) == dict.fromkeys(children(shared), 3)


def test_a_worker_that_is_killed_is_replaced(shared: Server, authority: ssl.SSLContext) -> None:
    one, other = children(shared)
    os.kill(one, signal.SIGKILL)
    line = shared.errors.line().decode()
    assert re.search(rf" WARNING worker {one} was killed by SIGKILL; another starts in 0\.1 s\n$", line)
    line = shared.errors.line().decode()
    (new,) = re.findall(r" WARNING worker (\d+) serves in its place\n$", line)
    assert children(shared) == {other, int(new)} == answering(lambda: dial(shared))
    # A polite signal to a worker replaces it too.
    os.kill(other, signal.SIGTERM)
    assert f" worker {other} ended with status 0; another starts in 0.1 s" in shared.errors.line().decode()
    assert " serves in its place" in shared.errors.line().decode()
    assert not [each for each in psutil.Process(shared.process.pid).children() if each.status() == "zombie"]


def test_no_process_holds_what_is_another_s(shared: Server) -> None:
    """Some are started when others are there, whose sockets and pipes they must not have got."""

    def held(pid: int) -> set[str]:
        links = (os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if int(each.name) > 2)
        return {link for link in links if link.startswith(("socket:", "pipe:"))}

    found = [held(pid) for pid in (shared.process.pid, *children(shared))]
    assert all(found)
    assert len(set.union(*found)) == sum(map(len, found))


# How it ends.


@pytest.mark.parametrize(
    ("layer", "loop"),
    [("transports", "asyncio"), ("protocols", "uvloop"), ("streams", "asyncio")],
)
def test_everybody_gets_what_is_queued_after_a_signal_to_the_whole_group(home: Path, layer: str, loop: str) -> None:
    """Service managers send it like that: it must not count as two."""
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    with two_workers(home, "--layer", layer, "--loop", loop) as server:
        assert server.ready == f"service pid:Pid, layer {layer}, loop {loop}, 2 workers"
        workers = answering(lambda: dial(server))
        clients = [wants_much(server) for _ in range(3)]
        os.killpg(server.process.pid, signal.SIGTERM)
        assert [rest(client) for client in clients] == [MUCH] * 3
        assert server.wait() == 0
        assert ended(workers)
        assert server.errors.rest() == b""


def test_ctrl_c_on_a_terminal_counts_once(home: Path) -> None:
    options = ("--service", "pid:Pid", "--workers", "2", "--listen", "0")
    with Program(*SCRIPT, "serve", *options, cwd=home, terminal=True) as server:
        port = server.output.until(b"2 workers").partition(b"127.0.0.1:")[2].split()[0]
        with socket.create_connection(("127.0.0.1", int(port)), PATIENCE) as sock:
            sock.sendall(b"much")
            assert sock.recv(1) == b"x"
            server.types(b"\x03")
            assert rest(sock) == MUCH
        assert server.wait() == 0
        assert server.output.rest().strip() == b"^C"


def test_a_second_signal_ends_it_at_once(home: Path) -> None:
    """There would be an hour to wait for a client that does not read."""
    with two_workers(home, "-v", "--grace", "3600") as server, wants_much(server):
        workers = children(server)
        server.signal(signal.SIGTERM)
        server.errors.until(b"INFO SIGTERM: stopping\n")
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.wait() == 0
        assert b"INFO SIGINT again: ending at once\n" in server.errors.rest()
        assert ended(workers)


def test_without_a_supervisor_the_workers_end(home: Path) -> None:
    with two_workers(home) as server:
        workers = children(server)
        client = wants_much(server)
        server.signal(signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL
        assert rest(client) == MUCH
        assert ended(workers)
        assert server.errors.rest().count(b" WARNING the supervisor is gone: stopping\n") == 2
        with socket.socket() as sock:
            assert sock.connect_ex(("127.0.0.1", int(server.port()))) != 0


def test_what_no_worker_can_serve_is_told_once_in_the_worker_s_own_words(home: Path) -> None:
    options = ("--service", "broken:Broken", "--workers", "2", "--listen", "0")
    with Program(*SCRIPT, "serve", *options, cwd=home) as program:
        assert program.wait() == 1
        said = program.errors.rest().decode()
    assert said == "netkit: broken:Broken() failed, mend it first: FileExistsError: [Errno 17] File exists: 'made'\n"


# What is asked for.


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Config, int, tuple[str, ...]]]:
    """What workers were to serve: none is started."""
    calls: list[tuple[Config, int, tuple[str, ...]]] = []
    monkeypatch.setattr(
        supervisor, "run", lambda config, count, command, report: calls.append((config, count, command))
    )
    return calls


def test_the_number_arrives_and_workers_log_as_asked(
    ask: Ask, served: list[Config], supervised: list[tuple[Config, int, tuple[str, ...]]]
) -> None:
    options = ("--service", "echo", "--workers", "3", "-v", "--log-format", "json", "--per-address", "2")
    assert ask("serve", *options).exit_code == 0
    ((config, count, started),) = supervised
    assert (config.service_name, config.limits.per_address, count) == ("echo", 2, 3)
    assert started == command(1, "json")
    assert started[-4:] == ("-m", "netkit.cli.worker", "1", "json")
    assert served == []


def test_one_worker_is_no_worker(
    ask: Ask, served: list[Config], supervised: list[tuple[Config, int, tuple[str, ...]]]
) -> None:
    assert ask("serve", "--workers", "1").exit_code == 0
    assert ([config.service_name for config in served], supervised) == (["chat"], [])


def test_auto_is_as_many_as_processors(
    ask: Ask,
    served: list[Config],
    supervised: list[tuple[Config, int, tuple[str, ...]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 2, 5})
    monkeypatch.setattr(os, "process_cpu_count", lambda: 3, raising=False)
    assert ask("serve", "--service", "echo", NETKIT_SERVE_WORKERS="auto").exit_code == 0
    assert [count for _, count, _ in supervised] == [3]


@pytest.mark.parametrize("number", ["0", "-1", "1025", "1.5", "many", "", "9" * 40])
def test_a_number_that_makes_no_sense(ask: Ask, number: str) -> None:
    result = ask("serve", "--service", "echo", "--workers", number)
    assert result.exit_code == 2
    assert "give a number from 1 to 1024, or auto." in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "chat needs one process: in several, people would not meet; leave --workers out"),
        (("--service", "pid:Plain"), "pid:Plain does not say that several processes may serve it: set workers = True"),
        (
            ("--service", "echo", "--listen", "unix:///run/echo.sock"),
            "unix:///run/echo.sock cannot be shared by workers: give tcp://, tls:// or udp://",
        ),
    ],
)
def test_what_several_processes_cannot_serve(
    ask: Ask, home: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], told: str
) -> None:
    monkeypatch.syspath_prepend(home)
    result = ask("serve", "--workers", "2", *options)
    assert result.exit_code == 2
    assert result.output.startswith(f"netkit: {told}")
    assert len(result.output.splitlines()) == 1


def test_another_kernel_is_told_in_a_line(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    result = ask("serve", "--service", "echo", "--workers", "2")
    assert result.exit_code == 1
    assert result.output == "netkit: workers need Linux, which alone shares a port out evenly: leave --workers out\n"


def test_a_service_says_so_itself() -> None:
    assert not Service.workers
