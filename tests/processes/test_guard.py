"""The process that ends the servers when the bench cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netkit.errors import ProcessError
from netkit.processes.guard import Guard
from tests.bench.conftest import assert_gone
from tests.process import PATIENCE, Program

GUARD = (sys.executable, "-m", "netkit.processes.guard")

#: What ends a bench and not its guard.
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: A process in a group of its own with a child in it.
FAMILY = ("sh", "-c", "sleep 60 & echo $!; wait")


@contextmanager
def family() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The leader of a group, and the process id of its child."""
    with subprocess.Popen(FAMILY, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def test_what_was_started_and_not_ended_is_killed_when_its_input_ends() -> None:
    with family() as (left, child), family() as (ended, _), Program(*GUARD) as guard:
        guard.types(f"+{left.pid}\n+{ended.pid}\n-{ended.pid}\n".encode())
        guard.ends_input()
        assert guard.wait() == 0
        assert left.wait(PATIENCE) == -signal.SIGKILL
        assert ended.poll() is None
        assert_gone([child])
        assert (guard.output.rest(), guard.errors.rest()) == (b"", b"")


def test_it_goes_on_when_the_bench_is_interrupted() -> None:
    with family() as (left, _), Program(*GUARD) as guard:
        guard.types(f"+{left.pid}\n".encode())
        wait_until_it_ignores(guard)
        for number in IGNORED:
            guard.signal(number)
        guard.ends_input()
        assert guard.wait() == 0
        assert left.wait(PATIENCE) == -signal.SIGKILL


def wait_until_it_ignores(guard: Program) -> None:
    """One of them may be ignored from the start: a suite under nohup ignores SIGHUP."""
    bits = sum(1 << (number - 1) for number in IGNORED)
    while ignored(guard.process.pid) & bits != bits:
        assert guard.process.poll() is None


def ignored(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn:"))


def test_a_group_that_has_gone_already_is_no_trouble() -> None:
    with family() as (gone, _), family() as (left, _), Program(*GUARD) as guard:
        os.killpg(gone.pid, signal.SIGKILL)
        gone.wait()
        guard.types(f"+{gone.pid}\n+{left.pid}\n".encode())
        guard.ends_input()
        assert guard.wait() == 0
        assert left.wait(PATIENCE) == -signal.SIGKILL
        assert guard.errors.rest() == b""


def test_it_ends_with_the_run_that_it_guards() -> None:
    with family() as (left, _):
        with Guard() as guard:
            guard.tell(f"+{left.pid}")
        assert guard.process.returncode == 0
        assert left.wait(PATIENCE) == -signal.SIGKILL


def test_a_run_without_its_guard_starts_nothing_more() -> None:
    with Guard() as guard:
        guard.process.kill()
        guard.process.wait()
        with pytest.raises(ProcessError, match="was killed: nothing more is started"):
            guard.tell("+1000000")
