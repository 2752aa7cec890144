"""A clock that can be set, another program at the database, and short ways to put and read lines."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from netkit import storage
from netkit.services.chat.records import Kept, Lines, Said

#: Seconds until a wait for the thread that writes counts as failed.
PATIENCE = 20.0

Open: TypeAlias = Callable[..., tuple[storage.Worker, Kept]]


@dataclass
class Clock:
    """The time of day, in seconds since the epoch; a round number, so that sums with it are exact."""

    now: float = 2.0**30

    def __call__(self) -> float:
        return self.now


def lines(*numbers: int, room: str = "#a", text: str = "hello") -> tuple[Said, ...]:
    """Lines of a room with these numbers."""
    return tuple(Said(room, number, "ann", text) for number in numbers)


def put(kept: storage.Worker, *records: object) -> None:
    """Put records one after another."""
    for each in records:
        kept.put(each)


def recall(kept: storage.Worker, query: Lines) -> tuple[Said, ...]:
    """The answer to a query."""
    found = kept.recall(query).result(PATIENCE)
    assert isinstance(found, tuple)
    return found


def all_of(kept: storage.Worker, room: str = "#a") -> tuple[Said, ...]:
    """All lines of a room, once all that was put is written."""
    return recall(kept, Lines(room, 0, 1 << 20))


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Another program writes to the database, and takes its time."""
    other = sqlite3.connect(directory / "chat.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()
