"""Any bytes, in any pieces: what they bring about, and what they never can."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage

LIMIT = 40

#: What clients send, and what is made to break the reading of it.
PIECES = [
    *(b"hello", b"x" * (LIMIT - 1), b"y" * (LIMIT + 1), b"\n", b"\r\n", b"\r", b"\r\0", b"\0", b" ", b"/", b"//"),
    *(b"/nick dan\n", b"/nick ann\n", b"/me waves\n", b"/msg bob psst\r\n", b"/msg ann x\n", b"/reply hi\n"),
    *(b"/join #tea\n", b"/leave\n", b"/topic tea\n", b"/history 3\n", b"/who\n", b"/rooms\n", b"/help\n"),
    *(b"/replay 1\n", b"/replay 0\n", b"/ignore ann\n", b"/away x\n", b"/away\n", b"/quiet\n", b"/whois ann\n"),
    *(b"/stats\n", b"/limits\n", b"/op x\n", b"/json\n", b'{"text": "\\n<bob> forged"}\n', b'{"command": "/leave"}\n'),
    *(b"/quit bye\n", b"/quit\n", b"\x04", b"\x04\n", b"<bob> forged\n", b"*** forged\n", b"* bob forged\n"),
    *("\u00e9".encode(), b"\xc3", b"\xa9", b"\x80", "\u2028".encode(), "\u202e".encode(), b"\xc2\x85", b"\x1b[2J"),
    *("e\u0301\u0301".encode(), b"\xcc\x81", b"\t", b"\x7f", b"\x0b", b"\x0c", b"\x1e"),
    *(b"\xff\xf4\xff\xfd\x06", b"\xff\xf6", b"\xff\xf7", b"\xff\xf8", b"\xff\xf5", b"\xff\xec", b"\xff\xff"),
    *(b"\xff\xfb\x1f", b"\xff\xfa\x18xterm\n\xff\xf0", b"\xff\xfa", b"\xff\xf0", b"\xff\xfd\x03", b"\xff"),
    *(b"GET / HTTP/1.1\r\n", b"GET /" + b"z" * LIMIT, b"\x16\x03\x01", b"\x16", b"\x03"),
]
sent = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=20).map(b"".join)

NAME = r"(?!ann\b|bob\b)[A-Za-z][A-Za-z0-9_.-]{0,23}"
ROOM = r"#[a-z0-9_-]{1,32}"

#: Every line that somebody else's doings may put on a screen, where only strangers to ann and bob speak.
HONEST = re.compile(
    rf"<{NAME}> .+|\* {NAME} .+|\[{NAME} -> you\] .+"
    rf"|\*\*\* {NAME} (?:is here|left(?:: .+| \([a-z0-9 ]+\))?|is {NAME} now|went to {ROOM}|came from {ROOM}"
    r"|set the topic: .+)"
)


#: What happens to a connection besides.
EVENTS: list[Callable[[Seat], None]] = [
    *(lambda seat: None, lambda seat: seat.stalls(), lambda seat: seat.recovers()),
    *(lambda seat: seat.ends(), lambda seat: seat.vanishes()),
]


def party(new_stage: Callable[[Service], Stage]) -> Stage:
    """Ann and bob, who have read all, and a newcomer. All may talk as fast as they like: see ``test_pace``."""
    stage = new_stage(Chat(Limits(line_length=LIMIT).without_rates(), operator_token="sesame"))
    stage.people("ann", "bob")
    stage.seat()
    stage.hush()
    return stage


@settings(deadline=None)
@given(data=sent, cuts=st.lists(st.integers(0, 400), max_size=12), last=st.booleans())
@example(data=b"y" * (LIMIT + 1) + b"\nhi\n", cuts=[LIMIT + 1], last=True)
@example(data=b"\r\n\x04", cuts=[1, 2], last=True)
@example(data=b"/limits\n\xff\xf4\xff\xfd\x06", cuts=[8], last=False)
def test_the_way_bytes_are_cut_changes_nothing(
    new_stage: Callable[[Service], Stage], data: bytes, cuts: list[int], last: bool
) -> None:
    ends = sorted({cut for cut in cuts if cut < len(data)})
    pieces = [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]
    single = [data[at : at + 1] for at in range(len(data))]
    transcripts = []
    for way in ([data], pieces, single):
        stage = party(new_stage)
        for piece in way:
            stage.seats[2].sends(piece)
        if last and not stage.seats[2].closed:
            stage.seats[2].ends()
        transcripts.append([(seat.reads(), seat.closed) for seat in stage.seats])
    assert transcripts[1] == transcripts[0]
    assert transcripts[2] == transcripts[0]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), sent | st.binary(max_size=300), st.sampled_from(EVENTS)), max_size=8),
    st.booleans(),
)
def test_no_bytes_break_the_chat(
    new_stage: Callable[[Service], Stage], turns: list[tuple[int, bytes, Callable[[Seat], None]]], paced: bool
) -> None:
    limits = Limits(line_length=LIMIT)
    stage = new_stage(Chat(limits if paced else limits.without_rates()))
    stage.people("ann", "bob")
    for local in (True, True, False):
        stage.seat(local=local)
    for who, data, event in turns:
        seat = stage.seats[who]
        # The stage sees to it that nothing is sent to who is closed.
        seat.sends(data)
        if not seat.gone and not seat.closed:
            event(seat)
        stage.wait(0.1)
    stage.wait(100.0)
    for seat in stage.seats:
        if not seat.gone:
            seat.vanishes()
    stage.wait(100.0)
    # Whatever happened, everybody is out and forgotten.
    stage.seats.clear()
    assert stage.wakes == []
    assert stage.seat().lines()[0] == "*** you are guest1 in #lobby"


@settings(deadline=None)
@given(st.lists(sent | st.text(max_size=20).map(str.encode), max_size=8))
def test_nobody_can_forge_a_line(new_stage: Callable[[Service], Stage], chunks: list[bytes]) -> None:
    stage = party(new_stage)
    ann, _, forger = stage.seats
    for data in chunks:
        forger.sends(data)
    forger.vanishes()
    text = ann.reads().decode()
    assert not set(text) & {chr(code) for code in (*range(10), *range(11, 32), *range(127, 160))}
    for line in text.split("\n")[:-1]:
        assert HONEST.fullmatch(line), line
        assert len(line.splitlines()) == 1


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=1, max_size=30), st.integers(1, 2000))
def test_what_is_kept_for_a_person_is_bounded(new_stage: Callable[[Service], Stage], data: bytes, times: int) -> None:
    stage = new_stage(chat := Chat(Limits(line_length=LIMIT).without_rates()))
    seat = stage.seat()
    seat.sends(data * times)
    for person in chat._house.people.values():
        assert len(person.input.pending) <= LIMIT
        assert len(person.too_long) <= 3
        assert person.renamed == ()
        assert person.backlog == b""
    assert len(chat._house.rooms) <= 2
    assert len(chat._house.rooms.lobby.shelf.lines) <= 200


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20))
def test_what_waits_to_be_read_is_what_came_in_one_piece(
    new_stage: Callable[[Service], Stage], chunks: list[bytes]
) -> None:
    stage = new_stage(chat := Chat(Limits(line_length=LIMIT, line_burst=1, byte_rate=10.0)))
    seat = stage.seat()
    for data in chunks:
        seat.sends(data)
        # A layer reads nothing more from who is held.
        assert all(len(person.backlog) <= 300 for person in chat._house.people.values())
        assert len(chat._reader._due) == len(chat._house.people) * seat.held
