"""Standard output and standard error, whatever they are: a terminal, a pipe, or a file."""

from __future__ import annotations

import asyncio
import os
import select
from typing import Protocol

from ..errors import ConnectError
from .text import Text
from .worker import Worker


class Sink(Protocol):
    """What has arrived goes here."""

    async def write(self, data: bytes) -> None:
        """Show it, and wait until that is done.

        Raises:
            BrokenPipeError: whoever read it has gone.
            ConnectError: it cannot be written.
        """


class Output:
    """A file descriptor that gets every byte as it is."""

    def __init__(self, fd: int, name: str = "standard output") -> None:
        """Write to it. The name is for the message where that fails."""
        self._fd = fd
        self._name = name
        self._worker = Worker("netkit-output")

    async def write(self, data: bytes) -> None:
        """Write all of it, and wait until it is taken. See ``Sink``."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._worker, _write, self._fd, data)
        except BrokenPipeError:
            raise
        except OSError as why:
            raise ConnectError(f"cannot write to {self._name}: {why.strerror}") from None


class Screen:
    """An output that is a terminal, and is shown nothing that it would obey."""

    def __init__(self, output: Output, encoding: str) -> None:
        """Show text on it, in its encoding."""
        self._output = output
        self._encoding = encoding
        self._text = Text()

    async def write(self, data: bytes) -> None:
        """Show what is text of it. See ``Sink``."""
        text = self._text.feed(data)
        if text:
            await self._output.write(text.encode(self._encoding, "backslashreplace"))


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # another process has made it so
            select.select([], [fd], [])
