"""Datagrams in memory; what they share with real ones is tried on both."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from netkit.testing import MemoryDatagramTransport
from tests.testing.rig import Calls

ANN, BOB = ("192.0.2.1", 1), ("192.0.2.2", 2)


class Datagrams(Calls, asyncio.DatagramProtocol):
    """Writes down what it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[tuple[bytes, object]] = []
        self.errors: list[Exception] = []

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.got.append((data, addr))
        self.called("datagram")

    def error_received(self, exc: Exception) -> None:
        self.errors.append(exc)
        self.called("error")


@pytest.mark.parametrize("real", [False, True], ids=["memory", "socket"])
async def test_from_made_to_lost(real: bool) -> None:
    record = Datagrams()
    transport: asyncio.DatagramTransport
    if real:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: record, ("127.0.0.1", 0))
        here = transport.get_extra_info("sockname")
    else:
        transport = double = MemoryDatagramTransport(record)
        await double.settled()
        here = ANN
    assert record.calls == ["made"]
    for data in (b"one", bytearray(b"two"), memoryview(b"three")):
        transport.sendto(data, here)
        if not real:
            double.feed(*double.sent[-1])
    await record.when(lambda: len(record.got) == 3)
    assert record.got == [(b"one", here), (b"two", here), (b"three", here)]
    wrong: Any = "text"
    with pytest.raises(TypeError):
        transport.sendto(wrong, here)
    transport.close()
    transport.close()
    assert "lost" not in record.calls
    await record.until("lost")
    assert record.exc is None
    assert record.calls == ["made", "datagram", "datagram", "datagram", "lost"]


@pytest.mark.parametrize("real", [False, True], ids=["memory", "socket"])
async def test_connected_to_one_address(real: bool) -> None:
    record = Datagrams()
    transport: asyncio.DatagramTransport
    loop = asyncio.get_running_loop()
    if real:
        there, _ = await loop.create_datagram_endpoint(Datagrams, ("127.0.0.1", 0))
        remote = there.get_extra_info("sockname")
        transport, _ = await loop.create_datagram_endpoint(lambda: record, remote_addr=remote)
        there.close()
    else:
        remote = ANN
        transport = double = MemoryDatagramTransport(record, remote_addr=remote)
    transport.sendto(b"to it")
    transport.sendto(b"to it", remote)
    with pytest.raises(ValueError, match="address"):
        transport.sendto(b"to another", BOB)
    if not real:
        assert double.sent == [(b"to it", ANN), (b"to it", ANN)]
        double.feed(b"from it")
        await double.settled()
        assert record.got == [(b"from it", ANN)]
    transport.abort()
    await record.until("lost")
    assert record.exc is None


async def test_datagrams_wait_and_are_released_one_by_one() -> None:
    record = Datagrams()
    transport = MemoryDatagramTransport(record)
    transport.set_write_buffer_limits(7, 3)
    await transport.settled()
    transport.stall()
    transport.sendto(b"1234", ANN)
    transport.sendto(b"567", BOB)
    assert record.calls == ["made"]
    transport.sendto(b"8", ANN)
    assert record.calls == ["made", "pause"]
    assert transport.waiting == [(b"1234", ANN), (b"567", BOB), (b"8", ANN)]
    transport.release(1)
    await transport.settled()
    assert (transport.sent, record.calls) == ([(b"1234", ANN)], ["made", "pause"])
    transport.release(1)
    transport.sendto(b"9", BOB)
    assert transport.sent == [(b"1234", ANN)]  # the others leave in the next turn
    transport.close()
    await transport.settled()
    assert record.calls == ["made", "pause", "resume"]
    transport.release()
    await transport.settled()
    assert transport.sent == [(b"1234", ANN), (b"567", BOB), (b"8", ANN), (b"9", BOB)]
    assert record.calls == ["made", "pause", "resume", "lost"]


async def test_abort_throws_away_what_waits_and_what_was_fed() -> None:
    record = Datagrams()
    transport = MemoryDatagramTransport(record)
    await transport.settled()
    transport.stall()
    transport.sendto(b"waits", ANN)
    transport.feed(b"fed", ANN)
    transport.abort()
    await transport.wait_closed()
    assert (transport.sent, record.calls) == ([], ["made", "lost"])


async def test_errors_of_the_network_end_nothing() -> None:
    record = Datagrams()
    transport = MemoryDatagramTransport(record)
    transport.feed(b"early", ANN)
    transport.fail(ConnectionRefusedError("nobody there"))
    transport.feed(b"", BOB)
    await transport.settled()
    assert record.calls == ["made", "datagram", "error", "datagram"]
    assert isinstance(record.errors[0], ConnectionRefusedError)
    assert record.got == [(b"early", ANN), (b"", BOB)]
    assert not transport.is_closing()
    transport.close()


async def test_what_cannot_be() -> None:
    transport = MemoryDatagramTransport(Datagrams())
    with pytest.raises(ValueError, match="needs an address"):
        transport.sendto(b"to nowhere")
    with pytest.raises(ValueError, match="from an address"):
        transport.feed(b"from nowhere")
    transport.close()
    with pytest.raises(RuntimeError, match=r"^sendto\(\) after close\(\)"):
        transport.sendto(b"late", ANN)
    await transport.settled()
    with pytest.raises(RuntimeError, match=r"after connection_lost\(\)"):
        transport.feed(b"late", ANN)
