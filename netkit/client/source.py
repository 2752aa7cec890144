"""Standard input, whatever it is: a terminal, a pipe, a file, ``/dev/null``, or closed."""

from __future__ import annotations

import asyncio
import errno
import os
import select
from typing import Protocol

from ..errors import ConnectError
from .worker import Worker


class Source(Protocol):
    """What is sent comes from here.

    Attributes:
        personal: somebody types it, who has nothing more to say once the peer has gone.
    """

    personal: bool

    async def read(self) -> bytes:
        """What comes next, at least one byte; none at the end."""


class Input:
    """A file descriptor to read from."""

    def __init__(self, fd: int | None, size: int, *, personal: bool = False) -> None:
        """Read from it, up to ``size`` bytes at once. None is an input that is at its end."""
        self.personal = personal
        self._fd = fd
        self._size = size
        self._worker = Worker("netkit-input")

    async def read(self) -> bytes:
        """What comes next: a line of a terminal, what a pipe holds, a piece of a file.

        Raises:
            ConnectError: it cannot be read.
        """
        if self._fd is None:
            return b""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, _read, self._fd, self._size)
        except OSError as why:
            if why.errno == errno.EIO:  # how Linux says that the terminal has gone
                return b""
            raise ConnectError(f"cannot read standard input: {why.strerror}") from None

    def close(self) -> None:
        """Let the thread go, once it has read what it waits for."""
        self._worker.shutdown()


def _read(fd: int, size: int) -> bytes:
    while True:
        try:
            return os.read(fd, size)
        except BlockingIOError:  # another process has made it so
            select.select([fd], [], [])
