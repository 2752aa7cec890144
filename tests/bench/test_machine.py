"""Facts of the machine, and which of its cores do what."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from netkit.bench import machine
from netkit.bench.machine import Cores, Ticks
from tests.process import environment

pytestmark = pytest.mark.alone  # it measures, and nothing else may run beside it

KEYS = {
    "cpu",
    "cores",
    "cores used",
    "core sharing",
    "memory_gib",
    "kernel",
    "hypervisor",
    "governor",
    "clock",
    "accounting",
    "python",
    "netkit",
    "descriptors",
    "load average",
}


def said(code: str) -> str:
    """What a process of its own prints: its affinity and its limits are not ours."""
    done = subprocess.run(
        (sys.executable, "-c", code), env=environment(), capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


def test_with_one_core_nothing_is_pinned() -> None:
    code = """
import os
from netkit.bench.machine import Cores
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
print(Cores.choose(True))
"""
    assert said(code) == "Cores(server=None, load=None)"


def test_with_more_cores_server_and_load_have_one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_allowed", lambda: [0, 2, 4, 5])
    monkeypatch.setattr(machine, "_siblings", lambda core: {core})
    assert Cores.choose(True) == Cores(server=5, load=0)
    assert Cores.choose(False) == Cores(None, None)


def test_threads_of_one_core_are_kept_apart_where_that_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_allowed", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(machine, "_siblings", lambda core: {0, 3})
    assert Cores.choose(True) == Cores(server=3, load=1)
    monkeypatch.setattr(machine, "_siblings", lambda core: {0, 1, 2, 3})
    assert Cores.choose(True) == Cores(server=3, load=0)


@pytest.mark.parametrize(
    ("listed", "siblings"), [("3\n", {3}), ("1,3\n", {1, 3}), ("2-3\n", {2, 3}), ("0-1,3\n", {0, 1, 3}), ("", {3})]
)
def test_siblings_are_read_as_the_kernel_lists_them(
    listed: str, siblings: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_text", lambda path: listed if "/cpu3/" in path else "")
    assert machine._siblings(3) == siblings


def test_a_probe_leaves_us_where_we_were() -> None:
    before = os.sched_getaffinity(0)
    took = machine.probe(max(before))
    assert 1000 < took < 10_000_000, "microseconds"
    assert os.sched_getaffinity(0) == before


def test_a_core_that_is_not_ours_is_not_an_error() -> None:
    before = os.sched_getaffinity(0)
    machine.pin(4095)
    assert os.sched_getaffinity(0) == before


def test_descriptors_are_raised_to_the_hard_limit() -> None:
    code = """
import resource
from netkit.bench.machine import raise_descriptors
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
print(raise_descriptors() == hard == resource.getrlimit(resource.RLIMIT_NOFILE)[0])
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
print(raise_descriptors())
"""
    assert said(code).split() == ["True", "100"]


def test_every_fact_is_told_on_this_machine() -> None:
    cores = Cores.choose(True)
    facts = machine.facts(cores)
    assert set(facts) >= KEYS
    assert all(value not in ("", None) for value in facts.values())
    assert facts["cores"] == os.cpu_count()
    assert facts["core sharing"] > 0.3
    assert facts["memory_gib"] > 0.1
    assert facts["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert facts["descriptors"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert facts["click"]


def test_facts_of_an_unpinned_run_say_so() -> None:
    facts = machine.facts(Cores(None, None))
    assert facts["cores used"] == "not pinned"
    assert facts["core sharing"] == 1.0


def test_what_was_stolen_is_a_share_of_all_ticks() -> None:
    assert Ticks.shares([(Ticks(10, 20, 300, 1200), Ticks(30, 60, 500, 1600))]) == {
        "steal": 0.05,
        "softirq": 0.1,
        "busy": 0.5,
    }
    pauses = [(Ticks(0, 0, 0, 0), Ticks(9, 0, 50, 100)), (Ticks(9, 0, 90, 500), Ticks(9, 30, 100, 700))]
    assert Ticks.shares(pauses) == {"steal": 0.03, "softirq": 0.1, "busy": 0.2}
    assert Ticks.shares([(Ticks(0, 0, 0, 7), Ticks(0, 0, 0, 7))]) == {"steal": 0.0, "softirq": 0.0, "busy": 0.0}


def test_ticks_are_read_of_one_core_and_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "cpu  10 0 10 70 0 1 4 5 0 0\ncpu1 5 0 5 35 0 0 3 2 0 0\ncpu10 1 1 1 1 1 1 1 1 0 0\n"
    monkeypatch.setattr(machine, "_text", lambda path: text if path == "/proc/stat" else "")
    assert Ticks.read(None) == Ticks(5, 4, 25, 100)
    assert Ticks.read(1) == Ticks(2, 3, 13, 50)
    assert Ticks.read(7) == Ticks(0, 0, 0, 0)
