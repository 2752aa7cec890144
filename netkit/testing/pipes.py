"""The two ends of a pipe in memory, for what one would give to ``connect_read_pipe`` and ``connect_write_pipe``."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Mapping
from typing import cast

from .reading import Reading
from .writing import Writing


class MemoryReadTransport(Reading):
    """The end that is read. After the end of what is fed the connection is lost, whatever ``eof_received`` returns."""

    def __init__(self, protocol: asyncio.BaseProtocol, *, extra: Mapping[str, object] | None = None) -> None:
        """Connect a protocol on the running loop, see ``MemoryTransport``."""
        super().__init__(protocol, extra)

    def _deliver_end(self) -> None:
        self._end_seen = self._closing = True
        self._soon(cast(asyncio.Protocol, self._protocol).eof_received)
        self._lose(None)


class MemoryWriteTransport(Writing):
    """The end that is written. ``write_eof()`` is the same as ``close()``."""

    def __init__(self, protocol: asyncio.BaseProtocol, *, extra: Mapping[str, object] | None = None) -> None:
        """Connect a protocol on the running loop, see ``MemoryTransport``."""
        super().__init__(protocol, extra)

    def write_eof(self) -> None:
        """Close after what waits."""
        self.close()

    def reset(self) -> None:
        """Let the reader go away: ``connection_lost(None)``, or with ``BrokenPipeError`` if bytes wait for it.

        Raises:
            RuntimeError: ``connection_lost`` has been called.
        """
        if self._lost:
            raise RuntimeError("reset() after connection_lost()")
        self._broken = True
        self._cut(BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) if self._buffer else None)
