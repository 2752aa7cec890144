"""Each tier on each loop: every byte arrives, each side ends by itself, and nobody gets ahead of a slow one."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import netkit
from netkit.client.route import Route, reason
from netkit.datagrams import QUEUE
from netkit.endpoints import Endpoint
from netkit.errors import ConnectError
from netkit.services.echo import Echo
from tests.client.conftest import PATIENCE, Shown, Typed, connected, talk
from tests.conftest import Place

MIB = 1 << 20

#: Most bytes that the kernel may hold between the two ends of a Unix socket, and the client on top.
HELD = MIB

PIECE = 64 * 1024


def route(place: Place, endpoint: Endpoint) -> Route:
    return Route(endpoint, place.client_tls, "localhost" if place.client_tls else None)


@asynccontextmanager
async def echo(place: Place) -> AsyncIterator[Route]:
    async with netkit.serve(Echo(), listen=[place.listen], tls=place.server_tls) as server:
        yield route(place, server.endpoints[0])


@asynccontextmanager
async def scripted(
    path: Path, script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]
) -> AsyncIterator[Route]:
    """A server on a Unix socket, whose buffers are small, as are those of its reader."""
    async with await asyncio.start_unix_server(script, path / "s", limit=PIECE):  # type: ignore[arg-type]
        yield Route(Endpoint("unix", path=f"{path}/s"))


async def no_longer_grows(count: Callable[[], int], tick: float) -> int:
    """Wait until that stands still, and return where."""
    before = -1
    async with asyncio.timeout(PATIENCE):
        while before != count() or not before:
            before = count()
            await asyncio.sleep(tick)
    return before


@pytest.mark.parametrize("kind", ["tcp", "unix", "tls"])
async def test_a_mebibyte_comes_back_as_it_was(
    layer: str, kind: str, new_place: Callable[[str, Path], Place], short_path: Path, tick: float
) -> None:
    data = random.Random(layer).randbytes(MIB)
    typed, shown = Typed(data, ends=False), Shown()
    async with echo(new_place(kind, short_path)) as way, asyncio.TaskGroup() as group:
        group.create_task(talk(layer, way, typed, shown, silence=tick if kind == "tls" else None))
        await shown.until(data[-100:])
        typed.types(b"")
    assert shown.data == data


async def test_the_peer_is_heard_after_our_end(layer: str, short_path: Path) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = await reader.read()  # until our end
        writer.write(b"got " + got)
        await writer.drain()
        writer.close()

    shown = Shown()
    async with scripted(short_path, script) as way:
        await talk(layer, way, Typed(b"all", b" of it"), shown)
    assert shown.data == b"got all of it"


async def test_a_peer_that_has_ended_still_gets_the_rest_of_a_file(layer: str, short_path: Path) -> None:
    """As ``ncat -l > file < /dev/null`` does, which ends its own side at once."""
    got = asyncio.get_running_loop().create_future()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()
        got.set_result(len(await reader.read()))
        writer.close()

    async with scripted(short_path, script) as way:
        await talk(layer, way, Typed(bytes(PIECE), times=32), Shown())
    assert await got == 32 * PIECE


async def test_a_slow_peer_stops_the_reading_of_input(layer: str, short_path: Path, tick: float) -> None:
    reads = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reads.wait()
        writer.write(str(len(await reader.read())).encode())
        writer.close()

    typed, shown = Typed(bytes(PIECE), times=64), Shown()
    async with scripted(short_path, script) as way, asyncio.TaskGroup() as group:
        group.create_task(talk(layer, way, typed, shown))
        assert await no_longer_grows(lambda: typed.taken, tick) < HELD
        reads.set()
    assert shown.data == str(64 * PIECE).encode()


async def test_a_slow_output_stops_the_peer(layer: str, short_path: Path, tick: float) -> None:
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(64):
            writer.write(bytes(PIECE))
            await writer.drain()
            sent += PIECE
        writer.close()

    shown = Shown()
    shown.stall()
    async with scripted(short_path, script) as way, asyncio.TaskGroup() as group:
        group.create_task(talk(layer, way, Typed(ends=False, personal=True), shown))
        assert await no_longer_grows(lambda: sent, tick) < HELD
        shown.release()
    assert len(shown.data) == 64 * PIECE


async def test_what_is_held_up_over_tls_all_arrives(
    layer: str, new_place: Callable[[str, Path], Place], tick: float
) -> None:
    """The peer has said goodbye long before the output takes the first byte."""
    place = new_place("tls", Path())
    data = random.Random(layer).randbytes(MIB)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await asyncio.wait_for(writer.drain(), PATIENCE)
        writer.close()

    shown = Shown()
    shown.stall()
    async with await asyncio.start_server(script, "127.0.0.1", 0, ssl=place.server_tls) as server:
        way = route(place, Endpoint("tls", *server.sockets[0].getsockname()[:2]))
        async with asyncio.TaskGroup() as group:
            group.create_task(talk(layer, way, Typed(ends=False, personal=True), shown))
            await asyncio.sleep(2 * tick)
            shown.release()
    assert shown.data == data


async def test_a_reset_is_an_error(layer: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with await asyncio.start_server(script, "127.0.0.1", 0) as server:
        way = Route(Endpoint("tcp", *server.sockets[0].getsockname()[:2]))
        with pytest.raises(
            ConnectError, match=re.escape(f"the connection to {way.endpoint} broke: Connection reset by")
        ):
            await talk(layer, way, Typed(b"x", ends=False), Shown())


async def test_to_send_after_the_end_is_an_error(layer: str) -> None:
    """Not a warning of asyncio's, nor silence."""
    async with echo(Place("tcp", "tcp://127.0.0.1:0")) as way, connected(layer, way) as connection:
        await connection.close()
        with pytest.raises(OSError, match="closed"):
            await connection.send(b"x")


@pytest.mark.parametrize("scheme", ["tcp", "unix"])
async def test_nobody_there_is_an_error(layer: str, scheme: str, short_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    way = Endpoint("tcp", "localhost", port) if scheme == "tcp" else Endpoint("unix", path=f"{short_path}/none")
    with pytest.raises(OSError) as error:  # noqa: PT011 - what it says is looked at in the words for users
        async with connected(layer, Route(way)):
            pass
    assert reason(error.value) == {"tcp": "Connection refused", "unix": "No such file or directory"}[scheme]


async def test_datagrams_there_and_back(layer: str, tick: float) -> None:
    typed = Typed(b"one\n", b"\xff\xfb\x01", ends=False)
    shown = Shown()
    async with netkit.serve(Echo(), listen=["udp://127.0.0.1:0"]) as server, asyncio.TaskGroup() as group:
        group.create_task(talk(layer, Route(server.endpoints[0]), typed, shown, silence=2 * tick))
        await shown.until(b"one\n\xff\xfb\x01")
        typed.types(b"")
    assert shown.data == b"one\n\xff\xfb\x01"


async def test_a_datagram_that_nobody_takes_is_an_error(layer: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(ConnectError, match=f"udp://127.0.0.1:{port} broke: Connection refused"):
        await talk(layer, Route(Endpoint("udp", "127.0.0.1", port)), Typed(b"x", ends=False), Shown())


async def test_datagrams_for_a_slow_output_are_bounded(layer: str, tick: float) -> None:
    shown = Shown()
    shown.stall()
    typed = Typed(ends=False)
    peer = await netkit.open_datagrams(local=("127.0.0.1", 0))
    async with asyncio.TaskGroup() as group:
        way = Route(Endpoint("udp", *peer.address[:2]))
        group.create_task(talk(layer, way, typed, shown, silence=2 * tick))
        typed.types(b"hello")
        _, address = await anext(peer)
        for _ in range(10 * QUEUE):
            await peer.send(bytes(1000), address)
            await asyncio.sleep(0)  # the client reads what has come
        await asyncio.sleep(tick)
        shown.release()
        typed.types(b"")
    peer.close()
    await peer.wait_closed()
    # What was held up in the output, and what was kept for it.
    assert 0 < len(shown.data) <= (1 + QUEUE) * 1000
