"""What can be wrong with a directory of state is told in one line, and nothing is written over."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from netkit import storage
from netkit.errors import StorageError
from netkit.storage import schema
from tests.storage.rig import Open, all_of, held, lines, put

#: Who may do nothing.
NOBODY = 65534


def refused(directory: Path, *, create: bool = True) -> str:
    """What is told of a directory that cannot be had."""
    with pytest.raises(StorageError) as error:
        storage.open(directory, create=create)
    said = str(error.value)
    assert "\n" not in said
    assert str(directory) in said
    return said


@pytest.fixture
def powerless() -> Iterator[Path]:
    """A directory that is readable and not ours to write, for root too: root stops being root."""
    with tempfile.TemporaryDirectory(prefix="nk-") as folder:
        os.chmod(folder, 0o555)
        if root := os.geteuid() == 0:
            os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)
            os.chmod(folder, 0o700)


def test_nobody_else_may_look_into_it(opened: Open, state: Path) -> None:
    before = os.umask(0)
    try:
        kept, _ = opened()
        put(kept, *lines(1))
        all_of(kept)
    finally:
        os.umask(before)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()}
    assert modes == dict.fromkeys(("chat.db", "chat.db-shm", "chat.db-wal", "lock"), 0o600)


def test_directories_above_it_are_made_too(tmp_path: Path) -> None:
    kept, _ = storage.open(tmp_path / "var" / "lib" / "chat")
    kept.close()
    assert {path.name for path in (tmp_path / "var" / "lib" / "chat").iterdir()} == {"chat.db", "lock"}


def test_a_directory_that_is_there_keeps_its_mode(opened: Open, state: Path) -> None:
    state.mkdir(0o750)
    opened()
    assert stat.S_IMODE(state.stat().st_mode) == 0o750


def test_it_is_not_made_where_that_is_not_wanted(state: Path) -> None:
    assert refused(state, create=False).endswith("there is no such directory, make it first")
    assert not state.exists()


def test_a_file_is_no_directory(state: Path) -> None:
    state.write_text("precious")
    assert refused(state).endswith("it is not a directory, give one")
    assert refused(state, create=False).endswith("it is not a directory, give one")
    assert refused(state / "below").endswith("it is not a directory, give one")
    assert state.read_text() == "precious"


def test_a_directory_that_cannot_be_written(powerless: Path) -> None:
    assert refused(powerless).endswith("not permitted, give a directory of your own")
    assert refused(powerless / "state").endswith("not permitted, give a directory of your own")


def test_two_servers_never_share_one(opened: Open, state: Path) -> None:
    kept, _ = opened()
    said = refused(state)
    assert said.startswith(f"another netkit (process {os.getpid()}) keeps its state in {state}: ")
    kept.close()
    opened()


def test_another_program_holds_it(opened: Open, state: Path, impatient: None) -> None:
    opened()[0].close()
    with held(state):
        assert refused(state).endswith("another program has locked it, end that one")
    opened()


def test_what_is_no_database(state: Path) -> None:
    state.mkdir()
    (state / "chat.db").write_bytes(b"precious " * 1000)
    assert refused(state).endswith("it is no database or is damaged, restore a copy or move it away to start afresh")
    assert (state / "chat.db").read_bytes() == b"precious " * 1000


def test_a_database_that_is_damaged(opened: Open, state: Path) -> None:
    kept, _ = opened()
    put(kept, *lines(*range(1, 1000)))
    kept.close()
    with (state / "chat.db").open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    assert "is damaged" in refused(state)


def test_a_database_of_another_program(state: Path) -> None:
    state.mkdir()
    with closing(sqlite3.connect(state / "chat.db")) as other:
        other.execute("CREATE TABLE precious (thing)")
    assert refused(state).endswith("is the database of another program: give another directory")


def test_a_database_of_a_newer_netkit(opened: Open, state: Path) -> None:
    opened()[0].close()
    with closing(sqlite3.connect(state / "chat.db")) as newer:
        newer.execute("PRAGMA user_version = 2")
    said = refused(state)
    assert said.endswith("(its tables are version 2, known here is 1): upgrade netkit, or give another directory")


def test_a_disk_that_is_full(opened: Open, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(schema, "PRAGMAS", (*schema.PRAGMAS, "PRAGMA max_page_count = 3"))
        assert refused(state).endswith("the disk is full, make room")
    opened()  # what was begun does not stand in the way
