"""What the three layers share: a service's effects, carried out on connections of any tier.

A layer tells the delivery what happened to a connection; the delivery tells the service, and carries out what
it answers. It never reads, never awaits a peer, and touches a connection only through ``session.Connection``.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Collection, Coroutine
from typing import cast

from .. import endpoints
from ..limits import Limits
from ..service import Close, Effect, Hold, Send, Service, Wake
from .admission import Address, Admission, Refused
from .outboxes import Outboxes
from .session import Connection, Session

log = logging.getLogger(__name__)

#: Seconds between two looks at a connection that is finishing, however short the linger.
MIN_LINGER = 0.01


class Delivery:
    """Between one service and the connections of one layer. Belongs to the running loop."""

    def __init__(self, service: Service, limits: Limits) -> None:
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
        self.sessions: set[Session] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        # Set while nobody is connected.
        self.empty = asyncio.Event()
        self.empty.set()
        self.outboxes = Outboxes(self.loop, self.time, self.write_on, self.turn_ended)
        # Connections to finish at the turn's end.
        self.leaving: list[Session] = []
        # Connections that have filled up since the service was last told.
        self.filled: list[Session] = []
        self.wakes: set[asyncio.TimerHandle] = set()
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
                raise Refused("the server is stopping")
            key = self.admission.take(address)
        except Refused as refusal:
            log.info("refused %s: %s", endpoints.show(scheme, address), refusal.reason)
            raise
        session = Session(scheme, address, key, handshake, self.time())
        self.sessions.add(session)
        self.empty.clear()
        return session

    def farewell(self, refusal: Refused) -> bytes:
        """What the service wants said to a connection that was refused."""
        try:
            return self.service.refused(refusal.reason)
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
            # Ours has ended, so now both have, unless its last bytes still wait for the turn's end. Over TLS it is
            # closing already, and asyncio takes no second close.
            if not session.outbox and not session.transport.is_closing():
                session.connection.finish()
            return
        self.tell("ended", session)
        self.close(session, "ended by the peer")

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

    def lost(self, session: Session, why: BaseException | None = None) -> None:
        """The connection is gone."""
        if session not in self.sessions:
            return
        self.sessions.discard(session)
        self.admission.leave(session.key)
        self.cancel_timer(session)
        session.closing = session.closing or (f"lost ({why})" if why else "lost")
        log.info("closed %s: %s", session.peer, session.closing)
        if session.handshake is None:
            self.tell("lost", session)
        if not self.sessions:
            self.empty.set()

    # What a service answers.

    def tell(self, event: str, session: Session | None = None) -> None:
        """Tell the service of anything but input, and carry out what it answers."""
        about = (self.time(),) if session is None else (session, self.time())
        try:
            for effect in getattr(self.service, event)(*about):
                self.apply(effect, session)
        except Exception as error:
            self.blame(session, event, error)

    def apply(self, effect: Effect, session: Session | None) -> None:
        """Carry out one effect of an event that was about ``session``."""
        match effect:
            case Send(to, data):
                self.outboxes.put(cast("Collection[Session]", to), data)
            case bytes() if session is not None:
                self.outboxes.put((session,), effect)
            case Close(conn, reason):
                self.close(cast(Session, conn), reason)
            case Hold(conn, seconds):
                self.hold(cast(Session, conn), seconds)
            case Wake(seconds):
                self.wake(seconds)
            case _:
                raise TypeError(
                    f"a service answers with bytes for the sender, Send, Close, Hold or Wake, not {effect!r}"
                )

    def turn_ended(self) -> None:
        """All is written: finish those that leave, and tell the service who has filled up."""
        leaving, self.leaving = self.leaving, []
        for session in leaving:
            self.finish(session)
        if self.filled:
            self.settle()

    def write_on(self, session: Session, data: bytes) -> None:
        """Write to a connection that may be slow, closing or gone."""
        if session.transport.is_closing():
            return  # broken by an earlier write of this turn, perhaps: asyncio logs every write after the fifth
        if session.stalled and session.transport.get_write_buffer_size() + len(data) > self.limits.hard:
            self.abort(session, "too slow: more waited for it than the limit")
        else:
            session.connection.write(data)

    def settle(self) -> None:
        """Tell the service of the connections that its last effects have filled up."""
        filled, self.filled = self.filled, []
        for session in filled:
            if session.stalled and not session.closing:
                self.tell("paused", session)

    def hold(self, session: Session, seconds: float) -> None:
        """Stop reading from a connection for a while, or let go."""
        if session.closing:
            return
        self.cancel_timer(session)
        if seconds <= 0:
            session.connection.release()
            return
        session.connection.hold()
        if seconds != math.inf:
            session.timer = self.loop.call_later(seconds, self.hold, session, 0)

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
            session.closing = "the service failed"
            # Not at once: asyncio calls resume_writing in the middle of a write, and trips over an abort in there.
            self.loop.call_soon(self.abort, session, session.closing)

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
            session.connection.release()
            if not session.transport.is_closing():
                try:
                    session.connection.finish()
                except OSError as error:  # reset, and the loop has not noticed yet
                    self.abort(session, str(error))
                    return
            self.linger(session, session.transport.get_write_buffer_size(), self.time() + self.limits.grace)

    def linger(self, session: Session, waiting: int, until: float) -> None:
        """Look again after a while: is all written, some of it, or nothing for too long?"""
        after = max(self.limits.linger, MIN_LINGER)
        session.timer = self.loop.call_later(after, self.overdue, session, waiting, until)

    def overdue(self, session: Session, waited: int, until: float) -> None:
        """A connection that was finished is still there. Let it be only while its peer takes bytes."""
        waiting = session.transport.get_write_buffer_size()
        # Over TLS, which cannot write_eof, what has been encrypted may wait below, where it is not seen. But many a
        # peer never answers the end of TLS, and must not hold up a server that stops.
        unsure = waiting or not (self.stopped or session.transport.can_write_eof())
        if waiting and waiting < waited:
            self.linger(session, waiting, self.time() + self.limits.grace)
        elif unsure and self.time() < until:
            self.linger(session, waiting, until)
        else:
            self.abort(session, session.closing)

    def abort(self, session: Session, reason: str) -> None:
        """Close at once; what is queued is lost."""
        session.closing = session.closing or reason
        if session.handshake is not None:
            session.handshake.cancel()
        elif session in self.sessions and not session.aborted:
            session.aborted = True
            session.connection.release()
            session.transport.abort()

    def cancel_timer(self, session: Session) -> None:
        """End a Hold or a deadline before its time."""
        if session.timer is not None:
            session.timer.cancel()
            session.timer = None

    async def stop(self) -> None:
        """Tell the service, write out what is queued, and close everybody, within ``grace`` seconds."""
        self.tell("stopping")
        self.stopped = True
        for wake in self.wakes:
            wake.cancel()
        self.wakes.clear()
        for session in list(self.sessions):
            self.close(session, "the server stopped")
        try:
            async with asyncio.timeout(self.limits.grace):
                await self.empty.wait()
        except TimeoutError:
            self.abort_all("the server stopped, and it did not read")
        await self.gone()

    async def gone(self) -> None:
        """Wait for the end of every connection, and of the layer's tasks. Nothing more may come to be accepted."""
        while self.sessions or self.tasks:
            await self.empty.wait()
            if self.tasks:
                await asyncio.wait(self.tasks)

    def abort_all(self, reason: str) -> None:
        """Close every connection at once."""
        for session in list(self.sessions):
            self.abort(session, reason)
