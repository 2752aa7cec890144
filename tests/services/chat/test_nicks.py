from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netkit.service import Service
from netkit.services.chat import Chat
from netkit.services.chat.nicks import MAX_LENGTH, check, fold, looks, reserved
from netkit.services.chat.refusal import Refusal
from netkit.wire.text import clean
from tests.process import NETKIT, PATIENCE, environment

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
        ("\u4f50\u3005\u6728", "\u4f50\u3005\u6728"),  # a Han name with the sign that repeats a letter
        ("\u30ab\u30fc", "\u30ab\u30fc"),  # Katakana with the sign that it shares with Hiragana
        ("\ud55c\u6f22", "\ud55c\u6f22"),  # Hangul and Han are Korean
        ("\u3105\u6f22", "\u3105\u6f22"),  # Bopomofo and Han are Chinese
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
        "a\u20dd",  # a mark that encloses its letter
        "bi\u0307ll",  # a dot above an i, which has one
        "zoe\u0308\u0308",  # the same mark twice
        "\u3042\ud55c",  # Hiragana and Hangul: Japanese and Korean have no letter in common
        "a\u3042",  # Japanese is not written with Latin letters
        "a\u0663",  # an Arabic digit after a Latin letter
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


@pytest.mark.parametrize("nick", ["a\u034fb", "a\ufe0f", "a\u3164", "\u3164", "a\u115f", "a\U000e0101"], ids=ascii)
def test_no_letters_and_marks_that_show_nothing(nick: str) -> None:
    with pytest.raises(Refusal, match=r"^a name is a letter, and then letters, digits"):
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


# Looks.

#: Names, and what others might take instead of them: no two of a pair may be here at once.
ATTACKS = [
    ("paypal", "paypa1"),
    ("paypal", "paypaI"),
    ("mary", "rnary"),
    ("Mary", "rnary"),  # alike when both are small
    ("bob", "b0b"),
    ("Ian", "lan"),
    ("ann10", "annIO"),
    ("coco", "\u0441\u043e\u0441\u043e"),  # all Cyrillic
    ("paypal", "\u0440\u0430\u0443\u0440\u0430\u04cf"),  # all Cyrillic, with a palochka
    ("ann", "\u0391\u039d\u039d"),  # all Greek capitals
    ("nun", "\u0578\u057d\u0578"),  # all Armenian
    ("\u0430\u043d\u0442\u043e\u043d", "AHTOH"),  # alike when both are capitals
    ("\u0410\u043d\u0442\u043e\u043d", "A\u029c\u1d1bo\u029c"),  # Latin small capitals for Cyrillic letters
    ("Ian", "\u0131an"),  # an i without its dot
    ("anna", "\u0251nn\u0251"),  # Latin alpha
    ("sam", "\ua731am"),  # a small capital s
    ("Tim", "T\u026am"),  # a small capital i
    ("\u0628\u06cc", "\u0628\u0649"),  # two letters of Arabic that end a word alike
]

#: Names that are different enough, though some rule or other might take them for one.
FRIENDS = [
    ("ian", "lan"),
    ("ann", "anna"),
    ("zoe", "zo\u00eb"),
    ("ann-b", "ann_b"),
    ("user1", "user2"),
    ("Anna", "\u0410\u043d\u043d\u0430"),
    ("roman", "\u0440\u043e\u043c\u0430\u043d"),
    ("\u4f50\u85e4", "\u52a0\u85e4"),
]


@pytest.fixture
def wide(new_stage: Callable[[Service], Stage]) -> Stage:
    return new_stage(Chat(unicode_nicks=True))


@pytest.mark.parametrize(("one", "other"), [*ATTACKS, *[pair[::-1] for pair in ATTACKS]], ids=ascii)
def test_a_name_that_looks_like_somebody_elses_is_refused(wide: Stage, one: str, other: str) -> None:
    _, seat = wide.people(one, "x")
    seat.says(f"/nick {other}")
    seat.sees(f"*** {other} looks too much like {one}, who is here: choose another one")


@pytest.mark.parametrize(("one", "other"), FRIENDS, ids=ascii)
def test_names_that_differ_enough_may_be_here_together(wide: Stage, one: str, other: str) -> None:
    _, seat = wide.people(one, "x")
    seat.says(f"/nick {other}")
    seat.sees(f"*** you are {other} now")


@pytest.mark.parametrize(
    "nick",
    [
        "\U0001d41a\U0001d427\U0001d427",  # mathematical bold
        "\uff21\uff2e\uff2e",  # fullwidth
        "\u24d0\u24dd\u24dd",  # circled
        "a\u200bn\u2060n",  # with spaces of no width
        "\u202ean\u00adn",  # turned round, hyphened
    ],
    ids=ascii,
)
def test_another_spelling_of_a_name_is_that_name(wide: Stage, nick: str) -> None:
    _, seat = wide.people("ann", "x")
    seat.says(f"/nick {nick}")
    assert seat.lines()[0].lower() == "*** ann is somebody else's name: choose another one"


@pytest.mark.parametrize(
    ("nick", "scripts"),
    [
        ("\u0430dmin", "not of Cyrillic and Latin"),
        ("ann\u03bf", "not of Greek and Latin"),
        ("\u3042\ud55c\u6f22", "not of Han and Hangul and Hiragana"),
        ("a\u0483", "not of Cyrillic and Latin"),
        ("a\u3099", "with its digits and marks"),  # a mark of both Hiragana and Katakana
    ],
    ids=ascii,
)
def test_a_mixed_name_is_told_what_it_mixes(wide: Stage, nick: str, scripts: str) -> None:
    seat = wide.seat()
    wide.hush()
    seat.says(f"/nick {nick}")
    seat.sees(f"*** a name is of one script, {scripts}: keep to one of them")


@pytest.mark.parametrize(
    "nick",
    ["r00t", "systern", "adrnin", "y0u", "rne", "\u039c\u0395", "guestl", "GUESTI", "guesti", "guest1O", "Guestl0l"],
    ids=ascii,
)
def test_no_name_looks_like_the_servers_own(wide: Stage, nick: str) -> None:
    seat = wide.seat()
    wide.hush()
    seat.says(f"/nick {nick}")
    seat.sees(f"*** {nick} looks too much like a name kept for the server's own use: choose another one")


def test_guests_are_never_in_each_others_way(wide: Stage) -> None:
    seats = [wide.seat() for _ in range(111)]
    wide.hush()
    for number in (1, 10, 11, 101, 111):
        seats[number - 1].says(f"/nick GUEST{number}")
        assert seats[number - 1].lines()[-1] == f"*** you are GUEST{number} now"
    seats[0].vanishes()
    assert wide.seat().lines()[0] == "*** you are guest1 in #lobby"


def test_your_own_name_does_not_stand_in_your_way(wide: Stage) -> None:
    ann, _ = wide.people("paypal", "lan")
    ann.says("/nick PayPal", "/nick paypa1")
    ann.sees("*** you are PayPal now", "*** you are paypa1 now")


def test_in_other_capitals_your_own_name_may_look_like_somebody_elses(wide: Stage) -> None:
    ian, _ = wide.people("ian", "lan")
    ian.says("/nick Ian")
    ian.sees("*** Ian looks too much like lan, who is here: choose another one")


def test_the_look_of_a_name_is_free_again_with_the_name(wide: Stage) -> None:
    ann, bob, cat = wide.people("paypal", "b0b", "x")
    ann.says("/nick ann")
    bob.vanishes()
    wide.hush()
    cat.says("/nick paypa1", "/nick bob")
    cat.sees("*** you are paypa1 now", "*** you are bob now")


def test_nothing_is_sent_to_who_only_looks_like_somebody(wide: Stage) -> None:
    _, seat = wide.people("paypa1", "x")
    seat.says("/msg paypal my secret")
    seat.sees("*** there is no paypal here: /who names those who are")


def test_without_other_scripts_only_capitals_make_no_difference(stage: Stage) -> None:
    _, seat = stage.people("paypal", "x")
    seat.says("/nick paypa1", "/nick r00t")
    seat.sees("*** you are paypa1 now", "*** you are r00t now")


#: Names of letters that are each other's look in one case or another, so that most pairs are alike in some way.
LIKELY = st.text("ilI1oO0mMrn\u0131", min_size=1, max_size=3) | st.text(
    "\u043d\u041d\u043e\u041e", min_size=1, max_size=3
)
NAMES = LIKELY.filter(lambda name: name[0].isalpha())


@given(NAMES | st.text(st.characters(categories=["L", "Mn", "Mc", "Nd"]), min_size=1, max_size=24))
@example("\u048b")  # which takes two steps
def test_a_look_looks_like_itself(nick: str) -> None:
    for look in looks(nick):
        assert looks(look)[0] == look


def alike(one: str, other: str) -> bool:
    return fold(one) == fold(other) or not set(looks(one)).isdisjoint(looks(other))


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 3), NAMES | st.none()), max_size=30))
def test_no_two_names_that_are_here_are_alike(
    new_stage: Callable[[Service], Stage], steps: list[tuple[int, str | None]]
) -> None:
    stage = new_stage(Chat(unicode_nicks=True))
    seats = [stage.seat() for _ in range(4)]
    # Who has chosen a name; the others are guests.
    names: dict[int, str] = {}
    for who, name in steps:
        stage.now += 60.0  # past the minute in which earlier changes of a name count
        stage.hush()
        if name is None:
            seats[who].vanishes()
            seats[who] = stage.seat()
            names.pop(who, None)
            continue
        seats[who].says(f"/nick {name}")
        (line,) = seats[who].lines()
        others = [other for someone, other in names.items() if someone != who]
        if any(fold(other) == fold(name) for other in others):
            assert line == f"*** {name} is somebody else's name: choose another one"
        elif name == names.get(who):
            assert line == f"*** you are called {name} already"
        elif looked_like := [other for other in others if alike(other, name)]:
            told = [f"*** {name} looks too much like {other}, who is here: choose another one" for other in looked_like]
            assert line in told
        else:
            assert line == f"*** you are {name} now"
            names[who] = name


# PyICU, which is optional.

ABSENT = "raise ModuleNotFoundError('No module named icu', name='icu')\n"


def test_other_scripts_without_the_package_for_them(tmp_path: Path) -> None:
    (tmp_path / "icu.py").write_text(ABSENT)
    done = subprocess.run(
        (*NETKIT, "serve", "--listen", "0", "--unicode-nicks"),
        env=environment(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "netkit: PyICU is not installed: pip install 'netkit[unicode-nicks]', or leave out --unicode-nicks\n"
    )


def test_a_chat_in_ascii_imports_nothing_for_it() -> None:
    program = "from netkit.services.chat import Chat; Chat(); import sys; print('icu' in sys.modules)"
    done = subprocess.run((sys.executable, "-c", program), env=environment(), capture_output=True, check=True)
    assert done.stdout == b"False\n"
