"""Those who do not read what they are sent."""

from __future__ import annotations

import asyncio

from ..fault import BROADCAST, CHAT, ECHO, IRC, Broken, fault
from ..peer import OPEN
from ..trial import Trial, mebibytes

#: Bytes that may be taken from an echo client that does not read: what the kernel keeps on both sides
#: (tcp_rmem and tcp_wmem, 4 to 6 MiB each), and what the server may keep itself.
SWALLOWED = 40 * 1024 * 1024

#: Bytes by which a server may grow for one client that does not read.
KEPT = 16 * 1024 * 1024

#: Bytes that are said to one who does not read: more than the kernel keeps; seconds for which they are said at most,
#: and within which a server takes more of them unless it slows them.
SAID, SPEAKING, TAKING = 8 * 1024 * 1024, 8.0, 0.5

#: Bytes that are said at once, and seconds until the next ones are: who reads at all keeps up with that.
AT_ONCE, PAUSE = 20 * 1024, 0.003


@fault(
    "reader-stops",
    why="one client that sends and does not read makes a server keep all of its answers",
    source="gh-127655 (CVE-2024-12254): asyncio kept 22 MB and did not pause; RFC 862 knows no bound",
    holds="it stops reading from that client, or cuts it off; nobody else is held up",
    services=frozenset({ECHO}),
)
async def reader_stops(trial: Trial) -> str:
    """Send to an echo and read nothing of it, until it takes no more."""
    peer = await trial.open(small=True)
    peer.stop_reading()
    block = trial.random.randbytes(64 * 1024)
    try:
        while peer.sent.bytes < SWALLOWED and await peer.send(block, within=0.5):
            pass
    except TimeoutError:
        trial.bounded(KEPT, "for a client that does not read", peer)
        return f"it stopped reading after {mebibytes(peer.sent.bytes)}"
    trial.bounded(KEPT, "for a client that does not read", peer)
    if peer.state == OPEN:
        raise Broken(f"it took {mebibytes(peer.sent.bytes)} from a client that does not read, and goes on", peer)
    return f"it cut the client off after {mebibytes(peer.sent.bytes)}"


@fault(
    "listener-stops",
    why="one who does not read holds up all others, or makes the server keep everything for them",
    source="ncat --chat: one such client froze everybody, newcomers too; ergo and ngircd cut it off",
    holds="what others say goes on to come through; what is kept for the one who does not read is bounded",
    services=frozenset({CHAT, BROADCAST, IRC}),
)
async def listener_stops(trial: Trial) -> str:
    """Let somebody in who reads nothing, while others talk as fast as they are allowed to."""
    stopped = await trial.enter(small=True)
    stopped.stop_reading()
    speakers = await trial.enter_all(3)
    line = trial.profile.say(b"x" * trial.profile.longest)
    said = 0
    try:
        async with asyncio.timeout(SPEAKING):
            while said < SAID:
                for speaker in speakers:
                    await speaker.send(line, AT_ONCE // len(line), within=TAKING)
                    said += AT_ONCE
                    await asyncio.sleep(PAUSE)
    except TimeoutError:
        pass  # they are read more slowly, which is a good answer to a flood
    trial.bounded(KEPT, "for one who does not read", stopped)
    return f"{mebibytes(said)} were said to one who does not read, and the others were not held up"
