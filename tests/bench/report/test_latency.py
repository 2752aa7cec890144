from __future__ import annotations

from random import Random

import pytest

from netkit.bench import histograms, stats
from netkit.bench.report import latency
from netkit.bench.results import Round, Sample, Series
from netkit.bench.scenario import Workload


def series(*rounds: list[int], spoilt: str = "") -> Series:
    made = Series(Workload(scenario="echo", kind="closed"), [], "a")
    for number, times in enumerate(rounds, 1):
        sample = Sample(histograms={"response": histograms.encode(times)})
        made.rounds.append(Round(number, ["a"], {"a": sample}))
    made.rounds[-1].spoilt = spoilt
    return made


def drawn(count: int, seed: int) -> list[int]:
    random = Random(seed)
    return [int(random.lognormvariate(12, 1)) for _ in range(count)]


def test_percentiles_are_those_of_all_rounds_together() -> None:
    rounds = [drawn(2000, 1), drawn(3000, 2)]
    (curve,) = latency.curves(series(*rounds), ["a"], "response")
    together = sorted(rounds[0] + rounds[1])
    assert curve.samples == 5000
    for point in curve.points:
        # A histogram's three digits, and its own way to round a rank.
        near = [
            stats.percentile(together, max(0.0, point.percentile - 0.02)),
            stats.percentile(together, point.percentile),
        ]
        assert near[0] / 1000 * 0.998 <= point.value <= near[1] / 1000 * 1.002


def test_a_spoilt_round_is_left_out() -> None:
    (curve,) = latency.curves(series(drawn(500, 1), [10**9] * 500, spoilt="steal"), ["a"], "response")
    assert curve.samples == 500
    assert curve.points[-1].value < 10**5


@pytest.mark.parametrize("samples", [20, 999, 1000, 100_000])
def test_a_curve_ends_where_fewer_than_ten_messages_are_left(samples: int) -> None:
    last = latency.percentiles(samples)[-1]
    beyond = samples * (1 - last / 100)
    assert latency.BEYOND - 1e-6 <= beyond < latency.BEYOND * 1.2


def test_a_curve_begins_with_the_fastest_tenth() -> None:
    assert latency.percentiles(1000)[0] < 10


def test_the_named_percentiles_are_marked() -> None:
    (curve,) = latency.curves(series(drawn(10_000, 3)), ["a"], "response")
    assert [point.percentile for point in curve.points if point.marked] == [50.0, 90.0, 99.0, 99.9]


def test_an_arm_without_such_a_histogram_has_no_curve() -> None:
    assert latency.curves(series(drawn(100, 1)), ["a"], "lateness") == []
