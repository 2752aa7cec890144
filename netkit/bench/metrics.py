"""The figures that a cell may have: a name, a unit, and which way is better. What is shown comes from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a cell.

    Attributes:
        name: what it is called in a result file.
        label: what it is called in a table.
        unit: of the stored value; empty for a plain number.
        about: one sentence.
        higher_is_better: which way a difference is an improvement.
        tail: says something only with many samples behind it, see ``TAIL_SAMPLES``, and is never ranked by.
    """

    name: str
    label: str
    unit: str
    about: str
    higher_is_better: bool = False
    tail: bool = False


#: Samples that a tail figure needs: with fewer, one message in a thousand is but a handful.
TAIL_SAMPLES = 10_000

ALL = (
    Metric("cpu", "CPU", "us", "CPU time of the server for each message"),
    Metric("capacity", "capacity", "1/s", "highest rate at which the 99th percentile kept its bound", True),
    Metric("during_p99", "p99, one stalled", "us", "99th percentile for the others while one client does not read"),
    Metric("before_p99", "p99, before", "us", "99th percentile while every client reads"),
    Metric("growth", "growth", "KiB", "resident memory that the server gained while one client did not read"),
    Metric("idle", "idle", "KiB", "resident memory for each connection that is open and silent"),
    Metric("used", "after traffic", "KiB", "resident memory for each connection after one message"),
    Metric("left", "left behind", "KiB", "resident memory still held for each connection after all have left"),
    Metric("rate", "rate", "1/s", "messages a second; the server's own limit only where it is server-bound", True),
    Metric("p50", "p50", "us", "median response time, from the intended time of sending in an open loop"),
    Metric("p99", "p99", "us", "99th percentile of the response time"),
    Metric("p999", "p99.9", "us", "99.9th percentile of the response time", tail=True),
    Metric("max", "max", "us", "longest response time", tail=True),
    Metric("service_p99", "service p99", "us", "99th percentile from the real time of sending"),
    Metric("lateness_p99", "lateness p99", "us", "99th percentile of how much later than intended the load sent"),
    Metric("first_p50", "first receiver", "us", "median delivery time to the first receiver of each line"),
    Metric("last_p50", "last receiver", "us", "median delivery time to the last receiver of each line"),
    Metric("reach", "reach", "", "deliveries received of those expected", True),
    Metric("switches", "switches", "", "context switches of the server for each message"),
    Metric("instructions", "instructions", "", "user-space instructions of the server for each message"),
    Metric("memory", "memory", "KiB", "resident memory of the server at the end of the window"),
)

BY_NAME = {metric.name: metric for metric in ALL}
