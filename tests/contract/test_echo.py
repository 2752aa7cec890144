"""Bytes come back as they were sent, on every layer, loop and address."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.service import Service
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Recorder, Serve

MIB = 1 << 20

#: TLS as asyncio has it cannot end one side alone: whoever wants the reply must wait for it before leaving.
HALF_CLOSE = {"tcp": True, "tcp6": True, "unix": True, "tls": False}


async def test_one_byte(serve: Serve, endpoint: Place) -> None:
    client = await (await serve(Echo(), endpoint)).connect()
    await client.send(b"\xff")
    assert await client.read(1) == b"\xff"


async def test_a_mebibyte(serve: Serve, endpoint: Place) -> None:
    client = await (await serve(Echo(), endpoint)).connect()
    payload = random.Random(0).randbytes(MIB)
    sending = asyncio.create_task(client.send(payload))
    received = await client.read(len(payload))
    await sending
    assert received == payload


async def test_a_storm_of_small_chunks(serve: Serve, endpoint: Place) -> None:
    client = await (await serve(Echo(), endpoint)).connect()
    source = random.Random(1)
    chunks = [source.randbytes(source.randrange(1, 60)) for _ in range(1000)]

    async def storm() -> None:
        for chunk in chunks:
            await client.send(chunk)

    sending = asyncio.create_task(storm())
    payload = b"".join(chunks)
    received = await client.read(len(payload))
    await sending
    assert received == payload


async def test_ping_pong(serve: Serve, endpoint: Place) -> None:
    client = await (await serve(Echo(), endpoint)).connect()
    for number in range(50):
        await client.send(b"%d" % number)
        assert await client.read(len(str(number))) == b"%d" % number


async def test_half_close(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    """Whoever has finished sending still gets everything back, then the end."""
    service = recorder(Echo())
    site = await serve(service, endpoint)
    client = await site.connect()
    payload = random.Random(2).randbytes(MIB if HALF_CLOSE[endpoint.kind] else 1000)
    sending = asyncio.create_task(client.send(payload))
    if HALF_CLOSE[endpoint.kind]:
        sending.add_done_callback(lambda _: client.end())
        assert await client.rest() == payload
    else:
        assert await client.read(len(payload)) == payload
        client.writer.close()
        assert await client.rest() == b""
    await sending
    await service.until("lost")
    assert (service.told["opened"], service.told["ended"], service.told["lost"]) == (1, 1, 1)


async def test_nothing_but_an_end(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    service = recorder(Echo())
    site = await serve(service, endpoint)
    client = await site.connect()
    if HALF_CLOSE[endpoint.kind]:
        client.end()
    else:
        client.writer.close()
    assert await client.rest() == b""
    await service.until("lost")
    assert service.told["received"] == 0
    assert site.server.connections == 0


@pytest.mark.parametrize("endpoint", ["tcp"], indirect=True)
async def test_clients_do_not_get_each_other_s_bytes(serve: Serve, endpoint: Place) -> None:
    """On the first layer they share a buffer."""
    site = await serve(Echo(), endpoint)
    clients = [await site.connect() for _ in range(20)]
    payloads = [bytes([number]) * 100_000 for number in range(20)]
    sending = [asyncio.create_task(each.send(data)) for each, data in zip(clients, payloads, strict=True)]
    received = await asyncio.gather(*(each.read(100_000) for each in clients))
    await asyncio.gather(*sending)
    assert received == payloads


async def test_a_peer_is_named(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    service = recorder(Echo())
    site = await serve(service, endpoint)
    client = await site.connect()
    await service.until("opened")
    (conn,) = service.conns
    host, port = {"unix": ("", "")}.get(endpoint.kind) or client.writer.get_extra_info("sockname")[:2]
    expected = {
        "tcp": f"tcp://{host}:{port}",
        "tcp6": f"tcp://[{host}]:{port}",
        "tls": f"tls://{host}:{port}",
        "unix": "unix:",
    }
    assert conn.peer == expected[endpoint.kind]
    assert conn.local
