"""netkit's stream of datagrams: its bound, its back pressure, its end, and the example that its module begins with."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from textwrap import dedent
from typing import TypeAlias, cast

import pytest
import pytest_asyncio

import netkit
from netkit import DatagramStream, datagrams

PATIENCE = 20.0

Open: TypeAlias = Callable[..., Awaitable[DatagramStream]]

LOCAL = ("127.0.0.1", 0)


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens streams, and closes them at the end."""
    streams: list[DatagramStream] = []

    async def go(**options: object) -> DatagramStream:
        streams.append(await netkit.open_datagrams(**options))  # type: ignore[arg-type]
        return streams[-1]

    yield go
    for stream in streams:
        stream.close()
        await stream.wait_closed()


@pytest_asyncio.fixture
async def pair(opened: Open) -> tuple[DatagramStream, DatagramStream]:
    """One that is bound, and one that knows it."""
    server = await opened(local=LOCAL)
    return server, await opened(remote=server.address)


async def following(stream: DatagramStream) -> tuple[bytes, datagrams.Address]:
    async with asyncio.timeout(PATIENCE):
        return await anext(stream)


async def test_there_and_back(pair: tuple[DatagramStream, DatagramStream]) -> None:
    server, client = pair
    for data in (b"abc", b"", bytes(65_507), b"d"):
        await client.send(data)
        got, address = await following(server)
        assert (got, address) == (data, client.address)
        await server.send(got[::-1], address)
        assert await following(client) == (data[::-1], server.address)


async def test_only_the_peer_is_heard(opened: Open, pair: tuple[DatagramStream, DatagramStream]) -> None:
    server, client = pair
    stranger = await opened(local=LOCAL)
    await stranger.send(b"stranger", client.address)
    await server.send(b"peer", client.address)
    assert await following(client) == (b"peer", server.address)


async def test_a_socket_of_one_s_own(opened: Open, short_path: Path) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(LOCAL)
    sock.setblocking(False)
    stream = await opened(sock=sock)
    assert stream.address == sock.getsockname()
    stream.close()
    await stream.wait_closed()
    assert sock.fileno() == -1


async def test_what_the_queue_does_not_hold_is_dropped_and_counted(opened: Open) -> None:
    server = await opened(local=LOCAL, queue=3)
    client = await opened(remote=server.address)
    for number in range(8):
        await client.send(b"%d" % number)
    async with asyncio.timeout(PATIENCE):
        while server.dropped < 5:  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0)
    assert [(await following(server))[0] for _ in range(3)] == [b"0", b"1", b"2"]
    await client.send(b"8")
    assert (await following(server))[0] == b"8"
    assert server.dropped == 5


async def test_a_queue_must_hold_something() -> None:
    with pytest.raises(ValueError, match=r"^queue must be more than 0$"):
        await netkit.open_datagrams(local=LOCAL, queue=0)


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_an_address_that_is_taken(pair: tuple[DatagramStream, DatagramStream]) -> None:
    """uvloop refuses it too, and leaves the socket open."""
    with pytest.raises(OSError, match="in use"):
        await netkit.open_datagrams(local=pair[0].address[:2])


async def test_send_waits_while_too_much_is_to_be_written(opened: Open, short_path: Path) -> None:
    """Over loopback UDP never is slow, so this is a Unix socket, whose reader can be."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(f"{short_path}/ours")
    sock.setblocking(False)
    stream = await opened(sock=sock)
    cast(asyncio.WriteTransport, stream.transport).set_write_buffer_limits(2000, 500)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.bind(f"{short_path}/theirs")
        peer.setblocking(False)
        sent = 0

        async def send() -> None:
            nonlocal sent
            for number in range(400):
                await stream.send(b"%100d" % number, cast("tuple[str]", f"{short_path}/theirs"))
                sent += 1

        sending = asyncio.create_task(send())
        await asyncio.sleep(0)
        waits = sent
        await asyncio.sleep(0)
        assert waits == sent
        assert 20 <= sent < 400
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            received = [await loop.sock_recv(peer, 200) for _ in range(400)]
        assert received == [b"%100d" % number for number in range(400)]
        await sending


async def test_the_end_wakes_whoever_waits_to_send(opened: Open) -> None:
    stream = await opened(local=LOCAL)
    cast(asyncio.DatagramProtocol, stream.transport.get_protocol()).pause_writing()
    sending = [asyncio.create_task(stream.send(b"x", stream.address)) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in sending)
    stream.close()
    assert [str(each) for each in await asyncio.gather(*sending, return_exceptions=True)] == [
        "the stream is closed"
    ] * 2
    with pytest.raises(ConnectionResetError):
        await stream.send(b"x", stream.address)


async def test_the_end_ends_every_reader_after_what_is_queued(pair: tuple[DatagramStream, DatagramStream]) -> None:
    server, client = pair
    await client.send(b"first")
    await client.send(b"second")
    assert (await following(server))[0] == b"first"
    feed = cast(datagrams._Feed, server.transport.get_protocol())
    async with asyncio.timeout(PATIENCE):
        while not feed.queue.qsize():  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0)
    server.close()

    async def read() -> list[bytes]:
        return [data async for data, _ in server]

    async with asyncio.timeout(PATIENCE):
        rest = await asyncio.gather(read(), read(), read())
        await server.wait_closed()
    assert sorted(rest) == [[], [], [b"second"]]
    assert await read() == []


async def test_an_end_fits_into_a_full_queue(opened: Open) -> None:
    server = await opened(local=LOCAL, queue=1)
    client = await opened(remote=server.address)
    for _ in range(3):
        await client.send(b"x")
    async with asyncio.timeout(PATIENCE):
        while server.dropped < 2:  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0)
        server.close()
        assert [data async for data, _ in server] == [b"x"]


async def test_an_error_of_the_network_ends_nothing(opened: Open) -> None:
    """A real one: nobody listens there any more, and then somebody does again."""
    errors: asyncio.Queue[Exception] = asyncio.Queue()
    server = await opened(local=LOCAL)
    address = server.address[:2]
    client = await opened(remote=address, failed=errors.put_nowait)
    server.close()
    await server.wait_closed()
    await client.send(b"x")
    async with asyncio.timeout(PATIENCE):
        assert isinstance(await errors.get(), ConnectionRefusedError)
    server = await opened(local=address)
    await client.send(b"y")
    assert await following(server) == (b"y", client.address)


async def test_without_a_listener_errors_are_passed_over(opened: Open) -> None:
    server = await opened(local=LOCAL)
    client = await opened(remote=server.address)
    cast(asyncio.DatagramProtocol, client.transport.get_protocol()).error_received(ConnectionRefusedError())
    await client.send(b"x")
    assert await following(server) == (b"x", client.address)


def test_its_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert datagrams.__doc__ is not None
    _, _, after = datagrams.__doc__.partition("::\n\n")
    code, _, _ = after.partition("\n\nasyncio has no streams")
    exec(compile(dedent(code), "netkit/datagrams.py", "exec"), {})
    assert capsys.readouterr().out == "b'PING'\n"
