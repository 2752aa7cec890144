"""How a server ends, and starts again."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from ...processes.start import NotServing
from ..fault import Broken, fault
from ..peer import OPEN, RESET, Peer
from ..subject import Subject
from ..trial import Trial

#: Clients that talk when it is to end, those that have fallen silent by then, and seconds for which they talk before.
TALKERS, SILENT, TALK = 4, 3, 0.3

#: Bytes of each piece that is sent to an echo, and seconds between two lines of one person.
PIECE, BEAT = 2000, 0.1

#: Bytes that are sent to an echo by one who does not read, at most, and seconds without progress that say it is full.
STALL, FULL = 16 * 1024 * 1024, 0.3

#: Seconds for which lines are said to one who does not read; lines of each write and bytes of each line.
SPEAKING, LINES, LINE = 1.0, 50, 400

#: Seconds for what the kernel says of a process that has ended to arrive.
ARRIVING = 1.0

#: Ends that are as good as an exit with 0: by the signal itself, for want of a handler, also as a shell tells it.
BY_ITSELF = (0, -signal.SIGTERM, 128 + signal.SIGTERM)


class Talk:
    """Clients who talk until they are cut off, and some who are silent.

    Attributes:
        talkers: who talk.
        silent: who have been taken in, and say nothing any more.
    """

    def __init__(self, trial: Trial, talkers: list[Peer], silent: list[Peer]) -> None:
        self.trial = trial
        self.talkers = talkers
        self.silent = silent
        self.said: dict[Peer, bytearray] = {each: bytearray() for each in talkers}
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Talk:
        talk = self._pieces if self.trial.profile.echoes else self._lines
        for each in self.talkers:
            self.tasks.append(asyncio.create_task(talk(each)))
        await asyncio.sleep(TALK)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _pieces(self, peer: Peer) -> None:
        await peer.wait(lambda: peer.received >= peer.sent.bytes)
        peer.heard.clear()  # it is held against what is said from now on
        while peer.state == OPEN:
            piece = self.trial.random.randbytes(PIECE)
            self.said[peer] += piece
            await peer.send(piece)
            await peer.wait(lambda: len(peer.heard) >= len(self.said[peer]))

    async def _lines(self, peer: Peer) -> None:
        while peer.state == OPEN:
            await self.trial.say(peer, self.trial.word())
            await asyncio.sleep(BEAT)

    def judge(self) -> None:
        """See that nothing wrong was heard, and that nobody was broken off who had said nothing more.

        Raises:
            Broken: it was.
        """
        for peer, said in self.said.items():
            if self.trial.profile.echoes and not said.startswith(peer.heard):
                raise Broken(f"of {len(said):,} bytes an echo has sent back {len(peer.heard):,}, and wrong ones", peer)
        for peer in self.silent:
            if peer.state == RESET:
                raise Broken("the connection of a client that was silent was reset, not closed", peer)
            if not self.trial.profile.echoes and peer.heard and not peer.heard.endswith(b"\n"):
                raise Broken(f"what a client got was cut within a line: {bytes(peer.heard[-40:])!r}", peer)


async def talk(trial: Trial) -> Talk:
    """Clients who have been taken in, and do not talk yet."""
    found = await trial.enter_all(TALKERS + SILENT)
    return Talk(trial, found[:TALKERS], found[TALKERS:])


async def stopped(trial: Trial, subject: Subject, what: str, within: float, peer: Peer | None = None) -> str:
    """Wait for the server to end after SIGTERM. How it has.

    Raises:
        Broken: it has not, or with an error.
    """
    began = asyncio.get_running_loop().time()
    code = await subject.exits(within)
    if code is None:
        raise Broken(f"it has not ended within {within:g} s of {what}", peer)
    took = asyncio.get_running_loop().time() - began
    if code not in BY_ITSELF:
        raise Broken(f"after {what}, {subject.gone()}", peer)
    how = "exited with 0" if code == 0 else "was ended by SIGTERM itself"
    return f"it {how} {took:.1f} s after {what}"


async def again(subject: Subject) -> str:
    """Start it again, at once. How long that took.

    Raises:
        Broken: it does not come up.
    """
    began = asyncio.get_running_loop().time()
    try:
        await subject.start()
    except NotServing as why:
        raise Broken(f"it does not start again on the same endpoint: {why}") from None
    return f"it was up again after {asyncio.get_running_loop().time() - began:.1f} s"


async def let_go(peers: list[Peer]) -> int:
    """Wait for connections to end with the process that served them. How many have not: others serve them on."""
    until = asyncio.get_running_loop().time() + ARRIVING
    for each in peers:
        await each.ends(max(0.0, until - asyncio.get_running_loop().time()))
    return sum(each.state == OPEN for each in peers)


@fault(
    "sigterm-under-load",
    why="a server is stopped while people talk, and the next one starts where it was",
    source="Docker and Kubernetes: SIGTERM, and SIGKILL 10 or 30 s later; systemd.kill(5)",
    holds="within 10 s all are let go without wrong bytes, it ends with 0 or by SIGTERM itself, and starts again",
    restarts=True,
)
async def sigterm_under_load(trial: Trial) -> str:
    """SIGTERM while some talk and some are silent."""
    subject = trial.process()
    async with await talk(trial) as load:
        subject.signal(signal.SIGTERM)
        how = await stopped(trial, subject, "SIGTERM", trial.bounds.ending)
        left = await let_go(load.talkers + load.silent)
    load.judge()
    on = f"; {left} connections are served on by its children" if left else ""
    return f"{how}{on}; {await again(subject)}"


@fault(
    "sigterm-with-a-stalled-reader",
    why="a graceful stop that waits for one who does not read never ends, and is killed in the end",
    source="gh-104344: Server.wait_closed waits for every connection; transport.close() for all that is unwritten",
    holds="it has ended within 10 s, with 0 or by SIGTERM itself, and starts again",
    restarts=True,
)
async def sigterm_with_a_stalled_reader(trial: Trial) -> str:
    """SIGTERM while much waits for one who does not read."""
    subject = trial.process()
    stalled = await stall(trial)
    subject.signal(signal.SIGTERM)
    how = await stopped(trial, subject, "SIGTERM", trial.bounds.ending, stalled)
    return f"{how}; {await again(subject)}"


async def stall(trial: Trial) -> Peer:
    """Somebody who does not read what is meant for them: their own bytes from an echo, else what others say."""
    stalled = await trial.enter(small=True)
    stalled.stop_reading()
    if trial.profile.echoes:
        block = trial.random.randbytes(64 * 1024)
        with suppress(TimeoutError):
            while stalled.sent.bytes < STALL and await stalled.send(block, within=FULL):
                pass
        return stalled
    speakers = await trial.enter_all(3)
    with suppress(TimeoutError):
        async with asyncio.timeout(SPEAKING):
            while any([await each.send(trial.profile.say(b"x" * LINE), LINES) for each in speakers]):
                pass
    return stalled


@fault(
    "twice-sigterm",
    why="whoever stops a server that takes its time asks once more",
    source="uvicorn and Docker Compose end at once when they are asked again",
    holds="a second SIGTERM, while it stops, does not keep it from ending within 10 s, nor let it crash",
    restarts=True,
)
async def twice_sigterm(trial: Trial) -> str:
    """SIGTERM, and again before it has ended, as one who does not read makes it take its time."""
    subject = trial.process()
    stalled = await stall(trial)
    subject.signal(signal.SIGTERM)
    if await subject.exits(TALK) is not None:
        how = await stopped(trial, subject, "the first SIGTERM", 0.0, stalled)
        return f"{how}; {await again(subject)}"
    subject.signal(signal.SIGTERM)
    began = asyncio.get_running_loop().time()
    code = await subject.exits(trial.bounds.ending - TALK)
    if code is None:
        raise Broken(f"it has not ended within {trial.bounds.ending:g} s of two SIGTERM", stalled)
    if code < 0 and code not in BY_ITSELF:
        raise Broken(f"after two SIGTERM, {subject.gone()}", stalled)
    took = asyncio.get_running_loop().time() - began
    return f"it ended with {code} {took:.1f} s after the second SIGTERM; {await again(subject)}"


@fault(
    "sigkill",
    why="what is killed cannot clean up: its port is held by old connections, and its Unix socket lies there",
    source="tcp(7) and socket(7): SO_REUSEADDR and TIME_WAIT; unix(7); the OOM killer",
    holds="it starts again at once, and lets people in",
    restarts=True,
)
async def sigkill(trial: Trial) -> str:
    """SIGKILL while people are connected, and a start right after."""
    subject = trial.process()
    async with await talk(trial) as load:
        subject.kill()
        if await subject.exits(trial.bounds.ending) is None:
            raise Broken("it has not ended by SIGKILL")
        # Its side was closed first: until ours are, and a minute longer, its port has their connections.
        await let_go(load.silent)
    return f"with {TALKERS + SILENT} connections open it was killed; {await again(subject)}"
