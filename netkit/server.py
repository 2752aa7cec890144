"""A server: listeners of one layer that share one service, from the first socket bound to the last byte written."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import inherited, layers, loops, stdio, systemd
from .endpoints import INHERITED, Bound, Endpoint, bind, explain, keep_little
from .errors import CertificateError, EndpointError, ListenError
from .layers import datagrams, pipes
from .layers.admission import Refused
from .layers.datagrams.exchange import Exchange
from .layers.delivery import Delivery
from .limits import Limits
from .service import Service, Storage
from .tls import Development, server_context

log = logging.getLogger(__name__)

DEFAULT_LISTEN = "tcp://127.0.0.1:8888"
DEFAULT_LAYER = "streams"

# A loop reports each failed accept; one line a second says as much as a thousand.
ACCEPT_REPORTS = 1.0


class Server:
    """A server that is listening. Comes from ``serve``.

    Attributes:
        endpoints: what it listens on, with the real host and port of each socket.
    """

    def __init__(self, service: Service, layer: str, limits: Limits, storage: Storage | None = None) -> None:
        self.endpoints: list[Endpoint] = []
        self._delivery = Delivery(service, limits, storage)
        self._exchange = Exchange(self._delivery)
        self._layer = layers.load(layer)
        self._datagrams = datagrams.load(layer)
        self._pipes = pipes.load(layer)
        self._listeners: list[layers.Listener] = []
        self._bound: list[Bound] = []
        self._stdio: stdio.Connected | stdio.Pipes | None = None
        self._stop = self._delivery.stop_asked

    async def _listen(self, places: Sequence[Endpoint | Bound], tls: ssl.SSLContext | None) -> None:
        """Listen on all before the first is accepted on, so that a port in use leaves no half of a server."""
        self._bound += [place for place in places if isinstance(place, Bound)]
        seen: set[tuple[str, str]] = set()
        for endpoint in systemd.resolve(place for place in places if isinstance(place, Endpoint)):
            check(endpoint, self._delivery.service, tls)
            if endpoint.scheme in INHERITED and (endpoint.scheme, endpoint.name) in seen:
                raise EndpointError(f"{endpoint} is given twice: there is only one of it")
            seen.add((endpoint.scheme, endpoint.name))
            self._take(endpoint)
        for bound in self._bound:
            check(bound.endpoint, self._delivery.service, tls)  # what was inherited shows only now what it is
            if bound.endpoint.scheme == "udp":
                continue
            if self._delivery.service.small_buffers:
                keep_little(bound.sock)
            try:
                bound.sock.listen(self._delivery.limits.backlog)
            except OSError as why:  # two sockets may be bound to one port, but only one of them may listen
                raise ListenError(explain(bound.endpoint, why)) from None
        if self._stdio is not None:
            self.endpoints.append(Endpoint("stdio"))
        for bound in self._bound:
            listener = self._listener(bound, tls)
            await listener.start()
            self._listeners.append(listener)
            self.endpoints.append(bound.endpoint)
        if self._stdio is not None:
            # In a later turn: who has it on a terminal shall read what is served before the service has the word.
            self._delivery.start(self._converse(self._stdio, tls))

    def _take(self, endpoint: Endpoint) -> None:
        """Bind a socket, or take over what was inherited."""
        if endpoint.scheme == "stdio":
            self._stdio = stdio.take(endpoint)
        elif endpoint.scheme == "fd":
            self._bound.append(inherited.take(endpoint))
        else:
            self._bound += bind(endpoint)

    def _listener(self, bound: Bound, tls: ssl.SSLContext | None) -> layers.Listener:
        if bound.endpoint.scheme == "udp":
            return self._datagrams.Listener(bound.sock, self._exchange)
        context = tls if bound.endpoint.scheme == "tls" else None
        return self._layer.Listener(bound.sock, self._delivery, context)

    async def _converse(self, taken: stdio.Connected | stdio.Pipes, tls: ssl.SSLContext | None) -> None:
        """Begin the session over standard input and output."""
        if self._delivery.stopped:
            return
        if isinstance(taken, stdio.Connected):
            listener = self._layer.Listener(taken.sock, self._delivery, tls if taken.tls else None)
        else:
            listener = self._pipes.Connection(taken, self._delivery)
        self._listeners.append(listener)
        with suppress(Refused):  # others have taken every place, and the log has it
            await listener.start()

    @property
    def connections(self) -> int:
        """How many connections are there, those in a handshake included."""
        return len(self._delivery.sessions)

    @property
    def dropped(self) -> int:
        """How many datagrams were not answered, for whatever reason."""
        return self._exchange.dropped.total()

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was called, or the service has answered with ``Stop``."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Let ``wait`` return, after which leaving ``serve`` stops the server. Safe to call again.

        What the service's ``Stop`` does too.
        """
        self._stop.set()

    def abort(self) -> None:
        """Close every connection at once, whatever is queued for it. UDP has none: there a stop is cut short."""
        self._delivery.abort_all()
        self._exchange.abort()

    async def wait(self) -> None:
        """Wait until ``stop`` is called or the service answers with ``Stop``.

        Or until the session over ``stdio:`` has ended, where nobody else can come.
        """
        if self._stdio is None or self._bound:
            await self._stop.wait()
            return
        ends: list[asyncio.Task[Any]] = [
            asyncio.create_task(each) for each in (self._stop.wait(), self._delivery.vacated())
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ends:
                each.cancel()

    async def _close(self) -> None:
        """Stop accepting, then tell everybody, write out what is queued, and close, within the grace."""
        self._stop_accepting()
        try:
            await self._delivery.stop()
            await self._exchange.gone()
        finally:
            self._release()

    async def _abandon(self) -> None:
        """End what was begun, as it cannot be finished."""
        self._stop_accepting()
        self.abort()
        try:
            await self._delivery.gone()
            await self._exchange.gone()
        finally:
            self._release()

    def _stop_accepting(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._exchange.stop()

    def _release(self) -> None:
        """Give back every address."""
        for bound in self._bound:
            bound.sock.close()
            bound.release()
        if self._stdio is not None:
            self._stdio.restore()


def check(endpoint: Endpoint, service: Service, tls: ssl.SSLContext | None) -> None:
    """Refuse what could be bound and not be served.

    Raises:
        EndpointError: it is of UDP, and the service needs connections.
        CertificateError: it is of TLS, and there is no context.
    """
    if endpoint.tls and tls is None:
        raise CertificateError(f"{endpoint} needs a certificate: give one with its key, or a throw-away one")
    if endpoint.scheme == "udp" and not service.datagrams:
        name = type(service).__name__
        raise EndpointError(f"{name} needs connections and cannot be served on {endpoint}: echo can, or give tcp://")


@asynccontextmanager
async def serve(
    service: Service,
    *,
    listen: Iterable[str | Endpoint | Bound] = (DEFAULT_LISTEN,),
    layer: str = DEFAULT_LAYER,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    storage: Storage | None = None,
) -> AsyncIterator[Server]:
    """Serve on the running loop for as long as the ``async with`` block lasts.

    Args:
        service: what the server does. One instance serves all listeners.
        listen: endpoints, see ``netkit.endpoints``, or sockets that are bound already, which are then closed here. They
            share the service: people on all of them meet.
        layer: ``transports``, ``protocols`` or ``streams``.
        limits: every bound; the defaults where it is not given.
        tls: the context of ``tls://`` endpoints, as from ``netkit.tls.server_context``.
        storage: where the service's ``Store`` and ``Recall`` go. It is closed in the end, whatever happens.

    Leaving the block stops accepting, calls the service's ``stopping``, writes out what is queued and closes every
    connection, and then the storage, all within ``limits.grace`` seconds; what is left then is aborted, and the storage
    has a second more.

    Raises:
        EndpointError: an endpoint cannot be read, was inherited and is given twice, or is of UDP and the service needs
            connections.
        ListenError: an endpoint cannot be had. Nothing is left listening.
        CertificateError: a ``tls://`` endpoint without a context.
        ValueError: there is no such layer.
    """
    server = Server(service, layer, limits or Limits(), storage)
    try:
        await server._listen([Endpoint.parse(each) if isinstance(each, str) else each for each in listen], tls)
    except BaseException:
        await server._abandon()
        raise
    try:
        yield server
    finally:
        await server._close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What ``run`` needs to know, and ``netkit serve`` asks for."""

    service: Service
    service_name: str
    layer: str = DEFAULT_LAYER
    loop: str = "auto"
    listen: tuple[Endpoint, ...] = (Endpoint.parse(DEFAULT_LISTEN),)
    limits: Limits = field(default_factory=Limits)
    storage: Storage | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_dev: bool = False


def run(config: Config, report: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; a second signal ends it at once.

    Args:
        config: what to serve, and how.
        report: gets the ready lines, one at a time: each listener, then what serves.

    Raises:
        NetkitError: the loop, the certificate or an endpoint cannot be had.
    """
    stdio.fill()
    loop_name, loop_factory = loops.factory(config.loop)
    development, context = certificates(config)
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_run(config, loop_name, context, development, report))
    finally:
        if development is not None:
            development.remove()


def certificates(config: Config) -> tuple[Development | None, ssl.SSLContext | None]:
    """The throw-away certificate that was asked for, which must be removed in the end, and the context for TLS, if any.

    Raises:
        CertificateError: the certificate cannot be had.
    """
    if config.tls_dev:
        development = Development(each.host for each in config.listen if each.tls)
        return development, development.context
    if config.tls_cert is not None:
        return None, server_context(config.tls_cert, config.tls_key)
    return None, None


async def _run(
    config: Config,
    loop_name: str,
    context: ssl.SSLContext | None,
    development: Development | None,
    report: Callable[[str], None],
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(AcceptReports().handle)
    async with serve(
        config.service,
        listen=config.listen,
        layer=config.layer,
        limits=config.limits,
        tls=context,
        storage=config.storage,
    ) as server:

        def signalled(number: signal.Signals) -> None:
            if server.stopping:
                log.info("%s again: ending at once", number.name)
                server.abort()
            else:
                log.info("%s: stopping", number.name)
                server.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, signalled, number)
        for endpoint in server.endpoints:
            report(f"listening on {endpoint}")
        report(f"service {config.service_name}, layer {config.layer}, loop {loop_name}")
        systemd.notify("READY=1", f"STATUS={config.service_name} on {', '.join(map(str, server.endpoints))}")
        if development is not None:
            report(f"throw-away TLS authority, for development only: {development.ca}")
        await server.wait()
        systemd.notify("STOPPING=1")


class AcceptReports:
    """The loop's exception handler: a lack of descriptors is one line a second, all else goes where it always goes."""

    def __init__(self) -> None:
        self.last = float("-inf")

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """See ``loop.set_exception_handler``."""
        if context.get("message") != "socket.accept() out of system resource":
            loop.default_exception_handler(context)
        elif loop.time() - self.last >= ACCEPT_REPORTS:
            self.last = loop.time()
            log.warning("cannot accept connections: %s", context.get("exception"))
