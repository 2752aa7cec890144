"""What one can do about others and oneself: ignore, be away, be quiet, ask who somebody is and how things stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from tests.services.conftest import Stage


# Ignoring.


def test_ignore(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    ann.says("/ignore", "/ignore BOB", "/ignore")
    ann.sees("*** you ignore nobody", "*** you ignore bob now", "*** 1 ignored: bob")
    bob.says("hello", "/me waves", "/msg ann psst", "/topic tea")
    # What he says, and no more than that: what the room is about is no talk.
    ann.sees("*** bob set the topic: tea")
    cat.sees("<bob> hello", "* bob waves", "*** bob set the topic: tea")
    bob.sees("*** ann does not want to hear from you", "*** topic: tea")
    cat.says("hi")
    ann.sees("<cat> hi")
    ann.says("/ignore bob", "me too")
    ann.sees("*** you hear bob again")
    bob.says("hello")
    ann.sees("<bob> hello")


def test_nobody_can_be_ignored_who_is_not_there(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("/ignore ann", "/ignore dan")
    ann.sees("*** that is you: name somebody else", "*** there is no dan here: /who names those who are")


def test_to_be_ignored_follows_a_change_of_name_and_room(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/ignore bob", "/join #tea")
    bob.says("/nick rob", "/join #tea")
    stage.hush()
    bob.says("hello")
    ann.sees()
    ann.says("/ignore")
    ann.sees("*** 1 ignored: rob")


def test_each_ignores_for_oneself(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    ann.says("/ignore cat")
    bob.says("/ignore cat")
    bob.says("/ignore cat")
    stage.hush()
    cat.says("hello")
    ann.sees()
    bob.sees("<cat> hello")


def test_who_has_left_is_ignored_no_more(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    ann.says("/ignore bob", "/ignore cat")
    cat.says("/ignore ann")
    bob.vanishes()
    # Somebody else now, of the same name.
    (bob,) = stage.people("bob")
    bob.says("hello")
    ann.sees("<bob> hello")
    ann.says("/ignore")
    ann.sees("*** 1 ignored: cat")
    ann.says("/quit")
    stage.hush()
    cat.says("/ignore", "still here")
    cat.sees("*** you ignore nobody")
    bob.sees("<cat> still here")


def test_fifty_can_be_ignored(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    guests = [stage.seat() for _ in range(51)]
    ann.says(*[f"/ignore guest{number}" for number in range(1, 52)])
    assert ann.lines()[-1] == "*** you ignore 50 people already: /ignore NAME hears one of them again"
    ann.says("/ignore guest7", "/ignore guest51", "/ignore")
    lines = ann.lines()
    assert lines[:2] == ["*** you hear guest7 again", "*** you ignore guest51 now"]
    assert max(map(len, lines)) <= 80
    guests[6].says("hello")
    ann.sees("<guest7> hello")


# Being away.


def test_away(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/away", "/away lunch")
    ann.sees("*** say why: /away lunch. /away alone says that you are back", "*** you are away: lunch")
    bob.sees()
    bob.says("/msg ann hi", "/whois ann")
    ann.sees("[bob -> you] hi")
    bob.sees(
        *["[you -> ann] hi", "*** ann is away: lunch"],
        *["*** ann is in #lobby, here for 0 s", "*** last line 0 s ago; away: lunch"],
    )
    ann.says("/nick dan")
    stage.hush()
    bob.says("/msg dan hi")
    bob.sees("[you -> dan] hi", "*** dan is away: lunch")
    ann.reads()
    ann.says("/away", "/away " + "x" * 100)
    ann.sees("*** you are back", "*** your line was dropped: make it shorter than 101 bytes")


def test_a_reason_is_short(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat())
    (ann,) = stage.people("ann")
    ann.says("/away " + "x" * 101, "/away " + "x" * 100)
    ann.sees("*** a reason has at most 100 characters: make it shorter", f"*** you are away: {'x' * 100}")


# Being quiet.


def test_quiet(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/quiet")
    ann.sees("*** you are not told any more who comes and goes: /quiet again tells you")
    cat = stage.seat()
    cat.says("/nick cat", "hello", "/topic tea", "/quit bye")
    ann.sees("<cat> hello", "*** cat set the topic: tea")
    assert len(bob.lines()) == 5
    ann.says("/quiet")
    ann.sees("*** you are told again who comes and goes")
    bob.vanishes()
    ann.sees("*** bob left")


def test_who_is_quiet_is_so_in_every_room(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/quiet", "/join #tea")
    ann.reads()
    bob.says("/join #tea", "/leave")
    ann.sees()
    ann.says("/quiet", "/leave")
    ann.reads()
    bob.says("/join #tea")
    ann.sees("*** bob went to #tea")


# Asking.


def test_whois(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits().without_rates(), operator_token="sesame"))
    ann, bob = stage.people("ann", "bob")
    bob.says("/join #tea")
    stage.wait(90.0)
    bob.says("hello")
    stage.wait(3600.0)
    stage.hush()
    ann.says("/whois BOB", "/whois dan")
    ann.sees(
        *["*** bob is in #tea, here for 1 h 1 min", "*** last line 1 h ago"],
        "*** there is no dan here: /who names those who are",
    )
    # Only operators see where somebody comes from.
    bob.says("/op sesame", "/whois bob")
    assert bob.lines()[-2:] == ["*** an operator", "*** connected from tcp://192.0.2.7:50312"]


def test_limits(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(line_length=500)))
    (ann,) = stage.people("ann")
    stage.wait(60.0)
    ann.waiting = 99
    ann.says("/limits")
    ann.sees(
        "*** you may say 4 lines at once, then 2 a second; a paste counts as one",
        "*** and 20472 bytes at once, then 8192 a second",
        "*** a line has at most 500 bytes",
        "*** 99 bytes wait for you: above 65536 you are slow, above 262144 cut off",
    )


def test_limits_where_there_are_none(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("/limits")
    assert ann.lines()[:2] == ["*** you may talk as fast as you like", "*** a line has at most 100 bytes"]


def test_stats(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/stats")
    ann.sees("*** 0 s since the first one came; 2 here, 2 at most", "*** 1 room, 0 lines said", "*** ended: none yet")
    stage.wait(3700.0)
    bob.says("hello", "/me waves", "/msg ann hi", "/quit")
    bob.vanishes()
    stage.seat().vanishes()
    stage.seat().vanishes()
    ann.says("/join #tea")
    stage.hush()
    ann.says("/stats")
    ann.sees(
        "*** 1 h 1 min since the first one came; 1 here, 2 at most",
        "*** 2 rooms, 2 lines said",
        "*** ended: lost 2, quit 1",
    )
