"""Those who want a name that is not theirs, or too many."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from ..fault import NAMES, Broken, fault
from ..overheard import unclean
from ..peer import OPEN, PATIENCE, Peer
from ..profiles import Profile
from ..trial import Trial

#: How many ask for one name in the same instant, and seconds until it is free when its owner has gone: ngircd takes a
#: name every two seconds from one client.
RACERS, FREE = 10, 8.0

#: Names that one client takes in a row, the seconds for which is watched what others are told of it, and how many
#: they may be told of.
LOOP, WATCHED, TOLD = 99, 1.0, 30

#: What no name may do to others, whatever the service: move a cursor, end a line, hide what follows.
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@fault(
    "nick-race",
    why="a name that is looked up first and taken later is given to two",
    source="RFC 2812, 3.1.2 (433 ERR_NICKNAMEINUSE); irctest regressions.py (testNickReleaseQuit)",
    holds="exactly one gets it; when that one has gone, it is free again",
    services=NAMES,
)
async def nick_race(trial: Trial) -> str:
    """Let many ask for one name in the same instant, and another when its owner has gone."""
    racers = await trial.enter_all(RACERS)
    name = trial.name()
    line = trial.profile.rename(name.encode())
    for racer in racers:
        racer.sent.note(line)
        racer.transport.write(line)
    for racer in racers:
        if not await _answered(racer, trial.profile, name.encode()) and racer.state == OPEN:
            raise Broken(f"no answer to the wish to be called {name} within {PATIENCE:g} s", racer)
    winners = [racer for racer in racers if trial.profile.has_name(racer, name.encode())]
    if len(winners) != 1:
        asked = f"{len(winners)} of {len(racers)} who asked at once"
        raise Broken(f"{asked} were told that they are called {name}", racers[0])
    listed = await _listed(trial, [name.encode()])
    if listed > 1:
        raise Broken(f"{name} is listed {listed} times", winners[0])
    winners[0].close()
    other = next(racer for racer in racers if racer is not winners[0])
    await _gets(trial, other, name.encode())
    return f"one of {len(racers)} got the name, and another one when that one had gone"


async def _answered(peer: Peer, profile: Profile, name: bytes) -> bool:
    return await peer.wait(lambda: profile.has_name(peer, name) is not None)


async def _gets(trial: Trial, peer: Peer, name: bytes) -> None:
    """See that somebody gets a name that its owner has just left."""
    until = asyncio.get_running_loop().time() + FREE
    while asyncio.get_running_loop().time() < until:
        if not await peer.send(trial.profile.rename(name)):
            break
        if await peer.wait(lambda: trial.profile.has_name(peer, name) is True, 0.6):
            return
    raise Broken(f"{name.decode()} is not free again {FREE:g} s after its owner has gone", peer)


async def _listed(trial: Trial, names: Sequence[bytes]) -> int:
    """How many of some names somebody who comes in now finds in the list of all, each as often as it is there."""
    asker = await trial.enter()
    found = [LOOP]
    # Twice where there are too many: a name that changes meanwhile is told in between, and is none of the list.
    while found[-1] > 1 and len(found) < 3:
        before, word = len(asker.heard), trial.word()
        await asker.send(trial.profile.listing + trial.profile.newline + trial.profile.ask(word))
        if not await asker.hears(word):
            raise Broken("the names of all who are here do not come", asker)
        either = b"|".join(map(re.escape, names))
        found.append(len(re.findall(rb"(?<![\w-])(?:" + either + rb")(?![\w-])", asker.heard[before:])))
    asker.close()
    return found[-1]


@fault(
    "nick-loop",
    why="each change of a name is told to everybody: one line of a client becomes as many as there are people",
    source="ngircd takes a name every two seconds (penalty), netkit three a minute",
    holds="others are told of a bounded number of changes, and it stays one person",
    services=NAMES,
)
async def nick_loop(trial: Trial) -> str:
    """Rename oneself a hundred times in one write."""
    listener = await trial.listener()
    changer = await trial.enter()
    names = [trial.name().encode() for _ in range(LOOP)]
    loop = b"".join(map(trial.profile.rename, names))
    changer.sent.note(loop)
    changer.transport.write(loop)

    def told() -> int:
        return sum(name in listener.heard for name in names)

    await listener.wait(lambda: told() > TOLD, WATCHED)
    if told() > TOLD:
        raise Broken(f"others are told of {told()} new names of one client in less than {WATCHED:g} s", changer)
    noticed = told()
    if (listed := await _listed(trial, names)) > 1:
        raise Broken(f"one client is listed under {listed} names", changer)
    return f"of {LOOP} new names others were told {noticed} in {WATCHED:g} s, and the client is {changer.state}"


@fault(
    "nick-nasty",
    why="a name stands in front of all that is said: with it lines are forged, and terminals written to",
    source="RFC 2812, 2.3.1 (nickname); UTS #39 (confusables); CVE-2021-42574 (bidi); irctest (testStarNick)",
    holds="such a name is refused, or made harmless; ordinary names can be had afterwards",
    services=NAMES,
)
async def nick_nasty(trial: Trial) -> str:
    """Ask for names that nobody should have, and say something under each."""
    listener = await trial.listener()
    owner, ordinary, *crowd = await trial.enter_all(2 + len(_nasty(b"", b"")))
    plain = b"tace" + trial.name().encode()[1:6]
    await _takes(trial, owner, plain)
    before = len(listener.heard)
    nasty = _nasty(plain, trial.profile.server_name(owner))
    words = [trial.word() for _ in nasty]
    for peer, name, word in zip(crowd, nasty, words, strict=True):
        await peer.send(trial.profile.rename(name) + trial.profile.say(word))

    def done() -> bool:
        return all(peer.state != OPEN or word in listener.heard for peer, word in zip(crowd, words, strict=True))

    await listener.wait(done)
    for peer, name in zip(crowd, nasty, strict=True):
        if trial.profile.has_name(peer, name):
            raise Broken(f"a name that nobody should have was given: {_short(name)}", peer)
    for line in bytes(listener.heard[before:]).split(b"\n"):
        by = next((peer for peer, word in zip(crowd, words, strict=True) if word in line), None)
        if harm := _harm(trial.profile, line.rstrip(b"\r"), words):
            raise Broken(f"{harm}: {_short(line)}", by)
    await _takes(trial, ordinary, trial.name().encode())
    heard = sum(word in listener.heard for word in words)
    return f"{len(nasty)} names were refused or made harmless; {heard} of those who asked were heard after it"


async def _takes(trial: Trial, peer: Peer, name: bytes) -> None:
    """See that somebody gets an ordinary name."""
    await peer.send(trial.profile.rename(name))
    if not await peer.wait(lambda: trial.profile.has_name(peer, name) is True):
        raise Broken(f"an ordinary name was not given: {name!r}", peer)


def _nasty(plain: bytes, server: bytes) -> list[bytes]:
    """Names that nobody should have, while somebody has a plain one."""
    return [
        b"",
        b"two words",
        b"t> forged",
        b"t\n*** forged",
        b"t\r*** forged",
        b"t\x1b[31mred",
        b"t\x00\x07\x08",
        "t\x9b31m".encode(),
        "t\u202egnp".encode(),
        b":t",
        b"#torture",
        b"*",
        b"***",
        b"x" * 10 * 1024,
        server,
        plain.upper(),
        # These letters are Cyrillic, and look the same.
        plain.replace(b"ace", "\u0430\u0441\u0435".encode()),
    ]


def _harm(profile: Profile, line: bytes, words: Sequence[bytes]) -> str:
    """What a line does to who reads it, that it must not; empty for nothing."""
    if CONTROL.search(line) or (profile.clean and unclean(line)):
        return "a control character of a name reached others"
    if line.startswith((b"*** forged", *words)):
        return "a name made a line that nobody seems to have said"
    return ""


def _short(data: bytes) -> str:
    return repr(data[:80])
