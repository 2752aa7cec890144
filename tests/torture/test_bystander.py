"""What bystanders count: what they said, and what each heard of it, late, twice, cut to pieces or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.torture.bystander import EXAMPLES, Party
from tests.chunks import cut

#: What stands before and behind a message on its way: prefixes of a chat, newlines, others' messages.
AROUND = st.sampled_from([b"", b"\n", b"<w1> ", b" xxx\r\n", b"bystander-", b"bystander-beef-0-1.", b"\xff\xfb\x01"])


class Clock:
    """Seconds, as many as a test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pair(clock: Clock) -> Party:
    """Two of a chat: each hears the other."""
    return Party(2, "cafe", False, clock)


def said(party: Party, number: int) -> list[bytes]:
    """So many messages of the first one, due now."""
    return [party.next(0, 100.0) for _ in range(number)]


def test_in_a_chat_everybody_hears_all_others_and_not_themselves(clock: Clock) -> None:
    party = Party(3, "cafe", False, clock)
    message = party.next(0, clock())
    assert party.count.due == 2
    for hearer in (1, 2):
        assert party.missing()
        party.take(hearer, message)
    assert not party.missing()
    party.take(0, message)
    count = party.settle()
    assert (count.said, count.due, count.came) == (1, 2, 2)
    assert count.kinds == {"forged": 1}


def test_of_an_echo_everybody_hears_themselves_alone(clock: Clock) -> None:
    party = Party(3, "cafe", True, clock)
    message = party.next(1, clock())
    party.take(1, message)
    assert not party.missing()
    party.take(2, message)
    count = party.settle()
    assert (count.due, count.came, count.kinds) == (1, 1, {"forged": 1})
    assert count.trouble == ["bystander 2 heard message 1 of 1, never said to it"]


def test_time_counts_from_when_a_message_was_due_and_not_from_when_it_could_be_said(pair: Party, clock: Clock) -> None:
    clock.now += 2
    message = pair.next(0, due=100.0)
    clock.now += 0.5
    pair.take(1, message)
    assert pair.settle().latencies == [2.5]


def test_what_never_comes_is_lost_and_counts_as_late_as_it_is_then(pair: Party, clock: Clock) -> None:
    first, *_, last = said(pair, 6)
    pair.take(1, first)
    pair.take(1, last)
    assert pair.missing()
    clock.now += 3
    count = pair.settle()
    assert (count.came, count.kinds) == (2, {"lost": 4})
    assert count.trouble == ["bystander 1 has not heard message 2, 3, 4, ... of 0"]
    assert count.latencies == [0, 0, 3, 3, 3, 3]


def test_what_is_lost_is_no_trouble_where_it_may_be(pair: Party, clock: Clock) -> None:
    first, _ = said(pair, 2)
    pair.take(1, first)
    clock.now += 3
    count = pair.settle(lossy=True)
    assert (count.due, count.came, count.latencies, count.trouble, count.kinds) == (2, 1, [0], [], {})


def test_what_was_lost_and_comes_yet_is_not_asked_for_any_more(pair: Party) -> None:
    (late,) = said(pair, 1)
    pair.settle()
    pair.take(1, late)
    assert (pair.count.came, pair.settle().kinds) == (0, {})
    pair.take(1, late)
    assert pair.settle().kinds == {"twice": 1}


def test_what_comes_after_a_later_one_is_out_of_order_and_not_lost(pair: Party) -> None:
    first, second, third = said(pair, 3)
    for each in (first, third, second):
        pair.take(1, each)
    assert not pair.missing()
    count = pair.settle()
    assert (count.came, count.kinds) == (3, {"out of order": 1})
    assert count.trouble == ["bystander 1 heard message 2 of 0 after 3"]


def test_datagrams_may_come_in_any_order_but_only_once(clock: Clock) -> None:
    party = Party(2, "cafe", False, clock, ordered=False)
    first, second = said(party, 2)
    for each in (second, first, first):
        party.take(1, each)
    assert party.settle().kinds == {"twice": 1}


def test_what_comes_again_is_told_and_not_counted_as_come(pair: Party) -> None:
    first, second = said(pair, 2)
    for each in (first, first, second, first):
        pair.take(1, each)
    count = pair.settle()
    assert (count.came, count.kinds) == (2, {"twice": 2})
    assert count.trouble[0] == "bystander 1 heard message 1 of 0 again, after 1"


@pytest.mark.parametrize("message", [b"bystander-cafe-0-7.", b"bystander-cafe-9-1.", b"bystander-cafe-1-1."])
def test_what_nobody_said_is_forged(pair: Party, message: bytes) -> None:
    pair.take(1, message)
    assert pair.settle().kinds == {"forged": 1}


def test_bystanders_of_another_run_are_none_of_ours(pair: Party) -> None:
    pair.take(1, b"bystander-beef-0-1.")
    assert pair.settle().kinds == {}


def test_of_each_kind_of_trouble_some_examples_are_kept_and_all_are_counted(pair: Party) -> None:
    (message,) = said(pair, 1)
    for _ in range(10):
        pair.take(1, message)
    pair.cut(0, "reset")
    count = pair.settle()
    assert count.kinds == {"twice": 9, "cut": 1}
    assert len(count.trouble) == EXAMPLES + 1
    assert count.trouble[-1] == "the connection of bystander 0 was reset"


def test_each_window_begins_with_nothing(pair: Party) -> None:
    said(pair, 3)
    pair.settle()
    (message,) = said(pair, 1)
    pair.take(1, message)
    count = pair.settle()
    assert (count.said, count.due, count.came, count.kinds) == (1, 1, 1, {})


@given(st.lists(AROUND, min_size=1, max_size=8), st.lists(st.integers(0, 30), max_size=20))
def test_however_the_stream_is_cut_the_same_is_heard(around: list[bytes], at: list[int]) -> None:
    party = Party(2, "cafe", False, Clock())
    stream = b"".join(each + party.next(0, 100.0) for each in around)
    for chunk in cut(stream, at):
        party.take(1, chunk)
    count = party.settle()
    assert (count.came, count.kinds) == (len(around), {})


@given(st.permutations([*range(6)]), st.sets(st.integers(0, 5)))
def test_every_message_is_heard_or_lost_and_each_counts_once(order: list[int], lost: set[int]) -> None:
    party = Party(2, "cafe", False, Clock())
    messages = said(party, 6)
    heard = [each for each in order if each not in lost]
    for each in heard:
        party.take(1, messages[each])
    count = party.settle()
    assert (count.came, count.kinds["lost"], len(count.latencies)) == (len(heard), len(lost), 6)
    late = sum(each < max(heard[:at], default=-1) for at, each in enumerate(heard))
    assert count.kinds["out of order"] == late


def test_a_clock_is_any_that_counts_seconds() -> None:
    ticks: Callable[[], float] = iter((7.0, 8.0)).__next__
    party = Party(2, "cafe", False, ticks)
    party.take(1, party.next(0, 5.0))
    assert party.settle().latencies == [2.0]
