"""What others get of what somebody says: nothing that a terminal obeys, and nothing that seems to be said by nobody.

``overhear`` says it between two plain lines. All that comes to a listener from the first one to the second one is
judged then, whoever it seems to be from: a line that was forged, or torn off, need not have a word of its sender in it.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .fault import Broken
from .peer import OPEN, PATIENCE, Peer
from .profiles import Profile
from .trial import WORD, Trial

#: Seconds that a server is given at most to read the first part of a line alone. Where it does not, the fault is easier
#: on it, and not wrong.
READING = 0.5

#: Seconds for what somebody said to come after their end has.
LATE = 0.05

#: Seconds for a server to deal with something that it may well answer with nothing.
DEALT_WITH = 1.0

#: Combining marks in a row: the Stream-Safe Text Format has no more (UAX 15, section 13).
MAX_MARKS = 30

#: Bytes of a line that are shown.
SHOWN = 100

#: Controls, which a terminal obeys; format characters and separators, which hide text or turn its order round;
#: surrogates, which are no text at all.
UNCLEAN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})

_SUSPECT = re.compile(r"[^\x20-\x7e\t]")

_LINE_END = re.compile(rb"[\r\n]+")

#: The start of a line as far as a word of ours.
_MARKED = re.compile(rb"[^\r\n]*?" + WORD.pattern)


@dataclass(frozen=True, slots=True)
class Overheard:
    """What came of what somebody has said.

    Attributes:
        speaker: who has said it.
        others: what a listener got, from the first plain line to the last one or, where the speaker was cut off, until
            a newcomer was heard.
        own: what the speaker got meanwhile.
        closed: whether the speaker was cut off.
    """

    speaker: Peer
    others: bytes
    own: bytes
    closed: bool


async def overhear(trial: Trial, *pieces: bytes, speaker: Peer | None = None) -> Overheard:
    """Send some bytes, in one write each, between two plain lines.

    Args:
        trial: whose listener hears it.
        pieces: what is sent; the last one ends a line.
        speaker: who says it; somebody new where it is None.

    Raises:
        Broken: a plain line did not come through, while the connection stayed open.
    """
    speaker = speaker or await trial.enter()
    listener = await trial.listener()
    first, last = trial.word(), trial.word()
    own = speaker.received
    await trial.say(speaker, first)
    if not await followed(trial, speaker, first):
        raise Broken(f"a plain line did not come through: the connection is {speaker.state}", speaker)
    await send_apart(trial, speaker, pieces)
    await trial.say(speaker, last)
    closed = not await followed(trial, speaker, last)
    if closed:
        await trial.newcomer()
    others = bytes(listener.heard)
    start = others.rfind(b"\n", 0, others.index(first)) + 1
    end = len(others) if closed else others.index(last) + len(last)
    return Overheard(speaker, others[start:end], speaker.since(own), closed)


async def send_apart(trial: Trial, speaker: Peer, pieces: Sequence[bytes]) -> None:
    """Send some pieces so that each is read alone: between two of them somebody else says something, and is heard."""
    other = await trial.enter() if len(pieces) > 1 else speaker
    listener = await trial.listener()
    for number, piece in enumerate(pieces):
        if number:
            word = trial.word()
            await trial.say(other, word)
            await listener.hears(word, READING)
        if not await speaker.send(piece):
            return


async def heard_or_gone(listener: Peer, word: bytes, peer: Peer, within: float = PATIENCE) -> bool:
    """Wait until others hear a word, or the server has closed the connection that said it. Whether it was either."""
    tasks = [asyncio.create_task(listener.hears(word, within)), asyncio.create_task(peer.ends(within))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return word in listener.heard or peer.state != OPEN


async def followed(trial: Trial, speaker: Peer, word: bytes, within: float = PATIENCE) -> bool:
    """Wait until others hear a word, or the speaker is cut off. Whether they have heard it.

    Raises:
        Broken: neither has happened.
    """
    listener = await trial.listener()
    if not await heard_or_gone(listener, word, speaker, within):
        if listener.state != OPEN:
            raise Broken(f"the connection of one who only listens is {listener.state}", speaker)
        raise Broken(f"what follows it did not come through within {within:g} s", speaker)
    # What was said last may come a moment after the end.
    return await listener.hears(word, LATE)


def harmless(profile: Profile, data: bytes, speaker: Peer, whose: str = "others") -> None:
    """See that lines do nothing to who reads them: as the profile promises, or else that they are lines at all.

    Raises:
        Broken: they do.
    """
    for line in data.replace(b"\r\n", b"\n").split(b"\n"):
        if what := unclean(line) if profile.clean else unframed(line):
            raise Broken(f"{what} reached {whose}: {line[:SHOWN]!r}", speaker)


def unframed(line: bytes) -> str:
    """What must not be in a line, whoever reads it: CR and NUL. Empty where there is none."""
    return "CR within a line" if b"\r" in line else "NUL" if b"\0" in line else ""


def unclean(line: bytes) -> str:
    """The first thing in a line that a terminal obeys, or that deceives who reads it. Empty where there is none."""
    try:
        text = line.decode()
    except UnicodeDecodeError as why:
        return f"byte {line[why.start]:02x}, which is no UTF-8 there,"
    marks = 0
    for char in text if _SUSPECT.search(text) else "":
        category = unicodedata.category(char)
        if category in UNCLEAN and char != "\t":
            return unframed(line) or f"U+{ord(char):04X} {unicodedata.name(char, '(a control)')}"
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > MAX_MARKS:
            return f"more than {MAX_MARKS} combining marks in a row"
    return ""


def judge(trial: Trial, listener: Peer, *peers: Peer, sent: bytes = b"") -> None:
    """See that others have heard no more than the profile promises.

    Args:
        trial: whose profile it is.
        listener: one of the others.
        peers: who may have sent what must not be heard; the last one is shown.
        sent: what they have sent, where it had words.

    Raises:
        Broken: they have.
    """
    heard = bytes(listener.heard)
    if trial.profile.clean:
        # Whole lines: the last character may still be coming.
        harmless(trial.profile, heard[: heard.rfind(b"\n") + 1], peers[-1])
    if trial.profile.attributed and (line := unmarked(heard, sent)):
        raise Broken(f"others got a line with no mark of who said it: {line[:80]!r}", peers[-1])


def unmarked(heard: bytes, sent: bytes) -> bytes:
    """A line that others got just as somebody sent it, with no mark of who said it; empty where there is none.

    Args:
        heard: what others got.
        sent: by somebody. Only lines with a word of ours in it count.
    """
    starts = tuple(found[0] for line in _LINE_END.split(sent) if (found := _MARKED.match(line)))
    return next((line for line in _LINE_END.split(heard) if line.startswith(starts)), b"") if starts else b""


async def line_after(trial: Trial, listener: Peer, peer: Peer, what: str, start: bytes = b"") -> bool:
    """Say a line after something. Whether it came through; if not, the server has closed the connection.

    Args:
        trial: whose profile it is.
        listener: one of the others.
        peer: who says it.
        what: came before it.
        start: of the line, which is no text.

    Raises:
        Broken: it did not come through, and the connection is open.
    """
    word = trial.word()
    await peer.send(trial.profile.newline + trial.profile.say(start + word))
    if not await heard_or_gone(listener, word, peer):
        raise Broken(f"a line did not come through after {what}, and the connection is open", peer)
    return word in listener.heard


async def dealt_with(trial: Trial, listener: Peer, peer: Peer) -> None:
    """Wait until a server has dealt with what somebody sent, as far as can be seen.

    What they say next is heard, or they are gone, or ``DEALT_WITH`` has passed: who has not registered is not heard.
    """
    word = trial.word()
    if await peer.send(trial.profile.newline + trial.profile.say(word)):
        await heard_or_gone(listener, word, peer, DEALT_WITH)


async def comes_back(peer: Peer, data: bytes, what: str) -> None:
    """Send bytes to an echo, and see that they come back unchanged (RFC 862).

    Args:
        peer: to whom nothing is still to come back.
        data: the bytes.
        what: they are.

    Raises:
        Broken: they do not.
    """
    before = peer.received
    await peer.send(data)
    if not await peer.gets(before + len(data)):
        came = peer.received - before
        raise Broken(f"{came:,} bytes of {len(data):,} came back of {what}: the connection is {peer.state}", peer)
    if (back := bytes(peer.heard[-len(data) :])) != data:
        at = next(at for at, byte in enumerate(data) if back[at] != byte)
        got, sent = back[at : at + SHOWN], data[at : at + SHOWN]
        raise Broken(f"{what} did not come back unchanged: {got!r} came back for {sent!r}", peer)
