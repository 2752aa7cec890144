"""A disk that fails or is too slow costs lines at worst: nothing waits for it, and what must be kept is."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from netkit.errors import StorageError
from netkit.services.chat.records import Ban, Forgotten, Lines, Reserved, Topic, Unban
from netkit.storage import schema, worker
from tests.process import environment
from tests.storage.rig import PATIENCE, Open, all_of, held, lines, put

EVERYTHING = Lines("#a", 0, 1 << 20)

#: Puts a line and ends, and never closes.
FORGETFUL = """
import sys
from pathlib import Path
from netkit import storage
from netkit.services.chat.records import Said
kept, _ = storage.open(Path(sys.argv[1]))
kept.put(Said("#a", 1, "ann", "hello"))
"""

pytestmark = pytest.mark.usefixtures("impatient")


def levels(caplog: pytest.LogCaptureFixture) -> list[int]:
    """Of what was logged."""
    return [record.levelno for record in caplog.records]


def test_what_cannot_be_written_is_written_later(opened: Open, state: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept, _ = opened()
    ban = Ban("@bob", "ann", "spam", None)
    put(kept, *lines(1), Ban("@cat", "ann", "", None))
    all_of(kept)
    with held(state):
        put(kept, *lines(2), ban, Topic("#a", "tea"))
        for number in (3, 4):  # asked twice, so tried twice
            failed = kept.recall(EVERYTHING)
            put(kept, *lines(number), Unban("@cat"))
            with pytest.raises(StorageError, match="another program has locked it"):
                failed.result(PATIENCE)
    assert all_of(kept) == lines(1, 2, 3, 4)
    kept.close()
    assert levels(caplog) == [logging.ERROR, logging.WARNING]  # once a minute, and once that it is over
    assert caplog.messages[1].endswith("can be written again")
    found = opened()[1]
    assert (found.rooms[0].lines, found.rooms[0].topic, found.bans) == (lines(1, 2, 3, 4), "tea", (ban,))


def test_it_is_told_again_while_it_lasts(
    opened: Open, state: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FAILURE_REPORTS", 0.0)
    kept, _ = opened()
    with held(state):
        put(kept, *lines(1))
        for _ in range(2):
            assert isinstance(kept.recall(EVERYTHING).exception(PATIENCE), StorageError)
    assert levels(caplog)[:2] == [logging.ERROR] * 2


def test_lines_beyond_the_bound_are_left_out_and_nothing_else(
    opened: Open, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept, _ = opened(bound=10_000)
    put(kept, *lines(1))
    all_of(kept)
    with held(state):
        put(kept, *lines(*range(2, 1001)), Reserved("#a", 2000), Topic("#a", "tea"), Ban("@bob", "ann", "", None))
        put(kept, Topic("#b", "coffee"))
        assert isinstance(kept.recall(EVERYTHING).exception(PATIENCE), StorageError)
    got = all_of(kept)
    assert got == lines(*range(1, len(got) + 1))
    assert 20 < len(got) < 100
    assert kept.dropped == 1000 - len(got)
    put(kept, *lines(1001))  # there is room again
    kept.close()
    told = [message for message in caplog.messages if "were not kept" in message]
    assert told == [f"{kept.dropped} lines were not kept: {state / 'chat.db'} does not keep up"]
    found = opened()[1]
    assert [(room.name, room.topic, room.number) for room in found.rooms] == [("#a", "tea", 1001), ("#b", "coffee", 0)]
    assert [ban.target for ban in found.bans] == ["@bob"]


def test_numbers_of_lines_that_were_left_out_are_not_given_again(opened: Open, state: Path) -> None:
    kept, _ = opened(bound=1)
    put(kept, Reserved("#a", 100), *lines(1, 2, 3))
    kept.close()
    assert [(room.number, room.lines) for room in opened()[1].rooms] == [(3, ())]


def test_forgotten_rooms_make_place_for_other_lines(opened: Open, state: Path) -> None:
    kept, _ = opened(bound=10_000)
    with held(state):
        for _ in range(3):
            put(kept, *lines(*range(20)))
            failed = kept.recall(EVERYTHING)
            put(kept, Forgotten("#a"))
            assert isinstance(failed.exception(PATIENCE), StorageError)
            assert isinstance(kept.recall(EVERYTHING).exception(PATIENCE), StorageError)
    put(kept, *lines(1))
    assert all_of(kept) == lines(1)
    assert kept.dropped == 0


def test_a_disk_that_fills_up(
    opened: Open, state: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "PRAGMAS", (*schema.PRAGMAS, "PRAGMA max_page_count = 20"))
    kept, _ = opened()
    put(kept, *lines(1))
    assert all_of(kept) == lines(1)
    put(kept, *lines(*range(2, 100), text="x" * 4000))
    with pytest.raises(StorageError, match="the disk is full, make room"):
        all_of(kept)
    kept.close()
    assert f"{state / 'chat.db'} fails, 98 lines wait for it: the disk is full, make room" in caplog.messages
    assert caplog.messages[-1] == (
        f"{state / 'chat.db'} cannot be written: what waited for it is lost, 98 lines among it"
    )
    found = opened()[1].rooms[0]
    assert (found.lines, found.number) == (lines(1), 1025)  # it was no end in order


def test_an_unforeseen_error_is_told_whole_and_ends_nothing(
    opened: Open, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, _ = opened()
    with monkeypatch.context() as broken:
        broken.setattr("netkit.storage.database.Database.write", lambda *_: 1 / 0)
        put(kept, *lines(1))
        with pytest.raises(StorageError, match="ZeroDivisionError"):
            all_of(kept)
    assert all_of(kept) == lines(1)
    assert caplog.records[0].exc_info is not None


def test_many_lines_are_few_statements(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them may have to wait for the interpreter as long as the event loop is busy."""
    statements: list[str] = []
    connect = schema.connect

    def watched(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(schema, "connect", watched)
    kept, _ = opened()
    before = len(statements)
    put(kept, *lines(*range(2000)))
    assert len(all_of(kept)) == 2000
    assert 4 <= len(statements) - before <= 12


def test_who_forgets_to_close_it_can_still_end(state: Path) -> None:
    subprocess.run([sys.executable, "-c", FORGETFUL, state], env=environment(), timeout=PATIENCE, check=True)
