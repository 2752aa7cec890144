from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from netkit.testing import MemoryTransport
from tests.testing.rig import PIECE, Connect, InMemory, OnSocket, Rig, turns


@pytest_asyncio.fixture(params=["memory", "socket"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Gives a protocol its transport: in memory, and on a socket of a pair."""
    made: list[asyncio.Transport] = []
    peers: list[socket.socket] = []

    async def connect(protocol: asyncio.BaseProtocol) -> Rig:
        if request.param == "memory":
            double = MemoryTransport(protocol)
            await double.settled()
            return InMemory(double)
        ours, peer = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
        for sock in (ours, peer):
            sock.setblocking(False)
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, ours)
        made.append(transport)
        peers.append(peer)
        return OnSocket(transport, peer)

    yield connect
    for transport in made:
        with suppress(AttributeError):  # asyncio trips over an abort after a close that had bytes to write
            transport.abort()
    for peer in peers:
        peer.close()
    await turns()
