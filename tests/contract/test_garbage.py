"""A connection that has ended leaves nothing of ours for the garbage collector, which may not come by for long.

Over TLS asyncio has 256 KiB of buffer for each, which go with its transport.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netkit.layers.session import Session
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Serve

#: Our own and, by its name since it is private, what asyncio gives us over TLS.
KINDS = ("Session", "Connection", "_SSLProtocolTransport", "SSLProtocol")


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def left() -> list[object]:
    """What is there of servers. Not of clients: these are streams of asyncio's."""
    return [each for each in gc.get_objects() if type(each).__name__ in KINDS and _served(each)]


def _served(each: object) -> bool:
    return (
        isinstance(each, Session) or "netkit" in type(each).__module__ or getattr(each, "_server_side", False) is True
    )


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_nothing_is_left(serve: Serve, endpoint: Place, reset: bool) -> None:
    site = await serve(Echo(), endpoint)
    for _ in range(3):
        client = await site.connect()
        await client.send(b"hello")
        assert await client.read(5) == b"hello"
        assert left(), "it would be seen"
        if reset:
            client.reset()
        else:
            client.writer.close()
    del client
    await site.empty()
    async with asyncio.timeout(20):
        while left():  # noqa: ASYNC110  a transport is let go of a turn after its end was told
            await asyncio.sleep(0)


@pytest.mark.usefixtures("_no_collector")
async def test_nothing_is_left_of_a_handshake_that_fails(serve: Serve, new_place: Callable[[str, Path], Place]) -> None:
    site = await serve(Echo(), new_place("tls", Path()))
    for data in (b"", b"not a handshake"):
        sock, address = site.knock()
        with sock:
            sock.connect(address)
            sock.sendall(data)
        await site.empty()
    for client in site.clients:
        await client.close()
    async with asyncio.timeout(20):
        while left():  # noqa: ASYNC110
            await asyncio.sleep(0)
