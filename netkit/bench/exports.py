"""What was measured, for the tools of others: HdrHistogram's log format, and pyperf's JSON.

Rule 1: only what a verdict would stand on goes out: rounds that count, and arms that failed in none of them.
Rule 2: what is not known is left out. It is never a zero.
Rule 3: a cell has the same name in both, ``WORKLOAD/ARM``, such as ``echo-1024B-50c-1d/streams-asyncio``. What is
    neither a letter nor a digit nor one of ``KEPT`` stands in it as in a URL, a space as ``%20``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ..errors import ResultError
from . import histograms
from .metrics import Metric
from .results import Result, Round, Sample, Series
from .summary import failure, ranked_by, values

#: Beside letters and digits, what a name keeps: a comma, a space or the end of a line would end a tag of a log.
KEPT = "/+-._~"

LOG_VERSION = "1.3"
LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'

#: Nanoseconds in a millisecond: by what ``Interval_Max`` is scaled, as HdrHistogram's own writer does.
MAX_SCALE = 1_000_000

PYPERF_VERSION = "1.0"


def hlog(result: Result) -> str:
    """Every histogram of a run, as a log that HdrHistogram's tools read.

    The values are **nanoseconds**; ``Interval_Max`` alone is in milliseconds (``MAX_SCALE``), as those tools expect it.
    One line is one histogram of one arm in one round, tagged ``WORKLOAD/ARM/HISTOGRAM``: choose a tag, and what is
    read is that cell over all rounds.

    ``Interval_Length`` is the window in seconds. When each window began was not written down, only their order: a
    window is taken to begin where the one before it ended, the first when the run was started. The time between
    windows is thus missing.

    Raises:
        ResultError: a histogram is damaged, or when the run was started cannot be read.
    """
    try:
        started = datetime.fromisoformat(result.started)
    except ValueError:
        raise ResultError(f"the run was started at {result.started!r}, which is no time: measure again") from None
    lines = [
        f"#[Histogram log format version {LOG_VERSION}]",
        f"#[StartTime: {started.timestamp():.3f} (seconds since epoch), {started.isoformat(' ')}]",
        f"#[BaseTime: {started.timestamp():.3f} (seconds since epoch)]",
        "#[Values are nanoseconds, Interval_Max is milliseconds]",
        LEGEND,
    ]
    clock = 0.0
    for series in result.series:
        good = {arm.name for arm in series.arms if not failure(series, arm.name)}
        for each, arm, sample in _measured(series):
            seconds = sample.observed.get("seconds", series.workload.seconds)
            if arm in good and not each.spoilt:
                lines += _entries(_name(series, arm), sample, clock, seconds)
            clock += seconds
    return "\n".join(lines) + "\n"


def _measured(series: Series) -> Iterator[tuple[Round, str, Sample]]:
    """Every sample in the order in which they were taken."""
    for each in series.rounds:
        for arm in each.order:
            if arm in each.samples:
                yield each, arm, each.samples[arm]


def _entries(name: str, sample: Sample, start: float, seconds: float) -> Iterator[str]:
    for kind, text in sample.histograms.items():
        largest = histograms.decode(text).get_max_value() / MAX_SCALE
        yield f"Tag={name}/{_escaped(kind)},{start:.3f},{seconds:.3f},{largest:.3f},{text}"


def pyperf(result: Result) -> str:
    """A suite for ``python -m pyperf stats``, ``hist`` and ``compare_to``.

    A benchmark is one arm of one workload, and a run of it one round, with the figure that the workload is ranked by:
    a time in seconds, memory in bytes, and a rate as the seconds that one message has, so that less is better in
    all of them, as pyperf takes it. Where it is CPU time, ``loops`` are the messages of the window.

    pyperf compares two files without regard to how fast the machine was each time; ``netkit compare`` does not.

    Raises:
        ResultError: there is no arm with figures, and pyperf reads no empty suite.
    """
    found = [_benchmark(series, arm.name) for series in result.series for arm in series.arms]
    benchmarks = [each for each in found if each]
    if not benchmarks:
        raise ResultError("no arm of this result has figures in every round: there is nothing for pyperf to read")
    facts = {"netkit": result.netkit, "started": result.started, "quick": result.quick, **result.machine}
    # With a prefix: pyperf has a meaning of its own for some names, and refuses what does not fit it.
    metadata = {f"netkit_{name.replace(' ', '_')}": " ".join(str(value).split()) for name, value in facts.items()}
    known = {name: value for name, value in metadata.items() if value}
    suite = {"version": PYPERF_VERSION, "metadata": known, "benchmarks": benchmarks}
    return json.dumps(suite, separators=(",", ":")) + "\n"


def _benchmark(series: Series, arm: str) -> dict[str, Any]:
    """One arm; empty where it has no figures, or one that pyperf refuses."""
    metric = ranked_by(series)
    figures = [] if failure(series, arm) else values(series, arm, metric.name)
    if not figures or not all(0 < value < math.inf for value in figures):
        return {}
    samples = [each.samples[arm] for each in series.kept]
    unit = "byte" if metric.unit == "KiB" else "second"
    return {
        "metadata": {"name": _name(series, arm), "unit": unit, "netkit_metric": metric.about},
        "runs": [
            {"values": [_converted(value, metric)], "metadata": _run_metadata(sample, metric)}
            for value, sample in zip(figures, samples, strict=True)
        ],
    }


def _converted(value: float, metric: Metric) -> float:
    match metric.unit:
        case "us":
            return value / 1e6
        case "KiB":
            return value * 1024
        case _:
            return 1 / value


def _run_metadata(sample: Sample, metric: Metric) -> dict[str, Any]:
    loops = int(sample.observed.get("messages", 1)) if metric.name == "cpu" else 1
    seconds = sample.observed.get("seconds")
    return {"loops": max(1, loops)} | ({"duration": seconds} if seconds is not None else {})


def _name(series: Series, arm: str) -> str:
    return _escaped(f"{series.workload.key}/{arm}")


def _escaped(name: str) -> str:
    return quote(name, KEPT, errors="replace")
