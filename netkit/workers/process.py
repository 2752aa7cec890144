"""A worker as its supervisor sees it: a process, how it is started, and our end of the channel to it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from ..endpoints import Bound
from ..server import Config
from .addresses import Addresses
from .channel import ABORT, STOP, Job


class Worker:
    """A process that was started.

    Attributes:
        pid: its process id.
        ready_at: when it said that it serves, by the loop's clock; None before.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.pid = process.pid
        self.ready_at: float | None = None
        self._process = process
        self._reader = reader
        self._writer = writer

    async def said(self) -> bytes:
        """Wait for the line that it says; empty if it has ended without."""
        with suppress(OSError, ValueError):  # reset, or no end of a line: neither is a word of ours
            return await self._reader.readline()
        return b""

    async def ended(self) -> int:
        """Wait until it has ended: its exit status, or the signal that killed it as a negative number."""
        return await self._process.wait()

    def stop(self) -> None:
        """Let it write out what is queued, and end. One that does not serve yet does not listen to us either."""
        if self.ready_at is None:
            self._signal(signal.SIGTERM)
        self._writer.write(STOP)

    def abort(self) -> None:
        """Let it end at once."""
        if self.ready_at is None:
            self.kill()
        self._writer.write(ABORT)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it has ended, and nobody was told yet
            self._process.send_signal(number)

    async def close(self) -> None:
        """Close the channel."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


class Starter:
    """Starts workers, all for the same job."""

    def __init__(self, config: Config, command: Sequence[str], addresses: Addresses, pem: bytes | None) -> None:
        """Prepare to start ``command`` with the number of the channel's descriptor after it.

        Args:
            config: what each worker serves.
            command: a program and its arguments.
            addresses: where.
            pem: the certificate of ``tls://`` endpoints, where it is in no file.
        """
        self.config = config
        self.command = command
        self.addresses = addresses
        self.pem = pem
        # One after another, so that none lets go the signal that another holds back.
        self.turn = asyncio.Lock()

    async def start(self) -> Worker:
        """Start one.

        Raises:
            OSError: the system has no process or descriptor left, or no such program.
            ListenError: an address is no longer to be had.
        """
        ours, theirs = socket.socketpair()
        bounds: list[Bound] = []
        try:
            bounds = self.addresses.sockets()
            job = self._job(bounds).encode()
            process = await self._spawn(theirs.fileno(), *(bound.sock.fileno() for bound in bounds))
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            ours.close()
            raise
        finally:
            # It has its own copies: what is still open here would be listened on when it is dead.
            for sock in (theirs, *(bound.sock for bound in bounds)):
                sock.close()
        writer.write(job)
        return Worker(process, reader, writer)

    async def _spawn(self, channel: int, *listening: int) -> asyncio.subprocess.Process:
        """Start the program: a new interpreter, and no fork of this one.

        A fork would copy a loop with its epoll, and the locks that asyncio's threads, which wait for processes, hold at
        that moment and would never let go in the copy.
        """
        # Ctrl-C reaches the worker too, which ignores it as soon as it can, and before would end with a traceback.
        async with self.turn:
            with _held_back(signal.SIGINT):
                return await asyncio.create_subprocess_exec(
                    *self.command, str(channel), stdin=asyncio.subprocess.DEVNULL, pass_fds=(channel, *listening)
                )

    def _job(self, bounds: list[Bound]) -> Job:
        config = self.config
        return Job(
            service=config.service_name,
            layer=config.layer,
            loop=config.loop,
            limits=config.limits,
            listen=tuple((bound.endpoint, bound.sock.fileno()) for bound in bounds),
            tls_cert=None if config.tls_cert is None else str(config.tls_cert),
            tls_key=None if config.tls_key is None else str(config.tls_key),
            tls_pem=None if self.pem is None else self.pem.decode(),
        )


@contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    """What arrives meanwhile is delivered afterwards, and processes that are started begin with it held back."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (number,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (number,))
