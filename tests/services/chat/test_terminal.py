"""The editor of a telnet client's line: how it is agreed on, what is on the screen, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Send, Service
from netkit.services.chat import Chat
from tests.wire.terminal import LEFT, UP, Terminal

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage

DO_ECHO, DONT_ECHO, WILL_ECHO, WONT_ECHO = (b"\xff%c\x01" % verb for verb in (253, 254, 251, 252))
DO_SGA, DONT_SGA, WILL_SGA, WONT_SGA = (b"\xff%c\x03" % verb for verb in (253, 254, 251, 252))
WILL_NAWS, WONT_NAWS, DO_NAWS = (b"\xff%c\x1f" % verb for verb in (251, 252, 253))
DO_TIMING_MARK, WILL_TIMING_MARK, WONT_TIMING_MARK = (b"\xff%c\x06" % verb for verb in (253, 251, 252))
INTERRUPT, ARE_YOU_THERE, ERASE_CHARACTER, ERASE_LINE = (b"\xff%c" % code for code in (244, 246, 247, 248))

WISHES = WILL_ECHO + WILL_SGA + DO_NAWS
AGREED = DO_ECHO + DO_SGA
ERASE = b"\r\x1b[K"

#: What telnet says, without the data of a subnegotiation, of which a server sends none here.
TELNET = re.compile(rb"\xff[\xfb-\xfe].", re.DOTALL)

LIMIT = 40


def size(columns: int) -> bytes:
    """What tells how wide it is."""
    return b"\xff\xfa\x1f" + columns.to_bytes(2).replace(b"\xff", b"\xff\xff") + b"\0\x18\xff\xf0"


class Screen:
    """What is on the screen of a seat whose line is edited."""

    def __init__(self, seat: Seat, columns: int = 80) -> None:
        self._seat = seat
        self.terminal = Terminal(columns)
        self._old = 0

    def look(self) -> None:
        self.terminal.write(TELNET.sub(b"", self._seat.reads()))

    @property
    def line(self) -> str:
        """The lowest row, with a bar for the cursor."""
        self.look()
        return f"{self.terminal.before}|{self.terminal.after}"

    def above(self) -> list[str]:
        """The rows above it that were not looked at yet."""
        self.look()
        rows = self.terminal.rows[self._old : -1]
        self._old += len(rows)
        return rows


def edited(seat: Seat) -> Screen:
    """Let the line of somebody be edited."""
    seat.reads()
    seat.sends(WILL_NAWS + AGREED)
    assert seat.reads() == WISHES + b"\r> \x1b[K"
    screen = Screen(seat)
    screen.terminal.write(b"> ")
    return screen


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


# What is on the screen.


def test_what_others_say_does_not_tear_what_is_typed(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"helo" + LEFT)
    bob.says("one", "two")
    assert screen.above() == ["<bob> one", "<bob> two"]
    assert screen.line == "> hel|o"
    ann.sends(b"l\r\0")
    assert screen.above() == ["> hello"]
    assert screen.line == "> |"
    bob.sees("<ann> hello")


def test_what_is_told_and_typed_at_once_is_drawn_once(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    screen = edited(ann)
    ann.sends(ARE_YOU_THERE + b"abc" + WONT_TIMING_MARK + b"d" + ERASE_CHARACTER)
    assert screen.above() == ["[netkit: yes, #lobby, 1 online]"]
    assert screen.line == "> abc|"
    stage.now += 1.0
    ann.sends(ARE_YOU_THERE + INTERRUPT)
    assert screen.above() == ["[netkit: yes, #lobby, 1 online]", "> abc^C"]
    ann.sends(b"no" + ERASE_LINE + b"yes")
    assert screen.line == "> yes|"


def test_a_line_of_another_who_is_read_in_the_same_turn_is_drawn_once(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(line_length=100, line_burst=1, line_rate=1.0, byte_rate=0, room_rate=0)))
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    stage.wait(60.0)
    bob.says("one")
    ann.sends(b"one\r\0")
    # Too late to be part of a paste, too early to be another line.
    stage.wait(0.6)
    bob.says("two")
    ann.sends(b"typed")
    assert bob.held
    assert ann.held
    stage.wait(0.5)
    assert screen.above() == ["<bob> one", "> one", "<bob> two"]
    assert screen.line == "> typed|"


def test_people_with_the_same_row_are_told_with_one_send(stage: Stage) -> None:
    ann, bob, cy, dan = stage.people("ann", "bob", "cy", "dan")
    for seat in (ann, bob, cy):
        edited(seat)
    cy.sends(b"x")
    effects = [each for each in stage.service.received(dan, b"hi\n", stage.now) if isinstance(each, Send)]
    assert [set(each.to) for each in effects] == [{ann, bob}, {cy}]
    assert [each.data for each in effects] == [ERASE + b"<dan> hi\r\n> \x1b[K", ERASE + b"<dan> hi\r\n> x\x1b[K"]


def test_its_width_is_kept_to(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    edited(ann)
    ann.sends(size(20))
    screen = Screen(ann, 20)
    ann.sends(b"0123456789abcdefghij")
    assert len(screen.line) <= 20
    assert screen.line.endswith("hij|")
    # Nothing known is 80 columns.
    ann.sends(size(0))
    screen.terminal.columns = 80
    assert screen.line == "> 0123456789abcdefghij|"


def test_tab_knows_names_rooms_and_commands(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.says("/join #tearoom")
    stage.seat().says("/nick Zoe")
    screen = edited(ann)
    for typed, becomes in (b"z", "Zoe: "), (b"hi Z", "hi Zoe "), (b"/join #te", "/join #tearoom "), (b"/who", "/who"):
        ann.sends(b"\x15" + typed)
        ann.sends(b"\t")
        assert screen.line == f"> {becomes}|"
    # /who may also be /whois.
    ann.sends(b"\t")
    assert screen.above() == ["/who  /whois"]
    ann.sends(b"\x15/kic")
    ann.sends(b"\t")
    assert screen.line == "> /kic|"


def test_the_arrow_brings_lines_back(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"one\r\0two\r\0" + UP + UP)
    assert screen.line == "> one|"
    ann.sends(b"\r\0")
    bob.sees("<ann> one", "<ann> two", "<ann> one")


def test_a_line_that_is_too_long_is_dropped(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"x" * 101 + b"/quit\r\0fine\r\0")
    assert "*** your line was dropped: make it shorter than 101 bytes" in screen.above()
    bob.sees("<ann> fine")
    for _ in range(3):
        ann.sends(b"x" * 101 + b"\r\0")
    assert ann.closed == Ending.LINE_TOO_LONG


# How it ends.


def test_ctrl_d_leaves_with_the_cursor_at_the_left_edge(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"half\x04" + b"\x03")
    assert screen.above() == ["> half^C"]
    ann.sends(b"\x04and what follows is not read\r\0")
    assert screen.above() == ["*** goodbye (quit)"]
    assert screen.line == "|"
    assert ann.closed == Ending.QUIT
    bob.sees("*** ann left")


def test_quit_and_the_end_of_the_server_take_the_row_away(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screens = [edited(ann), edited(bob)]
    ann.sends(b"/quit\r\0")
    assert screens[0].above() == ["> /quit", "*** goodbye (quit)"]
    assert screens[0].line == "|"
    bob.sends(b"half")
    stage.play(stage.service.stopping(stage.now))
    assert screens[1].above() == ["*** ann left", "*** the server is stopping: goodbye (shutdown)"]
    assert screens[1].line == "|"


def test_limits_tell_how_long_the_way_is(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    screen = edited(ann)
    ann.sends(b"/limits\r\0")
    told = ann.reads()
    assert DO_TIMING_MARK in told
    screen.terminal.write(TELNET.sub(b"", told))
    screen.above()
    stage.now += 0.25
    # To refuse is to answer too.
    ann.sends(b"ab" + WONT_TIMING_MARK + b"c")
    assert screen.above() == ["*** 250 ms to you and back"]
    assert screen.line == "> abc|"
    ann.sends(WILL_TIMING_MARK)
    assert screen.above() == []
    # Nor is anybody asked without end who does not answer.
    for _ in range(20):
        ann.sends(b"/limits\r\0")
    assert ann.reads().count(DO_TIMING_MARK) == 8


# A secret.


@pytest.fixture
def guarded(new_stage: Callable[[Service], Stage]) -> Stage:
    """A chat with operators."""
    return new_stage(Chat(Limits(line_length=100).without_rates(), operator_token="sesame"))


def test_the_token_is_typed_where_nobody_sees_it(guarded: Stage) -> None:
    ann, bob = guarded.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"/op\r\0")
    assert screen.line == "token: |"
    bob.says("hi")
    assert screen.above() == ["> /op", "<bob> hi"]
    ann.sends(b"sesa")
    ann.sends(b"me\r\0")
    assert "sesame" not in screen.line + "".join(rows := screen.above())
    assert rows[-1].startswith("*** you are an operator now")
    ann.sends(UP)
    assert screen.line == "> /op|"
    bob.sees()


@pytest.mark.parametrize("leaves", [b"\x03", b"\r\0", INTERRUPT, b"wrong\x03", b"wrong" + INTERRUPT])
def test_the_question_for_the_token_can_be_left(guarded: Stage, leaves: bytes) -> None:
    ann, bob = guarded.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"/op\r\0" + leaves + b"hello\r\0")
    bob.sees("<ann> hello")
    assert screen.line == "> |"
    assert not any("tries left" in row for row in screen.above())


def test_a_half_typed_token_does_not_come_out_with_the_editor(guarded: Stage) -> None:
    ann, bob = guarded.people("ann", "bob")
    edited(ann)
    ann.sends(b"/op\r\0sesame" + DONT_ECHO)
    ann.sends(DONT_SGA + b"hello\r\n")
    bob.sees("<ann> hello")
    assert b"sesame" not in ann.reads()


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


@settings(deadline=None, max_examples=60)
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


def test_a_flood_of_keys_is_read_more_slowly_and_none_of_it_lost(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(line_length=100, line_burst=5, line_rate=2.0, byte_rate=0, room_rate=0)))
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    stage.wait(60.0)
    said = [f"line {number}" for number in range(300)]
    ann.sends("".join(f"{line}\r\0" for line in said).encode() + b"half")
    assert ann.held
    first = len(bob.lines())
    assert 0 < first < 300
    stage.wait(600.0)
    assert not ann.held
    assert [f"<ann> {line}" for line in said][first:] == [line for line in bob.lines() if line.startswith("<")]
    assert [row for row in screen.above() if row.startswith("> ")] == [f"> {line}" for line in said]
    assert screen.line == "> half|"


def test_keys_without_an_enter_are_slowed_too(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(line_length=100, line_burst=1, line_rate=0, byte_rate=100.0, room_rate=0)))
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    stage.wait(60.0)
    ann.sends(b"a\x7f" * 5000 + b"done")
    assert ann.held
    stage.wait(30.0)
    assert ann.held
    # What others say is seen meanwhile.
    bob.says("hi")
    assert screen.above() == ["<bob> hi"]
    stage.wait(60.0)
    assert not ann.held
    assert screen.line == "> done|"
    ann.sends(b"\r\0")
    bob.sees("<ann> done")


def test_a_slow_reader_still_sees_what_it_types(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.stalls()
    bob.says("missed")
    ann.sends(b"half")
    assert screen.line == "> half|"
    ann.recovers()
    assert screen.above() == ["*** you missed 1 message (#1): your connection was slow. /replay 1"]
    assert screen.line == "> half|"
