"""A server for tests of single parts: in this process, on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any, TypeAlias, cast

import pytest
import pytest_asyncio

from netkit.endpoints import Endpoint
from netkit.torture.profiles import PROFILES
from netkit.torture.target import Target
from netkit.torture.trial import Bounds, Trial
from tests.torture import server

Serve: TypeAlias = Callable[..., Awaitable[Target]]
Try: TypeAlias = Callable[[Target, str], Trial]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves connections, or datagrams, of a protocol on a free port, which is where the target is."""
    loop = asyncio.get_running_loop()
    shared = server.Server()
    transports: list[asyncio.BaseTransport] = []
    servers: list[asyncio.Server] = []

    async def listen(kind: type[Any], scheme: str = "tcp") -> Target:
        def protocol() -> Any:
            made = kind() if scheme == "udp" else kind(shared)
            connected = made.connection_made

            def connection_made(transport: asyncio.BaseTransport) -> None:
                transports.append(transport)
                connected(transport)

            made.connection_made = connection_made
            return made

        if scheme == "udp":
            transport, _ = await loop.create_datagram_endpoint(protocol, ("127.0.0.1", 0))
            address = transport.get_extra_info("sockname")
        else:
            servers.append(await loop.create_server(protocol, "127.0.0.1", 0))
            address = servers[-1].sockets[0].getsockname()
        return Target(Endpoint(scheme, *address))

    yield listen
    for each in servers:
        each.close()
    for transport in transports:
        cast(asyncio.Transport, transport).abort()
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the sockets are closed by then


@pytest_asyncio.fixture
async def trying() -> AsyncIterator[Try]:
    """Makes trials, which are closed at the end."""
    made: list[Trial] = []

    def trial(target: Target, service: str) -> Trial:
        made.append(Trial(target, PROFILES[service], Random(1), Bounds(connections=20)))
        return made[-1]

    yield trial
    for each in made:
        await each.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch, tick: float) -> float:
    """Seconds after which what does not come counts as missing: fewer than for people."""
    for name in ("peer.PATIENCE", "target.PATIENCE"):
        monkeypatch.setattr(f"netkit.torture.{name}", 4 * tick)
    return 4 * tick
