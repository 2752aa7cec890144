"""The server as a process: started, read from outside, and gone for certain."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import psutil
import pytest

from netkit.endpoints import Endpoint
from netkit.processes.guard import Guard
from netkit.processes.start import NotServing, free_port
from netkit.torture.subject import Subject
from netkit.torture.target import Target

#: Listens with TCP, or over UDP, and does what it is told on standard input and by its options. It imports little.
LISTENS = """
import resource, signal, socket, sys
kind, port, what = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
if "last words" in what:
    sys.exit("no\\nthe port \\x1b[31mis mine")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
sock.bind(("127.0.0.1", port))
if kind == "tcp":
    sock.listen()
if "exits" in what:
    signal.signal(signal.SIGUSR1, lambda *_: sys.exit(3))
if "opens" in what:
    found = []
    def opens(*_):
        try:
            while True:
                found.append(socket.socket())
        except OSError:
            found.append(None)
    signal.signal(signal.SIGUSR1, opens)
while "busy" in what:
    pass
while True:
    signal.pause()
"""

Make: AbstractContextManager[Subject]


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with Guard() as guard:
        yield guard


@pytest.fixture
def made(guard: Guard) -> Iterator[Callable[..., Subject]]:
    """Makes a subject of ``LISTENS`` that does something; it is not started yet."""
    with ExitStack() as held:

        def subject(*what: str, scheme: str = "tcp", pid: int = 0) -> Subject:
            where = Target(Endpoint(scheme, "127.0.0.1", free_port()))
            given = {"python": sys.executable, "port": str(where.port)}
            words = " ".join(f"'{each}'" for each in what)
            command = "" if pid else f"{{python}} -ISc '{LISTENS}' {scheme} {{port}} {words}"
            return held.enter_context(Subject(command, pid, given, where, guard))

        yield subject


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not met():  # noqa: ASYNC110  another process
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("scheme", ["tcp", "udp"])
def test_it_listens_once_it_is_started_and_is_gone_at_the_end(made: Callable[..., Subject], scheme: str) -> None:
    subject = made(scheme=scheme)
    with subject:
        asyncio.run(subject.start())
        assert (subject.ours, subject.starts, subject.gone()) == (True, 1, "")
        kind = socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as sock, pytest.raises(OSError, match="in use"):
            sock.bind(subject._target.address)
        level = subject.level()
        assert level.memory > 1024 * 1024
        assert level.descriptors >= 4
    assert not psutil.pid_exists(subject.pid)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"{{python}} -ISc '{LISTENS}' tcp {{port}} 'last words'", r"exited with 1 before it listened: the port \\x1b"),
        ("{python} -ISc 'pass' {port} {unknown}", "exited with 0 before it listened$"),
        ("no-such-program {port}", "no-such-program cannot be started: No such file"),
    ],
)
def test_one_that_does_not_listen_is_told_with_its_last_words(guard: Guard, command: str, said: str) -> None:
    where = Target(Endpoint("tcp", "127.0.0.1", free_port()))
    given = {"python": sys.executable, "port": str(where.port)}
    with Subject(command, 0, given, where, guard) as subject, pytest.raises(NotServing, match=said):
        asyncio.run(subject.start())


def test_one_that_never_listens_is_not_waited_for_for_ever(
    guard: Guard, monkeypatch: pytest.MonkeyPatch, tick: float
) -> None:
    monkeypatch.setattr("netkit.torture.subject.START", tick)
    where = Target(Endpoint("tcp", "127.0.0.1", free_port()))
    with Subject("sleep 60", 0, {}, where, guard) as subject:
        with pytest.raises(NotServing, match=f"did not listen within {tick:g} s"):
            asyncio.run(subject.start())
        pid = subject.pid
    assert not psutil.pid_exists(pid)


def test_how_it_ended_is_said_and_it_can_be_started_again(made: Callable[..., Subject]) -> None:
    subject = made("exits")

    async def lives() -> None:
        await subject.start()
        assert await subject.exits(0.01) is None
        subject.signal(signal.SIGUSR1)
        assert await subject.exits(10) == 3
        assert subject.gone() == "the server has exited with 3"
        with pytest.raises(ProcessLookupError):
            subject.level()
        subject.stop()
        await subject.start()
        assert subject.gone() == ""
        subject.signal(signal.SIGKILL)
        assert await subject.exits(10) == -signal.SIGKILL
        assert subject.gone() == "the server was killed by SIGKILL"
        subject.signal(signal.SIGKILL)  # of nobody

    asyncio.run(lives())
    assert subject.starts == 2


def test_one_that_runs_already_is_looked_at_and_left_alone(made: Callable[..., Subject]) -> None:
    with subprocess.Popen(("sleep", "60")) as process:
        with made(pid=process.pid) as subject:
            assert (subject.ours, subject.gone()) == (False, "")
            assert subject.level().memory > 0
        assert process.poll() is None
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        # It has ended and is not waited for: a zombie.
        assert subject.gone() == f"the server, process {process.pid}, has ended"
    assert subject.gone() == f"the server, process {process.pid}, has ended"


def test_its_share_of_a_core_is_seen(made: Callable[..., Subject]) -> None:
    async def shares() -> tuple[float, float, float]:
        busy, calm = made("busy"), made()
        await busy.start()
        await calm.start()
        found = await asyncio.gather(busy.busy(0.1), calm.rests(), busy.rests(0.1))
        return found[0], found[1], found[2]

    busy, calm, still = asyncio.run(shares())
    assert busy > 0.2
    assert calm < 0.1
    assert still > 0.1


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit(2)")
def test_it_can_be_left_with_few_descriptors_and_gets_them_back(made: Callable[..., Subject]) -> None:
    subject = made("opens")

    async def opens() -> None:
        await subject.start()
        process = psutil.Process(subject.pid)
        before, limit = subject.level().descriptors, process.rlimit(psutil.RLIMIT_NOFILE)
        with subject.few_descriptors(3):
            subject.signal(signal.SIGUSR1)
            await until(lambda: subject.level().descriptors == before + 3)
        assert process.rlimit(psutil.RLIMIT_NOFILE) == limit

    asyncio.run(opens())
