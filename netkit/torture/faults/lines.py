"""Lines that are too long, never end, end in another way, or are to be taken for somebody else's."""

from __future__ import annotations

import asyncio
import re

from ..fault import LINES, Broken, fault
from ..overheard import SHOWN, Overheard, followed, overhear, send_apart
from ..peer import OPEN, PATIENCE, Peer
from ..trial import Trial, mebibytes

#: Bytes of a line that nobody has typed, and by how many a server may grow for it.
HUGE, KEPT = 10 * 1024 * 1024, 6 * 1024 * 1024

#: Bytes that are sent at once, and seconds in which they are taken by who reads on at all.
BLOCK, TAKING = 64 * 1024, 0.5

#: Where a line is cut by who has a buffer of so many bytes: IRC (RFC 2812, 2.3), C, a page, asyncio's default.
BUFFERS = (510, 512, 4095, 4096, 65_536)

#: Bytes that are more than such a buffer holds, sent alone before the tail.
ABOVE = (600, 5000, 70_000)

#: Bytes of a line from which on a server may take its time for it, and seconds for which it is waited for then.
LONG, WAITING = 16 * 1024, 1.0

#: What ends a line on a terminal, or for some program that reads lines: ``str.splitlines`` knows them all, and ESC E
#: is NEL in seven bits (ECMA-48).
BREAKS = {
    "LF": b"\n",
    "CR LF": b"\r\n",
    "CR": b"\r",
    "VT": b"\v",
    "FF": b"\f",
    "FS": b"\x1c",
    "NEL": b"\xc2\x85",
    "LINE SEPARATOR": b"\xe2\x80\xa8",
    "PARAGRAPH SEPARATOR": b"\xe2\x80\xa9",
    "ESC E": b"\x1bE",
    "backspaces": b"\b" * 60,
    "CSI G": b"\x1b[G",
}

_ANY_BREAK = re.compile(rb"\r\n|[\n\r\v\f\x1c-\x1e]|\xc2\x85|\xe2\x80[\xa8\xa9]|\x1bE|\x08+|\x1b\[G")
_LINE_BREAK = re.compile(rb"\r\n|[\n\r]")


@fault(
    "long-line",
    why="a line of 10 MiB: a server that keeps it runs out of memory, one that cuts it says things nobody said",
    source="asyncio's readline clears its buffer and goes on in the middle; ergo and ngircd close",
    holds="an echo gives it back whole; others bound what they keep, and drop the line or close; no piece is a line",
)
async def long_line(trial: Trial) -> str:
    """Send one line of 10 MiB, and another one after it."""
    return await (_echoed(trial) if trial.profile.echoes else _dropped(trial))


async def _echoed(trial: Trial) -> str:
    peer = await trial.enter()
    block = trial.random.randbytes(BLOCK).replace(b"\n", b".")
    line = block * (HUGE // BLOCK) + b"\n"
    before = peer.received
    try:
        if not (await peer.send(block, HUGE // BLOCK) and await peer.send(b"\n")):
            raise Broken(f"the connection is {peer.state} after {mebibytes(peer.received - before)} came back", peer)
    except TimeoutError:
        raise Broken(f"it reads no further when {mebibytes(peer.received - before)} have come back", peer) from None
    if not await peer.gets(before + len(line)):
        raise Broken(f"{peer.received - before:,} of {len(line):,} bytes came back, and it is {peer.state}", peer)
    if peer.heard[-len(line) :] != line:
        raise Broken("other bytes came back than were sent", peer)
    return f"{mebibytes(len(line))} came back whole"


async def _dropped(trial: Trial) -> str:
    speaker, listener = await trial.enter(), await trial.listener()
    begin, filler, end, after = (trial.word() for _ in range(4))
    await speaker.send(trial.profile.unended(begin))
    how = await _pour(trial, speaker, filler + b".")
    await trial.newcomer()
    if speaker.state == OPEN and not speaker.unsent:
        await trial.idle("while it waits for the end of a line", speaker)
        trial.bounded(KEPT, "for one line", speaker)
        await speaker.send(end + trial.profile.newline + trial.profile.say(after))
        if not await followed(trial, speaker, after):
            how += ", and closed the connection at its end"
    _whole(listener, speaker, begin, filler, end)
    return how


async def _pour(trial: Trial, peer: Peer, unit: bytes) -> str:
    """Send ``HUGE`` bytes without a newline. What came of it; of what is not taken, something is ``unsent``."""
    block = unit * (BLOCK // len(unit))
    before = peer.sent.bytes
    while (sent := peer.sent.bytes - before) < HUGE:
        try:
            if not await peer.send(block, within=TAKING):
                trial.bounded(KEPT, "for one line", peer)
                return f"it closed the connection after at most {mebibytes(sent)}"
        except TimeoutError:
            trial.bounded(KEPT, "for one line", peer)
            return f"it reads no further, or slowly, after {mebibytes(sent)}"
        if sent // 2**20 != (sent + len(block)) // 2**20:
            trial.bounded(KEPT, "for one line", peer)
    return f"it took {mebibytes(sent)}, and lives"


def _whole(listener: Peer, speaker: Peer, begin: bytes, *parts: bytes) -> None:
    """See that no part of a line was heard on a line that has not its beginning."""
    for line in listener.lines():
        if begin not in line and any(part in line for part in parts):
            raise Broken(f"others got a piece of a long line as a line of its own: {line[:SHOWN]!r}", speaker)


@fault(
    "no-newline",
    why="who sends and sends and never ends a line must cost neither memory nor the processor",
    source="ngircd up to 27: 513 bytes without CR LF kept a core at 100 % (PR #343)",
    holds="what is kept is bounded, and the server is at rest while it waits; or it closes the connection",
    services=LINES,
)
async def no_newline(trial: Trial) -> str:
    """Send some MiB without a newline, and leave it at that."""
    speaker = await trial.enter()
    await speaker.send(trial.profile.unended(trial.word()))
    how = await _pour(trial, speaker, b"A")
    await trial.newcomer()
    await trial.idle("while it waits for the end of a line", speaker)
    trial.bounded(KEPT, "for a line that does not end", speaker)  # by now it has read what was in the kernel
    return how


@fault(
    "tail-of-a-long-line",
    why="the tail of a line that is too long must not be taken for a line, nor obeyed: A...A/quit",
    source="asyncio's StreamReader.readline: past its limit it clears the buffer, and the tail comes as a line",
    holds="the line is dropped, cut short or said whole; what follows comes through, or the connection is closed",
    services=LINES,
)
async def tail_of_a_long_line(trial: Trial) -> str:
    """Send long lines whose tails look like lines, cut where buffers end."""
    cases = [(size, False) for size in BUFFERS] + [(size, True) for size in ABOVE]
    leave, listener = trial.profile.leave(), await trial.listener()
    speakers = await trial.enter_all(len(cases))
    tails = [_Tail(trial, *case) for case in cases]
    closed = await asyncio.gather(*(tail.send(one, leave) for tail, one in zip(tails, speakers, strict=False)))
    # Who is gone may have left as told, or been cut off for the long line: then a word as a tail does that too.
    again = [tail for tail, gone in zip(tails, closed, strict=False) if gone and leave]
    for one, tail in zip(await trial.enter_all(len(again)), again, strict=False):
        if not await tail.send(one, b""):
            raise Broken(f"{leave!r} at the end of a line of {tail.size:,} bytes was obeyed", one)
    for one, tail in zip(speakers, tails, strict=False):
        _whole(listener, one, tail.begin, tail.filler, tail.word)
    told = f", {sum(closed)} of them closed the connection" if any(closed) else ""
    return f"{len(closed)} long lines{told}: no tail was taken for a line"


class _Tail:
    """A line of so many bytes, and what comes behind it: in one write with it, or in the next one."""

    def __init__(self, trial: Trial, size: int, apart: bool) -> None:
        self.trial, self.size, self.apart = trial, size, apart
        self.begin, self.filler, self.word = trial.word(), trial.word(), trial.word()
        line = trial.profile.unended(self.begin) + (self.filler + b".") * (1 + size // len(self.filler))
        self.line = line[:size]

    async def send(self, speaker: Peer, command: bytes) -> bool:
        """Send it with a command for its tail, or a word. Whether the connection was closed."""
        tail, after = command or self.trial.profile.say(self.word), self.trial.word()
        await send_apart(self.trial, speaker, (self.line, tail) if self.apart else (self.line + tail,))
        await self.trial.say(speaker, after)
        try:
            return not await followed(self.trial, speaker, after, WAITING if self.size > LONG else PATIENCE)
        except Broken:
            if self.size <= LONG:
                raise
            return False  # it is read more slowly, which is a good answer to much at once


@fault(
    "line-ends",
    why="clients end lines with LF, CR LF, CR NUL or CR, and the two bytes of one end may come apart",
    source="RFC 854; RFC 1123, 3.3.1: CR LF and CR NUL mean the same; RFC 2812, 2.3",
    holds="each line comes through whole and once, none is empty or joined with the next; an echo gives back each byte",
)
async def line_ends(trial: Trial) -> str:
    """End lines in each way that the service promises to take, cut at each place."""
    if trial.profile.echoes:
        return await _ends_come_back(trial)
    endings = trial.profile.endings
    speakers = await trial.enter_all(len(endings))
    await asyncio.gather(*(_ended(trial, *each) for each in zip(speakers, endings, strict=False)))
    return f"lines that end in {', '.join(map(repr, endings))} came through, however they were cut"


async def _ends_come_back(trial: Trial) -> str:
    peer = await trial.enter()
    sent, before = 0, peer.received
    for ending in (b"\n", b"\r\n", b"\r\0", b"\r"):
        for piece in _cut([trial.word() for _ in range(len(ending) + 1)], ending):
            sent += len(piece)
            await peer.send(piece)
            if not await peer.gets(before + sent):
                raise Broken(f"{piece!r} did not come back: the connection is {peer.state}", peer)
            if not peer.heard.endswith(piece):
                raise Broken(f"{bytes(peer.heard[-len(piece) :])!r} came back for {piece!r}", peer)
    return f"{sent} bytes came back, each as it was"


def _cut(lines: list[bytes], ending: bytes) -> list[bytes]:
    """Lines with their ends, each in two pieces: one is cut before its end, one in it, one behind it."""
    pairs = ((line + ending[:cut], ending[cut:]) for cut, line in enumerate(lines))
    return [piece for pair in pairs for piece in pair if piece]


async def _ended(trial: Trial, speaker: Peer, ending: bytes) -> None:
    """End a line at each place within its end."""
    listener = await trial.listener()
    before = listener.received
    words, last = [trial.word() for _ in range(len(ending) + 1)], trial.word()
    pieces = _cut([trial.profile.unended(word) for word in words], ending)
    await send_apart(trial, speaker, [*pieces, trial.profile.unended(last) + ending])
    if not await followed(trial, speaker, last):
        raise Broken(f"the connection of one who ends lines in {ending!r} is {speaker.state}", speaker)
    await listener.wait(lambda: b"\n" in listener.since(before).partition(last)[2])
    _each_once(listener.since(before), speaker, [*words, last], ending)


def _each_once(heard: bytes, speaker: Peer, words: list[bytes], ending: bytes) -> None:
    """See that each word came on one line, alone, and that the sender has no others."""
    lines = heard.replace(b"\r\n", b"\n").split(b"\n")[:-1]
    for word in words:
        found = [line for line in lines if word in line]
        if len(found) != 1 or sum(each in found[0] for each in words) != 1 or found[0].count(word) != 1:
            raise Broken(f"a line that ends in {ending!r} came {len(found)} times, or joined: {found[:3]!r}", speaker)
        if b"\r" in found[0] or b"\0" in found[0]:
            raise Broken(f"CR or NUL reached others within a line that ends in {ending!r}: {found[0]!r}", speaker)
    if mark := _mark(lines, words[0]):
        more = [line for line in lines if line.startswith(mark) and not any(word in line for word in words)]
        if more:
            raise Broken(f"a line that ends in {ending!r} made another one: {more[0]!r}", speaker)


def _mark(lines: list[bytes], word: bytes) -> bytes:
    """What stands before a word on its line: the mark of who says it."""
    return next((line[: line.index(word)] for line in lines if word in line), b"")


@fault(
    "forged-lines",
    why="who can end a line within a line makes others read what somebody else has never said",
    source="ncat --chat: x, LF, <user99> forged, in one write; CWE-93; RFC 2812, 2.3.1: no NUL, CR or LF in a message",
    holds="what is said begins with the mark of who says it, on each line that a terminal makes of it",
    services=LINES,
)
async def forged_lines(trial: Trial) -> str:
    """Say lines that have a forged one in them, in texts, names, topics and private messages."""
    profile, word = trial.profile, trial.word()
    forged = {name: end + profile.forged(word) for name, end in BREAKS.items()}
    lines = [profile.say(b"x" + text) for text in forged.values()]
    lines.append(profile.say(b"*** " + word))
    # Who ends a line in the middle may be cut off for the rest of it: each of these is somebody else.
    alone = lines[: len(("LF", "CR LF", "CR"))]
    said = [await overhear(trial, each) for each in (*alone, b"".join(lines[len(alone) :]))]
    mark = b""
    for each in said:
        mark = _mark(each.others.split(b"\n"), b"torture-")
        _signed(trial, each, word, mark)
    if not mark:
        return "it signs no line, so that none can be forged"
    for places in _elsewhere(trial, await trial.listener(), forged):
        _signed(trial, await overhear(trial, *places), word, b"")
    return f"{len(lines)} forged lines were signed with {mark!r}, or not said"


def _elsewhere(trial: Trial, listener: Peer, forged: dict[str, bytes]) -> list[tuple[bytes, ...]]:
    """The same in other places than texts: what some people send, each in one write."""
    profile = trial.profile
    texts = [text for name, text in forged.items() if name in ("CR", "NEL", "LINE SEPARATOR", "VT", "ESC E")]
    # A name that is too long by itself, so that nobody is called something else by the end of it.
    names = [profile.rename(b"x" * 100 + text) for text in texts]
    topics = [profile.topic(b"x" + text) for text in texts]
    whispers = [profile.whisper(profile.called(listener), b"x" + text) for text in texts]
    return [(b"".join(each),) for each in (names, topics, whispers) if any(each)]


def _signed(trial: Trial, heard: Overheard, word: bytes, mark: bytes) -> None:
    """See that each line with a word on it begins with a mark; where that is not known, with none that is forged."""
    ends = _ANY_BREAK if trial.profile.clean else _LINE_BREAK
    bad = trial.profile.forged(b"")
    start, end = 0, b""
    for found in ends.finditer(heard.others + b"\n"):
        line = heard.others[start : found.start()]
        if word in line and (line.startswith(bad) or not line.startswith(mark)):
            told = f"others read a line that nobody has signed, behind {end!r}: {line[:SHOWN]!r}"
            raise Broken(told, heard.speaker)
        start, end = found.end(), found[0]
