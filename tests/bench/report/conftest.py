"""A result as a run would have written it: every kind of workload, from values drawn with a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest

from netkit.bench import histograms, stats
from netkit.bench.arms import CONTROL, Arm
from netkit.bench.results import Result, Round, Sample, Series, save, to_json
from netkit.bench.scenario import Workload
from netkit.bench.summary import Summary, summarise

#: With one spoilt, enough for a difference to hold among all comparisons of the run.
ROUNDS = 13

#: The round that does not count, and why.
SPOILT, WHY = 3, "steal of 3.1 % on the server's core"

BASELINE = "streams-asyncio"

OWN = [
    Arm(f"{layer}-{loop}", f"{layer} on {loop}", layer, loop)
    for loop in ("asyncio", "uvloop")
    for layer in ("streams", "protocols", "transports")
]
PEERS = [Arm("go", "go", command="./echo -p {port}"), Arm("ncat", "ncat", command="ncat -kl {port}")]

#: What each server costs, as a multiple of the baseline.
COSTS = dict(zip((arm.name for arm in (*OWN, *PEERS)), (1, 0.72, 0.7, 0.62, 0.41, 0.4, 0.33, 1.6), strict=True))

WORKLOADS = [
    Workload(scenario="echo", kind="closed", about="closed loop: a message goes out when an answer has come in"),
    Workload(
        scenario="echo", kind="closed", about="closed loop: a message goes out when an answer has come in", tls=True
    ),
    Workload(scenario="echo-rate", kind="open", about="open loop: messages go out when they are due", rate=12_000),
    Workload(
        scenario="chat", kind="chat", service="chat", size=64, conns=100, senders=20, depth=4, rate=800, about="fan-out"
    ),
    Workload(scenario="stalled", kind="stalled", service="chat", conns=20, senders=4, depth=4, rate=2400),
    Workload(scenario="churn", kind="churn", size=64, conns=32, about="connect, one echo, close, over and over"),
    Workload(scenario="idle", kind="idle", conns=1000, about="resident memory for each connection"),
    Workload(scenario="capacity-echo", kind="capacity", about="highest rate at which p99 keeps its bound"),
]

#: Which histograms each kind of workload has.
HISTOGRAMS = {
    "closed": ("response",),
    "open": ("response", "service", "lateness"),
    "chat": ("response", "first", "last", "lateness"),
    "stalled": ("before", "during", "lateness"),
    "churn": ("response",),
}

MACHINE = {
    "cpu": "Imaginary 9000 @ 3.00GHz",
    "cores": 4,
    "cores used": "server 3, load 1",
    "core sharing": 1.012,
    "memory_gib": 15.6,
    "kernel": "Linux 6.1.0",
    "hypervisor": "none seen",
    "python": "CPython 3.13.1",
    "uvloop": "0.22.1",
    "descriptors": 524288,
    "not_yet_known": {"pinned": True, "ages": [1, 2]},
}

Make: TypeAlias = Callable[..., Result]


@dataclass(frozen=True)
class Drawn:
    """How to draw values of one run.

    Attributes:
        random: where they come from.
        noise: standard deviation of their logarithms.
    """

    random: Random
    noise: float = 0.012

    def about(self, value: float) -> float:
        return value * self.random.lognormvariate(0, self.noise)

    def histogram(self, microseconds: float, spread: float = 0.3) -> str:
        times = [int(1000 * microseconds * self.random.lognormvariate(0, spread)) for _ in range(1500)]
        return histograms.encode(times)


def figures(workload: Workload, cost: float, drawn: Drawn) -> dict[str, float]:
    """The figures of one sample."""
    slow = 25 * cost * (4 if workload.tls else 1)
    p99 = 60 * cost + 900
    match workload.kind:
        case "idle":
            held = {"idle": 3 + 4 * cost, "used": 3.5 + 6 * cost, "left": 0.2 * cost, "memory": 28_000 + 7000 * cost}
        case "capacity":
            held = {"capacity": 30_000 / cost}
        case "stalled":
            held = {"cpu": slow / 3, "before_p99": p99, "during_p99": p99 * (1 + cost), "growth": 4000 * cost}
        case "churn":
            held = {"cpu": slow * 4, "rate": 9000 / cost, "p99": p99}
        case "closed":
            held = {"cpu": slow, "rate": 38_000 / cost, "p50": p99 / 2, "p99": p99, "p999": p99 * 2, "max": p99 * 5}
            held |= {"switches": 0.02, "memory": 28_000 + 2000 * cost}
        case _:
            held = {"cpu": slow, "rate": workload.rate, "p50": p99 / 3, "p99": p99, "service_p99": p99 * 0.8}
            held |= {"lateness_p99": 40, "memory": 28_000 + 2000 * cost}
    made = {name: drawn.about(value) for name, value in held.items()}
    return made | {"reach": 1.0} if workload.kind == "chat" else made


def busy(workload: Workload, arm: str) -> dict[str, float]:
    """What stamps the cell: on plain echo the fastest server is faster than the load, and the baseline is busy."""
    if workload.kind == "capacity":
        return {"load_limited": float(arm == "go")}
    if workload.kind == "closed" and not workload.tls and arm == "go":
        return {"server_busy": 0.61, "load_busy": 0.97}
    server = 0.99 if workload.kind == "closed" else 0.52
    return {"server_busy": server, "load_busy": 0.55, "achieved": 1.0, "messages": 40_000.0, "seconds": 2.0}


def series(workload: Workload, arms: list[Arm], rounds: int, drawn: Drawn) -> Series:
    """The rounds of one workload; in churn, ncat failed once, and in echo one round was spoilt."""
    wide = {"lateness": 20.0, "during": 2500.0}
    kinds = HISTOGRAMS.get(workload.kind, ())
    recorded = {
        arm.name: {kind: drawn.histogram(wide.get(kind, 300.0) * (0.5 + COSTS.get(arm.name, 1))) for kind in kinds}
        for arm in arms
    }
    made = Series(workload, arms, BASELINE, planned=rounds)
    names = [*(arm.name for arm in arms), CONTROL]
    for number in range(1, rounds + 1):
        order = drawn.random.sample(names, len(names))
        one = Round(number, order, probe=[drawn.about(10_000) for _ in range(14)], steady=list(range(13)))
        for name in names:
            arm = BASELINE if name == CONTROL else name
            held = figures(workload, COSTS.get(arm, 1), drawn)
            one.samples[name] = Sample("", held, busy(workload, arm), dict(recorded[arm]))
        if workload.kind == "churn" and number == 2 and "ncat" in one.samples:
            one.samples["ncat"] = Sample("it refused a connection")
        made.rounds.append(one)
    if workload.scenario == "echo" and not workload.tls and rounds > SPOILT:
        made.rounds[SPOILT - 1].spoilt = WHY
    return made


@pytest.fixture(scope="module", autouse=True)
def _few_resamples() -> Iterator[None]:
    """How exact the ends of intervals are does not matter here, and how long they take does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stats, "RESAMPLES", 300)
        yield


@pytest.fixture(scope="session")
def make() -> Make:
    """Make a result: of which workloads, of which servers, of how many rounds."""

    def made(
        workloads: list[Workload] = WORKLOADS, arms: list[Arm] | None = None, rounds: int = ROUNDS, seed: int = 7
    ) -> Result:
        drawn = Drawn(Random(seed))
        started = "2026-11-25T08:31:00+01:00"
        result = Result("1.2.3", started, seed, quick=False, machine=dict(MACHINE), finished=True)
        result.series = [series(each, arms or [*OWN, *PEERS], rounds, drawn) for each in workloads]
        return result

    return made


@pytest.fixture(scope="session")
def result(make: Make) -> Result:
    """Everything at once. Do not change it."""
    return make()


@pytest.fixture(scope="session")
def summaries(result: Result) -> list[Summary]:
    """What can be said of it."""
    with pytest.MonkeyPatch.context() as patch:  # it is made before the module's own fixtures
        patch.setattr(stats, "RESAMPLES", 300)
        return summarise(result)


@pytest.fixture
def small(make: Make) -> Result:
    """Three servers in a plain echo, to be changed."""
    return make([WORKLOADS[0]], OWN[:3], 7)


@pytest.fixture
def file(small: Result, tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "result.json"
    save(path, to_json(small))
    return path
