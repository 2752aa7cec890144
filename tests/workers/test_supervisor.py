"""What the supervisor does with workers that die, hang or never begin: small programs stand in for them."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest

from netkit.endpoints import Endpoint
from netkit.errors import WorkerError
from netkit.limits import Limits
from netkit.server import Config
from netkit.services.echo import Echo
from netkit.workers import supervisor as module
from netkit.workers.addresses import Addresses
from netkit.workers.backoff import Backoff
from netkit.workers.process import Starter
from netkit.workers.supervisor import Supervisor

#: Everything shorter than by default.
RULES = Backoff(first=0.01, longest=0.02, attempts=2)

#: What each stand-in begins with: ``say`` and ``hear`` speak on the channel; ``birth`` is how many there were before.
BEGIN = """
import os, signal, sys
channel = int(sys.argv[-1])
say = lambda word: os.write(channel, word + b"\\n")
hear = lambda: os.read(channel, 100000)
birth = 0
while True:
    try:
        with open(f"{sys.argv[1]}/{birth}", "x") as file:
            file.write(str(os.getpid()))
        break
    except FileExistsError:
        birth += 1
"""

Made: TypeAlias = Callable[..., Supervisor]


@pytest.fixture
def births(tmp_path: Path) -> Path:
    """A folder with a file for each worker that there was, in the order of their births; each holds a process id."""
    folder = tmp_path / "births"
    folder.mkdir()
    return folder


@pytest.fixture
def announced() -> list[str]:
    return []


@pytest.fixture
def make(births: Path, announced: list[str]) -> Iterator[Made]:
    """A supervisor of stand-ins that go on after ``BEGIN`` like this."""
    config = Config(service=Echo(), service_name="echo", limits=Limits(grace=0.01))
    with closing(Addresses([Endpoint.parse("tcp://127.0.0.1:0")], 10)) as addresses:

        def supervisor(program: str, count: int = 1, command: tuple[str, ...] | None = None) -> Supervisor:
            command = command or (sys.executable, "-ISc", BEGIN + program, str(births))
            starter = Starter(config, command, addresses, None)
            return Supervisor(starter, count, lambda: announced.append("ready"), RULES)

        yield supervisor


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # files, and what others wrote in them, are no events  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def play(supervisor: Supervisor, *steps: Callable[[], bool]) -> None:
    """Run it until each step has come true, and stop it."""

    async def story() -> None:
        running = asyncio.create_task(supervisor.run())
        for step in steps:
            await until(step)
        supervisor.stop()
        await asyncio.wait_for(running, 20)

    asyncio.run(story())
    assert supervisor.workers == set()


def once(action: Callable[[], None]) -> Callable[[], bool]:
    """A step that is only to be taken."""

    def step() -> bool:
        action()
        return True

    return step


def waits(caplog: pytest.LogCaptureFixture) -> list[float]:
    found = re.findall(r"another starts in (\S+) s", caplog.text)
    return [float(each) for each in found]


def test_all_must_serve_before_it_is_told(make: Made, tmp_path: Path, announced: list[str]) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    supervisor = make(
        f"import time\nwhile not os.path.exists(f'{gate}/{{birth}}'): time.sleep(0.002)\nhear(); say(b'ready'); hear()",
        count=2,
    )

    def served(count: int) -> bool:
        return sum(worker.ready_at is not None for worker in supervisor.workers) == count

    def one_may() -> bool:
        (gate / "0").touch()
        return served(1)

    def both_may() -> bool:
        assert announced == [] or served(2)
        (gate / "1").touch()
        return announced == ["ready"]

    play(supervisor, one_may, both_may)
    assert announced == ["ready"]


def test_those_that_die_at_the_start_end_it_with_what_they_said(make: Made, births: Path, announced: list[str]) -> None:
    with pytest.raises(WorkerError, match=r"^the reason$"):
        asyncio.run(make("hear(); say(b'failed the reason'); sys.exit(1)").run())
    assert len(list(births.iterdir())) == RULES.attempts
    assert announced == []


@pytest.mark.parametrize(
    ("program", "how"),
    [
        ("sys.exit(3)", r"worker \d+ ended with status 3 before it served"),
        ("os.kill(os.getpid(), signal.SIGKILL)", r"worker \d+ was killed by SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGRTMIN + 1)", r"worker \d+ was killed by signal 35"),
        ("say(b'x' * 200000); hear()", r"worker \d+ .*"),
    ],
)
def test_those_that_die_without_a_word(make: Made, program: str, how: str) -> None:
    with pytest.raises(WorkerError, match=f"^{how}$"):
        asyncio.run(make(program).run())


def test_several_that_die_at_the_start_are_one_reason(make: Made, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(WorkerError, match=r"^the reason$"):
        asyncio.run(make("say(b'failed the reason'); sys.exit(1)", count=2).run())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_program_that_cannot_be_started(make: Made) -> None:
    with pytest.raises(WorkerError, match=r"^a worker cannot be started: .*No such file"):
        asyncio.run(make("", command=("/nowhere/python",)).run())


def test_a_worker_that_dies_later_is_replaced_ever_more_slowly(
    make: Made, births: Path, caplog: pytest.LogCaptureFixture, announced: list[str]
) -> None:
    """The first serves and dies; so do all others, some of which never serve: no number of deaths makes it give up."""
    supervisor = make("if birth % 2 == 0: say(b'ready')\nsys.exit(birth)")
    play(supervisor, lambda: len(waits(caplog)) >= 4)
    assert waits(caplog)[:4] == [0.01, 0.02, 0.02, 0.02]
    assert announced == ["ready"]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    pids = {int(path.read_text()) for path in births.iterdir()}
    assert {int(pid) for line in told for pid in re.findall(r"^worker (\d+) ", line)} <= pids
    assert re.search(r"^worker \d+ ended with status 0; another starts in 0.01 s$", told[0])
    assert re.search(r"^worker \d+ ended with status 1 before it served; another", told[1])
    assert re.search(r"^worker \d+ serves in its place$", told[2])


def test_a_death_is_told_with_what_the_worker_said(make: Made, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = make("say(b'failed it is full' if birth else b'ready'); sys.exit(1)")
    play(supervisor, lambda: len(waits(caplog)) >= 2)
    assert " ended with status 1 before it served (it is full); another starts in 0.02 s" in caplog.text


def test_a_stop_while_it_waits_starts_nobody(make: Made, births: Path, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = make("say(b'ready'); sys.exit(0)")
    supervisor.rules = Backoff(first=3600, longest=3600)
    play(supervisor, lambda: waits(caplog) == [3600])
    assert len(list(births.iterdir())) == 1


def test_one_that_never_begins_is_ended_by_a_stop(make: Made, births: Path) -> None:
    """Nor does it hear the channel, and the death of it is none to tell."""
    play(make("signal.pause()", count=2), lambda: len(list(births.iterdir())) == 2)


STUCK = "signal.signal(signal.SIGTERM, signal.SIG_IGN); say(b'ready')\nwhile True: signal.pause()"


@pytest.mark.parametrize("end", ["stop", "abort"])
def test_one_that_is_stuck_is_killed(
    make: Made, end: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, announced: list[str]
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    supervisor = make(STUCK, count=2)
    play(supervisor, lambda: announced == ["ready"], once(getattr(supervisor, end)))
    assert len(re.findall(r"worker \d+ does not end: it is killed", caplog.text)) == 2


def test_signals_stop_it_and_then_end_it_at_once(make: Made, announced: list[str], tmp_path: Path) -> None:
    """The worker writes down what it is told, and ends once it is told to end at once."""
    heard = tmp_path / "heard"
    heard.touch()
    write = f"open({str(heard)!r}, 'ab', 0).write(hear())"
    supervisor = make(f"hear(); say(b'ready'); {write}; {write}")
    play(
        supervisor,
        lambda: announced == ["ready"],
        once(lambda: signal.raise_signal(signal.SIGINT)),
        lambda: heard.read_bytes() == b"stop\n",
        once(lambda: signal.raise_signal(signal.SIGTERM)),
        lambda: heard.read_bytes() == b"stop\nabort\n",
    )
