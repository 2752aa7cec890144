"""A client without a connection, with the face of one that has one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from ..datagrams import sendto
from .peer import OPEN, PATIENCE, RESET, Peer

#: Datagrams that are kept of those that came, the last ones.
MOST = 1000

#: Datagrams that are sent in a row before others go on.
AT_ONCE = 32


class DatagramPeer(Peer, asyncio.DatagramProtocol):
    """A socket of UDP that talks to the server, and hears nobody else.

    Nobody can end it. It counts as ``RESET`` once the server's host says that nobody listens there (ICMP).

    Attributes:
        datagrams: those that came, the last ``MOST``.
    """

    def __init__(
        self,
        *,
        read: bool = True,
        answer: Callable[[bytes], bytes] | None = None,
        on_data: Callable[[bytes], None] | None = None,
    ) -> None:
        super().__init__(read=read, answer=answer, on_data=on_data)
        self.datagrams: deque[bytes] = deque(maxlen=MOST)
        self._socket: asyncio.DatagramTransport

    async def send(self, data: bytes, times: int = 1, *, within: float = PATIENCE) -> bool:
        """Send a datagram so many times. Whether the server is there, as far as is known.

        Raises:
            TimeoutError: the kernel has taken nothing for ``within`` seconds.
        """
        self.sent.note(data, times)
        for number in range(1, times + 1):
            if self.state != OPEN:
                break
            self.put(data)
            async with asyncio.timeout(within):
                await self._writable.wait()
            if number % AT_ONCE == 0 or number == times:
                await asyncio.sleep(0)  # to see what has come, and to let others go on
        return self.state == OPEN

    def put(self, data: bytes) -> None:
        """Send a datagram, which may be empty."""
        sendto(self._socket, data)

    def stop_reading(self) -> None:
        """Pass over what comes: the server cannot tell who reads and who does not."""
        self._read = False

    def go_on_reading(self) -> None:
        """Take what comes again."""
        self._read = True

    def finish(self) -> None:
        """Do nothing: there is no end that could be told."""

    def reset(self) -> None:
        """Go, as in ``close``: the server hears of it if it answers."""
        self.close()

    def close(self) -> None:
        """Go at once, without a word."""
        self._socket.abort()

    @property
    def unsent(self) -> int:
        """Bytes that were to be sent and that the kernel has not taken yet."""
        return cast(asyncio.WriteTransport, self._socket).get_write_buffer_size()

    # asyncio.DatagramProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.BaseProtocol``."""
        self._socket = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """See ``asyncio.DatagramProtocol``."""
        if self._read:
            self.datagrams.append(data)
            self.data_received(data)

    def error_received(self, exc: Exception) -> None:
        """See ``asyncio.DatagramProtocol``. That nobody listens is known from the answer to what was sent before."""
        if isinstance(exc, ConnectionRefusedError):
            self._over(RESET)
