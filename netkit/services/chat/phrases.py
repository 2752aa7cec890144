"""Phrases that more than one answer of the chat is made of. Pure text in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .refusal import Refusal

#: Columns of a line of names: the width of a terminal, less the ``*** `` in front.
WIDTH = 76

#: Characters of what somebody typed that are repeated to them.
QUOTED = 32

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

_DURATION = re.compile(r"(\d{1,6})([smhdw])")


def count(number: int, noun: str) -> str:
    """A number with its noun: ``1 line``, ``2 lines``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def quote(text: str) -> str:
    """What somebody typed, short enough to be repeated in an answer to it."""
    return text if len(text) <= QUOTED else text[:QUOTED] + "..."


def names(nicks: Sequence[str], most: int) -> str:
    """Some names, of which at most so many are told: ``ann, bob and 3 more``."""
    told = ", ".join(nicks[:most])
    return told if len(nicks) <= most else f"{told} and {len(nicks) - most} more"


def duration(seconds: float) -> str:
    """A time in its largest unit or two: ``45 s``, ``3 min``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def seconds(text: str) -> float:
    """How long somebody means: ``90s``, ``10m``, ``2h``, ``7d``, ``4w``.

    Raises:
        Refusal: it cannot be read.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not int(found[1]):
        raise Refusal(f"cannot read {quote(text)} as a time: write 90s, 10m, 2h, 7d or 4w")
    return float(int(found[1]) * _UNITS[found[2]])


def listing(head: str, items: Iterable[str], left_out: int) -> list[str]:
    """``head: one, two, and 3 more``, in as few lines of at most ``WIDTH`` columns as that needs."""
    words = [f"{item}," for item in items]
    if left_out:
        words.append(f"and {left_out} more")
    elif words:
        words[-1] = words[-1].removesuffix(",")
    lines = [f"{head}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
