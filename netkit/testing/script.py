"""A dialogue with a service: what happens, and by equality what it answers. No loop, no socket, no clock.

The events have the names and the rules of ``netkit.service``: a script that no layer could play is an error in it.
"""

from __future__ import annotations

import difflib
import heapq
import warnings
from collections import Counter, deque
from collections.abc import Iterable
from types import TracebackType
from typing import NoReturn
from urllib.parse import urlsplit

from ..endings import Ending
from ..service import Abort, Close, Effect, Hold, Recall, Send, Service, Stop, Store, Wake


class Actor:
    """A connection in a script. Equal only to itself, and printed by its name.

    Attributes:
        name: see ``Script.opened``.
        stage: ``open``; ``ended`` while a ``Hold`` puts off the closing after its end; ``closing`` after its ``Close``,
            ``Abort`` or end; or ``lost``.
        stalled: whether the service was told that it is paused.
        waiting: bytes that wait to be written to it. Nothing does but what the test says.
        ending: why it ends, empty before.
    """

    __slots__ = ("_ending", "_local", "_peer", "held_until", "name", "stage", "stalled", "waiting")

    def __init__(self, name: str, peer: str, local: bool) -> None:
        self.name = name
        self._peer = peer
        self._local = local
        self._ending = ""
        self.stage = "open"
        self.stalled = False
        self.waiting = 0
        # When the last Hold is over.
        self.held_until = 0.0

    @property
    def peer(self) -> str:
        """See ``netkit.Conn``."""
        return self._peer

    @property
    def local(self) -> bool:
        """See ``netkit.Conn``."""
        return self._local

    @property
    def host(self) -> str:
        """See ``netkit.Conn``."""
        return (urlsplit(self._peer).hostname or "").partition("%")[0]

    @property
    def ending(self) -> str:
        """See ``netkit.Conn``."""
        return self._ending

    def close(self, reason: str) -> None:
        """It is closed, for this reason unless it has one."""
        if self.stage in ("open", "ended"):
            self.stage = "closing"
            self._ending = reason

    def __repr__(self) -> str:
        return self.name


class Script:
    """Plays events to a service, and compares what it answers.

    ::

        with Script(Shout()) as script:
            ann = script.opened("ann")
            script.received(ann, b"hello")
            script.expect(b"HELLO")

    Effects gather until ``expect`` looks at them. Leaving the ``with`` block while some were not looked at is an error;
    without such a block, call ``done``.

    Attributes:
        service: what is played to. Its ``endings`` count who is lost.
        now: the time in seconds that the service is told. ``wait`` moves it.
    """

    def __init__(self, service: Service, *, now: float = 0.0) -> None:
        """Begin a dialogue with a service at a time of one's choice, in seconds."""
        self.service = service
        self.now = now
        self._actors: dict[str, Actor] = {}
        self._effects: list[Effect] = []
        self._wakes: list[float] = []
        # What was asked of the storage and not answered, oldest first.
        self._recalls: deque[object] = deque()
        self._stopped = False
        self._endings: Counter[str] = Counter()
        service.endings = self._endings

    # What happens.

    def opened(self, name: str, *, peer: str = "tcp://127.0.0.1:50312", local: bool = True) -> Actor:
        """Somebody connects.

        Args:
            name: how it is printed where effects differ, and one for each connection.
            peer: the address that the service is told. ``Conn.host`` is read out of it.
            local: whether it is exempt from limits for strangers.

        Returns:
            The connection, for the other events, and for the effects that are expected.

        Raises:
            ValueError: there is one of that name.
        """
        if name in self._actors:
            raise ValueError(f"there is a connection called {name!r} already")
        actor = self._actors[name] = Actor(name, peer, local)
        self._take(actor, self.service.opened(actor, self.now))
        return actor

    def received(self, actor: Actor, data: bytes) -> None:
        """Some bytes arrive from it.

        Raises:
            ValueError: there are no bytes, which only a datagram may have.
            RuntimeError: the service has closed it, it has ended or is lost: a layer would throw them away.
        """
        if not data and not self.service.datagrams:
            raise ValueError("a service never receives no bytes, unless it is served over datagrams")
        self._must_be(actor, "received", "open")
        self._take(actor, self.service.received(actor, data, self.now))

    def ended(self, actor: Actor) -> None:
        """It has finished sending. Only ``lost`` follows: the layer closes it after what this answers.

        Unless that holds it: then when the ``Hold`` is over, and until then it may be paused and resumed.

        Raises:
            RuntimeError: see ``received``.
        """
        self._must_be(actor, "ended", "open")
        actor.stage = "ended"
        actor.held_until = self.now
        self._take(actor, self.service.ended(actor, self.now))

    def paused(self, actor: Actor) -> None:
        """More waits for it than the high mark.

        Raises:
            RuntimeError: see ``received``; or it is paused already.
        """
        self._flow(actor, "paused", stalled=True)
        self._take(actor, self.service.paused(actor, self.now))

    def resumed(self, actor: Actor) -> None:
        """What waited for it is below the low mark.

        Raises:
            RuntimeError: see ``received``; or it is not paused.
        """
        self._flow(actor, "resumed", stalled=False)
        self._take(actor, self.service.resumed(actor, self.now))

    def lost(self, actor: Actor, reason: str = Ending.LOST) -> None:
        """It is gone.

        Args:
            actor: who.
            reason: the word for it, unless it was closed for another one.

        Raises:
            RuntimeError: it was before.
        """
        if actor.stage == "lost":
            raise RuntimeError(f"{actor} is lost already")
        actor.close(reason)
        actor.stage = "lost"
        actor.waiting = 0
        self._endings[str(actor.ending)] += 1
        self._take(actor, self.service.lost(actor, self.now))

    def recalled(self, query: object, found: object) -> None:
        """The storage has found something, or nothing (None).

        Args:
            query: what the service asked for with ``Recall``; what it asked first must be answered first.
            found: the answer.

        Raises:
            RuntimeError: it did not ask for that, or for something else before, or the server stops.
        """
        if not self._recalls or self._recalls[0] != query:
            asked = ", then ".join(map(repr, self._recalls)) or "nothing"
            raise RuntimeError(f"the service waits for {asked}: no layer would call recalled for {query!r}")
        self._take(None, self.service.recalled(self._recalls.popleft(), found, self.now))

    def wait(self, seconds: float) -> None:
        """Time passes, and ``woken`` is called for each ``Wake`` at the very time it asked for.

        Raises:
            ValueError: time does not go back.
        """
        if not seconds >= 0:
            raise ValueError(f"time does not go by {seconds} s")
        until = self.now + seconds
        while self._wakes and self._wakes[0] <= until:
            self.now = max(self.now, heapq.heappop(self._wakes))
            self._let_go()
            self._take(None, self.service.woken(self.now))
        self.now = until
        self._let_go()

    def stopping(self) -> None:
        """The server stops: nobody is woken any more, and every connection is closed.

        Raises:
            RuntimeError: it was stopped before.
        """
        if self._stopped:
            raise RuntimeError("a server stops once")
        self._stopped = True
        self._take(None, self.service.stopping(self.now))
        self._wakes.clear()
        self._recalls.clear()
        for actor in self._actors.values():
            actor.close(Ending.SHUTDOWN)

    # What must come of it.

    def expect(self, *effects: Effect) -> None:
        """Compare all effects since the last call with these, in their order. None: nothing was answered.

        The connections of a ``Send`` may come in any order, since all of them get the same bytes.

        Raises:
            AssertionError: they differ. The message says how, line by line.
        """
        answered, self._effects = self._effects, []
        if [_ordered(each) for each in effects] != [_ordered(each) for each in answered]:
            self._differs("the service answered otherwise than expected", effects, answered)

    def done(self) -> None:
        """See to it that every effect was looked at.

        Raises:
            AssertionError: some were not.
        """
        answered, self._effects = self._effects, []
        if answered:
            self._differs("the service answered what no expect() has looked at", (), answered)

    def __enter__(self) -> Script:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if exc is None:
            self.done()
        self._effects = []  # another error is on its way, and says more

    def __del__(self) -> None:
        if getattr(self, "_effects", None):
            warnings.warn(f"effects that nobody looked at: {self._effects}", ResourceWarning, source=self, stacklevel=2)

    # Within.

    def _must_be(self, actor: Actor, event: str, *stages: str) -> None:
        if actor.stage not in stages:
            raise RuntimeError(f"{actor} is {actor.stage}: no layer would call {event} for it")

    def _let_go(self) -> None:
        """Close those who have ended and are not held any more."""
        for actor in self._actors.values():
            if actor.stage == "ended" and actor.held_until <= self.now:
                actor.close(Ending.EOF)

    def _flow(self, actor: Actor, event: str, *, stalled: bool) -> None:
        self._must_be(actor, event, "open", "ended")
        if actor.stalled is stalled:
            raise RuntimeError(f"{actor} is {'paused already' if stalled else 'not paused'}")
        actor.stalled = stalled

    def _take(self, about: Actor | None, effects: Iterable[Effect]) -> None:
        """Keep what is answered to an event about this connection."""
        for effect in effects:
            match effect:
                case Send(_, bytes()) | Store() | Stop():
                    pass
                case bytes() if about is not None:
                    pass
                case Close(Actor() as actor, reason) | Abort(Actor() as actor, reason) if reason:
                    actor.close(reason)
                case Hold(Actor() as actor, seconds):
                    actor.held_until = self.now + seconds
                case Wake(seconds):
                    if not self._stopped:
                        heapq.heappush(self._wakes, self.now + seconds)
                case Recall(query):
                    if not self._stopped:
                        self._recalls.append(query)
                case _:
                    raise TypeError(f"a service answers with bytes for the sender, or an effect, not {effect!r}")
            self._effects.append(effect)
        self._let_go()

    def _differs(self, what: str, expected: Iterable[Effect], answered: Iterable[Effect]) -> NoReturn:
        before, after = ([repr(_ordered(each)) for each in each_side] for each_side in (expected, answered))
        lines = (line.rstrip() for line in difflib.ndiff(before, after))
        raise AssertionError("\n".join([f"{what} (- expected, + answered):", *lines]))


def _ordered(effect: Effect) -> Effect:
    """The same effect, with the connections of a Send in an order of their own."""
    return Send(tuple(sorted(effect.to, key=repr)), effect.data) if isinstance(effect, Send) else effect
