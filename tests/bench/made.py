"""Results that nobody measured, for tests of what reads them. The same arguments give the same result.

The noise is that of a real run: every round has a speed that all its arms share, and every arm a luck of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from netkit.bench import results
from netkit.bench.arms import CONTROL, Arm
from netkit.bench.results import Result, Round, Sample, Series
from netkit.bench.scenario import Workload

BASELINE = "streams-asyncio"

#: What the arms of a made-up run cost, held against the baseline.
ARMS = {BASELINE: 1.0, "protocols-asyncio": 0.6, "protocols-uvloop": 0.4}

ECHO = Workload(scenario="echo", kind="closed")

MACHINE = {
    "cpu": "Made CPU",
    "cores": 2,
    "cores used": "server 1, load 0",
    "kernel": "Linux 6.1",
    "governor": "performance",
    "hypervisor": "yes",
    "accounting": "TICK_CPU_ACCOUNTING",
    "python": "CPython 3.11.9",
    "netkit": "0.1.0",
    "uvloop": "0.22.1",
}

#: Standard deviations, of logarithms: the luck of an arm within a round, and the speed of the whole round.
LUCK, SPEED = 0.01, 0.08


def arm(name: str) -> Arm:
    """One of netkit's own, such as ``protocols-uvloop``; any other name is somebody's command."""
    layer, _, loop = name.partition("-")
    return Arm(name, f"{layer} on {loop}", layer, loop) if loop else Arm(name, name, command=f"{name} {{port}}")


def series(
    seed: int = 0,
    costs: Mapping[str, float] = ARMS,
    workload: Workload = ECHO,
    metric: str = "cpu",
    unit: float = 20.0,
    rounds: int = 10,
    luck: float = LUCK,
) -> Series:
    """The rounds of one workload.

    Args:
        seed: of the noise.
        costs: the arms and what each costs, the baseline first.
        workload: what it is said to be.
        metric: the figure that is made up.
        unit: the figure of an arm whose cost is 1, in the metric's own unit.
        rounds: how many count.
        luck: standard deviation of an arm's own noise.
    """
    random = Random(seed)
    baseline, *_ = costs
    made = Series(workload, [arm(name) for name in costs], baseline, planned=rounds)
    for number in range(1, rounds + 1):
        speed = random.lognormvariate(0, SPEED)
        order = [*costs, CONTROL]
        random.shuffle(order)
        samples = {
            name: sample(metric, unit * speed * costs.get(name, costs[baseline]) * random.lognormvariate(0, luck))
            for name in order
        }
        made.rounds.append(Round(number, order, samples, probe=[10_000.0 * speed] * 14, steady=list(range(13))))
    return made


def sample(metric: str, value: float) -> Sample:
    """A good one, of a server that was busy all the time."""
    observed = {"server_busy": 0.97, "load_busy": 0.5, "messages": 100_000.0, "seconds": 2.0}
    return Sample(figures={metric: value}, observed=observed)


def result(*held: Series, **changes: Any) -> Result:
    """A run with some series, one of the usual kind if none is given."""
    made = Result(
        "0.1.0", "2024-05-01T12:00:00+02:00", 1, False, dict(MACHINE), list(held) or [series()], finished=True
    )
    return replace(made, **changes)


def written(folder: Path, name: str, made: Result) -> Path:
    """The result as a file."""
    path = folder / name
    results.save(path, results.to_json(made))
    return path


def altered(path: Path, **changes: Any) -> Path:
    """The file with some of its keys changed, beside what a result can have."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path
