"""How long to wait before a worker is replaced: values in, values out."""

from __future__ import annotations

from itertools import pairwise

import pytest

from netkit.workers.backoff import Backoff, Restarts


def test_each_death_in_a_row_waits_twice_as_long_up_to_the_longest() -> None:
    restarts = Restarts(Backoff())
    waits = [restarts.died(None) for _ in range(10)]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10])
    assert restarts.deaths == 10


def test_a_worker_that_served_for_a_while_begins_anew() -> None:
    restarts = Restarts(Backoff(first=1, steady=5))
    assert [restarts.died(served) for served in (None, 4.9, 5.0, None, 0.0, 60.0)] == [1, 2, 1, 2, 4, 1]


def test_the_numbers_are_those_of_the_rules() -> None:
    restarts = Restarts(Backoff(first=0.5, factor=3, longest=2))
    assert [restarts.died(None) for _ in range(3)] == [0.5, 1.5, 2]


def test_it_never_runs_out_of_numbers_and_never_becomes_shorter() -> None:
    restarts = Restarts(Backoff())
    waits = [restarts.died(0.0) for _ in range(2000)]
    assert all(one <= two for one, two in pairwise(waits))
    assert waits[-1] == 10


def test_places_know_nothing_of_each_other() -> None:
    rules = Backoff()
    one, two = Restarts(rules), Restarts(rules)
    one.died(None)
    assert (one.deaths, two.deaths) == (1, 0)
