"""Those who go: with a reset, at once, in the middle of a line, or only half."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ..fault import LINES, PLAIN, TLS, Broken, fault
from ..peer import LINGER_RESET, OPEN, Peer
from ..trial import WORD, Trial, gone

#: How many break off while they are written to, how many at a time, and bytes that an echo owes each of them.
BROKEN_OFF, WAVE, OWED = 30, 6, 256 * 1024

#: Lines that each of some says to them in one write, and bytes of each: together less than the 4 KiB that netkit takes
#: at once, and each less than a line of IRC.
PASTE, LONG = 8, 400

#: How many connect and reset at once.
RESETS = 300

#: How often as many come as may, and seconds for all of them to come.
WAVES, STORM = 3, 3.0

#: Bytes of an echo that are outstanding when our side ends, more than the kernel keeps of its answers (tcp_wmem has
#: 4 MiB), and seconds for a server to end its side.
OUTSTANDING, ENDING = 8 * 1024 * 1024, 10.0

#: Seconds for which we do not read after that, so that answers wait in the server.
UNREAD = 0.3

#: How many go in the middle of a line in each way.
LEAVERS = 6


@fault(
    "reset-while-written-to",
    why="a write to a connection that is reset fails, and a server that does not expect that dies, or stops half-way",
    source="ncat --chat exits after it; asyncio logs each write from the fifth on; Stevens, UNP 5.13 (SIGPIPE)",
    holds="the server lives, and what the healthy say comes through",
)
async def reset_while_written_to(trial: Trial) -> str:
    """Break off in waves, with a reset, while much is to be written."""
    crowd = await trial.enter_all(BROKEN_OFF, small=True)
    for peer in crowd:
        peer.stop_reading()
    waves = [crowd[at : at + WAVE] for at in range(0, len(crowd), WAVE)]
    if trial.profile.echoes:
        for wave in waves:
            await asyncio.gather(*map(_owe, wave))
            await _broken_off(wave)
    else:
        await _talk_to(trial, waves)
    await trial.newcomer()
    return f"{len(crowd)} broke off with a reset while they were written to, and the others were heard"


async def _owe(peer: Peer) -> None:
    """Make an echo owe somebody much who does not read."""
    with suppress(TimeoutError):
        await peer.send(bytes(OWED), within=0.2)


async def _talk_to(trial: Trial, waves: Sequence[Sequence[Peer]]) -> None:
    """Say much to those who break off, half of each wave before it is said, and half after it."""
    speakers = await trial.enter_all(len(waves))
    words = [trial.word() for _ in speakers]
    for speaker, wave, word in zip(speakers, waves, words, strict=True):
        await _broken_off(wave[::2])
        await speaker.send(trial.profile.say(b"x" * LONG) * PASTE + trial.profile.say(word))
        await _broken_off(wave[1::2])
    for speaker, word in zip(speakers, words, strict=True):
        if not await (await trial.listener()).hears(word):
            raise Broken("what was said while others broke off did not come through", speaker)


async def _broken_off(peers: Sequence[Peer]) -> None:
    """Let some go with a reset."""
    for peer in peers:
        if peer.state == OPEN:
            peer.reset()
    await asyncio.sleep(0)


@fault(
    "reset-at-once",
    why="a connection may be gone before it is accepted, and has no address any more when it is asked for",
    source="accept(2) ECONNABORTED (miniircd, pull request 61); getpeername(2) ENOTCONN, on which ncat --chat exits",
    holds="the server lives, and lets others in",
    schemes=frozenset({PLAIN, TLS}),
)
async def reset_at_once(trial: Trial) -> str:
    """Connect and reset, hundreds of times: some before they are accepted, some after it, some after a byte."""
    for number in range(RESETS):
        with suppress(OSError), trial.target.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
            with suppress(BlockingIOError):
                sock.connect(trial.target.address)
            if number % 3 == 1:
                sock.send(b"x")
            elif number % 3 == 2:
                await asyncio.sleep(0)
    await trial.newcomer()
    return f"{RESETS} connections were reset at once, and a newcomer was heard"


@fault(
    "connect-storm",
    why="when a server was away, all of its clients come back at the same time",
    source="listen(2) on the backlog; gh-151615 (asyncio accepts in a loop when descriptors run out)",
    holds="a newcomer is let in and heard afterwards, and descriptors come back",
)
async def connect_storm(trial: Trial) -> str:
    """Come as many as may, all at once, and go again, several times."""
    number = trial.bounds.connections
    came, began = 0, time.monotonic()
    for _ in range(WAVES):
        socks = [trial.target.socket() for _ in range(number)]
        try:
            came += sum(await asyncio.gather(*(_comes(sock, trial) for sock in socks)))
        finally:
            for sock in socks:
                sock.close()
    seconds = time.monotonic() - began
    await trial.newcomer()
    return f"{came} of {WAVES * number} came in {seconds:.2f} s and went at once, and a newcomer was heard"


async def _comes(sock: socket.socket, trial: Trial) -> bool:
    """Connect. Whether it came about: there may well be no place."""
    try:
        async with asyncio.timeout(STORM):
            await asyncio.get_running_loop().sock_connect(sock, trial.target.address)
    except OSError:
        return False
    return True


@fault(
    "half-close",
    why="a pipe into netcat ends our side as soon as all is sent, and the answers are still to come",
    source="RFC 9293, 3.6 (a user who has closed receives on); nc -N, nc -q, ncat and socat do it",
    holds="what was sent before the end is answered, or said to the others; then the server ends its side",
)
async def half_close(trial: Trial) -> str:
    """Send, and end our side; over TLS, where asyncio has no half-close, as soon as the answers are read."""
    return await (_half_closed_echo(trial) if trial.profile.echoes else _half_closed_lines(trial))


async def _half_closed_echo(trial: Trial) -> str:
    peer = await trial.open(small=trial.target.scheme != TLS)
    data = trial.random.randbytes(OUTSTANDING)
    peer.sent.note(data)
    if trial.target.scheme == TLS:
        peer.transport.write(data)
        await peer.wait(lambda: peer.received >= len(data), ENDING)
        peer.finish()
    else:
        peer.stop_reading()
        peer.transport.write(data)
        peer.finish()
        await asyncio.sleep(UNREAD)
        peer.go_on_reading()
    ended = await peer.ends(ENDING)
    if bytes(peer.heard) != data:
        how = "" if data.startswith(peer.heard) else ", and not what was sent"
        raise Broken(f"of {len(data):,} bytes before the end of our side {peer.received:,} came back{how}", peer)
    if not ended:
        raise Broken(f"the server has not ended its side within {ENDING:g} s", peer)
    return f"all of {len(data):,} bytes came back, and then the end"


async def _half_closed_lines(trial: Trial) -> str:
    listener, speaker = await trial.listener(), await trial.enter()
    said, answer = [trial.word(), trial.word()], trial.word()
    data = b"".join(map(trial.profile.say, said)) + trial.profile.ask(answer)
    if trial.profile.half_close:
        said.append(trial.word())
        data += trial.profile.say(said[-1]).removesuffix(trial.profile.newline)
    await speaker.send(data)
    if trial.target.scheme == TLS:
        await listener.hears(said[1])
    speaker.finish()
    for word in said:
        if not await listener.hears(word):
            raise Broken(f"what was said before the end of our side did not come through: {word!r}", speaker)
    if trial.profile.half_close and trial.target.scheme != TLS and not await speaker.hears(answer):
        raise Broken("what was asked before the end of our side was not answered", speaker)
    word = trial.word()
    await trial.say(await trial.enter(), word)
    # Who has ended their side may listen on.
    if not await speaker.hears(word, ENDING) and speaker.state == OPEN:
        raise Broken(f"within {ENDING:g} s the server has not ended its side, and tells nothing there either", speaker)
    state = "goes on to be told what others say" if speaker.state == OPEN else "was ended"
    return f"{len(said)} lines came through, and the other side {state}"


@fault(
    "leave-mid-line",
    why="a half line that stays in a buffer becomes the beginning of what somebody else says",
    source="ncat --chat: the next line of anybody continues it; buffers kept by descriptor, which is given again",
    holds="the half is said as it is, or not at all, and nothing is glued to it",
    services=LINES,
)
async def leave_mid_line(trial: Trial) -> str:
    """Go in the middle of a line, at first with an end, then with a reset, and let others come in their places."""
    listener = await trial.listener()
    for leave in (gone, _broken_off):
        leavers = await trial.enter_all(LEAVERS)
        halves = [trial.word() for _ in leavers]
        for peer, half in zip(leavers, halves, strict=True):
            await peer.send(trial.profile.say(half).removesuffix(trial.profile.newline))
        await leave(leavers)
        others = await trial.enter_all(LEAVERS)
        words = [trial.word() for _ in others]
        for peer, word in zip(others, words, strict=True):
            await trial.say(peer, word)
        for peer, word in zip(others, words, strict=True):
            if not await listener.hears(word):
                raise Broken("what was said after others went in the middle of a line did not come through", peer)
        _apart(listener.lines(), dict(zip(halves + words, leavers + others, strict=True)))
    return f"{2 * LEAVERS} went in the middle of a line, and nothing was glued to what they had said"


def _apart(lines: Sequence[bytes], by: Mapping[bytes, Peer]) -> None:
    """See that what each has said is the end of a line, and alone in it."""
    for line in lines:
        found = WORD.findall(line)
        # What somebody said before all this may come yet: a server that slows a flood goes on with it.
        if found and found[0] in by and (len(found) > 1 or not line.endswith(found[0])):
            raise Broken(f"the text of another was glued to half a line: {line[:120]!r}", by[found[0]])
