"""Phrases that more than one answer of the chat is made of. Pure text in, text out."""

from __future__ import annotations

from collections.abc import Iterable

#: Columns of a line of names: the width of a terminal, less the ``*** `` in front.
WIDTH = 76

#: Characters of what somebody typed that are repeated to them.
QUOTED = 32


def count(number: int, noun: str) -> str:
    """A number with its noun: ``1 line``, ``2 lines``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def quote(text: str) -> str:
    """What somebody typed, short enough to be repeated in an answer to it."""
    return text if len(text) <= QUOTED else text[:QUOTED] + "..."


def listing(head: str, names: Iterable[str], left_out: int) -> list[str]:
    """``head: one, two, and 3 more``, in as few lines of at most ``WIDTH`` columns as that needs."""
    words = [f"{name}," for name in names]
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
