"""Bounds that contradict each other are refused, and every bound says what it is."""

from __future__ import annotations

import dataclasses
import resource
from typing import Any

import pytest

from netkit.limits import RATES, RESERVED_DESCRIPTORS, Limits

KIB = 1024


@pytest.mark.parametrize(
    "name",
    [
        *("connections", "per_address", "line_length", "low", "handshake", "backlog", "budget", "line_burst"),
        *("datagram_burst", "datagram_sources"),
    ],
)
@pytest.mark.parametrize("value", [0, -1])
def test_what_must_be_more_than_nothing(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be more than 0$"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", ["idle", "first_line", "slow", "grace", "linger", "datagram_rate", *RATES])
@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_what_must_not_be_negative(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} must not be negative$"):
        Limits(**{name: value})
    assert getattr(Limits(**{name: 0}), name) == 0


@pytest.mark.parametrize(
    "marks",
    [
        {"low": 64 * KIB},
        {"high": 16 * KIB},
        {"hard": 64 * KIB},
        {"low": 3, "high": 2, "hard": 4},
        {"low": 2, "high": 4, "hard": 3},
    ],
)
def test_the_marks_must_rise(marks: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="low < high < hard must hold, not "):
        Limits(**marks)


def test_the_defaults() -> None:
    shown = dataclasses.asdict(Limits(connections=100))
    assert shown == {
        "connections": 100,
        "per_address": 16,
        "line_length": 4096,
        "idle": None,
        "first_line": 60.0,
        "high": 64 * KIB,
        "low": 16 * KIB,
        "hard": 256 * KIB,
        "slow": 30.0,
        "budget": 256 * KIB * KIB,
        "line_rate": 2.0,
        "line_burst": 5,
        "byte_rate": 8.0 * KIB,
        "room_rate": 50.0,
        "notice_rate": 5.0,
        "renames": 3,
        "new_connections": 32,
        "grace": 8.0,
        "linger": 1.0,
        "handshake": 10.0,
        "backlog": 1024,
        "datagram_rate": 100.0,
        "datagram_burst": 200,
        "datagram_sources": 4096,
    }


@pytest.mark.parametrize(
    ("descriptors", "places"),
    [(1024, 960), (RESERVED_DESCRIPTORS, 1), (20, 1), (10**6, 10_000), (resource.RLIM_INFINITY, 10_000)],
)
def test_as_many_places_as_descriptors_allow(descriptors: int, places: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (descriptors, descriptors))
    assert Limits().connections == places


def test_every_bound_has_a_unit_says_what_it_is_and_where_its_default_is_from() -> None:
    table = Limits.table()
    assert [row[0] for row in table] == [each.name for each in dataclasses.fields(Limits)]
    assert all(all(row) for row in table)
    assert {row[1] for row in table} == {
        *("connections", "bytes", "seconds", "datagrams/s", "datagrams", "addresses"),
        *("lines", "lines/s", "bytes/s", "notices/s", "names/min"),
    }


def test_without_rates_there_is_no_bound_on_how_fast_people_come_and_talk() -> None:
    limits = Limits(line_length=100, per_address=3).without_rates()
    assert {name: getattr(limits, name) for name in (*RATES, "first_line")} == dict.fromkeys((*RATES, "first_line"), 0)
    assert (limits.line_length, limits.per_address, limits.line_burst) == (100, 3, 5)


def test_they_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().idle = 3  # type: ignore[misc]  # that is what is tested
