"""The editor of a telnet client's line: how it comes and goes, however the bytes are cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat
from tests.services.chat.terminal import (
    AGREED,
    ARE_YOU_THERE,
    DO_ECHO,
    DO_NAWS,
    DO_SGA,
    DO_TIMING_MARK,
    DONT_ECHO,
    DONT_SGA,
    ERASE,
    ERASE_CHARACTER,
    ERASE_LINE,
    INTERRUPT,
    LIMIT,
    TELNET,
    WILL_ECHO,
    WILL_NAWS,
    WILL_SGA,
    WILL_TIMING_MARK,
    WISHES,
    WONT_ECHO,
    WONT_NAWS,
    WONT_SGA,
    WONT_TIMING_MARK,
    Screen,
    edited,
    size,
)
from tests.wire.terminal import LEFT, UP, Terminal

if TYPE_CHECKING:
    from tests.services.conftest import Stage


# How it is agreed on.


@pytest.mark.parametrize("said", list(permutations([DO_ECHO, DO_SGA, WILL_NAWS, size(30)])))
@pytest.mark.parametrize("whole", [True, False])
def test_the_editor_comes_once_both_options_are_agreed_to(stage: Stage, said: tuple[bytes, ...], whole: bool) -> None:
    ann, bob = stage.people("ann", "bob")
    data = b"".join(said)
    for piece in [data] if whole else [data[at : at + 1] for at in range(len(data))]:
        ann.sends(piece)
    shown = TELNET.sub(b"", told := ann.reads())
    assert told.startswith(WISHES)
    assert sorted(TELNET.findall(told)) == sorted([WILL_ECHO, WILL_SGA, DO_NAWS])
    screen = Screen(ann)
    screen.terminal.write(shown)
    assert screen.line == "> |"
    ann.sends(b"x" * 40)
    assert screen.line == "> " + "x" * 27 + "|"
    ann.sends(b"\r\0")
    bob.sees("<ann> " + "x" * 40)


def test_half_a_line_is_taken_over_by_the_editor(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends("né".encode()[:-1])
    ann.sends(AGREED)
    ann.sends("né".encode()[-1:] + b"e")
    screen = Screen(ann)
    assert screen.line == "> née|"
    ann.sends(b"\r\0")
    bob.sees("<ann> née")


@pytest.mark.parametrize("said", [DO_ECHO + DONT_SGA, DONT_SGA + DO_ECHO, DO_SGA + DONT_ECHO, DONT_ECHO + DO_SGA])
@pytest.mark.parametrize("whole", [True, False])
def test_who_agrees_to_one_option_only_is_given_neither(stage: Stage, said: bytes, whole: bool) -> None:
    ann, bob = stage.people("ann", "bob")
    for piece in [said] if whole else [said[:3], said[3:]]:
        ann.sends(piece)
    told = ann.reads()
    # With our echo and without an editor it would not see what it types.
    agreed, wont = (WILL_ECHO, WONT_ECHO) if DO_ECHO in said else (WILL_SGA, WONT_SGA)
    assert told.count(agreed) == 1
    assert told.count(wont) == 1
    assert told.index(agreed) < told.index(wont)
    ann.sends(b"hi\r\n")
    assert ann.reads() == b""
    bob.says("ho")
    ann.sees("<bob> ho")


def test_who_refuses_both_is_not_asked_again(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(DONT_ECHO + DONT_SGA + WONT_NAWS)
    assert ann.reads() == WISHES
    ann.sends(b"hi\r\n")
    bob.sees("<ann> hi")
    assert ann.reads() == b""


@pytest.mark.parametrize("refusal", [DONT_ECHO, DONT_SGA])
def test_a_client_may_take_its_line_back_and_give_it_again(stage: Stage, refusal: bytes) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"half" + refusal)
    told = ann.reads()
    assert TELNET.sub(b"", told) == b"half" + ERASE
    assert sorted(TELNET.findall(told)) == [WONT_ECHO, WONT_SGA]
    ann.sends(DONT_SGA if refusal == DONT_ECHO else DONT_ECHO)
    assert ann.reads() == b""
    bob.says("ho")
    assert ann.reads() == b"<bob> ho\r\n"
    ann.sends(DO_ECHO + DO_SGA)
    told = ann.reads()
    assert TELNET.findall(told) == [WILL_ECHO, WILL_SGA]
    screen.terminal.write(TELNET.sub(b"", told))
    assert screen.line == "> |"


def test_edit_turns_it_off_and_on(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"/edit off\r\0")
    told = ann.reads()
    assert WONT_ECHO + WONT_SGA in told
    screen.terminal.write(TELNET.sub(b"", told))
    assert screen.above() == ["> /edit off", "*** you edit your line yourself: /edit lets the server do it"]
    assert screen.line == "|"
    ann.sends(DONT_ECHO + DONT_SGA + b"plain\r\n/edit off\r\n")
    ann.sees("*** you edit your line yourself already")
    bob.sees("<ann> plain")
    ann.sends(b"/edit\r\n")
    assert ann.reads() == WILL_ECHO + WILL_SGA
    ann.sends(b"/edit\r\n")
    assert ann.reads() == b""
    ann.sends(AGREED)
    assert ann.reads() == b"\r> \x1b[K"
    ann.sends(b"/edit on\r\0")
    screen.look()
    ann.sends(b"/edit please\r\0")
    assert screen.above()[-3:] == [
        "*** the server edits your line already: /edit off stops that",
        "> /edit please",
        "*** usage: /edit [on|off]",
    ]


def test_plain_telnet_gets_it_for_the_asking(stage: Stage) -> None:
    ann, _ = stage.people("ann", "bob")
    cy = stage.seat()
    stage.hush()
    cy.sends(b"/edit\r\n")
    assert cy.reads() == WISHES
    cy.sends(AGREED + WILL_NAWS + size(90))
    assert Screen(cy).line == "> |"
    ann.says("hi")
    assert cy.reads() == ERASE + b"<ann> hi\r\n> \x1b[K"


def test_what_follows_edit_off_in_the_same_chunk_is_not_lost(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    edited(ann)
    ann.sends(b"one\r\0/edit off\r\0two\r\nthr")
    assert ann.reads().endswith(b"/edit lets the server do it\r\n")
    ann.sends(b"ee\r\n")
    bob.sees("<ann> one", "<ann> two", "<ann> three")


def test_netcat_is_told_that_it_is_not_for_it(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("/edit")
    ann.sees("*** that is for telnet: what you use sends whole lines")
    ann.says("/limits")
    assert all(line.startswith("*** ") for line in ann.lines())


def test_json_and_the_editor_exclude_each_other(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"/json\r\0")
    assert screen.above()[-1] == "*** the server edits your line: /edit off stops that, and then you can read JSON"
    bob.says("/json")
    bob.reads()
    bob.says("/edit")
    assert b"you read JSON: /json leaves that" in bob.reads()
    # Whoever has asked for both at once reads JSON.
    cy = stage.seat()
    cy.sends(b"/edit\r\n/json\r\n")
    stage.hush()
    cy.sends(AGREED)
    assert cy.reads() == WONT_ECHO + WONT_SGA
    cy.sends(b'{"text": "hi"}\n')
    assert b'"type": "ok"' in cy.reads()


def test_who_wants_the_editor_after_all_is_given_it(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.sends(DONT_ECHO + DONT_SGA)
    assert ann.reads() == WISHES
    # To one of the two it has to have the other.
    ann.sends(DO_ECHO)
    assert ann.reads() == WILL_ECHO + WILL_SGA
    ann.sends(DO_SGA)
    assert ann.reads() == b"\r> \x1b[K"


# However it comes.

PIECES = [
    *(b"a", b"hello", "née".encode(), "日本".encode(), b"x" * (LIMIT + 1), b"\r\0", b"\r\n", b"\r", b"\n", b"\0"),
    *(b"\x7f", b"\x03", b"\x04", b"\x15", UP, LEFT, b"\x0c", b"\xff\xff", b"\xc3", b"\xff\xf5", b"\xff\xec"),
    *(INTERRUPT, ERASE_CHARACTER, ERASE_LINE, ARE_YOU_THERE, DO_TIMING_MARK, b"/op\r\0", b"wrong", b"/quit\r\0"),
    *(AGREED, AGREED, DO_ECHO, DO_SGA, DONT_ECHO, DONT_SGA, WILL_NAWS, WONT_NAWS, size(30), size(13)),
    *(
        b"/edit\r\0",
        b"/edit off\r\0",
        b"/edit off\r\n",
        b"/limits\r\0",
        WILL_TIMING_MARK,
        WONT_TIMING_MARK,
        b"/json\r\n",
    ),
]
sent = st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join)


def outcome(stage: Stage, pieces: list[bytes]) -> tuple[list[str], str, bytes, str]:
    """What ann has on her screen and is sent of telnet, and what bob reads, once ann has sent this."""
    ann, bob = stage.people("ann", "bob")
    ann.reads()
    for piece in pieces:
        ann.sends(piece)
    told = ann.reads()
    terminal = Terminal()
    terminal.write(TELNET.sub(b"", told))
    shown = [row for row in terminal.rows if row]
    return shown, terminal.before, b"".join(TELNET.findall(told)), bob.reads().decode() + ann.closed


@settings(deadline=None, max_examples=150)
@given(sent, st.lists(st.integers(0, 200), max_size=10))
@example(AGREED + b"/edit off\r\0half\r\n", [])
@example(DO_ECHO + b"half" + DO_SGA + b"typed\r\0", [3, 5])
@example(AGREED + ARE_YOU_THERE + b"abc", [])
@example(AGREED + b"/op\r\0" + INTERRUPT + b"said\r\0", [])
def test_the_way_bytes_are_cut_changes_nothing(
    new_stage: Callable[[Service], Stage], data: bytes, cuts: list[int]
) -> None:
    ends = sorted({cut for cut in cuts if cut < len(data)})
    pieces = [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]
    outcomes = []
    for way in ([data], pieces, [data[at : at + 1] for at in range(len(data))]):
        stage = new_stage(Chat(Limits(line_length=LIMIT).without_rates(), operator_token="sesame"))
        outcomes.append(outcome(stage, way))
    assert outcomes[1] == outcomes[0]
    assert outcomes[2] == outcomes[0]


@settings(deadline=None, max_examples=30)
@given(st.lists(sent | st.binary(max_size=9), max_size=6), st.booleans())
def test_no_bytes_break_the_editor(new_stage: Callable[[Service], Stage], chunks: list[bytes], paced: bool) -> None:
    limits = Limits(line_length=LIMIT)
    stage = new_stage(Chat(limits if paced else limits.without_rates(), operator_token="sesame"))
    ann, bob = stage.people("ann", "bob")
    ann.sends(AGREED)
    for chunk in chunks:
        ann.sends(chunk)
        bob.says("hi")
        stage.wait(1.0)
    stage.wait(100.0)
    assert not re.search(r"[\x80-\x9f]|\x1b(?!\[K)", TELNET.sub(b"", ann.reads()).decode())
    assert not any("\x1b" in line for line in bob.lines())
