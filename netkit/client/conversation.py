"""Both directions of a connection at once, and what ends them.

The rules:

- What is read waits until it is sent, and what has arrived waits until it is shown, so that no side gets ahead of the
  other by more than what the transport and the reader hold.
- At the end of its input our side ends, where the connection can do that; the peer's goes on until it ends, or until it
  has been silent for longer than it is given.
- Once the peer has ended, what comes from a file or a pipe still goes out: whoever has ended their side may still read.
  It is waited for as long as it does not pause for more than ``LINGER``. Somebody at a terminal is not waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ConnectError, TimedOutError
from ..wire.telnet import Reply
from . import Connection
from .dialect import Dialect
from .hexdump import RECEIVED, SENT, Hexdump
from .patience import Patience, Silence
from .route import reason
from .sink import Sink
from .source import Source

#: Seconds of silence from a pipe after the peer has ended. socat gives half a second (its -t).
LINGER = 1.0


class Conversation:
    """One conversation, from a connection that is open to the end of both sides.

    Args:
        connection: where to.
        source: what is sent.
        sink: what is shown.
        dialect: what goes over the wire for it.
        peer: the name of the peer, for errors.
        dump: gets a hexdump of what goes over the wire; None: there is none.
        silence: seconds of silence after the end of the input until it is over; None: there is no end but the peer's.
        silence_ends: whether that is a proper end, as where a peer cannot know that ours has come.
    """

    def __init__(
        self,
        connection: Connection,
        source: Source,
        sink: Sink,
        dialect: Dialect,
        *,
        peer: str,
        dump: Sink | None = None,
        silence: float | None = None,
        silence_ends: bool = False,
    ) -> None:
        self._connection = connection
        self._source = source
        self._sink = sink
        self._dialect = dialect
        self._peer = peer
        self._dump = dump
        self._silence = silence
        self._silence_ends = silence_ends
        self._hexdump = Hexdump()
        self._typing = Patience()
        self._hearing = Patience()

    async def hold(self) -> None:
        """Hold it, until both sides have ended. The connection is left open.

        Raises:
            ConnectError: it broke, or one of our ends cannot be read or written.
            TimedOutError: the peer was silent for too long.
            Left: Ctrl-C was pressed in the editor.
            BrokenPipeError: whoever read our output has gone.
        """
        both = [asyncio.ensure_future(self._speak()), asyncio.ensure_future(self._listen())]
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _speak(self) -> None:
        """From the source to the peer."""
        try:
            while data := await self._typing.wait(self._source.read()):
                await self._send(self._dialect.spoken(data))
        except Silence:
            pass  # the peer has ended, and nothing more is coming
        self._connection.finish()
        self._hearing.limit(self._silence)

    async def _listen(self) -> None:
        """From the peer to the sink."""
        try:
            while (data := await self._hearing.wait(self._receive())) is not None:
                await self._show(RECEIVED, data)
                for event in self._dialect.heard(data):
                    if isinstance(event, Reply):
                        await self._send(event.data)
                    else:
                        await self._sink.write(event)
        except Silence:
            if not self._silence_ends:
                waited = f"nothing for {self._silence:g} s after the end of the input"
                raise TimedOutError(f"{self._peer} said {waited}: give it longer with --timeout") from None
        self._typing.limit(0 if self._source.personal else LINGER)

    async def _send(self, data: bytes) -> None:
        await self._show(SENT, data)
        with self._broken():
            await self._connection.send(data)

    async def _receive(self) -> bytes | None:
        with self._broken():
            return await self._connection.receive()

    async def _show(self, mark: str, data: bytes) -> None:
        if self._dump is not None:
            await self._dump.write(self._hexdump.lines(mark, data).encode())

    @contextmanager
    def _broken(self) -> Iterator[None]:
        """Turn what a connection raises into one line."""
        try:
            yield
        except OSError as why:
            raise ConnectError(f"the connection to {self._peer} broke: {reason(why)}") from None
