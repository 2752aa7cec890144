"""Histograms of times in nanoseconds, as HdrHistogram has them: made, read and put together.

Rule 1: a histogram goes from 1 ns to one hour with 3 significant digits, so that any two of them can be added.
Rule 2: as text it is HdrHistogram's V2 form, compressed and in base64, which its tools in every language read.
Rule 3: a sample outside of the range is refused. HdrHistogram itself would leave it out and say nothing.

This is the only place that knows the library. The load uses it, so it imports nothing heavy.
"""

from __future__ import annotations

import binascii
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

from hdrh.codec import HdrCookieException, HdrLengthException  # type: ignore[import-untyped]
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from ..errors import ResultError

#: Nanoseconds, and significant digits.
LOWEST, HIGHEST, DIGITS = 1, 3_600_000_000_000, 3

#: Values of as many bits are told apart one by one: twice 10 to the power of ``DIGITS``, rounded up to a power of 2.
FINE = (2 * 10**DIGITS - 1).bit_length()
FINEST = (1 << FINE) - 1

#: What the library raises for a text that is none of its own: ValueError covers base64, IndexError the counts.
UNREADABLE = (HdrCookieException, HdrLengthException, zlib.error, binascii.Error, ValueError, TypeError, IndexError)


def encode(samples: Sequence[int]) -> str:
    """A histogram of the samples, as text: the same as recording them one by one, at a tenth of the time.

    Args:
        samples: nanoseconds; none is fine too.

    Raises:
        ValueError: a sample is negative or longer than an hour.
    """
    if len(samples) and not 0 <= min(samples) <= max(samples) <= HIGHEST:
        raise ValueError(f"samples of {min(samples)} to {max(samples)} ns are not between 0 and one hour")
    # To the lowest value of its bucket first: a million samples then give some thousand different values.
    counted = Counter([value >> (step := (value | FINEST).bit_length() - FINE) << step for value in samples])
    made = empty()
    for value, count in counted.items():
        made.record_value(value, count)
    return str(made.encode(), "ascii")


def empty() -> HdrHistogram:
    """A histogram that holds nothing yet."""
    return HdrHistogram(LOWEST, HIGHEST, DIGITS)


def decode(text: str) -> HdrHistogram:
    """Read what ``encode`` gave. Where it is read is in nanoseconds too.

    Raises:
        ResultError: it is no histogram.
    """
    try:
        found = HdrHistogram.decode(text)
    except UNREADABLE as wrong:
        raise ResultError(f"a histogram is damaged ({type(wrong).__name__}: {wrong}): measure again") from None
    kind = found.lowest_trackable_value, found.highest_trackable_value, found.significant_figures
    if kind != (LOWEST, HIGHEST, DIGITS):
        raise ResultError("a histogram has another range than netkit's, from 1 ns to one hour: measure again")
    return found


def merged(texts: Iterable[str]) -> HdrHistogram:
    """One histogram of all the samples of some: the only way to a percentile over several rounds.

    Raises:
        ResultError: one of them is no histogram.
    """
    made = empty()
    for text in texts:
        made.add(decode(text))
    return made
