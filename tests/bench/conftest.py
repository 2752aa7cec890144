"""The real harness, for tests that measure: real processes, real sockets, small and short."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from random import Random
from threading import Lock
from typing import Any, TypeAlias

import psutil
import pytest

from netkit.bench.arms import Arm
from netkit.bench.machine import Cores, raise_descriptors
from netkit.bench.results import Sample
from netkit.bench.rounds import Bench
from netkit.bench.scenario import Workload
from netkit.processes.certificates import Certificates
from netkit.processes.guard import Guard
from tests.bench import servers
from tests.process import PATIENCE

#: What every workload has unless a test says otherwise. Seconds, bytes.
SMALL: dict[str, Any] = {"scenario": "small", "warmup": 0.05, "seconds": 0.2, "size": 100, "conns": 2}

#: The same for a chat: how many write, lines in one write, lines a second.
ROOM: dict[str, Any] = SMALL | {"service": "chat", "conns": 4, "senders": 2, "depth": 4, "rate": 800.0, "size": 64}

#: What a server of ours is told where it is to speak TLS.
TLS = ("--cert", "{cert}", "--key", "{key}")

Measure: TypeAlias = Callable[..., Sample]


class SharedGuard(Guard):
    """One for cells that are measured at the same time."""

    lock = Lock()

    def tell(self, line: str) -> None:
        with self.lock:
            super().tell(line)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """What the cells of these tests share."""
    raise_descriptors()
    with SharedGuard() as guard:
        yield Bench(Cores.choose(True), Certificates.make(tmp_path_factory.mktemp("bench")), guard, Random(1))


def arm(kind: str, *options: str | int) -> Arm:
    """One of ``servers.py``."""
    return Arm(kind, kind, command=servers.command(kind, *options))


@pytest.fixture(scope="session")
def measure(bench: Bench) -> Measure:
    """Measures one cell: a kind of server with its options, and what is special about the workload."""

    def cell(server: str, /, *options: str | int, **special: Any) -> Sample:
        usual = ROOM if special.get("service") == "chat" and special["kind"] != "idle" else SMALL
        workload = Workload(**usual | special)
        tls = TLS if workload.tls else ()
        return bench.cell(arm(server, "--size", workload.size, *tls, *options), workload)

    return cell


def assert_gone(pids: Sequence[int]) -> None:
    """These processes have ended, or do so soon."""
    until = time.monotonic() + PATIENCE
    while left := [pid for pid in pids if is_running(pid)]:
        assert time.monotonic() < until, f"{left} are still there"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether there is such a process. One that has ended and that nobody has waited for yet does not count."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
