"""What others hear of somebody: nothing that a terminal obeys, and nothing that seems to be said by nobody."""

from __future__ import annotations

import asyncio
import re

from .fault import Broken
from .overheard import harmless
from .peer import OPEN, PATIENCE, Peer
from .trial import Trial

#: Seconds for a server to deal with something that it may well answer with nothing.
DEALT_WITH = 0.5

_LINE_END = re.compile(rb"[\r\n]+")

#: The start of a line as far as a word of ours: see ``Trial.word``.
_MARKED = re.compile(rb"[^\r\n]*?torture-[0-9]+-[0-9a-f]{8}")


def unmarked(heard: bytes, sent: bytes) -> bytes:
    """A line that others got just as somebody sent it, with no mark of who said it; empty where there is none.

    Args:
        heard: what others got.
        sent: by somebody. Only lines with a word of ours in it count.
    """
    starts = tuple(found[0] for line in _LINE_END.split(sent) if (found := _MARKED.match(line)))
    return next((line for line in _LINE_END.split(heard) if line.startswith(starts)), b"") if starts else b""


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
    if not await peer.wait(lambda: peer.received >= before + len(data)):
        came = peer.received - before
        raise Broken(f"{came:,} bytes of {len(data):,} came back of {what}: the connection is {peer.state}", peer)
    if bytes(peer.heard[-len(data) :]) != data:
        raise Broken(f"{what} did not come back unchanged", peer)
