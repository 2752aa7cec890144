from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.service import Service
from netkit.services.chat import Chat
from netkit.services.chat.nicks import MAX_LENGTH, check, fold, reserved
from netkit.services.chat.refusal import Refusal
from netkit.wire.text import clean

if TYPE_CHECKING:
    from tests.services.conftest import Stage

ASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("nick", ["a", "Ann", "x9", "a_b.c-d", "a" * 24])
def test_names_in_ascii(nick: str) -> None:
    assert check(nick) == nick
    assert check(nick, unicode=True) == nick


@pytest.mark.parametrize(
    "nick", ["9a", "_a", ".a", "-a", "a b", "a\n", "a*", "<a>", "a:", "\u00e9", "a\u0301", "\u0430", "a" * 25]
)
def test_no_names_in_ascii(nick: str) -> None:
    with pytest.raises(Refusal):
        check(nick)


@pytest.mark.parametrize(
    ("nick", "kept"),
    [
        ("Zo\u00eb", "Zo\u00eb"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\u0410\u043d\u043d\u0430", "\u0410\u043d\u043d\u0430"),
        ("\uff21\uff4e\uff4e", "Ann"),
        ("\u041e\u043b\u044f_9", "\u041e\u043b\u044f_9"),
        ("\u3042\u30a2\u4e9c", "\u3042\u30a2\u4e9c"),
        ("\u0928\u093f\u0936\u093e", "\u0928\u093f\u0936\u093e"),
    ],
)
def test_names_in_other_scripts(nick: str, kept: str) -> None:
    assert check(nick, unicode=True) == kept


@pytest.mark.parametrize(
    "nick",
    [
        "\u0430nn",  # a Cyrillic letter before two Latin ones
        "ann\u03bf",  # a Greek letter after Latin ones
        "\u0301a",  # starts with a mark
        "a\u034fb",  # an invisible mark between letters
        "a\ufe0f",  # a variation selector
        "a\u3164",  # a letter that shows nothing
        "\u3164",
        "a\u20dd",  # a mark that encloses its letter
        "\u0663a",  # starts with a digit
        "a\u00a0b",
        "a\u2028b",
        "\u263a",
        "\ufdfa" * 2,  # 18 characters each in normal form
        "\u00e9" * 25,
    ],
)
def test_no_names_in_any_script(nick: str) -> None:
    with pytest.raises(Refusal):
        check(nick, unicode=True)


@given(st.text(min_size=1, max_size=30))
def test_whatever_is_allowed_is_short_normal_and_safe(nick: str) -> None:
    try:
        kept = check(nick, unicode=True)
    except Refusal:
        return
    assert 1 <= len(kept) <= MAX_LENGTH
    assert len(kept.encode()) <= 96
    assert kept == unicodedata.normalize("NFKC", kept) == clean(kept)
    assert check(kept, unicode=True) == kept
    assert fold(fold(kept)) == fold(kept)
    assert not set(kept) & set(" <>[]*:/#,\n\r")


@given(st.text(ASCII, min_size=1, max_size=24))
def test_capitals_make_no_other_name(nick: str) -> None:
    assert fold(nick.upper()) == fold(nick.lower()) == nick.lower()


@pytest.mark.parametrize(
    "nick", ["you", "You", "SERVER", "system", "netkit", "guest", "guest1", "Guest007", "\uff39\uff2f\uff35"]
)
def test_names_for_the_server_alone(nick: str) -> None:
    assert reserved(fold(nick))


@pytest.mark.parametrize("nick", ["ann", "guesthouse", "guest1a", "yourself", "a.guest1"])
def test_names_for_anybody(nick: str) -> None:
    assert not reserved(fold(nick))


def test_a_name_is_taken_in_all_capitals(stage: Stage) -> None:
    _, seat = stage.people("Ann", "x")
    seat.says("/nick ANN", "/nick ann", "/nick Ann")
    seat.sees(*[f"*** {nick} is somebody else's name: choose another one" for nick in ("ANN", "ann", "Ann")])


def test_your_own_name_in_other_capitals_is_yours(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/nick ANN")
    ann.sees("*** you are ANN now")
    bob.says("/msg ann hi", "/nick ann")
    bob.sees("*** ann is ANN now", "[you -> ANN] hi", "*** ann is somebody else's name: choose another one")


def test_a_guest_may_shout_its_own_number_and_no_other(stage: Stage) -> None:
    seat = stage.seat()
    stage.hush()
    seat.says("/nick GUEST1", "/nick guest2")
    seat.sees("*** you are GUEST1 now", "*** guest2 is kept for the server's own use: choose another name")
    assert stage.seat().lines()[0] == "*** you are guest2 in #lobby"
    seat.vanishes()
    assert stage.seat().lines()[0] == "*** you are guest1 in #lobby"


def test_other_scripts_must_be_asked_for(new_stage: Callable[[Service], Stage]) -> None:
    plain, wide = new_stage(Chat()), new_stage(Chat(unicode_nicks=True))
    for stage, said in (
        (plain, "*** a name is a letter, and then letters, digits, _ . and -: try /nick ann"),
        (wide, "*** you are \u00c5sa now"),
    ):
        seat = stage.seat()
        stage.hush()
        seat.says("/nick A\u030asa")
        seat.sees(said)


def test_two_spellings_of_one_name_are_one(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(unicode_nicks=True))
    _, seat = stage.people("stra\u00dfe", "x")
    for nick in ("STRASSE", "\uff33trasse", "stra\u1e9ee"):
        seat.says(f"/nick {nick}")
        assert "is somebody else's name" in seat.lines()[0]


def test_the_letters_of_your_own_name_in_another_width_are_checked_too(
    new_stage: Callable[[Service], Stage],
) -> None:
    stage = new_stage(Chat(unicode_nicks=True))
    (ann,) = stage.people("ann")
    ann.says("/nick \uff41\uff4e\uff4e")
    ann.sees("*** you are called ann already")
