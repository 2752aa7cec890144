"""How a connection ends from our side: what is queued arrives, and what the peer still sends is thrown away."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.limits import Limits
from netkit.service import Close, Conn, Effects, Send, Service, Wake

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Recorder, Serve

MIB = 1 << 20
PAYLOAD = random.Random(3).randbytes(2 * MIB)


class Farewell(Service):
    """Says its last words at the first chunk, and closes."""

    def __init__(self, words: bytes) -> None:
        self.words = words

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        yield self.words
        yield Send((conn,), b"bye\n")
        yield Close(conn, "said enough")
        yield Send((conn,), b"too late\n")


async def test_what_is_queued_arrives(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "netkit")
    service = recorder(Farewell(PAYLOAD))
    client = await (await serve(service, endpoint, limits=Limits(hard=4 * MIB))).connect()
    await client.send(b"?")
    assert await client.rest() == PAYLOAD + b"bye\n"
    await client.close()
    await service.until("lost")
    assert caplog.messages[-1].endswith(": said enough")


async def test_a_peer_that_ends_with_its_last_line_gets_ours(
    serve: Serve, tcp: Place, recorder: Callable[[Service], Recorder]
) -> None:
    """Its end may be read in the turn in which we close, before what is queued has been written."""
    site = await serve(recorder(Farewell(b"hello\n")), tcp)
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", site.server.endpoints[0].port)) as sock:
            sock.sendall(b"?")
            sock.shutdown(socket.SHUT_WR)
            client = await site.talk(sock)
            assert await client.rest() == b"hello\nbye\n"
            await client.close()


async def test_a_peer_that_is_still_sending_gets_our_last_line(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]
) -> None:
    """A close with unread input is a reset, which would take that line along."""
    service = recorder(Farewell(b""))
    site = await serve(service, endpoint)
    for _ in range(5):
        client = await site.connect()
        sending = asyncio.create_task(client.send(PAYLOAD))
        await service.until("received", service.told["received"] + 1)
        assert await client.read(4) == b"bye\n"
        await asyncio.gather(sending, return_exceptions=True)
        await client.close()
    await service.until("lost", 5)
    # Nothing of what came after the Close was handed on.
    assert service.told["received"] == 5
    assert service.told["ended"] == 0


async def test_who_reads_late_but_within_the_grace_gets_it_all(
    serve: Serve, endpoint: Place, tick: float, recorder: Callable[[Service], Recorder]
) -> None:
    """The linger is for a peer that has it all. Over TLS nobody can see whether it has."""
    words = 8 * PAYLOAD  # more than the kernel takes
    service = recorder(Farewell(words))
    site = await serve(service, endpoint, limits=Limits(hard=32 * MIB, linger=tick))
    client = await site.connect(buffers=4096)
    await client.send(b"?")
    await service.until("received")
    await asyncio.sleep(4 * tick)  # what is tested: that so many lingers do not end it
    assert await client.rest() == words + b"bye\n"
    await client.close()
    await service.until("lost")


async def test_who_does_not_read_it_is_cut_in_the_end(
    serve: Serve, endpoint: Place, tick: float, recorder: Callable[[Service], Recorder]
) -> None:
    service = recorder(Farewell(bytes(16 * MIB)))
    site = await serve(service, endpoint, limits=Limits(grace=4 * tick, linger=tick))
    client = await site.connect(buffers=4096)
    await client.send(b"?")
    await service.until("lost")
    assert site.server.connections == 0


@pytest.mark.parametrize("linger", [0.0, 0.05])
async def test_linger_is_as_long_as_it_is_set(
    serve: Serve, linger: float, recorder: Callable[[Service], Recorder]
) -> None:
    service = recorder(Farewell(b""))
    site = await serve(service, limits=Limits(linger=linger))
    client = await site.connect()
    await client.send(b"?")
    begun = asyncio.get_running_loop().time()
    await service.until("lost")
    assert asyncio.get_running_loop().time() - begun >= linger / 2
    assert await client.rest() == b"bye\n"


async def test_a_close_that_nobody_asked_for(serve: Serve, endpoint: Place) -> None:
    """From the clock's side, with nothing queued and nothing ever received."""

    class Hourglass(Service):
        def opened(self, conn: Conn, now: float) -> Effects:
            self.guest = conn
            return (Wake(0),)

        def woken(self, now: float) -> Effects:
            return (Close(self.guest, "time is over"), Close(self.guest, "twice"))

    client = await (await serve(Hourglass(), endpoint)).connect()
    assert await client.rest() == b""


async def test_a_close_at_once(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    class Doorman(Service):
        def opened(self, conn: Conn, now: float) -> Effects:
            return (b"not you\n", Close(conn, "not that one"))

    service = recorder(Doorman())
    client = await (await serve(service, endpoint)).connect()
    client.writer.write(b"but I")
    assert await client.read(8) == b"not you\n"
    await client.close()
    await service.until("lost")
    assert service.told == {"opened": 1, "lost": 1}
