"""How many may come from one address in a while, against a clock that the test sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.layers import arrivals
from netkit.layers.arrivals import WINDOW, Arrivals


def test_so_many_in_a_window_and_again_in_the_next() -> None:
    arrivals = Arrivals(3)
    assert [arrivals.allows("a", now) for now in (0, 1, WINDOW - 1, WINDOW - 1)] == [True, True, True, False]
    assert arrivals.allows("b", WINDOW - 1)
    assert [arrivals.allows("a", WINDOW) for _ in range(4)] == [True, True, True, False]


def test_zero_is_no_bound_and_costs_no_memory() -> None:
    arrivals = Arrivals(0)
    assert all(arrivals.allows("a", 0) for _ in range(1000))
    assert not arrivals.windows


def test_who_came_long_ago_is_forgotten() -> None:
    arrivals = Arrivals(1)
    for number in range(100):
        assert arrivals.allows(f"192.0.2.{number}", number)
    assert arrivals.allows("2001:db8::/64", WINDOW + 50)
    assert list(arrivals.windows) == [*(f"192.0.2.{number}" for number in range(51, 100)), "2001:db8::/64"]


def test_the_table_does_not_grow_beyond_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MOST", 10)
    table = Arrivals(1)
    for number in range(25):
        assert table.allows(str(number), 0)
    assert list(table.windows) == [str(number) for number in range(15, 25)]
    assert not table.allows("24", 1)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, WINDOW / 3))))
def test_never_more_than_the_limit_from_the_start_of_a_window(steps: list[tuple[str, float]]) -> None:
    """Against a list of all who came."""
    table, limit = Arrivals(2), 2
    now = 0.0
    came: dict[str, list[float]] = {}
    for key, after in steps:
        now += after
        window = came.setdefault(key, [])
        if window and window[0] + WINDOW <= now:
            window.clear()
        allowed = len(window) < limit
        assert table.allows(key, now) is allowed
        if allowed:
            window.append(now)
