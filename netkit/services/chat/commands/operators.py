"""Commands of operators: sending people away, keeping them away, silencing them, and stopping the server."""

from __future__ import annotations

import hmac
from ipaddress import ip_network

from ....endings import Ending
from ....service import Stop
from ..bans import named, network_of, read_network
from ..house import banned
from ..nicks import check, fold, reserved
from ..phrases import duration, quote, seconds
from ..records import Ban, Unban
from ..refusal import Refusal
from .table import OPERATORS, YOURSELF, Asked, command

#: Guesses at the token that one connection has.
TRIES = 5

#: Seconds that somebody is silenced for, where it is not said.
MUTED = 600.0

#: Bans that one /bans lists.
MAX_LISTED = 50

#: Longest reason, in characters: it is told to who is banned, and listed.
MAX_WHY = 100


@command("people", "/op [TOKEN]", "become an operator, if you know the server's token")
def _op(asked: Asked) -> None:
    person, house = asked.person, asked.house
    if not house.operator_token:
        raise Refusal("this server has no operators")
    if person in house.operators:
        raise Refusal(f"you are an operator already: /help {OPERATORS} lists what you can do")
    if not asked.words[0]:
        _ask(asked)
        return
    # In constant time, or how long it takes would tell how much of it is right.
    if hmac.compare_digest(asked.words[0].encode(), house.operator_token.encode()):
        house.operators.add(person)
        asked.answer(f"you are an operator now: /help {OPERATORS} lists what you can do")
        return
    person.tries += 1
    if person.tries >= TRIES:
        house.dismiss(asked.turn, person, Ending.BAD_TOKEN, f"that was wrong {TRIES} times")
        return
    raise Refusal(f"that is not the token: {TRIES - person.tries} tries left")


def _ask(asked: Asked) -> None:
    """Let the token be typed where nobody sees it, which takes an editor of ours."""
    terminal = asked.person.terminal
    if terminal is None or terminal.editor is None:
        raise Refusal("usage: /op TOKEN")
    terminal.question = "/op "
    asked.turn.send(asked.person, terminal.editor.ask("token: "))


@command(OPERATORS, "/kick NAME [WHY]", "send somebody away, who may come back")
def _kick(asked: Asked) -> None:
    name, why = asked.words
    person = asked.other(name)
    asked.answer(f"{person.nick} is sent away")
    asked.house.dismiss(asked.turn, person, Ending.KICKED, f"an operator sends you away{_because(why)}")


@command(OPERATORS, "/ban NAME|NETWORK [TIME] [WHY]", "keep somebody away: /ban bob 2h")
def _ban(asked: Asked) -> None:
    who, time, why = asked.words
    # What is no time is the first word of the reason.
    lasts: float | None = None
    if time[:1].isdecimal():
        lasts = seconds(time)
    else:
        why = f"{time} {why}".strip()
    if len(why) > MAX_WHY:
        raise Refusal(f"a reason has at most {MAX_WHY} characters: make it shorter")
    for target in _targets(asked, who):
        entry = Ban(target, asked.person.nick, why, lasts)
        asked.house.bans.add(entry, asked.now)
        asked.house.store(asked.turn, entry)
        asked.answer(f"{_shown(target)} is banned" + (f" for {duration(lasts)}" if lasts else ""))
    for person in list(asked.house.people.values()):
        met = asked.house.bans.of(person.conn.host, asked.now) or asked.house.bans.find(named(person.nick), asked.now)
        if met is not None:
            asked.house.dismiss(asked.turn, person, Ending.BANNED, banned(met))


@command(OPERATORS, "/unban NAME|NETWORK", "lift a ban, as /bans shows it")
def _unban(asked: Asked) -> None:
    (who,) = asked.words
    target = read_network(who) or named(who)
    if not asked.house.bans.remove(target):
        raise Refusal(f"there is no ban of {quote(who)}: /bans lists them")
    asked.house.store(asked.turn, Unban(target))
    asked.answer(f"{_shown(target)} is no longer banned")


@command(OPERATORS, "/bans", "list who is banned")
def _bans(asked: Asked) -> None:
    every = list(asked.house.bans.all(asked.now))
    if not every:
        raise Refusal("nobody is banned")
    for each in every[:MAX_LISTED]:
        lasts = "for ever" if each.seconds is None else f"for {duration(each.seconds)}"
        asked.answer(f"{_shown(each.target)} {lasts}, by {each.by}" + (f": {each.why}" if each.why else ""))
    if len(every) > MAX_LISTED:
        asked.answer(f"and {len(every) - MAX_LISTED} more")


@command(OPERATORS, "/mute NAME [TIME]", "silence somebody, for 10 min; 0s ends it")
def _mute(asked: Asked) -> None:
    name, time = asked.words
    person = asked.other(name)
    lasts = 0.0 if time == "0s" else seconds(time) if time else MUTED
    person.muted_until = asked.now + lasts
    if lasts:
        asked.answer(f"{person.nick} does not speak for {duration(lasts)}")
        asked.turn.tell(person, f"*** an operator does not let you speak for {duration(lasts)}")
    else:
        asked.answer(f"{person.nick} may speak")
        asked.turn.tell(person, "*** you may speak again")


@command(OPERATORS, "/shutdown", "stop the server, in order")
def _shutdown(asked: Asked) -> None:
    asked.answer("the server stops")
    asked.turn.add(Stop())


def _targets(asked: Asked, who: str) -> list[str]:
    """What is banned with who was named: a network, or a nick and where its owner comes from.

    Raises:
        Refusal: it is no name for anybody, or the one who asks would be banned too.
    """
    network = read_network(who)
    targets = [network] if network else _targets_of_nick(asked, who)
    host = asked.person.conn.host
    for target in targets:
        if host and not target.startswith("@") and _covers(target, host):
            raise Refusal(f"{target} is where you come from, too: nobody was banned")
    return targets


def _targets_of_nick(asked: Asked, nick: str) -> list[str]:
    person = asked.house.nicks.get(nick)
    if person is asked.person:
        raise Refusal(YOURSELF)
    targets = []
    # A guest's name is given to whoever comes next.
    if not reserved(fold(nick)):
        targets.append(named(nick))
    # Everybody on this machine comes from the same address.
    if person is not None and person.conn.host and not person.conn.local:
        targets.append(str(network_of(person.conn.host)))
    if person is None:
        try:
            check(nick, unicode=True)
        except Refusal:
            raise Refusal(f"cannot read {quote(nick)} as a name or a network: /ban bob, /ban 192.0.2.0/24") from None
    if not targets:
        raise Refusal(f"{quote(nick)} is a name that nobody keeps: /kick sends away who has it now")
    return targets


def _covers(target: str, host: str) -> bool:
    network, other = ip_network(target), network_of(host)
    return network.version == other.version and network.overlaps(other)


def _shown(target: str) -> str:
    """A target as people write it."""
    return target.removeprefix("@")


def _because(why: str) -> str:
    return f" ({why})" if why else ""
