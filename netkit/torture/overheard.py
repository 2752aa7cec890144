"""What others get of what somebody says: it is said between two plain lines, and judged byte for byte.

All that comes to a listener from the first plain line to the second one is judged, whoever it seems to be from: a
line that was forged, or torn off, need not have a word of its sender in it.
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
from .trial import Trial

#: Seconds that a server is given at most to read the first part of a line alone. Where it does not, the fault is easier
#: on it, and not wrong.
READING = 0.1

#: Seconds between two looks at whether a connection has ended.
LOOK = 0.05

#: Combining marks in a row: the Stream-Safe Text Format has no more (UAX 15, section 13).
MAX_MARKS = 30

#: Bytes of a line that are shown.
SHOWN = 100

#: Controls, which a terminal obeys; format characters and separators, which hide text or turn its order round;
#: surrogates, which are no text at all.
UNCLEAN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})

_SUSPECT = re.compile(r"[^\x20-\x7e\t]")


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


async def followed(trial: Trial, speaker: Peer, word: bytes, within: float = PATIENCE) -> bool:
    """Wait until others hear a word, or the speaker is cut off. Whether they have heard it.

    Raises:
        Broken: neither has happened.
    """
    listener = await trial.listener()
    deadline = asyncio.get_running_loop().time() + within
    while not await listener.hears(word, LOOK):
        if speaker.state != OPEN:
            return await listener.hears(word, LOOK)
        if listener.state != OPEN:
            raise Broken(f"the connection of one who only listens is {listener.state}", speaker)
        if asyncio.get_running_loop().time() > deadline:
            raise Broken(f"what follows it did not come through within {within:g} s", speaker)
    return True


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
