"""Peers that do not read: what waits for them is bounded, and nobody else notices."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.endpoints import UNACKNOWLEDGED, UNSENT
from netkit.limits import Limits
from netkit.service import Conn, Effects, Send, Service, Wake
from netkit.services.chat import Chat
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Recorder, Serve

KIB = 1024

#: More than the kernel's buffers of both directions hold together (tcp(7): 4 MiB and 6 MiB at most).
MUCH = 16 * KIB * KIB

#: As small as the kernel makes them, so that they fill up soon.
SMALL = 4 * KIB

#: The high mark, and on top of it at most what one read brings: 256 KiB on asyncio's own loop.
MOST_WAITING = (64 + 256) * KIB

#: Round trips of somebody else, in each of which a server that had not stopped reading would read once more.
ROUND_TRIPS = 50


class Measured(Echo):
    """An echo that knows the most that ever waited for a peer."""

    most = 0

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        yield from super().received(conn, data, now)
        self.most = max(self.most, conn.waiting)


async def test_the_server_stops_reading_and_loses_nothing(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]
) -> None:
    echo = Measured()
    service = recorder(echo)
    site = await serve(service, endpoint)
    other = await site.connect()
    client = await site.connect(buffers=64 * KIB)
    payload = random.Random(0).randbytes(KIB * KIB) * (MUCH // (KIB * KIB))
    sending = asyncio.create_task(client.send(payload))
    await service.until("paused")
    for _ in range(ROUND_TRIPS):
        await other.send(b"?")
        assert await other.read(1) == b"?"
    assert not sending.done()
    assert echo.most <= MOST_WAITING
    received = await client.read(len(payload))
    await sending
    assert received == payload
    assert echo.most <= MOST_WAITING
    # It was let go each time, or the rest could not have come.
    assert 0 <= service.told["paused"] - service.told["resumed"] <= 1


async def test_who_never_reads_and_leaves_is_forgotten(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]
) -> None:
    service = recorder(Echo())
    site = await serve(service, endpoint)
    client = await site.connect(buffers=64 * KIB)
    sending = asyncio.create_task(client.send(bytes(MUCH)))
    await service.until("paused")
    client.reset()
    await asyncio.gather(sending, return_exceptions=True)
    await service.until("lost")
    assert site.server.connections == 0


class Torrent(Service):
    """Sends a mebibyte every turn of the loop, whether its peer reads or not."""

    def __init__(self) -> None:
        self.to: list[Conn] = []

    def opened(self, conn: Conn, now: float) -> Effects:
        self.to.append(conn)
        yield Wake(0)

    def lost(self, conn: Conn, now: float) -> Effects:
        self.to.remove(conn)
        return ()

    def woken(self, now: float) -> Effects:
        if self.to:
            yield Send(tuple(self.to), bytes(KIB * KIB))
            yield Wake(0)


async def test_above_the_hard_limit_a_peer_is_cut(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "netkit")
    service = recorder(Torrent())
    site = await serve(service, endpoint)
    await site.connect(buffers=SMALL)
    await service.until("lost")
    (reason,) = [line for line in caplog.messages if line.startswith("closed")]
    assert reason.endswith(": too-slow")
    assert (service.told["paused"], service.told["resumed"]) == (1, 0)


async def test_in_a_chat_the_others_do_not_notice(
    serve: Serve, recorder: Callable[[Service], Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks and asks, and reads no answer, is cut; whoever listens gets every line that is said meanwhile."""
    caplog.set_level(logging.INFO, "netkit")
    limits = Limits(low=KIB, high=4 * KIB, hard=64 * KIB).without_rates()
    service = recorder(Chat(limits))
    site = await serve(service, limits=limits)
    ann, bob = await site.connect(), await site.connect()
    await service.until("opened", 2)
    deaf = await site.connect(buffers=SMALL)
    while not (await ann.line()).startswith(b"*** guest3 is here"):
        pass

    async def ask() -> None:
        while True:  # until it is cut
            await deaf.send(b"/help\n" * 20)
            await asyncio.sleep(0)

    asking = asyncio.create_task(ask())
    said = 0
    while not service.told["lost"]:
        said += 1
        await bob.send(b"%d\n" % said)
        assert await ann.line() == b"<guest2> %d\r\n" % said or service.told["lost"]
    await asyncio.gather(asking, return_exceptions=True)
    assert said > 1
    assert service.told["paused"] >= 1
    (reason,) = [line for line in caplog.messages if line.startswith("closed")]
    assert reason.endswith(": too-slow")


async def test_in_a_chat_a_slow_reader_learns_what_it_missed(
    serve: Serve, recorder: Callable[[Service], Recorder]
) -> None:
    """Nothing more is queued for it from the high mark on, however much is said."""
    limits = Limits(low=KIB, high=4 * KIB).without_rates()
    service = recorder(Chat(limits))
    site = await serve(service, limits=limits)
    bob = await site.connect()
    await service.until("opened")
    slow = await site.connect(buffers=SMALL)
    line = b"x" * 4000 + b"\n"
    said = 0
    while not service.told["paused"]:
        said += 1
        await bob.send(line)
        await service.until("received", said)
    taken = service.told["received"]
    await bob.send(line * 200)
    await bob.send(b"/nick bob\n")
    while not (await bob.line()).startswith(b"*** you are bob now"):
        pass
    assert service.told["received"] > taken
    heard = 0
    while not (reply := await slow.line()).startswith(b"*** you missed"):
        heard += reply.startswith(b"<guest1> ")
    missed = int(reply.split()[3])
    assert heard + missed == said + 200
    assert reply.endswith(b"/replay %d\r\n" % (heard + 1))
    await bob.send(b"at last\n")
    assert await slow.line() == b"<bob> at last\r\n"


class Patient(Service):
    """Sends little by little until its peer counts as slow, and knows how much has gone away by then."""

    small_buffers = True

    def __init__(self) -> None:
        self.to: list[Conn] = []
        self.given = self.taken = 0

    def opened(self, conn: Conn, now: float) -> Effects:
        self.to.append(conn)
        yield Wake(0)

    def paused(self, conn: Conn, now: float) -> Effects:
        self.to.remove(conn)
        self.taken = self.given - conn.waiting
        return ()

    def woken(self, now: float) -> Effects:
        if self.to:
            self.given += SMALL
            yield Send(tuple(self.to), bytes(SMALL))
            yield Wake(0.001)


async def test_with_small_buffers_a_slow_reader_is_soon_seen(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]
) -> None:
    """The kernel keeps what is not sent, what is not acknowledged, and what the peer's side takes: no megabytes."""
    patient = Patient()
    service = recorder(patient)
    site = await serve(service, endpoint)
    await site.connect(buffers=SMALL)
    await service.until("paused")
    # With TLS asyncio keeps as much again below as above.
    assert patient.taken <= UNSENT + 2 * UNACKNOWLEDGED + 2 * SMALL + Limits().high


async def test_above_the_budget_the_one_for_whom_the_most_waits_is_cut(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither of them is above the hard limit. Whoever reads is not concerned."""

    class Unfair(Service):
        """Sends on and on: to the first one four times as much as to the second."""

        small_buffers = True

        def __init__(self) -> None:
            self.to: list[Conn] = []
            self.gone: list[tuple[Conn, str]] = []

        def opened(self, conn: Conn, now: float) -> Effects:
            self.to.append(conn)
            if len(self.to) == 3:
                yield Wake(0)

        def lost(self, conn: Conn, now: float) -> Effects:
            self.gone.append((conn, conn.ending))
            return ()

        def woken(self, now: float) -> Effects:
            if not self.gone:
                first, second, *others = self.to
                yield Send((first, first, first, first, second, *others), bytes(16 * KIB))
                yield Wake(0)

    unfair = Unfair()
    service = recorder(unfair)
    site = await serve(service, endpoint, limits=Limits(hard=64 * MUCH, budget=4 * KIB * KIB, grace=0))
    for number in range(2):
        await site.connect(buffers=SMALL)
        await service.until("opened", number + 1)
    reader = await site.connect()
    reading = asyncio.create_task(reader.cut())
    await service.until("lost")
    assert unfair.gone == [(unfair.to[0], "over-budget")]
    assert [line for line in caplog.messages if line.startswith("cut off 1 of 3 connections")]
    assert site.server.connections == 2
    await site.stop()
    await reading


async def test_who_fills_up_with_plain_bytes_is_seen_by_the_budget_too(
    serve: Serve, recorder: Callable[[Service], Recorder]
) -> None:
    service = recorder(Echo())
    site = await serve(service, limits=Limits(low=KIB, high=2 * KIB, hard=MUCH, budget=KIB))
    client = await site.connect(buffers=SMALL)
    sending = asyncio.create_task(client.send(bytes(MUCH)))
    await service.until("lost")
    assert service.endings == {"over-budget": 1}
    await asyncio.gather(sending, return_exceptions=True)
