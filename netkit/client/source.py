"""Standard input, whatever it is: a terminal, a pipe, a file, ``/dev/null``, or closed."""

from __future__ import annotations

import asyncio
import errno
import os
import select
from typing import Protocol

from ..errors import ConnectError
from .worker import Worker


class Left(Exception):
    """Whoever types has pressed Ctrl-C where that is a key like any other."""


class Source(Protocol):
    """What is sent comes from here.

    Attributes:
        personal: somebody types it, who has nothing more to say once the peer has gone.
    """

    personal: bool

    async def read(self) -> bytes:
        """What comes next, at least one byte; none at the end.

        Raises:
            ConnectError: it cannot be read.
            Left: that is not to be waited for.
        """


class Input:
    """A file descriptor to read from."""

    def __init__(self, fd: int, size: int, *, personal: bool = False) -> None:
        """Read from it, up to ``size`` bytes at once."""
        self.personal = personal
        self._fd = fd
        self._size = size
        self._worker = Worker("netkit-input")

    async def read(self) -> bytes:
        """What comes next: a line of a terminal, what a pipe holds, a piece of a file. See ``Source``."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, _read, self._fd, self._size)
        except OSError as why:
            if why.errno == errno.EIO:  # how Linux says that the terminal has gone
                return b""
            raise ConnectError(f"cannot read standard input: {why.strerror}") from None


def _read(fd: int, size: int) -> bytes:
    while True:
        try:
            return os.read(fd, size)
        except BlockingIOError:  # another process has made it so
            select.select([fd], [], [])
