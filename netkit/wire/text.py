r"""What may reach a terminal, and what may reach a log.

A terminal obeys what it is shown: an escape sequence from a stranger moves the cursor, renames the window or
writes to the clipboard, and the C1 controls (U+0080 to U+009F) do the same without an ESC. Format characters
turn the reading order round, hide text, or make two different names look alike. So none of them passes
``clean``, nor does anything that starts a new line.
"""

from __future__ import annotations

import re
import unicodedata

#: Combining marks in a row that are let through. Many of them grow into the lines above and below. Unicode's
#: Stream-Safe Text Format (UAX 15, section 13) allows 30, but real orthographies need no more than a few.
MAX_MARKS = 8

# Marks without a column of their own: nonspacing and enclosing. A spacing one (Mc) stands beside its letter.
_MARKS = frozenset({"Mn", "Me"})

# What is dropped: the categories Cc, Cf, Cs, Zl and Zp, and the noncharacters. Written out, since to go
# through all of Unicode would cost a tenth of a second at every start.
_FORBIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # controls: C0, DEL, C1
    "\xad"  # soft hyphen
    "\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"  # Arabic and Syriac format characters
    "\u180e"  # Mongolian vowel separator
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # zero width, line separators, reading order
    "\ufff9-\ufffb"  # interlinear annotation
    "\U000110bd\U000110cd\U00013430-\U0001343f"  # Kaithi and Egyptian format characters
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and music format characters
    "\U000e0000-\U000e007f"  # tags: a whole ASCII that nobody sees
    "\ud800-\udfff"  # surrogates
    "\ufdd0-\ufdef"  # noncharacters, with the last two of each plane
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]+"
)

# Where too many marks in a row may be: no mark is a ``\w``, and none is below U+0300. A class of the marks
# alone would have hundreds of ranges.
_MAYBE_MARKS = re.compile(rf"[^\w\x00-\u02ff]{{{MAX_MARKS + 1},}}")

_NAMED = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def decode(line: bytes) -> tuple[str, bool]:
    """A line as text: UTF-8, with U+FFFD for what is not, and whether there was any of that."""
    try:
        return line.decode(), False
    except UnicodeDecodeError:
        return line.decode(errors="replace"), True


def clean(text: str) -> str:
    """The text without what must not reach a terminal. A tab becomes a space.

    Of combining marks, at most ``MAX_MARKS`` in a row are kept, and none at the start, where they would land
    on what stands before the text.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _FORBIDDEN.sub("", text.replace("\t", " "))
    start = next((at for at, char in enumerate(text) if unicodedata.category(char) not in _MARKS), len(text))
    return _MAYBE_MARKS.sub(_thinned, text[start:])


def visible(data: bytes | str) -> str:
    r"""Bytes or text as one line for a log, with nothing left to guess.

    What is not printable stands as in a Python literal: ``\n``, ``\x1b``, ``\u202e``, and a backslash as
    two. From 80 on, ``\x`` is a byte that is not UTF-8, where a character has ``\u``.
    """
    if isinstance(data, bytes):
        text = data.replace(b"\\", rb"\\").decode(errors="backslashreplace")
    else:
        text = data.replace("\\", r"\\")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _thinned(run: re.Match[str]) -> str:
    """A run of characters some of which may be marks, without the marks that are too many."""
    kept: list[str] = []
    marks = 0
    for char in run[0]:
        marks = marks + 1 if unicodedata.category(char) in _MARKS else 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)


def _escaped(char: str) -> str:
    """One character as an escape."""
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
