"""What every transport in memory has: a protocol, a loop to call it on, and one end.

A call of the test never runs into the protocol: what the network would do is done by ``call_soon``, a turn later, as
the real loops do it. Only what the protocol does itself answers at once, as ``pause_writing`` does out of a write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping


class Core(asyncio.BaseTransport):
    """A transport as its protocol knows it, without a way to read or to write."""

    _protocol: asyncio.BaseProtocol

    def __init__(self, protocol: asyncio.BaseProtocol | None, extra: Mapping[str, object] | None) -> None:
        super().__init__(extra)
        self._loop = asyncio.get_running_loop()
        # Whether its protocol has come: until then nothing is read.
        self._attached = False
        # Whether reading may begin, which is a callback after connection_made.
        self._begun = False
        # close() or abort() was called, or the connection broke.
        self._closing = False
        # It broke, and the protocol cannot know that before connection_lost.
        self._broken = False
        # connection_lost is about to be called, and then: has been called.
        self._losing = False
        self._lost = False
        # Callbacks that are scheduled and have not run, and whether there are none.
        self._due = 0
        self._calm = asyncio.Event()
        self._calm.set()
        # Set whenever bytes leave and at the end, for those who wait for either.
        self._news = asyncio.Event()
        if protocol is not None:
            self.attach(protocol)

    # The transport, as its protocol uses it.

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Call another protocol from now on. It gets no ``connection_made``."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol that is called, also after its end."""
        return self._protocol

    def is_closing(self) -> bool:
        """Whether it is closed, broken or about to be."""
        return self._closing

    def close(self) -> None:
        """Read no more, write out what waits, then call ``connection_lost(None)``. Closing again does nothing."""
        if not self._closing:
            self._closing = True
            if not self._unsent():
                self._lose(None)

    def abort(self) -> None:
        """Close and throw away what waits."""
        self._cut(None)

    # Controls for the test.

    def attach(self, protocol: asyncio.BaseProtocol) -> None:
        """Give it the protocol it was made without, as one does who accepts sockets by hand.

        Args:
            protocol: gets ``connection_made`` a turn later, and only then what was fed before.

        Raises:
            RuntimeError: it has one.
        """
        if self._attached:
            raise RuntimeError("it has a protocol already: set_protocol() changes it")
        self._attached = True
        self._protocol = protocol
        self._soon(protocol.connection_made, self)
        self._soon(self._begin)

    async def settled(self) -> None:
        """Wait until all has happened that is under way: what was fed has arrived, what may leave has left."""
        while busy := [each for each in self._ends() if each._due]:
            await busy[0]._calm.wait()

    async def wait_closed(self) -> None:
        """Wait until ``connection_lost`` has been called."""
        while not self._lost:
            self._news.clear()
            await self._news.wait()

    # What the sides build on.

    def _begin(self) -> None:
        """The protocol has had its ``connection_made``."""
        self._begun = True

    def _unsent(self) -> bool:
        """Whether something waits to be written."""
        return False

    def _discard(self) -> None:
        """Throw away what waits to be written."""

    def _gone(self) -> None:
        """``connection_lost`` has been called: the moment at which a real transport closes its socket."""

    def _ends(self) -> tuple[Core, ...]:
        """The transports that must come to rest together."""
        return (self,)

    def _soon(self, callback: Callable[..., object], *arguments: object) -> None:
        """``call_soon``, counted."""
        self._due += 1
        self._calm.clear()
        self._loop.call_soon(self._run, callback, arguments)

    def _run(self, callback: Callable[..., object], arguments: tuple[object, ...]) -> None:
        try:
            callback(*arguments)
        finally:
            self._due -= 1
            if not self._due:
                self._calm.set()

    def _lose(self, exc: BaseException | None) -> None:
        self._losing = True
        self._soon(self._call_lost, exc)

    def _call_lost(self, exc: BaseException | None) -> None:
        self._losing = self._lost = True
        try:
            self._protocol.connection_lost(exc if isinstance(exc, Exception) else None)
        finally:
            self._news.set()
            self._gone()

    def _cut(self, exc: BaseException | None) -> None:
        """Close at once, unless that is under way."""
        if not self._losing:
            self._discard()
            self._closing = True
            self._lose(exc)

    def _break(self, exc: BaseException) -> None:
        """The connection broke without the protocol's doing."""
        self._broken = True
        self._cut(exc)

    def _report(self, exc: BaseException, what: str) -> None:
        """Tell the loop's exception handler of an exception out of the protocol."""
        context = {"message": what, "exception": exc, "transport": self, "protocol": self._protocol}
        self._loop.call_exception_handler(context)

    def __repr__(self) -> str:
        state = "lost" if self._lost else "closing" if self._closing else "open"
        return f"<{type(self).__name__} {state}>"
