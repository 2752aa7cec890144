"""What operators do: becoming one, sending people away, keeping them away, silencing them, stopping the server."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat
from netkit.services.chat.records import Ban, Kept, Unban

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage


@pytest.fixture
def ruled(new_stage: Callable[[Service], Stage]) -> Stage:
    """A chat with operators, and of which records are kept."""
    return new_stage(Chat(Limits().without_rates(), operator_token="open sesame", kept=Kept()))


def operator(stage: Stage) -> Seat:
    """An operator called oz, on this very machine."""
    seat = stage.seat(host="")
    seat.says("/nick oz", "/op open sesame")
    stage.hush()
    return seat


# Becoming one.


def test_the_token_makes_an_operator(ruled: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(given: bytes, token: bytes) -> bool:
        compared.append((given, token))
        return given == token

    monkeypatch.setattr(hmac, "compare_digest", compare)
    ann, bob = ruled.people("ann", "bob")
    ann.says("/op", "/op open  sesame", "/op open sesame", "/op open sesame")
    ann.sees(
        "*** usage: /op TOKEN",
        "*** that is not the token: 4 tries left",
        "*** you are an operator now: /help operators lists what you can do",
        "*** you are an operator already: /help operators lists what you can do",
    )
    # Nobody else is told; and how long it takes does not tell either.
    bob.sees()
    assert compared == [(b"open  sesame", b"open sesame"), (b"open sesame", b"open sesame")]


def test_five_guesses_are_too_many(ruled: Stage) -> None:
    ann, bob = ruled.people("ann", "bob")
    ann.says(*[f"/op caf\u00e9{number}" for number in range(6)], "not said")
    ann.sees(
        *[f"*** that is not the token: {left} tries left" for left in (4, 3, 2, 1)],
        "*** that was wrong 5 times: goodbye (bad-token)",
    )
    bob.sees("*** ann left (bad token)")
    assert ann.closed == Ending.BAD_TOKEN


def test_where_there_is_no_token_there_are_no_operators(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("/op", "/op x", "/kick ann", "/bans")
    ann.sees(
        *["*** this server has no operators"] * 2,
        "*** /kick is for operators: /op TOKEN makes you one",
        "*** /bans is for operators: /op TOKEN makes you one",
    )


def test_an_operator_is_one_as_long_as_it_stays(ruled: Stage) -> None:
    oz = operator(ruled)
    oz.says("/nick zo", "/join #tea", "/bans")
    assert oz.lines()[-1] == "*** nobody is banned"
    oz.vanishes()
    assert isinstance(ruled.service, Chat)
    assert not ruled.service._house.operators
    oz = ruled.seat()
    oz.says("/nick oz", "/bans")
    assert oz.lines()[-1] == "*** /bans is for operators: /op TOKEN makes you one"


# Sending away.


def test_kick(ruled: Stage) -> None:
    oz = operator(ruled)
    ann, bob = ruled.people("ann", "bob")
    oz.says("/kick ANN", "/kick bob enough of that", "/kick oz", "/kick dan")
    ann.sees("*** an operator sends you away: goodbye (kicked)")
    bob.sees("*** ann left (kicked)", "*** an operator sends you away (enough of that): goodbye (kicked)")
    oz.sees(
        *["*** ann is sent away", "*** ann left (kicked)", "*** bob is sent away", "*** bob left (kicked)"],
        *["*** that is you: name somebody else", "*** there is no dan here: /who names those who are"],
    )
    assert [ann.closed, bob.closed] == [Ending.KICKED] * 2
    assert ruled.seat().closed == ""
    assert ruled.stored == []


# Keeping away.


def test_ban_by_name_takes_the_address_along(ruled: Stage) -> None:
    oz = operator(ruled)
    bob, other, far = (ruled.seat(local=False, host=host) for host in ("192.0.2.7", "192.0.2.7", "192.0.2.8"))
    bob.says("/nick bob")
    ruled.hush()
    oz.says("/ban Bob 2h rude and loud")
    oz.sees(
        "*** bob is banned for 2 h",
        "*** 192.0.2.7/32 is banned for 2 h",
        *["*** bob left (banned)", "*** guest2 left (banned)"],
    )
    assert bob.lines() == ["*** you are banned for another 2 h (rude and loud): goodbye (banned)"]
    assert [bob.closed, other.closed, far.closed] == [Ending.BANNED, Ending.BANNED, ""]
    assert ruled.stored == [
        Ban("@bob", "oz", "rude and loud", 7200.0),
        Ban("192.0.2.7/32", "oz", "rude and loud", 7200.0),
    ]
    ruled.hush()
    far.says("/nick BOB")
    far.sees("*** BOB is banned: choose another name")
    ruled.wait(3600.0)
    late = ruled.seat(host="192.0.2.7")
    assert late.reads() == b"*** you are banned for another 1 h (rude and loud): goodbye (banned)\r\n"
    assert late.closed == Ending.BANNED
    # Nobody knows of somebody who was turned away at the door.
    late.says("hello")
    late.vanishes()
    oz.sees()
    ruled.wait(3600.0)
    assert ruled.seat(host="192.0.2.7").closed == ""
    far.says("/nick bob")
    assert far.lines()[-1] == "*** you are bob now"


def test_who_is_on_this_machine_is_banned_by_name_alone(ruled: Stage) -> None:
    oz = operator(ruled)
    bob = ruled.seat(host="127.0.0.1")
    bob.says("/nick bob")
    ruled.hush()
    oz.says("/ban bob")
    oz.sees("*** bob is banned", "*** bob left (banned)")
    assert ruled.stored == [Ban("@bob", "oz", "", None)]


def test_a_name_can_be_banned_that_nobody_has(ruled: Stage) -> None:
    oz = operator(ruled)
    oz.says("/ban Dan", "/ban <dan>", "/ban " + "x" * 40)
    oz.sees(
        "*** dan is banned",
        "*** cannot read <dan> as a name or a network: /ban bob, /ban 192.0.2.0/24",
        f"*** cannot read {'x' * 32}... as a name or a network: /ban bob, /ban 192.0.2.0/24",
    )
    ann = ruled.seat()
    ruled.hush()
    ann.says("/nick dAN")
    ann.sees("*** dAN is banned: choose another name")


def test_a_name_that_anybody_may_get_is_not_banned(ruled: Stage) -> None:
    oz = operator(ruled)
    here, far = ruled.seat(host="127.0.0.1"), ruled.seat(local=False, host="192.0.2.7")
    ruled.hush()
    names = ("guest1", "guest7", "Server")
    oz.says(*[f"/ban {name}" for name in names])
    oz.sees(*[f"*** {name} is a name that nobody keeps: /kick sends away who has it now" for name in names])
    oz.says("/ban guest2")
    oz.sees("*** 192.0.2.7/32 is banned", "*** guest2 left (banned)")
    assert [here.closed, far.closed] == ["", Ending.BANNED]


def test_ban_by_network(ruled: Stage) -> None:
    oz = operator(ruled)
    one, two = ruled.seat(local=False, host="2001:db8::1"), ruled.seat(local=False, host="2001:db9::1")
    ruled.hush()
    oz.says("/ban 2001:DB8::/32 because of you")
    oz.sees("*** 2001:db8::/32 is banned", "*** guest1 left (banned)")
    assert [one.closed, two.closed] == [Ending.BANNED, ""]
    oz.says("/bans")
    oz.sees("*** 2001:db8::/32 for ever, by oz: because of you")
    oz.says("/unban 2001:db8::/32", "/unban 2001:db8::/32", "/unban dan", "/bans")
    oz.sees(
        "*** 2001:db8::/32 is no longer banned",
        *["*** there is no ban of 2001:db8::/32: /bans lists them", "*** there is no ban of dan: /bans lists them"],
        "*** nobody is banned",
    )
    assert ruled.stored[1:] == [Unban("2001:db8::/32")]
    assert ruled.seat(local=False, host="2001:db8::1").closed == ""


def test_nobody_bans_oneself(ruled: Stage) -> None:
    oz = ruled.seat(local=False, host="192.0.2.7")
    oz.says("/nick oz", "/op open sesame")
    neighbour = ruled.seat(local=False, host="192.0.2.7")
    ruled.hush()
    for who in ("oz", "OZ"):
        oz.says(f"/ban {who}")
        oz.sees("*** that is you: name somebody else")
    for target in ("192.0.2.7", "guest1", "::ffff:192.0.2.7"):
        oz.says(f"/ban {target}")
        oz.sees("*** 192.0.2.7/32 is where you come from, too: nobody was banned")
    assert [oz.closed, neighbour.closed, ruled.stored] == ["", "", []]


@pytest.mark.parametrize("time", ["0s", "7", "2y", "9999999s", "1sx"])
def test_a_time_that_cannot_be_read(ruled: Stage, time: str) -> None:
    oz = operator(ruled)
    oz.says(f"/ban dan {time}")
    oz.sees(f"*** cannot read {time} as a time: write 90s, 10m, 2h, 7d or 4w")
    assert ruled.stored == []


def test_bans_are_listed_up_to_fifty(ruled: Stage) -> None:
    oz = operator(ruled)
    oz.says(*[f"/ban 10.0.{number}.0/24 {number + 1}d" for number in range(53)])
    oz.says("/ban dan " + "x" * 101)
    assert oz.lines()[-1] == "*** a reason has at most 100 characters: make it shorter"
    oz.says("/bans")
    lines = oz.lines()
    assert [lines[0], lines[1], len(lines)] == [
        "*** 10.0.0.0/24 for 1 d, by oz",
        "*** 10.0.1.0/24 for 2 d, by oz",
        51,
    ]
    assert lines[-1] == "*** and 3 more"


# Silencing.


def test_mute(ruled: Stage) -> None:
    oz = operator(ruled)
    ann, bob = ruled.people("ann", "bob")
    oz.says("/mute bob", "/mute oz", "/mute ann 0s")
    oz.sees("*** bob does not speak for 10 min", "*** that is you: name somebody else", "*** ann may speak")
    bob.sees("*** an operator does not let you speak for 10 min")
    ann.sees("*** you may speak again")
    bob.says("hello", "/me waves", "/msg ann psst", "/topic rude", "/who")
    bob.sees(
        *["*** an operator does not let you speak for another 10 min"] * 4,
        "*** 3 in #lobby: oz, ann, bob",
    )
    ann.sees()
    ruled.wait(600.0)
    bob.says("hello")
    ann.sees("<bob> hello")
    oz.says("/mute bob 2h", "/mute bob 0s")
    bob.reads()
    bob.says("hello")
    ann.sees("<bob> hello")


def test_who_is_muted_has_no_last_word(ruled: Stage) -> None:
    oz = operator(ruled)
    ann, bob = ruled.people("ann", "bob")
    oz.says("/mute bob 90s")
    bob.says("/quit and another thing")
    ann.sees("*** bob left")


# Stopping.


def test_shutdown(ruled: Stage) -> None:
    oz = operator(ruled)
    oz.says("/shutdown now")
    oz.sees("*** the server stops")
    assert ruled.stopped
