from __future__ import annotations

from collections import deque
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.wire.options import MAX_ANSWERS, STEPS, Input, Options, State

SGA, NAWS = 3, 31

YES, NO = True, False
WILL = DO = True
WONT = DONT = False


def test_every_state_has_a_step_for_every_input() -> None:
    assert set(STEPS) == set(product(State, Input))


@pytest.mark.parametrize("state", State)
def test_a_refusal_is_answered_only_where_the_option_was_on_or_is_asked_for_again(state: State) -> None:
    answers = {State.YES: DONT, State.WANT_NO_OPPOSITE: DO}
    assert STEPS[state, Input.OFF][1] is answers.get(state)


@pytest.mark.parametrize("state", [state for state in State if state is not State.NO])
def test_what_suits_us_matters_only_for_an_option_that_is_off(state: State) -> None:
    assert STEPS[state, Input.UNWANTED] == STEPS[state, Input.ON]


@pytest.mark.parametrize("state", State)
def test_what_is_said_twice_is_answered_once(state: State) -> None:
    for heard in (Input.ON, Input.OFF):
        settled = state
        for _ in range(3):
            settled, _ = STEPS[settled, heard]
        assert STEPS[settled, heard] == (settled, None)


@pytest.mark.parametrize("state", State)
def test_a_change_of_mind_and_back_leaves_what_was(state: State) -> None:
    waiting = {State.WANT_NO, State.WANT_NO_OPPOSITE, State.WANT_YES, State.WANT_YES_OPPOSITE}
    for wish, contrary in ((Input.ENABLE, Input.DISABLE), (Input.DISABLE, Input.ENABLE)):
        wished, _ = STEPS[state, wish]
        assert STEPS[wished, wish] == (wished, None)
        if state in waiting:
            changed, said = STEPS[wished, contrary]
            assert said is None
            assert STEPS[changed, wish] == (wished, None)


# What happens to an option that we agree to, and what is to be said each time. "will" and "wont" come
# from the peer; "on" and "off" are our own wishes.
DIALOGUES: list[tuple[str, list[bool | None], bool]] = [
    ("will", [DO], YES),
    ("will will", [DO, None], YES),
    ("wont", [None], NO),
    ("will wont", [DO, DONT], NO),
    ("will wont wont", [DO, DONT, None], NO),
    ("on", [DO], NO),
    ("on will", [DO, None], YES),
    ("on wont", [DO, None], NO),
    ("on on will", [DO, None, None], YES),
    ("off", [None], NO),
    ("will off", [DO, DONT], NO),
    ("will off wont", [DO, DONT, None], NO),
    ("will off will", [DO, DONT, None], NO),
    ("will off on wont will", [DO, DONT, None, DO, None], YES),
    ("will off on will", [DO, DONT, None, None], YES),
    ("will off on off wont", [DO, DONT, None, None, None], NO),
    ("on off will wont", [DO, None, DONT, None], NO),
    ("on off wont", [DO, None, None], NO),
    ("on off on will", [DO, None, None, None], YES),
]


@pytest.mark.parametrize("by_peer", [True, False])
@pytest.mark.parametrize(("dialogue", "said", "enabled"), DIALOGUES, ids=[name for name, _, _ in DIALOGUES])
def test_dialogue(dialogue: str, said: list[bool | None], enabled: bool, by_peer: bool) -> None:
    options = Options(frozenset({NAWS}), frozenset({NAWS}))
    step = {
        "will": lambda: options.heard(NAWS, by_peer, True),
        "wont": lambda: options.heard(NAWS, by_peer, False),
        "on": lambda: options.wish(NAWS, by_peer, True),
        "off": lambda: options.wish(NAWS, by_peer, False),
    }
    assert [step[word]() for word in dialogue.split()] == said
    assert options.enabled(NAWS, by_peer) is enabled


def test_an_option_is_awaited_until_it_is_answered() -> None:
    options = Options(frozenset(), frozenset())
    assert not options.awaited(NAWS, True)
    options.wish(NAWS, True, True)
    assert [options.awaited(NAWS, True), options.awaited(NAWS, False)] == [True, False]
    options.heard(NAWS, True, False)
    assert not options.awaited(NAWS, True)
    options.wish(NAWS, True, True)
    options.wish(NAWS, True, False)
    assert not options.awaited(NAWS, True)  # it is not wanted any more, whatever the answer is


def test_each_side_agrees_to_its_own_set_only() -> None:
    options = Options(frozenset({SGA}), frozenset({NAWS}))
    assert options.heard(SGA, False, True) is WILL
    assert options.heard(NAWS, False, True) is WONT
    assert options.heard(SGA, True, True) is DONT
    assert options.heard(NAWS, True, True) is DO
    assert [options.enabled(SGA, False), options.enabled(NAWS, False)] == [True, False]
    assert [options.enabled(SGA, True), options.enabled(NAWS, True)] == [False, True]


def test_an_option_nobody_agreed_to_comes_on_where_we_asked_for_it() -> None:
    options = Options(frozenset(), frozenset())
    assert options.wish(NAWS, True, True) is DO
    assert options.heard(NAWS, True, True) is None
    assert options.enabled(NAWS, True)


def test_after_so_many_answers_there_are_no_more() -> None:
    options = Options(frozenset(), frozenset({NAWS}))
    said = [options.heard(NAWS, True, on) for on in [True, False] * MAX_ANSWERS]
    assert said == [DO, DONT] * (MAX_ANSWERS // 2) + [None] * MAX_ANSWERS
    assert options.heard(NAWS, True, True) is None
    assert not options.enabled(NAWS, True)


def test_an_option_turned_off_after_the_last_answer_is_off() -> None:
    options = Options(frozenset(), frozenset({NAWS}))
    assert options.heard(NAWS, True, True) is DO
    for _ in range(MAX_ANSWERS - 1):
        assert options.heard(SGA, True, True) is DONT
    assert options.heard(SGA, True, True) is None
    assert options.heard(NAWS, True, False) is None
    assert not options.enabled(NAWS, True)


def test_our_own_wishes_are_not_counted_and_work_after_the_last_answer() -> None:
    options = Options(frozenset(), frozenset())
    for _ in range(MAX_ANSWERS):
        assert options.heard(SGA, False, True) is WONT
    for _ in range(MAX_ANSWERS):
        assert options.wish(NAWS, False, True) is WILL
        assert options.heard(NAWS, False, True) is None
        assert options.wish(NAWS, False, False) is WONT
        assert options.heard(NAWS, False, False) is None


class Pair:
    """Two sides that hear each other, with what is on the way between them."""

    def __init__(self, accepted: list[frozenset[int]]) -> None:
        self.sides = [Options(accepted[0], accepted[1]), Options(accepted[2], accepted[3])]
        # What is on the way to each side: an option, whether it belongs to that side's peer, and on or off.
        self.coming: list[deque[tuple[int, bool, bool]]] = [deque(), deque()]
        self.sent = 0

    def wish(self, side: int, option: int, by_peer: bool, on: bool) -> None:
        self._say(side, option, by_peer, self.sides[side].wish(option, by_peer, on))

    def deliver(self, side: int) -> None:
        if self.coming[side]:
            option, by_peer, on = self.coming[side].popleft()
            self._say(side, option, by_peer, self.sides[side].heard(option, by_peer, on))

    def _say(self, side: int, option: int, by_peer: bool, on: bool | None) -> None:
        if on is not None:
            self.sent += 1
            self.coming[1 - side].append((option, not by_peer, on))

    def settle(self) -> None:
        while any(self.coming):
            self.deliver(0)
            self.deliver(1)


sets = st.frozensets(st.sampled_from([SGA, NAWS]))
wishes = st.tuples(st.integers(0, 1), st.sampled_from([SGA, NAWS]), st.booleans(), st.booleans())


@given(st.lists(sets, min_size=4, max_size=4), st.lists(st.integers(0, 1) | wishes, max_size=30))
def test_two_sides_fall_silent_and_agree(
    accepted: list[frozenset[int]], course: list[int | tuple[int, int, bool, bool]]
) -> None:
    pair = Pair(accepted)
    wished = 0
    for move in course:
        if isinstance(move, int):
            pair.deliver(move)
        else:
            wished += 1
            pair.wish(*move)
    pair.settle()
    # A wish brings about two messages, and two more where it is turned round while under way.
    assert pair.sent <= 4 * wished
    ours, theirs = pair.sides
    for option in (SGA, NAWS):
        assert ours.enabled(option, True) == theirs.enabled(option, False)
        assert ours.enabled(option, False) == theirs.enabled(option, True)


@given(st.lists(st.none() | st.booleans(), max_size=20), st.booleans())
def test_the_last_wish_holds_where_the_other_side_agrees(course: list[bool | None], by_peer: bool) -> None:
    everything = frozenset({NAWS})
    pair = Pair([everything] * 4)
    last = False
    for on in course:
        if on is None:
            pair.deliver(0)
            pair.deliver(1)
        else:
            last = on
            pair.wish(0, NAWS, by_peer, on)
    pair.settle()
    assert pair.sides[0].enabled(NAWS, by_peer) is last
