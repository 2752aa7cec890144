"""All three layers in memory: back pressure to the byte, and ends of all kinds, without a socket or a clock."""

from __future__ import annotations

import asyncio
import logging
import math
from concurrent.futures import Future

import pytest

from netkit.limits import Limits
from netkit.service import Close, Conn, Effects, Hold, Recall, Send, Service, Stop, Store, Wake
from netkit.services.echo import Echo
from netkit.testing import MemoryTransport, serve_in_memory

LIMITS = Limits(low=10, high=100, hard=1000)

PEER = "tcp://127.0.0.1:50312"


class Told(Service):
    """Writes down what it is told, and answers as the service within."""

    def __init__(self, inner: Service | None = None) -> None:
        self.inner = inner or Service()
        self.told: list[str] = []
        self.conns: list[Conn] = []
        self.news = asyncio.Event()

    def note(self, event: str) -> None:
        self.told.append(event)
        self.news.set()

    async def until(self, last: str) -> None:
        """Wait until that was told last."""
        async with asyncio.timeout(20):
            while self.told[-1:] != [last]:
                self.news.clear()
                await self.news.wait()

    def opened(self, conn: Conn, now: float) -> Effects:
        self.note("opened")
        self.conns.append(conn)
        return self.inner.opened(conn, now)

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        self.note(data.decode()[:10])
        return self.inner.received(conn, data, now)

    def ended(self, conn: Conn, now: float) -> Effects:
        self.note("ended")
        return self.inner.ended(conn, now)

    def paused(self, conn: Conn, now: float) -> Effects:
        self.note("paused")
        return self.inner.paused(conn, now)

    def resumed(self, conn: Conn, now: float) -> Effects:
        self.note("resumed")
        return self.inner.resumed(conn, now)

    def lost(self, conn: Conn, now: float) -> Effects:
        self.note("lost")
        return self.inner.lost(conn, now)

    def woken(self, now: float) -> Effects:
        self.note("woken")
        return self.inner.woken(now)

    def stopping(self, now: float) -> Effects:
        self.note("stopping")
        return [Send(self.conns, b"bye")]

    def refused(self, reason: str) -> bytes:
        return reason.encode()


async def settle(transport: MemoryTransport) -> None:
    """Let the layer's own tasks run too: each takes a few turns of the loop."""
    for _ in range(10):
        await transport.settled()
        await asyncio.sleep(0)


async def test_a_dialogue(layer: str) -> None:
    service = Told(Echo())
    async with serve_in_memory(service, layer=layer) as server:
        peer = await server.connect()
        assert (service.told, server.connections) == (["opened"], 1)
        assert (service.conns[0].peer, service.conns[0].local) == (PEER, True)
        peer.feed(b"hello")
        assert await peer.wait_sent(5) == b"hello"
        peer.fragment(1)
        peer.feed(b"abc")
        assert await peer.wait_sent(8) == b"helloabc"
        peer.feed_eof()
        await peer.wait_closed()
        await service.until("lost")
    assert service.told == ["opened", "hello", "a", "b", "c", "ended", "lost", "stopping"]


async def test_a_slow_peer_is_told_of_to_the_byte(layer: str) -> None:
    """Above the high mark the echo stops reading, at the low mark it goes on, and nothing is lost."""
    service = Told(Echo())
    async with serve_in_memory(service, layer=layer, limits=LIMITS) as server:
        peer = await server.connect()
        peer.stall()
        peer.feed(b"x" * 100)
        await settle(peer)
        assert (service.told, len(peer.waiting)) == (["opened", "x" * 10], 100)
        peer.feed(b"y")
        await service.until("paused")
        assert len(peer.waiting) == 101
        peer.feed(b"z")
        await settle(peer)
        assert service.told[-1] == "paused"  # it is not read from
        peer.release(90)
        await settle(peer)
        assert (service.told[-1], len(peer.waiting)) == ("paused", 11)
        peer.release(1)
        await service.until("z")
        assert service.told[-2:] == ["resumed", "z"]
        peer.release()
        assert await peer.wait_sent(102) == b"x" * 100 + b"yz"


async def test_one_slow_peer_holds_up_no_other_and_is_cut_at_the_limit(layer: str) -> None:
    class Room(Service):
        def __init__(self) -> None:
            self.people: list[Conn] = []

        def opened(self, conn: Conn, now: float) -> Effects:
            self.people.append(conn)
            return ()

        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            return [Send(self.people, data)]

    service = Told(Room())
    async with serve_in_memory(service, layer=layer, limits=LIMITS) as server:
        slow, quick = await server.connect(), await server.connect(("127.0.0.1", 50313))
        slow.stall()
        for number in range(1, 11):
            quick.feed(b"x" * 100)
            await quick.wait_sent(number * 100)
        assert (len(slow.waiting), server.connections) == (1000, 2)
        quick.feed(b"one too many")
        await slow.wait_closed()
        assert await quick.wait_sent(1012) == b"x" * 1000 + b"one too many"
        assert slow.sent == b""
        await service.until("lost")
    assert service.told.count("paused") == 1
    assert service.told.count("resumed") == 0


async def test_a_reset_costs_one_connection(layer: str) -> None:
    service = Told(Echo())
    async with serve_in_memory(service, layer=layer) as server:
        broken, other = await server.connect(), await server.connect()
        broken.feed(b"last words")
        broken.reset()
        await service.until("lost")
        other.feed(b"still")
        assert await other.wait_sent(5) == b"still"
        assert server.connections == 1


async def test_close_after_what_waits(layer: str) -> None:
    class Once(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            return [Send((conn,), b"answer"), Close(conn, "enough")]

    service = Told(Once())
    async with serve_in_memory(service, layer=layer) as server:
        peer = await server.connect()
        peer.stall()
        peer.feed(b"question")
        assert await peer.wait_waiting(6) == b"answer"
        peer.release(3)
        await settle(peer)
        assert (peer.sent, peer.sent_eof) == (b"ans", False)
        peer.release()
        await settle(peer)
        assert (peer.sent, peer.sent_eof) == (b"answer", True)
        peer.feed_eof()
        await service.until("lost")
        assert server.connections == 0


async def test_held_back_nothing_is_read_or_lost(layer: str) -> None:
    class Shy(Service):
        def opened(self, conn: Conn, now: float) -> Effects:
            self.conn = conn
            return [Hold(conn, math.inf)]

    shy = Shy()
    service = Told(shy)
    async with serve_in_memory(service, layer=layer) as server:
        peer = await server.connect()
        peer.feed(b"patience")
        await settle(peer)
        assert service.told == ["opened"]
        server._delivery.apply(Hold(shy.conn, 0), None)
        await service.until("patience")


async def test_turned_away_at_the_door(layer: str) -> None:
    service = Told()
    limits = Limits(connections=1)
    async with serve_in_memory(service, layer=layer, limits=limits) as server:
        await server.connect()
        refused = await server.connect()
        assert refused.sent == b"server-full"
        assert (server.connections, service.told) == (1, ["opened"])
        assert refused.is_closing()


async def test_strangers_are_counted_per_address(layer: str) -> None:
    async with serve_in_memory(Told(), layer=layer, limits=Limits(per_address=1)) as server:
        await server.connect(("192.0.2.7", 1))
        assert (await server.connect(("192.0.2.7", 2))).is_closing()
        assert not (await server.connect(("192.0.2.8", 3))).is_closing()


async def test_an_exception_of_the_service_costs_one_connection(
    layer: str, logged_errors: list[logging.LogRecord]
) -> None:
    class Broken(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            raise KeyError(data)

    async with serve_in_memory(Broken(), layer=layer) as server:
        peer, other = await server.connect(), await server.connect()
        peer.feed(b"a")
        await peer.wait_closed()
        assert not other.is_closing()
    assert [record.getMessage() for record in logged_errors] == [f"the service failed in received(<{PEER}>)"]


async def test_stopping_writes_out_what_waits_and_takes_no_time(layer: str) -> None:
    service = Told(Echo())
    clock = asyncio.get_running_loop().time
    async with serve_in_memory(service, layer=layer, limits=Limits(idle=100)) as server:
        quick, stalled, ended = [await server.connect() for _ in range(3)]
        ended.feed_eof()
        await ended.wait_closed()
        stalled.stall()
        stalled.feed(b"waits")
        await stalled.wait_waiting(5)
        begun = clock()
    assert clock() - begun < Limits().linger
    assert (quick.sent, stalled.sent) == (b"bye", b"waitsbye")
    assert service.told.count("lost") == 3
    assert server.connections == 0


async def test_stopping_waits_for_no_peer_that_was_closed_before(layer: str) -> None:
    class Brusque(Service):
        def opened(self, conn: Conn, now: float) -> Effects:
            return [Close(conn, "no")]

    clock = asyncio.get_running_loop().time
    async with serve_in_memory(Brusque(), layer=layer) as server:
        peer = await server.connect()
        while not peer.sent_eof:
            await settle(peer)
        assert server.connections == 1
        begun = clock()
    assert clock() - begun < Limits().linger


async def test_silence_is_borne_as_long_as_the_limit_says(layer: str, tick: float) -> None:
    service = Told()
    async with serve_in_memory(service, layer=layer, limits=Limits(idle=tick, linger=0)) as server:
        peer = await server.connect()
        peer.feed(b"hello")
        async with asyncio.timeout(20):
            await peer.wait_closed()
        await service.until("lost")
    sweeper = getattr(server._listener, "sweeper", None)
    assert sweeper is None or sweeper.cancelled()


async def test_an_exception_in_the_block_stops_it_too(layer: str) -> None:
    service = Told()

    async def fail() -> None:
        async with serve_in_memory(service, layer=layer) as server:
            await server.connect()
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert service.told == ["opened", "stopping", "lost"]


async def test_there_is_no_other_layer() -> None:
    with pytest.raises(ValueError, match="no layer is called 'sockets'"):
        async with serve_in_memory(Service(), layer="sockets"):
            pass


async def test_who_comes_too_often_is_turned_away(layer: str) -> None:
    service = Told()
    async with serve_in_memory(service, layer=layer, limits=Limits(new_connections=2)) as server:
        for number in range(2):
            peer = await server.connect(("192.0.2.7", number))
            peer.feed_eof()
            await peer.wait_closed()
        assert (await server.connect(("192.0.2.7", 3))).sent == b"connect-flood"
        assert (await server.connect(("192.0.2.8", 3))).sent == b""
        for number in range(3):
            assert (await server.connect(("127.0.0.1", number))).sent == b""
    assert service.endings["connect-flood"] == 1


async def test_a_storage_is_asked_and_closed_in_the_end(layer: str) -> None:
    class Shelf:
        closed = False
        kept: list[object]

        def __init__(self) -> None:
            self.kept = []

        def put(self, record: object) -> None:
            self.kept.append(record)

        def recall(self, query: object) -> Future[object]:
            future: Future[object] = Future()
            future.set_result(self.kept)
            return future

        def close(self) -> None:
            self.closed = True

    class Keeping(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            self.guest = conn
            return (Store(data), Recall("all"))

        def recalled(self, query: object, found: object, now: float) -> Effects:
            return (Send((self.guest,), repr(found).encode()), Stop())

    shelf = Shelf()
    async with serve_in_memory(Keeping(), layer=layer, storage=shelf) as server:
        peer = await server.connect()
        peer.feed(b"hello")
        await server.wait()
        assert await peer.wait_sent(10) == b"[b'hello']"
        assert not shelf.closed
    assert shelf.closed


async def test_an_end_that_is_held_takes_as_long_as_it_must(layer: str) -> None:
    class Slow(Service):
        def ended(self, conn: Conn, now: float) -> Effects:
            self.guest = conn
            return (Hold(conn, math.inf), Wake(0))

        def woken(self, now: float) -> Effects:
            return (Send((self.guest,), b"all said"), Hold(self.guest, 0))

    service = Told(Slow())
    async with serve_in_memory(service, layer=layer) as server, asyncio.timeout(20):
        peer = await server.connect()
        peer.feed_eof()
        await peer.wait_closed()
        assert peer.sent == b"all said"
        await service.until("lost")
        assert service.endings == {"eof": 1}
