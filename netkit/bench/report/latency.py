"""Latency by percentile: the histograms of all rounds that count, merged, and read where HdrHistogram's plots are.

Percentiles are never averaged: the counts are added, and the percentiles are those of the sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..results import Series

#: The histograms that a sample may have, in the order in which they are shown, and what each one tells.
KINDS = {
    "response": "Response time",
    "service": "Service time: from the real sending",
    "before": "Delivery while every client reads",
    "during": "Delivery while one client does not read",
    "first": "Delivery to the first receiver of a line",
    "last": "Delivery to the last receiver of a line",
    "lateness": "Lateness of the load itself",
}

#: Points of a curve for each factor of ten towards 100 %.
POINTS = 24

#: Percentiles that a curve has a mark at, and that the axis names.
MARKED = (50.0, 90.0, 99.0, 99.9, 99.99, 99.999)

#: Samples that must lie beyond a percentile for it to be drawn: fewer say nothing about it.
BEYOND = 10


@dataclass(frozen=True, slots=True)
class Point:
    """One percentile.

    Attributes:
        percentile: 0 to 100.
        place: where it stands on the axis: 1 / (1 - percentile / 100).
        value: in microseconds.
        marked: whether it is one of ``MARKED``.
    """

    percentile: float
    place: float
    value: float
    marked: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """What one arm's messages took.

    Attributes:
        arm: its name.
        samples: how many messages.
        points: from the fastest to the slowest.
    """

    arm: str
    samples: int
    points: list[Point]


def curves(series: Series, arms: list[str], kind: str) -> list[Curve]:
    """A curve for each of some arms that has such a histogram in every round that counts.

    Raises:
        ResultError: a histogram cannot be read.
    """
    # Here and not above: it needs a package that Markdown does without.
    from .. import histograms

    found = []
    for arm in arms:
        texts = [each.samples[arm].histograms.get(kind, "") for each in series.kept if arm in each.samples]
        if not texts or not all(texts):
            continue
        merged = histograms.merged(texts)
        if merged.get_total_count() > BEYOND:
            found.append(_curve(arm, merged))
    return found


def _curve(arm: str, merged: Any) -> Curve:
    samples = merged.get_total_count()
    wanted = percentiles(samples)
    values = merged.get_percentile_to_value_dict(wanted)
    points = [Point(each, 1 / (1 - each / 100), values[each] / 1000, each in MARKED) for each in wanted]
    return Curve(arm, samples, points)


def percentiles(samples: int) -> list[float]:
    """Those of a curve of so many messages, ascending: evenly spread over the axis, as far as the messages reach."""
    farthest = samples / BEYOND
    steps = [10 ** (step / POINTS) for step in range(1, 12 * POINTS)]
    spread = {100 * (1 - 1 / place) for place in steps if place <= farthest}
    return sorted(spread | {each for each in MARKED if 1 / (1 - each / 100) <= farthest * (1 + 1e-9)})
