"""Messages as lines and as JSON objects: who gets which, and that nobody can break either."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netkit.limits import Limits
from netkit.service import Send, Service
from netkit.services.chat import Chat
from netkit.services.chat.messages import Again, Form, Message, Private, Receipt, write
from netkit.services.chat.records import Said

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage

SAID = Said("#tea", 7, "ann", "caf\u00e9")


def objects(seat: Seat) -> list[dict[str, object]]:
    """What came since the last look, each line of which must be one object."""
    data = seat.reads()
    assert data == b"" or data.endswith(b"\n")
    found = [json.loads(line) for line in data.split(b"\n")[:-1]]
    assert all(isinstance(each, dict) for each in found)
    return found


@pytest.mark.parametrize(
    ("message", "line", "fields"),
    [
        ("*** topic: tea", "*** topic: tea", {"type": "notice", "text": "topic: tea"}),
        (
            SAID,
            "<ann> caf\u00e9",
            {"type": "line", "room": "#tea", "number": 7, "nick": "ann", "text": "caf\u00e9"},
        ),
        (
            SAID._replace(action=True),
            "* ann caf\u00e9",
            {"type": "line", "room": "#tea", "number": 7, "nick": "ann", "text": "caf\u00e9", "action": True},
        ),
        (
            Again(SAID),
            "#7 <ann> caf\u00e9",
            {"type": "again", "room": "#tea", "number": 7, "nick": "ann", "text": "caf\u00e9"},
        ),
        (
            Private("ann", "bob", "psst", own=False),
            "[ann -> you] psst",
            {"type": "private", "from": "ann", "to": "bob", "text": "psst"},
        ),
        (
            Private("ann", "bob", "psst", own=True),
            "[you -> bob] psst",
            {"type": "private", "from": "ann", "to": "bob", "text": "psst"},
        ),
        (Receipt("#tea", 7), "*** ok #7", {"type": "ok", "room": "#tea", "number": 7}),
    ],
)
def test_each_message_in_each_form(message: Message, line: str, fields: dict[str, object]) -> None:
    assert write([message], Form.LF) == f"{line}\n".encode()
    assert write([message], Form.CRLF) == write([message], Form.EDITED) == f"{line}\r\n".encode()
    assert json.loads(write([message], Form.JSON)) == fields


def test_some_messages_are_one_after_the_other() -> None:
    assert write([SAID, "*** x"], Form.LF) == "<ann> caf\u00e9\n*** x\n".encode()
    assert write([SAID, "*** x"], Form.CRLF) == "<ann> caf\u00e9\r\n*** x\r\n".encode()
    assert write([SAID, "*** x"], Form.JSON).count(b"\n") == 2


@settings(deadline=None)
@given(st.text(), st.text())
@example('"}\n{"type": "line"', "\\")
def test_no_text_breaks_an_object(nick: str, text: str) -> None:
    for message in (Said("#tea", 1, nick, text), Private(nick, "bob", text, own=False), f"*** {text}"):
        try:
            data = write([message], Form.JSON)
        except UnicodeEncodeError:
            # A surrogate, which never comes out of ``clean``.
            continue
        assert data.count(b"\n") == 1
        assert text in json.loads(data).values()


# Programs.


def test_a_program_reads_and_writes_objects(stage: Stage) -> None:
    ann, bot = stage.people("ann", "bot")
    ann.says("before")
    stage.hush()
    bot.says("/json", '{"text": "/who is there"}', '{"text": "waves", "action": true}', '{"command": "/who"}')
    assert objects(bot) == [
        {"type": "notice", "text": "you are bot in #lobby, and read JSON now: /json again reads lines"},
        {"type": "ok", "room": "#lobby", "number": 2},
        {"type": "ok", "room": "#lobby", "number": 3},
        {"type": "notice", "text": "2 in #lobby: ann, bot"},
    ]
    ann.sees("<bot> /who is there", "* bot waves")
    ann.says("hello", "/msg bot psst", "/topic tea", "/quit")
    assert objects(bot) == [
        {"type": "line", "room": "#lobby", "number": 4, "nick": "ann", "text": "hello"},
        {"type": "private", "from": "ann", "to": "bot", "text": "psst"},
        {"type": "notice", "text": "ann set the topic: tea"},
        {"type": "notice", "text": "ann left"},
    ]
    bot.says("plain", "/replay 4", '{"command": "/msg bot x"}', '{"command": "who"}', "{", '  {"text": "x"}')
    assert objects(bot) == [
        {"type": "ok", "room": "#lobby", "number": 5},
        {"type": "again", "room": "#lobby", "number": 4, "nick": "ann", "text": "hello"},
        {"type": "again", "room": "#lobby", "number": 5, "nick": "bot", "text": "plain"},
        {"type": "notice", "text": "that is you: name somebody else"},
        {
            "type": "notice",
            "text": 'a command starts with a slash: send {"text": "hello"} or {"command": "/who"}',
        },
        {"type": "notice", "text": 'that is not JSON: send {"text": "hello"} or {"command": "/who"}'},
        {"type": "ok", "room": "#lobby", "number": 6},
    ]
    bot.says("/json")
    assert bot.reads() == b"*** you read lines now\n"


def test_what_a_room_says_to_a_program_who_comes_in(stage: Stage) -> None:
    ann, bot = stage.people("ann", "bot")
    ann.says("/join #tea", "/topic leaves", "hello")
    stage.hush()
    bot.says("/json", "/join #tea")
    assert objects(bot)[1:] == [
        {"type": "notice", "text": "you are in #tea now"},
        {"type": "notice", "text": "topic: leaves"},
        {"type": "notice", "text": "1 other here: /who names them"},
        {"type": "notice", "text": "last said here (1 line):"},
        # Not said now, so it is not ``line``.
        {"type": "again", "room": "#tea", "number": 1, "nick": "ann", "text": "hello"},
    ]


def test_a_program_has_one_receipt_for_each_line(stage: Stage) -> None:
    (bot,) = stage.people("bot")
    bot.says("/json", '{"text": "hello"}')
    assert len(objects(bot)) == 2
    bot.ends()
    assert objects(bot) == []


def test_json_may_be_the_first_line_of_all(stage: Stage) -> None:
    for ending, after in ((b"\n", b"\n"), (b"\r\n", b"\r\n")):
        seat = stage.seat()
        seat.reads()
        seat.sends(b"/json" + ending)
        assert [each["type"] for each in objects(seat)] == ["notice"]
        # And its lines end as its own do, when it reads lines again.
        seat.sends(b"/json" + ending)
        assert seat.reads() == b"*** you read lines now" + after


def test_each_answer_is_in_the_form_of_its_time(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("/who", "/json", "/who", "/json", "/who")
    data = ann.reads().splitlines()
    assert [line[:1] for line in data] == [b"*", b"{", b"{", b"*", b"*"]
    assert data[0] == data[4] == b"*** 1 in #lobby: ann"


def test_a_slow_program_is_told_what_it_missed(stage: Stage) -> None:
    ann, bot = stage.people("ann", "bot")
    bot.says("/json")
    bot.reads()
    bot.stalls()
    ann.says("one", "two")
    bot.recovers()
    told = "you missed 2 messages (#1 to #2): your connection was slow. /replay 1"
    assert objects(bot) == [{"type": "notice", "text": told}]


def test_a_line_is_one_effect_for_each_form(stage: Stage) -> None:
    ann, crlf, bot, lf = (stage.seat() for _ in range(4))
    ann.sends(b"x\n")
    crlf.sends(b"x\r\n")
    bot.sends(b"/json\n")
    lf.sends(b"x\n")
    stage.hush()
    assert stage.service.received(ann, b"a\nb\n", 1.0) == [
        Send((crlf,), b"<guest1> a\r\n<guest1> b\r\n"),
        Send((lf,), b"<guest1> a\n<guest1> b\n"),
        Send(
            (bot,),
            b'{"type": "line", "room": "#lobby", "number": 4, "nick": "guest1", "text": "a"}\n'
            b'{"type": "line", "room": "#lobby", "number": 5, "nick": "guest1", "text": "b"}\n',
        ),
    ]


CONTROLS = {chr(code) for code in (*range(32), *range(127, 160), 0x2028, 0x2029, 0x202E)}

LINES = [
    *('{"text": "a"}\n{"type": "ok"}', '{"text": "\\n<bob> forged"}', '{"text": "\\u001b[2J\\ud800"}', '"}', "/json"),
    *('/nick {"', '/topic "}\n', "/topic {}", "/me }", '/msg ann "}', "/away \\", "/quit {", '/join #{"', "/stats"),
    *('{"command": "/topic \\r\\n{}"}', "/replay 1", "/history", "\u2028{", "\x85", "{" * 60, '{"text": 1}', "[" * 50),
]
spoken = st.lists(st.sampled_from(LINES) | st.text(max_size=12), max_size=12)


@settings(deadline=None, max_examples=60)
@given(spoken, spoken)
def test_whatever_people_send_programs_read_objects(
    new_stage: Callable[[Service], Stage], some: list[str], others: list[str]
) -> None:
    stage = new_stage(Chat(Limits(line_length=60).without_rates()))
    ann, bob, watcher = (stage.seat() for _ in range(3))
    for seat in (bob, watcher):
        seat.says("/json")
    stage.hush()
    for seat, lines in ((ann, some), (bob, others), (ann, others)):
        seat.sends("".join(f"{line}\n" for line in lines).encode(errors="replace"))
        for each in objects(watcher):
            assert each["type"] in ("line", "again", "private", "notice", "ok")
            # Nor is there anything in it that a terminal would obey, once a program shows it.
            assert not CONTROLS & set("".join(map(str, each.values())))
