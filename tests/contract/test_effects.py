"""What a service answers, carried out: in order, in time, and a mistake in it costs one connection."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import pytest

from netkit.layers.session import Session
from netkit.limits import Limits
from netkit.service import Abort, Close, Conn, Effect, Effects, Hold, Recall, Send, Service, Stop, Store, Wake
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Recorder, Serve

#: Loops count in milliseconds, and round.
EARLY = 0.002


# Order.


class Counting(Service):
    """Answers in every form there is."""

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        yield b"1"
        yield Send((conn,), b"2")
        yield b"3"
        yield Send([conn], b"4")
        yield Send({conn: None}, b"5")


class CountingAtOnce(Counting):
    """The same in a tuple."""

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        return tuple(super().received(conn, data, now))


@pytest.mark.parametrize("make", [Counting, CountingAtOnce])
async def test_bytes_and_sends_keep_their_order(serve: Serve, endpoint: Place, make: Callable[[], Service]) -> None:
    client = await (await serve(make(), endpoint)).connect()
    for _ in range(3):
        await client.send(b"?")
        assert await client.read(5) == b"12345"


async def test_a_thousand_sends_arrive_in_order(serve: Serve, endpoint: Place) -> None:
    class Many(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            for number in range(1000):
                yield Send((conn,), b"%d " % number)

    client = await (await serve(Many(), endpoint)).connect()
    await client.send(b"?")
    expected = b"".join(b"%d " % number for number in range(1000))
    assert await client.read(len(expected)) == expected


async def test_sending_to_who_is_closed_or_gone_is_passed_over(
    serve: Serve, recorder: Callable[[Service], Recorder]
) -> None:
    class Unforgetting(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            if data == b"c":
                yield Close(service.conns[1], "asked to")
            yield Send(service.conns, data)

    service = recorder(Unforgetting())
    site = await serve(service)
    one, two, three = [await site.connect() for _ in range(3)]
    await service.until("opened", 3)
    await three.close()
    await service.until("lost")
    await one.send(b"a")
    assert (await one.read(1), await two.read(1)) == (b"a", b"a")
    await one.send(b"c")
    assert await one.read(1) == b"c"
    assert await two.rest() == b""
    await two.close()
    await service.until("lost", 2)
    await one.send(b"d")
    assert await one.read(1) == b"d"


# The end.


async def test_abort_cuts_at_once(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    """Whoever does not read cannot put that off, and nothing follows but the loss."""

    class Guillotine(Service):
        def opened(self, conn: Conn, now: float) -> Effects:
            return (bytes(16 << 20),)

        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            return (Abort(conn, "enough"), Abort(conn, "twice"), Send((conn,), b"late"))

    service = recorder(Guillotine())
    site = await serve(service, endpoint, limits=Limits(grace=600, linger=600))
    client = await site.connect(buffers=4096)
    await service.until("opened")
    client.writer.write(b"?")
    await service.until("lost")
    assert (service.conns[0].ending, service.endings) == ("enough", {"enough": 1})
    assert service.told["received"] == 1


@pytest.mark.parametrize("event", ["paused", "resumed"])
async def test_abort_out_of_a_write(
    serve: Serve, event: str, recorder: Callable[[Service], Recorder], endpoint: Place
) -> None:
    """asyncio calls ``resume_writing`` in the middle of one."""

    class Moody(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            for _ in range(64):  # in pieces: with TLS one large write is not seen to wait
                yield bytes(128 * 1024)

        def paused(self, conn: Conn, now: float) -> Effects:
            return (Abort(conn, "paused"),) if event == "paused" else ()

        def resumed(self, conn: Conn, now: float) -> Effects:
            return (Abort(conn, "resumed"),)

    service = recorder(Moody())
    client = await (await serve(service, endpoint, limits=Limits(hard=64 << 20))).connect()
    await client.send(b"?")
    await client.cut()
    await client.close()
    await service.until("lost")
    assert service.endings == {event: 1}


async def test_stop_lets_the_server_be_left(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]
) -> None:
    class Mortal(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            return (Stop(), b"I die")

    service = recorder(Mortal())
    site = await serve(service, endpoint)
    client = await site.connect()
    await client.send(b"?")
    async with asyncio.timeout(20):
        await site.server.wait()
    assert site.server.stopping
    assert await client.read(5) == b"I die"
    await client.close()
    await service.until("lost")


# The storage.


class Shelf:
    """A storage with a thread of its own, as the real ones have."""

    def __init__(self) -> None:
        self.kept: list[object] = []
        self.closed = False
        self.pool = ThreadPoolExecutor(1)

    def put(self, record: object) -> None:
        self.pool.submit(self.kept.append, record)

    def recall(self, query: object) -> Future[object]:
        return self.pool.submit(self.find, query)

    def find(self, query: object) -> object:
        return [record for record in self.kept if record != query]

    def close(self) -> None:
        self.pool.shutdown()
        self.closed = True


class Keeping(Service):
    """Keeps what it is told, and after a ? gives all of it back."""

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        self.guest = conn
        yield Store(data)
        yield Recall(b"?") if data == b"?" else b"."

    def recalled(self, query: object, found: object, now: float) -> Effects:
        yield Send((self.guest,), b"".join(cast("list[bytes]", found)))

    def lost(self, conn: Conn, now: float) -> Effects:
        yield Store("lost")


async def test_what_is_stored_is_found_and_written_before_the_end(
    serve: Serve, recorder: Callable[[Service], Recorder]
) -> None:
    shelf, service = Shelf(), recorder(Keeping())
    site = await serve(service, storage=shelf)
    client = await site.connect()
    for word in (b"one", b"two"):
        await client.send(word)
        assert await client.read(1) == b"."
    await client.send(b"?")
    assert await client.read(6) == b"onetwo"
    stopping = asyncio.create_task(site.stop())
    assert await client.rest() == b""
    await client.close()
    await stopping
    assert shelf.closed
    assert shelf.kept == [b"one", b"two", b"?", "lost"]


# Time.


class Holding(Echo):
    """Reads no more after an h, for so many seconds."""

    def __init__(self, seconds: float, then: float | None = None) -> None:
        self.seconds = seconds
        self.then = then
        self.heard: list[tuple[bytes, float]] = []
        self.guest: Conn

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        self.heard.append((data, now))
        if data == b"h":
            self.guest = conn
            yield Hold(conn, self.seconds)
            if self.then is not None:
                yield Wake(self.then)
        yield data

    def woken(self, now: float) -> Effects:
        return (Hold(self.guest, 0),)


@pytest.mark.parametrize("let_go_by", ["time", "service"])
async def test_hold_stops_the_reading_and_loses_nothing(
    serve: Serve, endpoint: Place, tick: float, let_go_by: str, recorder: Callable[[Service], Recorder]
) -> None:
    pause = tick
    holding = Holding(pause) if let_go_by == "time" else Holding(math.inf, then=pause)
    service = recorder(holding)
    site = await serve(service, endpoint)
    client = await site.connect()
    await client.send(b"h")
    assert await client.read(1) == b"h"
    payload = bytes(range(256)) * 2000
    sending = asyncio.create_task(client.send(payload))
    assert await client.read(len(payload)) == payload
    await sending
    (_, held_at), (_, resumed_at) = holding.heard[:2]
    assert resumed_at - held_at >= pause - EARLY


async def test_a_later_hold_replaces_an_earlier_one(serve: Serve, tick: float) -> None:
    """A long one and then a short one: it is read on after the short one."""

    class Fickle(Echo):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            if data == b"h":
                return (Hold(conn, math.inf), Hold(conn, 1000), Hold(conn, tick))
            return (data,)

    client = await (await serve(Fickle())).connect()
    await client.send(b"h")
    # Two more round trips of nothing else would pass in less than a tick: this one cannot pass before it.
    await client.send(b"after")
    assert (await client.read(6)).endswith(b"after")


async def test_who_is_held_can_be_closed(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]
) -> None:
    class Strict(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            return (Hold(conn, math.inf), b"bye", Close(conn, "held and closed"), Hold(conn, math.inf))

    service = recorder(Strict())
    client = await (await serve(service, endpoint)).connect()
    await client.send(b"?")
    assert await client.read(3) == b"bye"
    await client.close()
    await service.until("lost")


async def test_wakes_are_answered_once_each(serve: Serve, tick: float, recorder: Callable[[Service], Recorder]) -> None:
    class Clock(Service):
        def __init__(self) -> None:
            self.set_at = 0.0
            self.rang: list[float] = []

        def opened(self, conn: Conn, now: float) -> Effects:
            self.set_at = now
            self.guest = conn
            return (Wake(2 * tick), Wake(0), Wake(tick))

        def woken(self, now: float) -> Effects:
            self.rang.append(now - self.set_at)
            if len(self.rang) == 1:
                yield Wake(3 * tick)
            yield Send((self.guest,), b"!")

    clock = Clock()
    service = recorder(clock)
    client = await (await serve(service)).connect()
    assert await client.read(4) == b"!!!!"
    assert service.told["woken"] == 4
    for rang, due in zip(clock.rang, (0, tick, 2 * tick, 3 * tick), strict=True):
        assert rang >= due - EARLY


# Mistakes.


class Mistaken(Echo):
    """Fails in one event, for whoever is first."""

    def __init__(self, event: str, mistake: Callable[[], Effects]) -> None:
        self.event = event
        self.mistake = mistake
        self.failed = False

    def fail(self, event: str) -> Effects:
        if event == self.event and not self.failed:
            self.failed = True
            return self.mistake()
        return ()

    def opened(self, conn: Conn, now: float) -> Effects:
        return self.fail("opened")

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        yield from super().received(conn, data, now)
        yield from self.fail("received")

    def ended(self, conn: Conn, now: float) -> Effects:
        return self.fail("ended")

    def lost(self, conn: Conn, now: float) -> Effects:
        return self.fail("lost")

    def stopping(self, now: float) -> Effects:
        return self.fail("stopping")


def crash() -> Effects:
    raise RuntimeError("a bug")


def crash_midway() -> Effects:
    yield b""
    raise RuntimeError("a bug")


def nonsense() -> Effects:
    yield cast(Effect, "text where bytes belong")


@pytest.mark.parametrize("mistake", [crash, crash_midway, nonsense])
@pytest.mark.parametrize("event", ["opened", "received", "ended", "lost"])
async def test_a_mistake_costs_one_connection(
    serve: Serve,
    event: str,
    mistake: Callable[[], Effects],
    recorder: Callable[[Service], Recorder],
    logged_errors: list[logging.LogRecord],
) -> None:
    service = recorder(Mistaken(event, mistake))
    site = await serve(service)
    # Who is there already must not suffer; it comes first where the first one does not fail.
    bystander = None if event == "opened" else await site.connect()
    victim = await site.connect()
    victim.writer.write(b"?")
    with suppress(OSError):  # it may have been cut already
        victim.end()
    await victim.cut()
    await service.until("lost")
    bystander = bystander or await site.connect()
    await bystander.send(b"fine")
    assert await bystander.read(4) == b"fine"
    assert site.server.connections == 1
    # Where it failed only in its loss, that had another reason.
    assert ("failed" in service.endings) == (event != "lost")
    (record,) = logged_errors
    assert record.getMessage().startswith(f"the service failed in {event}(")
    assert record.exc_info is not None
    assert record.exc_info[0] is (TypeError if mistake is nonsense else RuntimeError)


@pytest.mark.parametrize("endpoint", ["tls"], indirect=True)
@pytest.mark.parametrize("event", ["opened", "received"])
async def test_a_mistake_over_tls(
    serve: Serve,
    endpoint: Place,
    event: str,
    recorder: Callable[[Service], Recorder],
    logged_errors: list[logging.LogRecord],
) -> None:
    service = recorder(Mistaken(event, crash))
    site = await serve(service, endpoint)
    try:
        victim = await site.connect()
        victim.writer.write(b"?")
        await victim.cut()
    except ConnectionError:
        assert event == "opened"  # cut before the handshake's end has reached the peer
    await service.until("lost")
    assert len(logged_errors) == 1


async def test_a_mistake_when_the_time_has_come(
    serve: Serve, recorder: Callable[[Service], Recorder], logged_errors: list[logging.LogRecord]
) -> None:
    """It is nobody's in particular, so it costs nobody anything. Plain bytes have no one to go to."""

    class Late(Echo):
        def opened(self, conn: Conn, now: float) -> Effects:
            return (Wake(0), Wake(0))

        def woken(self, now: float) -> Effects:
            if service.told["woken"] == 1:
                raise RuntimeError("a bug")
            return (b"for whom?",)

    service = recorder(Late())
    client = await (await serve(service)).connect()
    await service.until("woken", 2)
    await client.send(b"fine")
    assert await client.read(4) == b"fine"
    assert [record.getMessage() for record in logged_errors] == ["the service failed in woken()"] * 2
    causes = [record.exc_info[0] for record in logged_errors if record.exc_info]
    assert causes == [RuntimeError, TypeError]


async def test_a_mistake_while_stopping(serve: Serve, logged_errors: list[logging.LogRecord]) -> None:
    site = await serve(Mistaken("stopping", crash))
    client = await site.connect()
    await client.send(b"fine")
    assert await client.read(4) == b"fine"
    stopping = asyncio.create_task(site.stop())
    assert await client.rest() == b""
    await client.close()
    await stopping
    assert [record.getMessage() for record in logged_errors] == ["the service failed in stopping()"]


@pytest.mark.parametrize("event", ["paused", "resumed"])
async def test_a_mistake_about_a_slow_reader(
    serve: Serve, event: str, recorder: Callable[[Service], Recorder], logged_errors: list[logging.LogRecord]
) -> None:
    class Clumsy(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            return (bytes(16 << 20),)

        def paused(self, conn: Conn, now: float) -> Effects:
            assert event != "paused"
            return ()

        def resumed(self, conn: Conn, now: float) -> Effects:
            assert event != "resumed"
            return ()

    service = recorder(Clumsy())
    client = await (await serve(service)).connect()
    await client.send(b"?")
    await client.cut()
    await service.until("lost")
    (record,) = logged_errors
    assert record.getMessage().startswith(f"the service failed in {event}(")


async def test_a_session_prints_as_its_peer(serve: Serve, recorder: Callable[[Service], Recorder]) -> None:
    service = recorder(Echo())
    await (await serve(service)).connect()
    await service.until("opened")
    (conn,) = service.conns
    assert repr(cast(Session, conn)) == f"<{conn.peer}>"
