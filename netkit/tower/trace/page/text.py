"""Text in a page and in a drawing: escaped, measured and broken into lines, none of which a browser helps with in SVG.

Names of services and what they call come from whoever wrote them, so nothing reaches a page but through ``escape``.
"""

from __future__ import annotations

import html
import unicodedata

from ....wire.text import visible

#: Widths as a part of the size of the font, those of DejaVu Sans: few fonts that a browser takes here are wider.
NARROW, USUAL, BROAD, FULL = 0.37, 0.62, 0.88, 1.05

_NARROW = frozenset("ijlIt.,:;'|!()[]{}/\\ rf-")
_BROAD = frozenset("mwMW@%ABCDEGHKNOQRUVX&_+=<>~")


def escape(text: object) -> str:
    """As text of an element or of an attribute; what is not printable is written out."""
    return html.escape(visible(str(text)))


def width(text: str, size: float) -> float:
    """About how wide a line is, rather too wide than too narrow, in the unit of the font's size."""
    return size * sum(map(_width, text))


def _width(char: str) -> float:
    if char in _NARROW:
        return NARROW
    if char in _BROAD:
        return BROAD
    return FULL if unicodedata.east_asian_width(char) in "WF" else USUAL


def wrap(text: str, size: float, room: float, most: int) -> list[str]:
    """Break text into lines. What is too long for a line is broken within, and what is too long for all is cut.

    Args:
        text: without any markup.
        size: of the font.
        room: how wide a line may be.
        most: how many lines there may be.
    """
    lines: list[str] = []
    rest = visible(text).split()
    while rest and len(lines) < most:
        line, rest = _line(rest, size, room)
        lines.append(line)
    if rest:
        lines[-1] = _fitting(lines[-1] + "…", size, room, end="…")
    return lines


def _line(words: list[str], size: float, room: float) -> tuple[str, list[str]]:
    """The first line, and the words that are left."""
    for count in range(len(words), 0, -1):
        line = " ".join(words[:count])
        if width(line, size) <= room:
            return line, words[count:]
    head = _fitting(words[0], size, room)
    return head, [words[0][len(head) :], *words[1:]]


def _fitting(word: str, size: float, room: float, end: str = "") -> str:
    """As much of a word as there is room for, one character at least, with an end that it keeps."""
    body = word.removesuffix(end)
    while len(body) > 1 and width(body + end, size) > room:
        body = body[:-1]
    return body + end
