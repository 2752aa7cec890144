"""Peers that do not read: what waits for them is bounded, and nobody else notices."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from netkit.layers.session import Session
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
        self.measure(cast(Session, conn))

    def measure(self, session: Session) -> None:
        """Look at what waits in the transport and in the outbox."""
        waiting = session.transport.get_write_buffer_size() + sum(map(len, session.outbox))
        self.most = max(self.most, waiting)


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
    assert reason.endswith("too slow: more waited for it than the limit")
    assert (service.told["paused"], service.told["resumed"]) == (1, 0)


async def test_in_a_chat_the_others_do_not_notice(
    serve: Serve, recorder: Callable[[Service], Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks and asks, and reads no answer, is cut; whoever listens gets every line that is said meanwhile."""
    caplog.set_level(logging.INFO, "netkit")
    service = recorder(Chat())
    site = await serve(service, limits=Limits(low=KIB, high=4 * KIB, hard=64 * KIB))
    ann, bob = await site.connect(), await site.connect()
    await service.until("opened", 2)
    deaf = await site.connect(buffers=SMALL)
    while not (await ann.line()).startswith(b"*** guest3 is here"):
        pass
    asking = asyncio.create_task(deaf.send(b"/help\n" * 20_000))
    said = 0
    while not service.told["lost"]:
        said += 1
        await bob.send(b"%d\n" % said)
        assert await ann.line() == b"<guest2> %d\r\n" % said or service.told["lost"]
    await asyncio.gather(asking, return_exceptions=True)
    assert said > 1
    assert service.told["paused"] >= 1
    (reason,) = [line for line in caplog.messages if line.startswith("closed")]
    assert reason.endswith("too slow: more waited for it than the limit")


async def test_in_a_chat_a_slow_reader_learns_what_it_missed(
    serve: Serve, recorder: Callable[[Service], Recorder]
) -> None:
    """Nothing more is queued for it from the high mark on, however much is said."""
    service = recorder(Chat())
    site = await serve(service, limits=Limits(low=KIB, high=4 * KIB))
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
    # Besides what was said it missed that bob has a new name.
    assert heard + missed == said + 200 + 1
    await bob.send(b"at last\n")
    assert await slow.line() == b"<bob> at last\r\n"
