"""What the three layers share: a service's effects, carried out on connections of any tier.

A layer tells the delivery what happened to a connection; the delivery tells the service, and carries out what
it answers. It never reads, never awaits a peer, and touches a connection only through ``session.Connection``.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Collection, Coroutine
from contextlib import suppress
from functools import partial
from typing import cast

from .. import endpoints
from ..endings import Ending
from ..limits import Limits
from ..service import Abort, Close, Effect, Hold, Recall, Send, Service, Stop, Storage, Store, Wake
from .admission import Address, Admission, Refused
from .budget import Budget
from .lingering import Lingering
from .outboxes import Outboxes
from .refusals import Refusals
from .session import Connection, Session
from .storing import Storing

log = logging.getLogger(__name__)

#: Seconds that a storage is given to close at the least, when connections have used up the grace.
MIN_CLOSING = 1.0


class Delivery:
    """Between one service and the connections of one layer. Belongs to the running loop."""

    def __init__(self, service: Service, limits: Limits, storage: Storage | None = None) -> None:
        """Prepare to carry ``service``. Must be called with a loop running."""
        self.service = service
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        # BaseEventLoop.time only asks time.monotonic: the detour costs as much as the rest of a message's accounting.
        own_clock = getattr(type(self.loop), "time", None) is not asyncio.BaseEventLoop.time
        self.time = self.loop.time if own_clock else time.monotonic
        # Seconds of silence before a connection is closed. None: never.
        self.idle = (service.idle if limits.idle is None else limits.idle) or None
        self.admission = Admission(limits)
        self.refusals = Refusals(self.loop)
        # Connections that were lost or refused, by the reason. The service sees it too.
        self.endings: Counter[str] = Counter()
        service.endings = self.endings
        self.sessions: set[Session] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        # Set while nobody is connected.
        self.empty = asyncio.Event()
        self.empty.set()
        self.outboxes = Outboxes(self.loop, self.time, self.write_on, self.turn_ended)
        self.budget = Budget(limits, self.sessions, self.loop, self.abort)
        self.storing = Storing(storage, self.loop, partial(self.tell, "recalled", None))
        self.lingering = Lingering(limits, self.loop, self.time, self.abort)
        # Connections to finish at the turn's end.
        self.leaving: list[Session] = []
        # Connections that have filled up since the service was last told.
        self.filled: list[Session] = []
        self.wakes: set[asyncio.TimerHandle] = set()
        # The service wants the server to stop, or somebody else does.
        self.stop_asked = asyncio.Event()
        # Nobody is woken or admitted any more.
        self.stopped = False

    # What a layer reports.

    def admit(self, scheme: str, address: Address, handshake: asyncio.Task[None] | None = None) -> Session:
        """A connection was accepted. Every one that gets a session must end in ``lost``.

        Args:
            scheme: of the endpoint that accepted it, to name the peer with.
            address: of the peer.
            handshake: what is to be cancelled if it has to go before ``opened``, which follows at once without one.

        Raises:
            Refused: it gets none. Send it ``farewell`` where that is possible at once, and close it.
        """
        try:
            if self.stopped:  # it was accepted just before the listener was closed
                raise Refused(Ending.SHUTDOWN)
            now = self.time()
            key = self.admission.take(address, now)
        except Refused as refusal:
            self.endings[str(refusal.reason)] += 1
            self.refusals.add(endpoints.show(scheme, address), refusal.reason)
            raise
        session = Session(scheme, address, key, handshake, now)
        self.sessions.add(session)
        self.empty.clear()
        return session

    def farewell(self, reason: Ending) -> bytes:
        """What the service wants said to who is refused or idle. To be asked only where that can be sent."""
        try:
            said = self.service.refused(reason)
            if not isinstance(said, bytes):
                raise TypeError(f"a service answers to refused with bytes, not {said!r}")
            return said
        except Exception as error:
            self.blame(None, "refused", error)
            return b""

    def opened(self, session: Session, connection: Connection, transport: asyncio.WriteTransport) -> None:
        """The connection can be read and written."""
        session.handshake = None
        session.connection = connection
        session.transport = transport
        transport.set_write_buffer_limits(self.limits.high, self.limits.low)
        log.info("opened %s", session.peer)
        self.budget.opened()
        self.tell("opened", session)

    def received(self, session: Session, data: bytes) -> None:
        """Bytes arrived. This is the hot path: an echo comes through here for every message."""
        if session.closing:
            return
        session.seen = now = self.time()
        try:
            for effect in self.service.received(session, data, now):
                if type(effect) is bytes and not session.outbox and not session.stalled:
                    session.connection.write(effect)
                else:
                    self.apply(effect, session)
        except Exception as error:
            self.blame(session, "received", error)
        if self.filled:
            self.settle()

    def ended(self, session: Session) -> None:
        """The peer has finished sending."""
        if session.closing:
            # Ours has ended, so now both have, unless that is to come at the end of this turn, after what is queued.
            # Over TLS it is closing already, and asyncio takes no second close.
            if session not in self.leaving and not session.transport.is_closing():
                session.connection.finish()
            return
        self.cancel_timer(session)
        session.ended = True
        session.held = False
        self.tell("ended", session)
        # Over TLS, where our side cannot end alone, asyncio closes now, whatever we want.
        session.held = session.held and session.transport.can_write_eof()
        self.answered(session)

    def idled(self, session: Session) -> None:
        """Nothing came from this peer for too long. Who has finished sending is not silent: the service is slow."""
        if not session.closing and not session.ended:
            if farewell := self.farewell(Ending.IDLE):
                self.apply(farewell, session)
            self.close(session, Ending.IDLE)

    def paused(self, session: Session) -> None:
        """More waits for this peer than the high mark. Called out of a write, so the service is told after it."""
        session.stalled = True
        self.filled.append(session)

    def resumed(self, session: Session) -> None:
        """What waited for this peer is below the low mark again."""
        if session.stalled:
            session.stalled = False
            if session not in self.filled and not session.closing:
                self.tell("resumed", session)

    def broken(self, session: Session, why: BaseException) -> None:
        """One direction of the connection has broken, and only its layer sees it: cut the other one too."""
        if not session.closing:
            session.detail = _said(why)
        self.abort(session, Ending.LOST)

    def lost(self, session: Session, why: BaseException | None = None) -> None:
        """The connection is gone."""
        if session not in self.sessions:
            return
        self.sessions.discard(session)
        self.admission.leave(session.key)
        self.cancel_timer(session)
        session.lost = True
        if not session.closing:
            shaking = session.handshake is not None and session.scheme == "tls"
            session.closing = Ending.HANDSHAKE if shaking else Ending.LOST
            session.detail = _said(why)
        self.endings[str(session.closing)] += 1
        detail = f" ({session.detail})" if session.detail else ""
        log.info("closed %s: %s%s", session.peer, session.closing, detail)
        if session.handshake is None:
            self.tell("lost", session)
            session.let_go()
        if not self.sessions:
            self.empty.set()

    # What a service answers.

    def tell(self, event: str, session: Session | None = None, *about: object) -> None:
        """Tell the service of anything but input, and carry out what it answers."""
        told = about if session is None else (session, *about)
        try:
            for effect in getattr(self.service, event)(*told, self.time()):
                self.apply(effect, session)
        except Exception as error:
            self.blame(session, event, error)

    def apply(self, effect: Effect, session: Session | None) -> None:
        """Carry out one effect of an event that was about ``session``."""
        match effect:
            case Send(to, data):
                self.outboxes.put(cast("Collection[Session]", to), data)
                self.budget.count(len(to) * len(data))
            case bytes() if session is not None:
                self.outboxes.put((session,), effect)
                self.budget.count(len(effect))
            case Close(conn, reason) if reason:
                self.close(cast(Session, conn), reason)
            case Hold(conn, seconds):
                self.hold(cast(Session, conn), seconds)
            case Wake(seconds):
                self.wake(seconds)
            case Abort(conn, reason) if reason:
                self.abort_soon(cast(Session, conn), reason)
            case Store(record):
                self.storing.put(record)
            case Recall(query):
                self.storing.recall(query)
            case Stop():
                log.info("the service stops the server")
                self.stop_asked.set()
            case _:
                raise TypeError(f"a service answers with bytes for the sender, or an effect, not {effect!r}")

    def turn_ended(self) -> None:
        """All is written: finish those that leave, and tell the service who has filled up."""
        leaving, self.leaving = self.leaving, []
        for session in leaving:
            self.finish(session)
        if self.filled:
            self.settle()

    def write_on(self, session: Session, data: bytes) -> None:
        """Write to a connection that may be slow, held, closing or gone."""
        if session.transport.is_closing():
            return  # broken by an earlier write of this turn, perhaps: asyncio logs every write after the fifth
        if session.held and session.left:
            session.connection.release()  # what it has sent is there already, and then comes the end
            return
        if session.stalled and session.transport.get_write_buffer_size() + len(data) > self.limits.hard:
            self.abort(session, Ending.TOO_SLOW)
        else:
            session.connection.write(data)

    def settle(self) -> None:
        """Tell the service of the connections that its last effects have filled up."""
        filled, self.filled = self.filled, []
        for session in filled:
            self.budget.count(session.waiting)
            if session.stalled and not session.closing:
                self.tell("paused", session)

    def hold(self, session: Session, seconds: float) -> None:
        """Stop reading from a connection for a while, or let go. After its end, put off closing it."""
        if session.closing:
            return
        self.cancel_timer(session)
        session.held = seconds > 0
        if session.held and seconds != math.inf:
            session.timer = self.loop.call_later(seconds, self.hold, session, 0)
        if session.ended:
            self.loop.call_soon(self.answered, session)
        elif session.held:
            session.connection.hold()
        else:
            self.release(session)

    def release(self, session: Session) -> None:
        """Read again, unless there is nothing more to read: asyncio would read the end once more."""
        if not session.ended:
            session.connection.release()

    def answered(self, session: Session) -> None:
        """All is said to a peer that has finished sending, unless the service holds it for more."""
        if not session.held:
            self.close(session, Ending.EOF)

    def wake(self, seconds: float) -> None:
        """Tell the service once, after so many seconds."""
        if self.stopped:
            return

        def due() -> None:
            self.wakes.discard(handle)
            self.tell("woken")

        handle = self.loop.call_later(seconds, due)
        self.wakes.add(handle)

    def blame(self, session: Session | None, event: str, error: Exception) -> None:
        """An exception came out of the service: that connection pays for it, and no other."""
        log.error("the service failed in %s(%s)", event, session or "", exc_info=error)
        if session is not None and not session.closing:
            self.abort_soon(session, Ending.FAILED)

    def start(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run a coroutine of a layer, and keep it: the loop itself has only weak references to tasks."""
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    # How a connection ends.

    def close(self, session: Session, reason: str) -> None:
        """Close after what is queued has been written. What the peer still sends is thrown away."""
        if session.closing:
            return
        session.closing = reason
        self.leaving.append(session)
        self.outboxes.schedule()

    def finish(self, session: Session) -> None:
        """Its last bytes are with the transport: give it time to write them, and the peer to end its side."""
        if session.handshake is not None:
            session.handshake.cancel()
        elif session in self.sessions:
            self.cancel_timer(session)
            self.release(session)
            if not session.transport.is_closing():
                try:
                    session.connection.finish()
                except OSError:  # reset, and the loop has not noticed yet
                    self.abort(session, session.closing)
                    return
            self.lingering.begin(session)

    def abort_soon(self, session: Session, reason: str) -> None:
        """Close without writing what is queued.

        Not at once: asyncio calls ``resume_writing`` in the middle of a write, and trips over an abort in there.
        """
        session.closing = session.closing or reason
        self.loop.call_soon(self.abort, session, reason)

    def abort(self, session: Session, reason: str) -> None:
        """Close at once; what is queued is lost."""
        session.closing = session.closing or reason
        if session.handshake is not None:
            session.handshake.cancel()
        elif session in self.sessions and not session.aborted:
            session.aborted = True
            self.release(session)
            session.transport.abort()

    def cancel_timer(self, session: Session) -> None:
        """End a Hold or a deadline before its time."""
        if session.timer is not None:
            session.timer.cancel()
            session.timer = None

    async def stop(self) -> None:
        """Tell the service, write out what is queued, and close everybody, within ``grace`` seconds."""
        self.tell("stopping")
        self.stopped = self.lingering.hurried = True
        for wake in self.wakes:
            wake.cancel()
        self.wakes.clear()
        self.storing.stop()
        until = self.time() + self.limits.grace
        for session in list(self.sessions):
            self.close(session, Ending.SHUTDOWN)
        with suppress(TimeoutError):
            try:
                async with asyncio.timeout(self.limits.grace):
                    await self.empty.wait()
            finally:  # who is left has had the grace, or nobody waits for it any more
                self.abort_all()
                await self.gone(until)

    async def gone(self, until: float = 0.0) -> None:
        """Wait for the end of every connection, of the layer's tasks and of the storage. Its listeners must be closed.

        Args:
            until: what time the storage has to close, by the loop's clock; ``MIN_CLOSING`` seconds in any case.
        """
        try:
            await self.vacated()
        finally:
            self.budget.stop()
            self.refusals.stop()
            await self.storing.close(max(until - self.time(), MIN_CLOSING))
        if self.endings:
            log.info("endings: %s", ", ".join(f"{reason} {count}" for reason, count in self.endings.most_common()))

    async def vacated(self) -> None:
        """Wait for the end of every connection, and of the layer's tasks. Nothing more may come to be accepted."""
        while self.sessions or self.tasks:
            await self.empty.wait()
            if self.tasks:
                await asyncio.wait(self.tasks)

    def abort_all(self) -> None:
        """Close every connection at once, as the server stops."""
        for session in list(self.sessions):
            self.abort(session, Ending.SHUTDOWN)


def _said(why: BaseException | None) -> str:
    """What an exception says, for the log."""
    return str(getattr(why, "strerror", None) or why or "")
