"""Readings of a process from outside, held against what it knows of itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netkit.processes.reading import Server, cpu_clock

pytestmark = pytest.mark.alone  # it measures, and nothing else may run beside it

#: How far our clock and the process's own may be apart: the time that it takes to say so, mostly.
CLOSE = 0.05

#: What a child does when it is told a line, and then says something about it.
BURN = """
import sys, time
def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
"""
TELL = BURN + "print(flush=True)\nfor line in sys.stdin:\n    exec(line)\n    print(time.process_time_ns(), flush=True)"


class Child:
    """A process that does what it is told, and says its own CPU time after each."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid
        self.answer()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def begins(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def does(self, line: str) -> int:
        """Nanoseconds of CPU time until now, as it sees them."""
        self.begins(line)
        return int(self.answer())


@contextmanager
def child() -> Iterator[Child]:
    with subprocess.Popen(
        (sys.executable, "-ISc", TELL), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Child(process)
        finally:
            process.kill()


def test_the_cpu_clock_is_the_one_that_the_process_has_itself() -> None:
    with child() as started:
        server = Server(started.pid)
        before = started.does("pass"), server.cpu()
        after = started.does("burn(0.1)"), server.cpu()
        own, seen = (late - early for early, late in zip(before, after, strict=True))
        assert own >= 100_000_000
        assert seen == pytest.approx(own, rel=CLOSE)


def test_the_time_of_all_its_threads_is_counted() -> None:
    with child() as started:
        server = Server(started.pid)
        before = server.cpu()
        started.does("import threading; t = threading.Thread(target=burn, args=(0.05,)); t.start(); t.join()")
        assert server.cpu() - before >= 50_000_000


def test_descendants_are_found_and_read_too() -> None:
    with child() as started:
        server = Server(started.pid)
        started.does("import subprocess; p = subprocess.Popen(['sleep', '60'])")
        assert len(server.pids) == 1
        alone = server.memory()
        reading = server.read()
        assert len(server.pids) == 2
        assert reading.memory > alone
        assert reading.newcomers > 0
        started.does("p.kill(); p.wait()")
        server.find()
        assert server.pids == [started.pid]


def test_the_time_of_children_that_have_ended_is_still_counted() -> None:
    with child() as started:
        server = Server(started.pid)
        before = server.read()
        started.does("import os; pid = os.fork() or (burn(0.1), os._exit(0)); os.waitpid(pid, 0)")
        after = server.read()
        assert after.reaped - before.reaped == pytest.approx(100_000_000, abs=30_000_000), "in ticks of 10 ms"


def test_an_ended_process_has_no_clock_and_is_not_looked_at_again() -> None:
    with child() as started:
        server = Server(started.pid)
        started.process.kill()
        started.process.wait()
        assert cpu_clock(started.pid) == 0
        with pytest.raises(ProcessLookupError, match=f"process {started.pid}, has ended"):
            server.read()
        with pytest.raises(ProcessLookupError):
            Server(started.pid)


def test_switches_are_counted_in_every_thread() -> None:
    with child() as started:
        server = Server(started.pid)
        started.does("import threading; go = threading.Event(); go.set()")
        before = server.read()
        started.does("for _ in range(200): time.sleep(0.0001)")
        between = server.read()
        assert 200 <= between.switches - before.switches < 2000
        started.begins("t = threading.Thread(target=lambda: [time.sleep(0.0001) for _ in range(200)] and go.wait())")
        started.answer()
        started.does("go.clear(); t.start(); time.sleep(0.1)")
        assert server.read().switches - between.switches >= 200
        started.does("go.set(); t.join()")


def test_memory_is_what_is_resident() -> None:
    with child() as started:
        server = Server(started.pid)
        before = server.read()
        started.does("held = b'x' * (50 << 20)")
        during = server.read()
        started.does("del held")
        after = server.read()
        for name in ("memory", "peak"):
            grown = getattr(during, name) - getattr(before, name)
            assert grown == pytest.approx(50 << 20, rel=0.02), name
        assert server.memory() == pytest.approx(before.memory, abs=2 << 20)
        assert after.peak == pytest.approx(during.peak, abs=2 << 20)
        assert after.memory == pytest.approx(before.memory, abs=2 << 20)


def test_waiting_for_a_core_is_counted() -> None:
    with child() as one, child() as other:
        server = Server(one.pid)
        for each in (one, other):
            each.does("import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})")
        before = server.read()
        for each in (one, other):
            each.begins("burn(0.1)")
        one.answer()
        other.answer()
        assert server.read().waited - before.waited > 30_000_000, "it shared the core with the other for a while"


def test_rest_tells_busy_from_idle() -> None:
    with child() as started:
        server = Server(started.pid)
        assert server.rest(5.0)
        started.begins("burn(30)")
        assert not server.rest(0.4)
