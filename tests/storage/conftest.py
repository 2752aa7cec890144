"""A directory of state, and storages in it that are closed after the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netkit import storage
from netkit.services.chat.records import Kept
from netkit.storage import schema, worker
from tests.storage.rig import Clock, Open


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where it is kept. There is nothing yet."""
    return tmp_path / "state"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(state: Path, clock: Clock) -> Iterator[Open]:
    """Opens the storage in ``state``."""
    workers: list[storage.Worker] = []

    def call(**options: Any) -> tuple[storage.Worker, Kept]:
        made, kept = storage.open(state, **{"clock": clock, **options})
        workers.append(made)
        return made, kept

    yield call
    for each in workers:
        each.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for who holds the database, and what failed is tried again soon."""
    monkeypatch.setattr(schema, "BUSY", 0.01)
    monkeypatch.setattr(worker, "RETRY", 0.02)
