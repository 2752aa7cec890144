"""How fast people may talk: what is let through, what has to wait, and that all of it arrives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Hold, Service, Wake
from netkit.services.chat import Chat
from netkit.services.chat.pace import PASTE_BYTES, PASTE_EVERY, PASTE_LINES, PASTE_SHARE, Bucket, Pace

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage

times = st.lists(st.floats(0.0, 3.0), max_size=60)


def most(taken: list[tuple[float, float]], rate: float) -> float:
    """The most by which what was taken, as times and amounts, exceeds the rate over any stretch of time."""
    sofar, lowest, highest = 0.0, math.inf, 0.0
    for when, amount in taken:
        lowest = min(lowest, sofar - rate * when)
        sofar += amount
        highest = max(highest, sofar - rate * when - lowest)
    return highest


# Buckets.


def test_a_bucket() -> None:
    bucket = Bucket(2.0, 3.0)
    assert [bucket.left(10.0), bucket.wait(10.0)] == [3.0, 0.0]
    for _ in range(3):
        assert bucket.wait(10.0) == 0.0
        bucket.take(1.0, 10.0)
    assert [bucket.left(10.0), bucket.wait(10.0)] == [0.0, 0.5]
    assert [bucket.left(10.5), bucket.wait(10.5)] == [1.0, 0.0]
    # It never holds more than it may at once.
    assert bucket.left(1e6) == 3.0
    # What is taken beyond that is owed.
    bucket.take(5.0, 1e6)
    assert [bucket.left(1e6), bucket.wait(1e6)] == [0.0, 1.5]


def test_a_bucket_without_a_bound() -> None:
    bucket = Bucket(0.0, 0.0)
    bucket.take(1e9, 1.0)
    assert [bucket.wait(1.0), bucket.left(1.0)] == [0.0, math.inf]


@settings(deadline=None, max_examples=50)
@given(times, st.sampled_from([0.5, 2.0, 50.0]), st.sampled_from([1, 5, 50]))
def test_a_bucket_lets_no_more_through_than_it_may(pauses: list[float], rate: float, burst: int) -> None:
    bucket, now = Bucket(rate, burst), 1000.0
    through = []
    for pause in pauses:
        now += pause
        while bucket.wait(now) == 0.0:
            bucket.take(1.0, now)
            through.append((now, 1.0))
    assert most(through, rate) <= burst + 1e-6


@settings(deadline=None, max_examples=50)
@given(times)
def test_a_bucket_has_as_much_as_it_says(pauses: list[float]) -> None:
    bucket, now = Bucket(2.0, 5.0), 1000.0
    for pause in pauses:
        now += pause
        assert (bucket.wait(now) == 0.0) == (bucket.left(now) >= 1.0) or math.isclose(bucket.left(now), 1.0)
        waits = bucket.wait(now)
        assert bucket.wait(now + waits) < 1e-9
        bucket.take(1.0, now)


# One person.


def test_a_paste_counts_as_one_line() -> None:
    pace = Pace(Limits())
    shares = []
    for _ in range(PASTE_LINES):
        assert pace.wait(1000.0) == 0.0
        shares.append(pace.line(10, 1000.0))
    assert shares == [1.0, *[PASTE_SHARE] * (PASTE_LINES - 1)]
    assert pace.left(1000.0)[0] == 4.0
    # The next line is one like any other, and no other paste begins with it.
    assert [pace.line(10, 1000.5) for _ in range(5)] == [1.0] * 5
    assert pace.wait(1000.5) == pytest.approx(0.5)


def test_a_paste_is_no_longer_than_4_kib() -> None:
    pace = Pace(Limits())
    assert [pace.line(PASTE_BYTES // 4, 1000.0) for _ in range(5)] == [1.0, *[PASTE_SHARE] * 3, 1.0]


def test_a_paste_arrives_sooner_than_anybody_types() -> None:
    pace = Pace(Limits())
    assert pace.line(10, 1000.0) == 1.0
    assert pace.line(10, 1000.4) == PASTE_SHARE
    assert pace.line(10, 1000.5) == 1.0


def test_after_a_paste_there_is_no_other_one_for_a_while() -> None:
    pace = Pace(Limits())
    for _ in range(PASTE_LINES):
        pace.line(10, 1000.0)
    late = 1000.0 + PASTE_EVERY
    assert [pace.line(10, late - 0.5), pace.line(10, late - 0.4)] == [1.0, 1.0]
    assert [pace.line(10, late), pace.line(10, late)] == [1.0, PASTE_SHARE]


def test_lines_that_are_typed_do_not_keep_from_a_paste() -> None:
    pace = Pace(Limits())
    assert [pace.line(10, 1000.0 + number) for number in range(4)] == [1.0] * 4
    assert [pace.line(10, 1004.0) for _ in range(50)] == [1.0, *[PASTE_SHARE] * 49]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.integers(1, 4097)), max_size=80), st.sampled_from([8192.0, 1e6]))
@example([(0.0, 2100)] * 60, 1e6)
def test_a_person_gets_no_more_through_than_allowed(lines: list[tuple[float, int]], byte_rate: float) -> None:
    limits = Limits(byte_rate=byte_rate)
    pace, now = Pace(limits), 1000.0
    sizes, whole, pasted = list[tuple[float, float]](), list[tuple[float, float]](), list[tuple[float, float]]()
    for pause, size in lines:
        now += pause
        while (waits := pace.wait(now)) > 0.0:
            now += waits
        pace.read(size, now)
        sizes.append((now, size))
        (whole if pace.line(size, now) == 1.0 else pasted).append((now, 1.0))
    # A line is read whole, however many bytes are left.
    assert most(sizes, limits.byte_rate) <= limits.line_burst * PASTE_BYTES + 4097
    # One line in each paste may be found to be too long for it only once it is read.
    assert most(whole, limits.line_rate + 1 / PASTE_EVERY) <= limits.line_burst + 1 + 1e-6
    # Of pastes there is one in ten seconds, and one may have been there before.
    assert most(pasted, PASTE_LINES / PASTE_EVERY) <= 2 * PASTE_LINES


# The whole chat.


@pytest.fixture
def stage(new_stage: Callable[[Service], Stage]) -> Stage:
    """A chat in which people are slowed as they are by default."""
    return new_stage(Chat(Limits(notice_rate=0)))


def rested(stage: Stage, *names: str) -> list[Seat]:
    """Some people with names who have not spoken for a while."""
    seats = stage.people(*names)
    stage.wait(60.0)
    return seats


def test_a_paste_arrives_at_once(stage: Stage) -> None:
    ann, bob = rested(stage, "ann", "bob")
    lines = [f"line {number}" for number in range(100)]
    ann.says(*lines)
    bob.sees(*[f"<ann> {line}" for line in lines])
    assert not ann.held


def test_a_file_arrives_whole_and_late(stage: Stage) -> None:
    ann, bob = rested(stage, "ann", "bob")
    lines = [f"line {number}" for number in range(140)]
    ann.sends("".join(f"{line}\n" for line in lines).encode())
    ann.ends()
    # The paste, and what is left of what may come at once.
    bob.sees(*[f"<ann> {line}" for line in lines[:104]])
    assert (ann.held, ann.closed) == (True, "")
    stage.wait(1.0)
    bob.sees(*[f"<ann> {line}" for line in lines[104:106]])
    stage.wait(17.0)
    bob.sees(*[f"<ann> {line}" for line in lines[106:]], "*** ann left")
    ann.sees("*** ok #140")
    assert ann.closed == Ending.EOF


def test_who_types_too_fast_is_read_later(stage: Stage) -> None:
    ann, bob = rested(stage, "ann", "bob")
    # Faster than anybody types, but no paste.
    for number in range(12):
        ann.says(str(number))
        stage.wait(0.2)
    assert ann.held
    before = len(bob.lines())
    stage.wait(60.0)
    assert before + len(bob.lines()) == 12
    assert not ann.held
    ann.says("back")
    bob.sees("<ann> back")


def test_what_comes_slowly_is_never_held(stage: Stage) -> None:
    ann, bob = rested(stage, "ann", "bob")
    for number in range(200):
        ann.says(str(number))
        bob.sees(f"<ann> {number}")
        stage.wait(0.5)


def test_many_bytes_are_slowed_too(stage: Stage) -> None:
    ann, bob = rested(stage, "ann", "bob")
    sent = 0
    for number in range(20):
        ann.says(f"{number} " + "x" * 4000)
        sent += 4000
        stage.wait(0.25)
    assert ann.held
    heard = sum(map(len, bob.lines()))
    assert heard <= 5 * PASTE_BYTES + 8192 * 5.0 + 4097
    stage.wait(60.0)
    assert len(bob.lines()) + heard // 4000 == 20


@pytest.mark.parametrize("junk", [b"x" * 1000, b"\xff\xf1" * 500, b"x" * 5000 + b"\n", b"\xff\xf5" * 500])
def test_bytes_that_are_no_line_are_slowed_too(stage: Stage, junk: bytes) -> None:
    ann, _ = rested(stage, "ann", "bob")
    start = stage.now
    taken = 0
    while not ann.held and not ann.closed:
        ann.sends(junk)
        taken += len(junk)
    assert taken <= 5 * PASTE_BYTES + 2 * max(len(junk), 4097)
    assert stage.now == start


def test_an_answer_of_telnet_is_not_kept_from_who_is_held(stage: Stage) -> None:
    ann, bob = rested(stage, "ann", "bob")
    ann.sends(b"one\n" + b"x\n" * 150 + b"\xff\xfd\x06")
    assert ann.held
    stage.wait(60.0)
    assert ann.reads() == b"\xff\xfb\x06"
    assert len(bob.lines()) == 151


def test_who_is_held_still_reads(stage: Stage) -> None:
    ann, bob = rested(stage, "ann", "bob")
    ann.says(*["x"] * 150)
    assert ann.held
    bob.says("hello")
    ann.sees("<bob> hello")


def test_who_waits_for_the_same_time_is_read_in_the_order_of_coming(stage: Stage) -> None:
    ann, bob, cat = rested(stage, "ann", "bob", "cat")
    ann.says(*["x"] * 106)
    bob.says(*["x"] * 106)
    cat.reads()
    for _ in range(2):
        stage.wait(0.5)
        cat.sees("<ann> x", "<bob> x")


def test_who_quits_while_held_leaves_in_turn(stage: Stage) -> None:
    ann, bob = rested(stage, "ann", "bob")
    ann.says(*["x"] * 120, "/quit bye", "not said")
    stage.wait(60.0)
    assert bob.lines()[-2:] == ["<ann> x", "*** ann left: bye"]
    assert ann.closed == Ending.QUIT


@pytest.mark.parametrize("ending", [Ending.LOST, Ending.IDLE, Ending.TOO_SLOW])
def test_who_breaks_off_while_held_is_not_heard_out(stage: Stage, ending: Ending) -> None:
    ann, bob = rested(stage, "ann", "bob")
    ann.says(*["x"] * 120)
    heard = len(bob.lines())
    ann.vanishes(ending)
    assert isinstance(stage.service, Chat)
    # Nor does it take any place, until its turn would have come.
    assert [person.backlog for _, _, person in stage.service._reader._due] == [b""]
    stage.wait(60.0)
    assert heard == 104
    bob.sees("*** ann left" if ending is Ending.LOST else f"*** ann left ({ending.replace('-', ' ')})")
    assert stage.wakes == []


def test_who_is_heard_out_after_it_has_gone_is_told_nothing(stage: Stage) -> None:
    ann, bob, cat = rested(stage, "ann", "bob", "cat")
    ann.says(*["x"] * 108, "/who", "/nick dan", "/join #tea", "in the other room", "/quit bye")
    ann.ends()
    stage.hush()
    ann.vanishes(Ending.EOF)
    bob.says("hello", "/msg ann psst", "/ignore ann")
    cat.says("/join #tea")
    stage.hush()
    stage.wait(60.0)
    # The stage sees to it that nothing is sent to ann.
    bob.sees("*** ann is dan now", "*** dan went to #tea")
    assert cat.lines()[-3:] == ["*** dan came from #lobby", "<dan> in the other room", "*** dan left: bye"]


def test_who_is_sent_away_while_waiting_to_be_heard_out_is_gone(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(operator_token="sesame"))
    ann, bob = rested(stage, "ann", "bob")
    ann.says(*["x"] * 120)
    ann.ends()
    ann.vanishes(Ending.EOF)
    bob.says("/op sesame", "/kick ann")
    assert bob.lines()[-2:] == ["*** ann is sent away", "*** ann left (kicked)"]
    stage.wait(60.0)
    bob.sees()


def test_a_loop_that_wakes_early_does_not_wake_for_nothing(stage: Stage) -> None:
    (ann,) = rested(stage, "ann")
    assert [type(effect) for effect in stage.service.received(ann, b"x\n" * 105, stage.now)][-2:] == [Hold, Wake]
    # As a loop that counts in milliseconds and rounds down.
    effects = list(stage.service.woken(stage.now + 0.499))
    assert Hold(ann, 0.0) in effects
    assert not any(isinstance(effect, Wake) for effect in effects)


pieces = [b"a\n", b"bb\r\n", b"\n", b"/me c\r", b"/nick d\n", b"e" * 60, b"\x04", b"f\r\0", b"/json\n", b"\xff\xf4"]
sent = st.lists(st.sampled_from(pieces) | st.binary(max_size=5), max_size=25).map(b"".join)
bounds = st.sampled_from([(1.0, 2, 0.0, 3.0), (0.0, 1, 50.0, 0.0), (2.0, 1, 20.0, 0.0), (0.0, 1, 0.0, 1.0)])
STORM = b"too much is said here at once: for now, everybody is read more slowly"


@settings(deadline=None, max_examples=60)
@given(sent, st.lists(st.integers(1, 40), max_size=12), bounds, st.booleans())
def test_however_bytes_are_cut_all_is_read_in_the_end_and_in_order(
    new_stage: Callable[[Service], Stage],
    data: bytes,
    cuts: list[int],
    bound: tuple[float, int, float, float],
    last: bool,
) -> None:
    lines, burst, size, room = bound
    limits = Limits(line_length=40, line_rate=lines, line_burst=burst, byte_rate=size, room_rate=room)
    transcripts = []
    for sizes in ([], cuts, [1] * len(data)):
        stage = new_stage(Chat(limits))
        ann, bob = stage.people("ann", "bob")
        at = 0
        for step in [*sizes, len(data)]:
            ann.sends(data[at : at + step])
            at += step
        if ann.unread:
            # A layer sees the end only behind all that came before it.
            stage.wait(10_000.0)
        if last and not ann.closed:
            ann.ends()
        stage.wait(10_000.0)
        assert ann.closed or not (ann.held or ann.unread)
        assert stage.wakes == []
        # Where the notice of a storm stands is a matter of time; all else is not.
        read = [[line for line in seat.reads().splitlines() if STORM not in line] for seat in (ann, bob)]
        transcripts.append((read, ann.closed))
    assert transcripts[1] == transcripts[0]
    assert transcripts[2] == transcripts[0]
