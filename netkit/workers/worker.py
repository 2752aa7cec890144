"""A worker: a server in a process of its own, which its supervisor started and will end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
from contextlib import suppress

from .. import loops, services
from ..endpoints import Bound
from ..errors import NetkitError
from ..server import AcceptReports, Server, serve
from ..service import Service
from ..tls import context_of, server_context
from .channel import ABORT, FAILED, READY, Job

log = logging.getLogger(__name__)


def run(descriptor: int) -> int:
    """Do the job that comes over a channel, until it is ended there.

    SIGTERM stops this worker alone, and the supervisor starts another.

    Args:
        descriptor: of the worker's end of the channel.

    Returns:
        The exit status: 0, or 1 if it could not serve, and then the supervisor knows why.
    """
    # Ctrl-C is for the supervisor, which has held it back so far: see ``process.Starter``.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
    with _inherited(descriptor) as channel:
        try:
            job = Job.read(channel)
            _, loop_factory = loops.factory(job.loop)
            service = services.make(job.service, job.limits)
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(_serve(job, service, channel))
        except (NetkitError, OSError) as why:
            reason = " ".join(str(why).split())
            with suppress(OSError):  # nobody is there to be told
                channel.sendall(FAILED + reason.encode() + b"\n")
            return 1
    return 0


def _inherited(descriptor: int) -> socket.socket:
    """A socket from the supervisor, which no program that the service may start gets in its turn."""
    sock = socket.socket(fileno=descriptor)
    sock.set_inheritable(False)
    return sock


def _bound(job: Job) -> list[Bound]:
    found = [Bound(endpoint, _inherited(descriptor), _nothing) for endpoint, descriptor in job.listen]
    for bound in found:
        bound.sock.setblocking(False)
    return found


def _nothing() -> None:
    """What closing the socket of an address leaves behind."""


def _context(job: Job) -> ssl.SSLContext | None:
    if job.tls_pem is not None:
        return context_of(job.tls_pem.encode())
    return server_context(job.tls_cert, job.tls_key) if job.tls_cert is not None else None


async def _serve(job: Job, service: Service, channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(AcceptReports().handle)
    async with serve(service, listen=_bound(job), layer=job.layer, limits=job.limits, tls=_context(job)) as server:
        # However often it comes, it asks for no more than it did at first: see the package's rules.
        loop.add_signal_handler(signal.SIGTERM, server.stop)
        reader, writer = await asyncio.open_unix_connection(sock=channel)
        obeying = loop.create_task(_obey(reader, server))
        writer.write(READY)
        await server.wait()
    # Until here it could still be told to end at once.
    obeying.cancel()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _obey(channel: asyncio.StreamReader, server: Server) -> None:
    with suppress(OSError):
        async for word in channel:
            if word == ABORT:
                server.abort()
            server.stop()
    if not server.stopping:
        log.warning("the supervisor is gone: stopping")
        server.stop()
