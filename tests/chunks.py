"""A stream of bytes, cut as a network may cut it."""

from __future__ import annotations


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """The data in chunks of the sizes given; what is left over is the last one."""
    chunks = []
    for size in at:
        chunks.append(data[:size])
        data = data[size:]
    return [*chunks, data]
