"""Whatever is put, in whatever order and batches: what is found is what a few dictionaries say."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from netkit import storage
from netkit.services.chat.records import Ban, Forgotten, Kept, KeptRoom, Lines, Reserved, Said, Topic, Unban
from netkit.storage.database import MARGIN
from tests.storage.rig import Clock, recall

ROOMS = ("#a", "#b", "#ß\0")
TARGETS = ("@bob", "192.0.2.0/24")

rooms = st.sampled_from(ROOMS)
targets = st.sampled_from(TARGETS)
numbers = st.integers(0, 40) | st.integers(0, 2**53)
texts = st.text(max_size=20)
seconds = st.none() | st.integers(1, 1000).map(float)


@dataclass(frozen=True)
class Asked:
    """All that came before is written; the answer is looked at."""

    query: Lines


Step: TypeAlias = object

records: st.SearchStrategy[Step] = st.one_of(
    st.builds(Said, rooms, numbers, texts, texts, st.booleans()),
    st.builds(Topic, rooms, texts),
    st.builds(Reserved, rooms, numbers),
    st.builds(Forgotten, rooms),
    st.builds(Ban, targets, texts, texts, seconds),
    st.builds(Unban, targets),
    st.builds(Asked, st.builds(Lines, rooms, numbers, st.integers(0, 10), st.booleans())),
)


@dataclass
class Room:
    topic: str = ""
    number: int = 0
    reserved: int = 0
    lines: dict[int, Said] = field(default_factory=dict)


@dataclass
class Model:
    """What the storage is to know."""

    rooms: dict[str, Room] = field(default_factory=dict)
    bans: dict[str, Ban] = field(default_factory=dict)

    def put(self, record: object) -> None:
        match record:
            case Said(name, number):
                room = self.rooms.setdefault(name, Room())
                room.lines[number] = record
                room.number = max(room.number, number)
            case Topic(name, text):
                self.rooms.setdefault(name, Room()).topic = text
            case Reserved(name, number):
                room = self.rooms.setdefault(name, Room())
                room.reserved = max(room.reserved, number)
            case Forgotten(name):
                self.rooms.pop(name, None)
            case Ban(target):
                self.bans[target] = record
            case Unban(target):
                self.bans.pop(target, None)

    def recall(self, query: Lines) -> tuple[Said, ...]:
        room = self.rooms.get(query.room, Room())
        if query.before:
            below = sorted(number for number in room.lines if number < query.number)
            return tuple(room.lines[number] for number in below[max(0, len(below) - query.limit) :])
        above = sorted(number for number in room.lines if number >= query.number)
        return tuple(room.lines[number] for number in above[: query.limit])

    def close(self) -> None:
        for room in self.rooms.values():
            room.reserved = 0

    def kept(self, *, crashed: bool = False) -> Kept:
        def number(room: Room) -> int:
            if not crashed:
                return room.number
            return room.reserved if room.reserved > room.number else room.number + MARGIN

        return Kept(
            rooms=tuple(
                KeptRoom(name, room.topic, number(room), tuple(room.lines[each] for each in sorted(room.lines)))
                for name, room in sorted(self.rooms.items())
            ),
            bans=tuple(sorted(self.bans.values(), key=lambda ban: ban.target)),
            start=MARGIN * crashed,
        )


@settings(max_examples=20, deadline=None)
@given(st.lists(records, max_size=30), st.lists(records, max_size=15))
def test_it_knows_what_the_model_knows(first: list[Step], second: list[Step]) -> None:
    """Over a start in order, and one after a kill."""
    model, clock = Model(), Clock()
    with tempfile.TemporaryDirectory() as folder:
        state, left = Path(folder) / "state", Path(folder) / "left"
        with storage.open(state, clock=clock)[0] as kept:
            play(first, kept, model)
        model.close()
        kept, found = storage.open(state, clock=clock)
        with kept:
            assert found == model.kept()
            play(second, kept, model)
            recall(kept, Lines("#a", 0, 1))
            shutil.copytree(state, left, ignore=shutil.ignore_patterns("*-shm"))
        kept, found = storage.open(left, clock=clock)
        kept.close()
        assert found == model.kept(crashed=True)


def play(steps: list[Step], kept: storage.Worker, model: Model) -> None:
    """Do the same to both."""
    for step in steps:
        if isinstance(step, Asked):
            assert recall(kept, step.query) == model.recall(step.query)
        else:
            kept.put(step)
            model.put(step)
