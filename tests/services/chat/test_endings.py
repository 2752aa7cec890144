"""Every way in which the chat ends a connection: one word, in what is told, as the reason, and in what is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat
from netkit.services.chat.service import REFUSED

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage


@dataclass(frozen=True)
class Way:
    """A way for somebody, who is a stranger, to go."""

    ending: Ending
    go: Callable[[Stage, Seat], None]
    #: What it is told last. Empty: it cannot be told.
    told: str
    #: What the room is told, after the name.
    seen: str


def operates(stage: Stage, command: str) -> None:
    """An operator does something."""
    operator = stage.seat(host="")
    operator.says("/op sesame", command)


def floods(_: Stage, seat: Seat) -> None:
    """Four lines that are too long."""
    seat.says(*["x" * 101] * 4)


WAYS = [
    Way(Ending.QUIT, lambda _, seat: seat.says("/quit"), "*** goodbye (quit)", "left"),
    Way(Ending.QUIT, lambda _, seat: seat.sends(b"\x04"), "*** goodbye (quit)", "left"),
    Way(Ending.QUIT, lambda _, seat: seat.sends(b"\xff\xec"), "*** goodbye (quit)", "left"),
    Way(Ending.EOF, lambda _, seat: seat.ends(), "*** ok #1", "left"),
    Way(Ending.LOST, lambda _, seat: seat.vanishes(), "", "left"),
    Way(Ending.IDLE, lambda _, seat: seat.vanishes(Ending.IDLE), "", "left (idle)"),
    Way(Ending.OVER_BUDGET, lambda _, seat: seat.vanishes(Ending.OVER_BUDGET), "", "left (over budget)"),
    Way(
        Ending.LINE_TOO_LONG,
        floods,
        "*** those were too many lines that are too long: goodbye (line-too-long)",
        "left (line too long)",
    ),
    Way(
        Ending.LINE_TOO_LONG,
        lambda _, seat: seat.sends(b"x" * (1024 * 1024 + 1)),
        "*** that was too much without a line of yours: goodbye (line-too-long)",
        "left (line too long)",
    ),
    Way(
        Ending.TELNET_FLOOD,
        lambda _, seat: seat.sends(b"\xff\xfa\x18" + b"x" * 70_000),
        "*** a telnet subnegotiation of more than 65536 bytes: goodbye (telnet-flood)",
        "left (telnet flood)",
    ),
    Way(
        Ending.BAD_TOKEN,
        lambda _, seat: seat.says(*["/op x"] * 5),
        "*** that was wrong 5 times: goodbye (bad-token)",
        "left (bad token)",
    ),
    Way(
        Ending.KICKED,
        lambda stage, _: operates(stage, "/kick dan"),
        "*** an operator sends you away: goodbye (kicked)",
        "left (kicked)",
    ),
    Way(
        Ending.BANNED,
        lambda stage, _: operates(stage, "/ban dan 1h spam"),
        "*** you are banned for another 1 h (spam): goodbye (banned)",
        "left (banned)",
    ),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.ending)
def test_the_word_is_the_same_for_everybody(new_stage: Callable[[Service], Stage], way: Way) -> None:
    limits = Limits(line_length=100).without_rates()
    stage = new_stage(Chat(limits, operator_token="sesame"))
    ann, dan = stage.seat(), stage.seat(local=False, host="192.0.2.9")
    dan.says("/nick dan", "hello")
    stage.hush()
    way.go(stage, dan)
    told = dan.lines()
    if way.told:
        assert told[-1] == way.told
        assert dan.closed == way.ending
    else:
        assert told == []
    if way.ending is not Ending.EOF:
        assert not way.told or way.told.endswith(f"({way.ending})")
    if not dan.gone:
        dan.vanishes()
    assert f"*** dan {way.seen}" in ann.lines()
    ann.says("/stats")
    assert ann.lines()[-1] == f"*** ended: {way.ending} 1"
    ann.says("/whois dan")
    ann.sees("*** there is no dan here: /who names those who are")


def test_a_silent_stranger(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat())
    ann, seat = stage.seat(), stage.seat(local=False)
    stage.hush()
    stage.wait(60.0)
    seat.sees("*** no line came from you in 60 seconds: goodbye (silent)")
    ann.sees("*** guest2 left (silent)")
    assert (seat.closed, seat.aborted) == (Ending.SILENT, False)


def test_a_slow_reader(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat())
    ann, seat = stage.seat(), stage.seat()
    stage.hush()
    seat.stalls()
    stage.wait(30.0)
    # It is told nothing, as it would not read it.
    seat.sees()
    ann.sees("*** guest2 left (too slow)")
    assert (seat.closed, seat.aborted) == (Ending.TOO_SLOW, True)


def test_who_is_banned_at_the_door(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(operator_token="sesame"))
    operates(stage, "/ban 192.0.2.9")
    stage.hush()
    seat = stage.seat(local=False, host="192.0.2.9")
    seat.sees("*** you are banned: goodbye (banned)")
    assert seat.closed == Ending.BANNED
    assert [other.reads() for other in stage.seats] == [b"", b""]


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (Ending.SERVER_FULL, "*** the server is full: try again later (server-full)"),
        (Ending.ADDRESS_FULL, "*** too many connections from your address: close one of them (address-full)"),
        (Ending.CONNECT_FLOOD, "*** too many connections from your address: try again in ten minutes (connect-flood)"),
        (Ending.SHUTDOWN, "*** the server is stopping: try again later (shutdown)"),
        (Ending.IDLE, "*** nothing came from you for too long (idle)"),
        (Ending.HANDSHAKE, "*** not now (handshake)"),
    ],
)
def test_who_is_turned_away_by_the_layer(ending: Ending, told: str) -> None:
    assert Chat().refused(ending) == f"{told}\r\n".encode()
    assert len(told) <= 100


def test_all_that_are_refused_have_words_of_the_list() -> None:
    assert all(Ending(ending) for ending in REFUSED)


def test_who_is_told_that_the_server_stops_is_told_the_word(stage: Stage) -> None:
    ann, bot = stage.people("ann", "bot")
    bot.says("/json")
    bot.reads()
    stage.play(stage.service.stopping(stage.now))
    ann.sees("*** the server is stopping: goodbye (shutdown)")
    assert bot.reads() == b'{"type": "notice", "text": "the server is stopping: goodbye (shutdown)"}\n'


def test_nothing_is_told_at_the_end_to_who_has_gone_already(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat())
    ann = stage.seat()
    stage.wait(60.0)
    ann.says(*["x"] * 120)
    ann.ends()
    ann.vanishes(Ending.EOF)
    # It is there still, as what it sent is being read; but there is nobody to tell.
    assert stage.service.stopping(stage.now) == []
