"""One fault, tried once: what it may do, and how it says that something did not hold."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

from .fault import Broken, Untried
from .peer import OPEN, Peer
from .profiles import Profile, Refused
from .subject import Level, Subject
from .target import Target, Unreachable

#: What ``Trial.word`` makes.
WORD = re.compile(rb"torture-\d+-[0-9a-f]{8}")

#: Connections that are made at the same time, at most: a backlog is no shorter than this anywhere.
AT_ONCE = 50

#: Seconds for the server to end its side when ours has ended.
LEAVING = 0.3

#: Seconds for the server to come to rest while healthy clients talk, and the share of a core that it may use then.
RESTING, RESTING_SHARE = 2.0, 0.25

#: Seconds for a newcomer to be let in and heard.
COMING = 5.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a fault may use.

    Attributes:
        connections: at most, at the same time.
        seconds: in which it must be over.
        slower: seconds by which the bystanders' 99th percentile may rise meanwhile.
        memory: bytes by which the server may have grown after it.
        calm: seconds in which nothing is wrong, before all faults: what the bystanders' latency is held against.
        watched: seconds for which a fault is watched at least, so that there are messages to judge by.
        settling: seconds after a fault in which what the bystanders have said must have come.
        ending: seconds for the server to end what it must end: a connection, or itself after SIGTERM.
    """

    connections: int = 200
    seconds: float = 20.0
    slower: float = 0.5
    memory: int = 16 * 1024 * 1024
    calm: float = 2.0
    watched: float = 1.0
    settling: float = 5.0
    ending: float = 10.0


class Trial:
    """What a fault is given.

    Attributes:
        target: where the server is.
        profile: how one talks to it.
        random: seeded by the name of the fault and the seed of the run, so that it can be repeated alone.
        bounds: what it may use.
        subject: the server's process; None where it is not known.
        before: what the process held before; None where it is not known.
    """

    def __init__(
        self, target: Target, profile: Profile, random: Random, bounds: Bounds, subject: Subject | None = None
    ) -> None:
        self.target = target
        self.profile = profile
        self.random = random
        self.bounds = bounds
        self.subject = subject
        self.before: Level | None = subject.level() if subject is not None else None
        self._peers: list[Peer] = []
        self._listener: Peer | None = None
        self._words = 0

    # Who comes

    async def open(
        self, *, raw: bool = False, read: bool = True, small: bool = False, sock: socket.socket | None = None
    ) -> Peer:
        """A connection, and nothing more; see ``Target.open``.

        Raises:
            Broken: it could not be made.
        """
        try:
            peer = await self.target.open(raw=raw, read=read, small=small, answer=self.profile.answer, sock=sock)
        except Unreachable as why:
            raise Broken(str(why)) from None
        self._peers.append(peer)
        return peer

    async def enter(self, *, small: bool = False) -> Peer:
        """Somebody whom the service has taken in.

        Raises:
            Broken: it has not.
        """
        (one,) = await self.enter_all(1, small=small)
        return one

    async def enter_all(self, number: int, *, small: bool = False) -> list[Peer]:
        """The same with so many, all at the same time: some let each wait for a second. No more than the bounds allow.

        Raises:
            Broken: the service has not taken in one of them.
        """
        listener = await self.listener() if not self.profile.echoes else None
        return await all_of([self._enter(listener, small) for _ in range(min(number, self.bounds.connections))])

    async def _enter(self, listener: Peer | None, small: bool = False) -> Peer:
        peer = await self.open(small=small)
        try:
            await self.profile.enter(peer, self.name(), listener)
        except Refused as why:
            raise Broken(str(why), peer) from None
        except TimeoutError:
            raise Broken("a newcomer's first words are not read", peer) from None
        return peer

    async def listener(self) -> Peer:
        """Somebody healthy who hears what others say; the same one each time, unless the connection has ended."""
        if self._listener is None or self._listener.state != OPEN:
            self._listener = await self._enter(None)
        return self._listener

    async def hearer(self, speaker: Peer) -> Peer:
        """Who hears what somebody says: the listener, or of an echo the speaker alone."""
        return speaker if self.profile.echoes else await self.listener()

    async def crowd(self, number: int, *, raw: bool = False, read: bool = True, small: bool = False) -> list[Peer]:
        """Many connections, and nothing more, ``AT_ONCE`` at a time; at most as many as the bounds allow.

        Raises:
            Broken: one of them could not be made.
        """
        number = min(number, self.bounds.connections)
        found: list[Peer] = []
        while len(found) < number:
            batch = min(AT_ONCE, number - len(found))
            found += await all_of([self.open(raw=raw, read=read, small=small) for _ in range(batch)])
        return found

    def name(self) -> str:
        """A name that nobody has: at most nine characters, a letter first."""
        return f"t{self.random.randrange(16**8):08x}"

    def word(self) -> bytes:
        """A word that occurs nowhere else, to be found again in what others get."""
        self._words += 1
        return b"torture-%d-%08x" % (self._words, self.random.randrange(16**8))

    # What is said and heard

    async def say(self, peer: Peer, text: bytes) -> bool:
        """Say a line as the service wants it. Whether the connection is still open."""
        return await peer.send(self.profile.say(text))

    async def passes(self, speaker: Peer, within: float = COMING) -> None:
        """See that what somebody says still comes through: to the listener, or back from an echo.

        Raises:
            Broken: it does not.
        """
        word = self.word()
        hearer = await self.hearer(speaker)
        if not await self.say(speaker, word):
            raise Broken(f"the connection of a healthy client is {speaker.state}", speaker)
        if not await hearer.hears(word, within):
            raise Broken(f"what a healthy client said did not come through within {within:g} s", speaker)

    async def newcomer(self) -> None:
        """See that somebody new is let in and comes through, and let them go again.

        Raises:
            Broken: they are not.
        """
        one = await self.enter()
        await self.passes(one)
        await gone([one])

    def alive(self, peer: Peer, what: str) -> None:
        """See that the server still runs after something that somebody did, where its process is known.

        Raises:
            Broken: it is gone.
        """
        if self.subject is not None and (gone := self.subject.gone()):
            raise Broken(f"{gone}, after {what}", peer)

    # What the server holds

    def memory(self) -> int | None:
        """Bytes by which the server has grown since the fault began; None where its process is not known.

        Raises:
            Broken: the server is gone.
        """
        if self.subject is None or self.before is None:
            return None
        with looked_at(self.subject):
            return self.subject.level().memory - self.before.memory

    def bounded(self, most: int, what: str, peer: Peer | None = None) -> None:
        """See that the server has grown by no more than so many bytes since the fault began, where that is known.

        Raises:
            Broken: it has.
        """
        grown = self.memory()
        if grown is not None and grown > most:
            raise Broken(f"the server has grown by {mebibytes(grown)} {what}: {mebibytes(most)} are bound enough", peer)

    async def idle(
        self, what: str, peer: Peer | None = None, *, most: float = RESTING_SHARE, within: float = RESTING
    ) -> None:
        """See that the server uses no more than a share of a core, now or in so many seconds, where that is known.

        Raises:
            Broken: it does.
        """
        if self.subject is None:
            return
        deadline = asyncio.get_running_loop().time() + within
        with looked_at(self.subject):
            while (share := await self.subject.busy()) > most and asyncio.get_running_loop().time() < deadline:
                pass
        if share > most:
            raise Broken(f"the server uses {share:.0%} of a core {what}", peer)

    def process(self) -> Subject:
        """The server's process, where a fault cannot do without.

        Raises:
            Untried: it is not known.
        """
        if self.subject is None:
            raise Untried("the process of the server is not known: --server-cmd or --pid")
        return self.subject

    async def close(self) -> None:
        """Let everybody go: in order, where the server lets them, so that it is not the leaving that breaks it."""
        await gone(self._peers)
        self._peers.clear()
        self._listener = None
        await asyncio.sleep(0)


@contextmanager
def looked_at(subject: Subject) -> Iterator[None]:
    """Look at the process of the server: that it has ended is what is broken then.

    Raises:
        Broken: it has.
    """
    try:
        yield
    except ProcessLookupError:
        raise Broken(subject.gone() or "the server has ended") from None


async def gone(peers: Sequence[Peer]) -> None:
    """Let some go: each ends its side and reads on, as long as the server takes for its own, but not long."""
    for peer in peers:
        with suppress(OSError):  # it was broken off this very moment
            peer.finish()
    try:
        async with asyncio.timeout(LEAVING):
            for peer in peers:
                await peer.ends(LEAVING)
    except TimeoutError:
        pass  # who is not let go in time leaves anyway
    for peer in peers:
        with suppress(OSError):
            peer.close()
    await asyncio.sleep(0)


async def all_of(what: Sequence[Awaitable[Peer]]) -> list[Peer]:
    """All of them at the same time. Where one fails, the others are waited for, and the first failure is raised."""
    found = await asyncio.gather(*what, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return [each for each in found if isinstance(each, Peer)]


def mebibytes(number: int) -> str:
    """Bytes for people to read."""
    return f"{number / 1024 / 1024:.1f} MiB"
