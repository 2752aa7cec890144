"""What TAB makes of a word, where something else knows what it may become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from .text import clean

#: Told a word, names all that it may become: each starts with it, but for the case of letters.
Complete: TypeAlias = Callable[[str], Sequence[str]]

#: Names that are shown where there is more than one.
MAX_SHOWN = 50


def nothing(word: str) -> Sequence[str]:
    """For one who knows no words."""
    return ()


def completed(word: str, found: Sequence[str], *, first: bool) -> str:
    """What the word becomes.

    Args:
        word: as it was typed.
        found: what it may become.
        first: nothing is before it on its line. If it is a name, the line is for that one: ``ann: ``.

    Returns:
        The only thing that it may become, and a blank; what all that it may become start with, if that is more
        than the word; otherwise the word.
    """
    if not found:
        return word
    if len(found) == 1:
        return found[0] + (": " if first and not found[0].startswith(("/", "#")) else " ")
    low, high = min(found), max(found)
    same = next((at for at, char in enumerate(low) if high[at : at + 1] != char), len(low))
    return low[:same] if same > len(word) else word


def listing(found: Sequence[str]) -> str:
    """What the word may become, as one line."""
    names = [clean(name) for name in found[:MAX_SHOWN]]
    if len(found) > MAX_SHOWN:
        names.append(f"and {len(found) - MAX_SHOWN} more")
    return "  ".join(names)
