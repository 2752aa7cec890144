"""Lingering: how long a connection may take to write out its last bytes, and its peer to end its side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..limits import Limits
from .session import Session

#: Seconds between two looks at a connection that is finishing, however short the linger.
MIN_LINGER = 0.01


class Lingering:
    """Looks after connections on which our side has ended, and cuts off whoever takes nothing for too long."""

    def __init__(
        self,
        limits: Limits,
        loop: asyncio.AbstractEventLoop,
        time: Callable[[], float],
        cut: Callable[[Session, str], None],
    ) -> None:
        """Look by the clock ``time``; ``cut`` closes a connection at once, for a reason."""
        self.limits = limits
        self.loop = loop
        self.time = time
        self.cut = cut
        # The server stops, and nobody is waited for on suspicion.
        self.hurried = False

    def begin(self, session: Session) -> None:
        """Its last bytes are with the transport."""
        self.wait(session, session.transport.get_write_buffer_size(), self.time() + self.limits.grace)

    def wait(self, session: Session, waiting: int, until: float) -> None:
        """Look again after a while: is all written, some of it, or nothing for too long?"""
        after = max(self.limits.linger, MIN_LINGER)
        session.timer = self.loop.call_later(after, self.look, session, waiting, until)

    def look(self, session: Session, waited: int, until: float) -> None:
        """A connection that was finished is still there. Let it be only while its peer takes bytes."""
        waiting = session.transport.get_write_buffer_size()
        # Over TLS, which cannot write_eof, what has been encrypted may wait below, where it is not seen. But many a
        # peer never answers the end of TLS, and must not hold up a server that stops.
        unsure = waiting or not (self.hurried or session.transport.can_write_eof())
        if waiting and waiting < waited:
            self.wait(session, waiting, self.time() + self.limits.grace)
        elif unsure and self.time() < until:
            self.wait(session, waiting, until)
        else:
            self.cut(session, session.closing)
