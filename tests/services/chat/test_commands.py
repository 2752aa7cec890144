"""Each command as a dialogue, and what is said where it cannot be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat
from netkit.services.chat.commands.about import TOPICS
from netkit.services.chat.commands.table import COMMANDS, ELSEWHERE, MAX_TYPO

if TYPE_CHECKING:
    from tests.services.conftest import Stage


def test_help_shows_every_command_on_one_line(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("/help")
    ann.sees(
        "*** /nick NAME         change your name",
        "*** /me ACTION         say what you do: /me waves",
        "*** /msg NAME TEXT     say something to one person alone",
        "*** /reply TEXT        answer who last wrote to you alone",
        "*** /ignore [NAME]     hear no more of somebody, or again; alone: list them",
        "*** /away [WHY]        say that you do not answer now; alone: that you are back",
        "*** /quiet             hear no more of who comes and goes, or again",
        "*** /quit [WORDS]      leave the chat, with a last word if you like",
        "*** /who [#ROOM]       name who is in this room, or in another one",
        "*** /rooms             list the rooms, the fullest first",
        "*** /join #ROOM        go to another room; it is made if there is none",
        "*** /leave             go back to #lobby",
        "*** /topic [TEXT]      show what the room is about, or set it",
        "*** /history [NUMBER]  show what was said last: 10 lines, or up to 200",
        "*** /replay NUMBER     show what was said from this number on: /replay 481",
        "*** /edit [on|off]     telnet: let the server edit your line, or not",
        "*** /op [TOKEN]        become an operator, if you know the server's token",
        "*** /whois NAME        say who somebody is: room, since when, whether they read",
        "*** /limits            say how fast you may talk, and what waits for you",
        "*** /json              read and write JSON objects, for programs; again: lines",
        "*** /help [TOPIC]      show what there is, or more about a command or a topic",
        "*** /stats             say how the chat is doing, and how connections ended",
        "*** more about, such as /help floods: floods, numbers, programs, keys",
    )


def test_what_other_chats_call_a_command_leads_to_one_that_there_is() -> None:
    assert set(ELSEWHERE.values()) <= COMMANDS.keys()
    assert not ELSEWHERE.keys() & COMMANDS.keys()
    assert max(map(len, ELSEWHERE)) <= MAX_TYPO


def test_all_help_fits_a_terminal(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits().without_rates(), operator_token="sesame"))
    (ann,) = stage.people("ann")
    ann.says("/op sesame")
    stage.hush()
    topics = {command.topic for command in COMMANDS.values()} | TOPICS.keys()
    for asked in ("", *sorted(topics), *COMMANDS):
        ann.says(f"/help {asked}")
        lines = ann.lines()
        assert 1 <= len(lines) <= 24
        assert max(map(len, lines)) <= 80, lines


def test_help_for_one_command(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("/help me", "/help /me", "/HELP ME", "/help xyzzy")
    ann.sees(
        *["*** /me ACTION  say what you do: /me waves"] * 3,
        "*** there is no /xyzzy: /help shows what there is, //text says /text",
    )


def test_help_for_a_topic(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("/help about", "/help KEYS", "/help operators", "/help kick")
    ann.sees(
        "*** /help [TOPIC]  show what there is, or more about a command or a topic",
        "*** /stats         say how the chat is doing, and how connections ended",
        "*** Ctrl-D at the start of a line leaves, as /quit does",
        "*** Ctrl-C in telnet drops the line that you are typing",
        "*** there is no /operators: /help shows what there is, //text says /text",
        "*** /kick is for operators: /op TOKEN makes you one",
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/whp", "there is no /whp: did you mean /who? /help shows what there is, //text says /text"),
        ("/exit", "there is no /exit: did you mean /quit? /help shows what there is, //text says /text"),
        ("/whisper bob hi", "there is no /whisper: did you mean /msg? /help shows what there is, //text says /text"),
        ("/", "there is no /: /help shows what there is, //text says /text"),
        ("/ x", "there is no /: /help shows what there is, //text says /text"),
        ("/" + "x" * 60, f"there is no /{'x' * 31}...: /help shows what there is, //text says /text"),
    ],
)
def test_a_command_that_there_is_not(stage: Stage, typed: str, said: str) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says(typed)
    ann.sees(f"*** {said}")
    bob.sees()


@pytest.mark.parametrize(
    ("typed", "usage"),
    [
        ("/nick", "/nick NAME"),
        ("/me", "/me ACTION"),
        ("/me  ", "/me ACTION"),
        ("/me \u0301", "/me ACTION"),
        ("/msg", "/msg NAME TEXT"),
        ("/msg bob", "/msg NAME TEXT"),
        ("/reply", "/reply TEXT"),
        ("/join", "/join #ROOM"),
    ],
)
def test_too_few_words_show_the_usage(stage: Stage, typed: str, usage: str) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says(typed)
    ann.sees(f"*** usage: {usage}")
    bob.sees()


def test_me(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/me waves  to all ", "/Me sits", "/me \u0301x")
    bob.sees("* ann waves  to all", "* ann sits", "* ann x")
    ann.sees()


# Names.


def test_nick(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/nick dan", "hello")
    ann.sees("*** you are dan now")
    bob.sees("*** ann is dan now", "<dan> hello")


def test_of_two_who_ask_for_a_name_in_one_turn_one_gets_it(stage: Stage) -> None:
    one, two = stage.seat(), stage.seat()
    stage.hush()
    effects = [stage.service.received(seat, b"/nick ann\n/who\n", 1.0) for seat in (one, two)]
    for some in effects:
        stage.play(some)
    one.sees("*** you are ann now", "*** 2 in #lobby: ann, guest2")
    two.sees(
        "*** guest1 is ann now",
        "*** ann is somebody else's name: choose another one",
        "*** 2 in #lobby: ann, guest2",
    )


def test_a_name_changes_three_times_a_minute(stage: Stage) -> None:
    seat = stage.seat()
    stage.hush()
    seat.says("/nick a", "/nick b", "/nick b", "/nick you", "/nick c", "/nick d")
    seat.sees(
        "*** you are a now",
        "*** you are b now",
        "*** you are called b already",
        "*** you is kept for the server's own use: choose another name",
        "*** you are c now",
        "*** a name may change 3 times a minute: try again in a minute",
    )
    stage.wait(60.0)
    seat.says("/nick d")
    seat.sees("*** you are d now")


# Private words.


def test_msg_and_reply(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    ann.says("/msg BOB are you  there?")
    ann.sees("[you -> bob] are you  there?")
    bob.sees("[ann -> you] are you  there?")
    bob.says("/reply yes")
    bob.sees("[you -> ann] yes")
    ann.sees("[bob -> you] yes")
    cat.sees()


def test_msg_reaches_into_other_rooms_and_is_not_kept(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.says("/join #tea")
    stage.hush()
    ann.says("/msg bob psst", "/history")
    bob.sees("[ann -> you] psst")
    ann.sees("[you -> bob] psst", "*** nothing was said in #lobby yet: be the first")


def test_msg_that_cannot_arrive(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("/msg dan hi", f"/msg {'x' * 40} hi", "/msg ann hi", "/reply hi")
    ann.sees(
        "*** there is no dan here: /who names those who are",
        f"*** there is no {'x' * 32}... here: /who names those who are",
        "*** that is you: name somebody else",
        "*** nobody has written to you alone: use /msg NAME TEXT",
    )


def test_reply_goes_to_nobody_who_took_the_name_later(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    ann.says("/msg bob hi")
    ann.vanishes()
    cat.says("/nick ann")
    stage.hush()
    bob.says("/reply secret")
    bob.sees("*** ann has left: use /msg NAME TEXT for somebody else")
    cat.sees()


def test_reply_follows_a_change_of_name(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/msg bob hi", "/nick dan")
    stage.hush()
    bob.says("/reply hi")
    bob.sees("[you -> dan] hi")


# Who is where.


def test_who(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.says("/join #tea")
    stage.hush()
    ann.says("/who", "/who #TEA", "/who #no", "/who tea")
    ann.sees(
        "*** 1 in #lobby: ann",
        "*** 1 in #tea: bob",
        "*** there is no room #no: /rooms lists them, /join #no makes it",
        "*** a room is called # and then 1 to 32 of a-z, 0-9, _ and -: try /join #tea",
    )


def test_who_names_fifty_at_most(stage: Stage) -> None:
    seats = [stage.seat() for _ in range(53)]
    stage.hush()
    seats[0].says("/who")
    lines = seats[0].lines()
    assert max(len(line) for line in lines) <= 80
    assert len(lines) == 7
    text = " ".join(line.removeprefix("*** ") for line in lines)
    names = ", ".join(f"guest{number}" for number in range(1, 51))
    assert text == f"53 in #lobby: {names}, and 3 more"


def test_rooms_are_listed_by_how_full_they_are(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    bob.says("/join #tea", "/topic Earl Grey")
    cat.says("/join #tea")
    stage.hush()
    ann.says("/rooms")
    ann.sees("*** #tea (2) Earl Grey", "*** #lobby (1)")


def test_rooms_are_listed_up_to_twenty(stage: Stage) -> None:
    seats = [stage.seat() for _ in range(23)]
    for number, seat in enumerate(seats[1:]):
        seat.says(f"/join #r{number}")
    stage.hush()
    seats[0].says("/rooms")
    seats[0].sees("*** #lobby (1)", *[f"*** #r{number} (1)" for number in range(19)], "*** and 3 more")


def test_join_and_leave(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    bob.says("/join #tea")
    bob.sees("*** you are in #tea now", "*** nobody else is here yet")
    ann.sees("*** bob went to #tea")
    bob.says("/topic Earl Grey", "hello")
    ann.says("/join #Tea")
    cat.sees("*** bob went to #tea", "*** ann went to #tea")
    ann.sees(
        "*** you are in #tea now",
        "*** topic: Earl Grey",
        "*** 1 other here: /who names them",
        "*** last said here (1 line):",
        "<bob> hello",
    )
    bob.sees("*** topic: Earl Grey", "*** ann came from #lobby")
    ann.says("in the room")
    cat.says("in the lobby")
    bob.sees("<ann> in the room")
    ann.sees()
    ann.says("/leave")
    bob.sees("*** ann went to #lobby")
    cat.sees("*** ann came from #tea")
    ann.sees(
        "*** you are in #lobby now",
        "*** 1 other here: /who names them",
        "*** last said here (1 line):",
        "<cat> in the lobby",
    )


def test_join_and_leave_that_go_nowhere(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/join #lobby", "/leave", "/join tea", "/join #" + "x" * 33, "/join #a b", "/join #\u00e9")
    ann.sees(
        "*** you are in #lobby already: /leave goes back to #lobby",
        "*** you are in #lobby, where everybody starts: /quit leaves the chat",
        *["*** a room is called # and then 1 to 32 of a-z, 0-9, _ and -: try /join #tea"] * 4,
    )
    bob.sees()


def test_a_room_is_gone_with_the_last_one_in_it(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/join #tea", "/topic Earl Grey", "hello", "/leave", "/join #tea", "/history")
    assert ann.lines()[-3:] == [
        "*** you are in #tea now",
        "*** nobody else is here yet",
        "*** nothing was said in #tea yet: be the first",
    ]
    ann.vanishes()
    stage.hush()
    bob.says("/who #tea")
    bob.sees("*** there is no room #tea: /rooms lists them, /join #tea makes it")


# What was said.


def test_topic(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/topic", "/topic tea  and cake", "/topic")
    ann.sees("*** no topic yet: /topic TEXT sets one", *["*** topic: tea  and cake"] * 2)
    bob.sees("*** ann set the topic: tea  and cake")


def test_history(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says(*[f"line {number}" for number in range(12)])
    bob.reads()
    bob.says("/history", "/history 2", "/history 999")
    bob.sees(
        "*** last said here (10 lines):",
        *[f"#{number + 1} <ann> line {number}" for number in range(2, 12)],
        "*** last said here (2 lines):",
        "#11 <ann> line 10",
        "#12 <ann> line 11",
        "*** last said here (12 lines):",
        *[f"#{number + 1} <ann> line {number}" for number in range(12)],
    )


@pytest.mark.parametrize("number", ["0", "-1", "x", "1 2", "9" * 50, "\u00b2"])
def test_history_of_no_number(stage: Stage, number: str) -> None:
    (ann,) = stage.people("ann")
    ann.says("x", f"/history {number}")
    ann.sees("*** say how many lines, from 1 to 200: /history 20")


def test_quit(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    ann.says("/quit see you", "not said")
    cat.says("/quit")
    ann.sees("*** goodbye (quit)")
    cat.sees("*** ann left: see you", "*** goodbye (quit)")
    bob.sees("*** ann left: see you", "*** cat left")
    assert [ann.closed, bob.closed, cat.closed] == [Ending.QUIT, "", Ending.QUIT]
