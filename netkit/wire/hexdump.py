"""Bytes as ``hexdump -C`` shows them: for people who want to see what really passed."""

from __future__ import annotations

from collections.abc import Iterator

#: Bytes of one row.
WIDTH = 16


def rows(data: bytes, offset: int = 0) -> Iterator[str]:
    """A line for each 16 bytes: the offset of the first one, all of them in hexadecimal, and those that are ASCII.

    Args:
        data: what is shown.
        offset: of its first byte.
    """
    for start in range(0, len(data), WIDTH):
        part = data[start : start + WIDTH]
        halves = f"{part[: WIDTH // 2].hex(' '):23}  {part[WIDTH // 2 :].hex(' '):23}"
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        yield f"{offset + start:08x}  {halves}  |{shown}|"
