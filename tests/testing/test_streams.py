"""The reader and writer of asyncio itself, on a transport in memory."""

from __future__ import annotations

import asyncio

import pytest

from netkit.testing import open_streams

PEER = ("192.0.2.7", 50312)


async def test_streams_on_a_transport_in_memory() -> None:
    reader, writer, transport = await open_streams(extra={"peername": PEER})
    assert writer.get_extra_info("peername") == PEER
    transport.fragment(2)
    transport.feed(b"one\ntwo\n")
    assert [await reader.readline(), await reader.readline()] == [b"one\n", b"two\n"]
    transport.stall()
    writer.write(bytes(100_000))
    draining = asyncio.create_task(writer.drain())
    await transport.settled()
    assert not draining.done()
    transport.release()
    await draining
    transport.feed_eof()
    assert await reader.read() == b""
    writer.write(b"after the end")
    writer.close()
    await writer.wait_closed()
    assert transport.sent[100_000:] == b"after the end"


async def test_a_reader_that_is_full_stops_reading() -> None:
    reader, writer, transport = await open_streams(limit=10)
    transport.fragment(7)
    transport.feed(bytes(70))
    await transport.settled()
    assert (transport.is_reading(), len(transport.unread)) == (False, 49)
    assert len(await reader.readexactly(70)) == 70
    writer.close()
    await writer.wait_closed()


async def test_streams_meet_a_reset() -> None:
    reader, writer, transport = await open_streams()
    transport.reset()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    with pytest.raises(ConnectionResetError):
        await writer.wait_closed()
    writer.write(b"to nobody")
    with pytest.raises(ConnectionResetError):
        await writer.drain()
