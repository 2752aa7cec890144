"""Those who say more than anybody can use, or in smaller pieces."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

from ..fault import NAMES, Broken, fault
from ..peer import OPEN, Peer
from ..trial import Trial, mebibytes

#: Commands of one client at most, and seconds for which they are sent.
COMMANDS, FLOODING = 100_000, 1.0

#: Seconds for which the answers are waited for after that, at most, and between two looks at what came.
ANSWERING, LOOK = 2.0, 0.2

#: Bytes by which a server may grow for one client that does not read its answers.
KEPT = 16 * 1024 * 1024

#: How many talk at once, and lines that each says. They are ten, and not more, since netkit lets 50 lines a second be
#: said in a room, in turn: somebody healthy waits for one line of each, so 0.2 s, and is not held up by a rule.
TALKERS, LINES_EACH = 10, 25

#: Seconds for all that to come through; a server may well take longer for it, and then it is not waited for.
TALKING = 1.0

#: Empty lines; bytes that are sent one by one to an echo; lines that are sent so to others, and bytes of each. They are
#: few enough to be read within seconds by a server that slows who says much.
EMPTY, SINGLE, LONG_LINES, LONG_LINE = 3, 2_000, 4, 350

#: Seconds after a message in which a server that ends the connection has done so.
ENDING = 0.1


@fault(
    "command-flood",
    why="each command is a few bytes, and its answer may be thousands: somebody who does not read them pays nothing",
    source="ngircd answers WHO with at most 25 (MAX_RPL_WHO) and reads on later; ergo cuts off at 96 KiB unread",
    holds="others are not held up, and what waits for one who does not read is bounded",
    services=NAMES,  # a plain broadcast has no commands
)
async def command_flood(trial: Trial) -> str:
    """Ask for everything, over and over: one reads the answers, one does not."""
    await trial.listener()
    reader, stopped = await asyncio.gather(trial.enter(), trial.enter(small=True))
    stopped.stop_reading()
    before = reader.received
    newline = trial.profile.newline
    lines = b"".join(command + newline for command in trial.profile.commands)
    await asyncio.gather(_flood(reader, lines), _flood(stopped, lines))
    await _answered(trial, reader, stopped)
    if not await reader.wait(lambda: reader.received > before) and reader.state == OPEN:
        raise Broken("nothing came in answer to a flood of commands, nor the end", reader)
    sent = mebibytes(reader.sent.bytes + stopped.sent.bytes)
    return f"{sent} of commands; who read the answers is {reader.state}, who did not is {stopped.state}"


async def _flood(peer: Peer, lines: bytes) -> None:
    """Send some lines again and again, for as long as they are taken."""
    each = max(1, 4096 // len(lines))
    with suppress(TimeoutError):
        async with asyncio.timeout(FLOODING):
            for _ in range(0, COMMANDS, each * lines.count(b"\n")):
                if not await peer.send(lines, each):
                    return


async def _answered(trial: Trial, reader: Peer, stopped: Peer) -> None:
    """See what is kept for one who does not read, until the server has answered the other one, or works no more."""
    until = asyncio.get_running_loop().time() + ANSWERING
    came = -1
    while came != reader.received and asyncio.get_running_loop().time() < until:
        came = reader.received
        trial.bounded(KEPT, "for one who asks and does not read the answers", stopped)
        await asyncio.sleep(LOOK)
    trial.bounded(KEPT, "for one who asks and does not read the answers", stopped)


@fault(
    "talk-flood",
    why="many who talk as fast as they can must not silence those who do not",
    source="ergo's fakelag and ssh-chat's rate limit are for this; ssh-chat does not keep the order (go r.HandleMsg)",
    holds="what others say comes through meanwhile; of each who floods, what comes is whole, once and in order",
)
async def talk_flood(trial: Trial) -> str:
    """Let many say many lines in one write each, all at once."""
    talkers = await trial.enter_all(TALKERS)
    marks = [trial.word() for _ in talkers]
    bulks = [b"".join(trial.profile.say(b"%b:%d." % (mark, number)) for number in range(LINES_EACH)) for mark in marks]
    for talker, bulk in zip(talkers, bulks, strict=True):
        talker.sent.note(bulk)
        talker.transport.write(bulk)
    deadline = asyncio.get_running_loop().time() + TALKING
    came = 0
    for talker, mark, bulk in zip(talkers, marks, bulks, strict=True):
        hearer = await trial.hearer(talker)
        within = max(0.0, deadline - asyncio.get_running_loop().time())
        if trial.profile.echoes:
            await _comes_back(talker, bulk)
            came += LINES_EACH
            continue
        await hearer.hears(b"%b:%d." % (mark, LINES_EACH - 1), within)
        came += _in_order(talker, mark, hearer.lines())
    said = len(talkers) * LINES_EACH
    return f"{len(talkers)} said {LINES_EACH} lines each at once; {came} of {said} came within {TALKING:g} s, in order"


async def _comes_back(peer: Peer, data: bytes) -> None:
    """See that an echo gives back what it was sent, or has had enough."""
    if not await peer.hears(data) and peer.state == OPEN:
        raise Broken(f"{len(data):,} bytes did not come back unchanged: {peer.received:,} came", peer)


def _in_order(talker: Peer, mark: bytes, lines: list[bytes]) -> int:
    """How many lines of somebody came. They may be fewer than were said: who floods may be cut off."""
    last = -1
    came = 0
    for line in lines:
        numbers = [int(each) for each in re.findall(re.escape(mark) + rb":(\d+)\.", line)]
        if not numbers:
            continue
        if len(numbers) > 1 or line.count(b"torture-") > 1:
            raise Broken(f"lines that were said apart came as one: {line[:120]!r}", talker)
        if numbers[0] <= last:
            raise Broken(f"line {numbers[0]} of one who talks fast came after line {last}", talker)
        last = numbers[0]
        came += 1
    return came


@fault(
    "empty-messages",
    why="an empty line, and a message of a single byte, cost a server as much as a long one, and its sender nothing",
    source="RFC 2812, 2.3.1 (empty messages are silently ignored); loops such as 'while line := read().strip()' end",
    holds="an empty line ends nothing, single bytes are put together, and others are not held up",
)
async def empty_messages(trial: Trial) -> str:
    """Send empty lines, and a message after them; then a flood of single bytes."""
    first, second = await trial.enter_all(2)
    newline = trial.profile.newline
    await first.send(newline, EMPTY)
    try:
        await trial.passes(first)
    except Broken as why:
        raise Broken(f"after {EMPTY} empty lines: {why}", first) from None
    if await first.ends(ENDING):
        raise Broken(f"after {EMPTY} empty lines: the connection is {first.state}", first)
    words = [trial.word() for _ in range(LONG_LINES)]
    lines = b"".join(trial.profile.say(word.ljust(LONG_LINE, b"x")) for word in words)
    data = trial.random.randbytes(SINGLE) if trial.profile.echoes else lines
    with suppress(TimeoutError):
        async with asyncio.timeout(FLOODING):
            await second.send_apart(data)
    if trial.profile.echoes:
        await _comes_back(second, data[: second.sent.bytes])
    elif second.sent.bytes == len(data):
        await _heard(trial, second, words)
    trial.bounded(KEPT, "for single bytes", second)
    return f"{EMPTY} empty lines ended nothing; after {second.sent.bytes:,} single bytes the client is {second.state}"


async def _heard(trial: Trial, speaker: Peer, words: Sequence[bytes]) -> None:
    """See that others get each word, or that its speaker is cut off."""
    listener = await trial.listener()
    for word in words:
        if not await listener.hears(word) and speaker.state == OPEN:
            raise Broken(f"a line that was sent byte by byte did not come through: {word!r}", speaker)
