"""Figures as people read them: a unit that fits, and no more digits than the measurement carries.

A figure has three significant digits, and fewer where its interval is wide: what is less than a hundredth of the
half-width is not shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .metrics import Metric
from .stats import Interval

#: Significant digits of a figure: the fourth is hardly ever real.
DIGITS = 3

#: For a unit, those that may be read better and how many of it each one holds, itself first.
OTHERS = {
    "us": (("us", 1.0), ("ms", 1e3), ("s", 1e6), ("ns", 1e-3)),
    "KiB": (("KiB", 1.0), ("MiB", 1024.0), ("GiB", 1024.0**2), ("B", 1 / 1024)),
}

#: A p-value below this says no more by more digits.
LEAST_P = 0.001


def figure(metric: Metric, value: float) -> str:
    """One figure with its unit: ``12.3 us``, ``1.20 ms``, ``4.50 KiB``, ``12,300/s``, ``99.98 %``."""
    if metric.name == "reach":
        return share(value)
    unit, factor = fitting(metric.unit, [value])
    return _with_unit(_fixed(value / factor, _places(value / factor, DIGITS)), unit)


def parts(metric: Metric, interval: Interval) -> tuple[str, str]:
    """A figure with its unit, and its interval in the same unit and digits: ``12.3 us`` and ``12.1 to 12.6``.

    One round has no interval, and then the second is empty.
    """
    if metric.name == "reach":
        return share(interval.estimate), f"{share(interval.low)} to {share(interval.high)}"
    unit, factor = fitting(metric.unit, [interval.estimate])
    if interval.low == interval.high:
        return figure(metric, interval.estimate), ""
    estimate, low, high = (value / factor for value in (interval.estimate, interval.low, interval.high))
    half = max(high - estimate, estimate - low)
    places = _places(half, 2) if half > 0 else _places(estimate, DIGITS)
    # Never so coarse that nothing is left of the figure.
    places = max(min(places, _places(estimate, DIGITS)), _places(estimate, 1)) if estimate else places
    texts = [_fixed(value, places) for value in (estimate, low, high)]
    return _with_unit(texts[0], unit), f"{texts[1]} to {texts[2]}"


def with_interval(metric: Metric, interval: Interval) -> str:
    """A figure with its interval: ``12.3 us (12.1 to 12.6)``."""
    value, ends = parts(metric, interval)
    return f"{value} ({ends})" if ends else value


def times(ratio: float) -> str:
    """A ratio: ``0.41``, ``1.20``, ``0.0043``, ``123``."""
    return _fixed(ratio, 2 if 0.1 <= ratio < 10 else _places(ratio, DIGITS - 1 if ratio < 1 else DIGITS))


def times_with_interval(interval: Interval) -> str:
    """A ratio with its interval: ``0.41 (0.40 to 0.42)``."""
    return f"{times(interval.estimate)} ({times(interval.low)} to {times(interval.high)})"


def share(value: float) -> str:
    """A part of a whole: ``3.0 %``, ``0.12 %``. What is not all of it is never shown as 100 %."""
    if value == 1 or value == 0:
        return f"{value:.0%}".replace("%", " %")
    percent = 100 * value
    # Towards 100 it is the distance to it that counts.
    near = min(abs(percent), abs(100 - percent))
    places = min(max(_places(near, 2), 0), 4) if near else 0
    text = _fixed(percent, places)
    return f"{'99.9999' if value < 1 and float(text) >= 100 else text} %"


def percent(value: float, places: int = 0) -> str:
    """A share to so many places: ``97 %``."""
    return f"{value:.{places}%}".replace("%", " %")


def p_value(p: float) -> str:
    """A p-value: ``0.031``, ``< 0.001``."""
    return f"< {LEAST_P}" if p < LEAST_P else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def fitting(unit: str, values: Sequence[float]) -> tuple[str, float]:
    """The unit in which the largest of some values is read best, and how many of the given one it holds."""
    choice = OTHERS.get(unit, ((unit, 1.0),))
    largest = max((abs(_rounded(value)) for value in values), default=0.0)
    return max((each for each in choice if each[1] <= largest), key=lambda each: each[1], default=choice[0])


def _rounded(value: float) -> float:
    """To the digits that are shown, so that 999.9 us is 1.00 ms."""
    return float(f"{value:.{DIGITS - 1}e}")


def _places(value: float, digits: int) -> int:
    """Decimal places that show a value to so many significant digits; negative left of the point."""
    if not value:
        return 0
    return digits - 1 - math.floor(math.log10(float(f"{abs(value):.{digits - 1}e}")) + 1e-12)


def _fixed(value: float, places: int) -> str:
    # Adding 0.0 makes zero of what rounds to minus zero.
    return f"{round(value, places) + 0.0:,.{max(places, 0)}f}"


def _with_unit(text: str, unit: str) -> str:
    return f"{text}/s" if unit == "1/s" else f"{text} {unit}".rstrip()
