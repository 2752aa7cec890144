"""The two ends of a pipe, in memory and for real."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

import pytest

from netkit.testing import MemoryReadTransport, MemoryWriteTransport
from tests.testing.rig import Record


@pytest.mark.parametrize("real", [False, True], ids=["memory", "pipe"])
async def test_the_end_that_is_read(real: bool) -> None:
    loop = asyncio.get_running_loop()
    record = Record()
    record.keep_open = True  # a pipe does not ask
    feed: Callable[[bytes], object]
    feed_eof: Callable[[], None]
    if real:
        ours, theirs = os.pipe()
        transport, _ = await loop.connect_read_pipe(lambda: record, os.fdopen(ours, "rb", 0))
        feed, feed_eof = lambda data: os.write(theirs, data), lambda: os.close(theirs)
    else:
        double = MemoryReadTransport(record)
        await double.settled()
        transport, feed, feed_eof = double, double.feed, double.feed_eof
    assert record.calls == ["made"]
    record.at["data"] = transport.pause_reading
    feed(b"abc")
    await record.has(3)
    assert not transport.is_reading()
    feed(b"def")
    feed_eof()
    record.at.clear()
    transport.resume_reading()
    if type(loop).__module__.startswith("uvloop") and real:
        # uvloop asks as it does for a socket.
        await record.until("eof")
        transport.close()
    await record.until("lost")
    assert (record.calls, bytes(record.data), record.exc) == (["made", "data", "eof", "lost"], b"abcdef", None)


@pytest.mark.parametrize("real", [False, True], ids=["memory", "pipe"])
async def test_the_end_that_is_written(real: bool) -> None:
    loop = asyncio.get_running_loop()
    record = Record()
    if real:
        theirs, ours = os.pipe()
        os.set_blocking(theirs, False)
        transport, _ = await loop.connect_write_pipe(lambda: record, os.fdopen(ours, "wb", 0))
    else:
        transport = double = MemoryWriteTransport(record)
        await double.settled()
        double.stall()
    transport.set_write_buffer_limits(10, 0)
    written = 0
    while "pause" not in record.calls:
        transport.write(bytes(10_001))
        written += 10_001
    assert transport.can_write_eof()
    transport.close()
    assert transport.is_closing()
    assert record.calls == ["made", "pause"]
    if real:
        got = 0
        while got < written:
            with suppress(BlockingIOError):
                got += len(os.read(theirs, 65536))
            await asyncio.sleep(0)
        os.close(theirs)
    else:
        double.release()
        await double.settled()
        got = len(double.sent)
    await record.until("lost")
    assert (got, record.exc) == (written, None)
    assert record.calls == ["made", "pause", "resume", "lost"]


async def test_to_end_writing_is_to_close() -> None:
    record = Record()
    transport = MemoryWriteTransport(record)
    transport.stall()
    transport.write(b"waits")
    transport.write_eof()
    assert transport.is_closing()
    transport.release()
    await transport.wait_closed()
    assert (transport.sent, record.calls, record.exc) == (b"waits", ["made", "lost"], None)


@pytest.mark.parametrize("waits", [True, False])
async def test_a_reader_that_goes_away(waits: bool) -> None:
    record = Record()
    transport = MemoryWriteTransport(record)
    transport.stall()
    if waits:
        transport.write(b"unread")
    transport.reset()
    transport.write(b"dropped, as it cannot know yet")
    await transport.wait_closed()
    assert type(record.exc) is (BrokenPipeError if waits else type(None))
    assert record.calls == ["made", "lost"]
    with pytest.raises(RuntimeError, match=r"after connection_lost\(\)"):
        transport.reset()


async def test_aborting_either_end() -> None:
    record = Record()
    writing = MemoryWriteTransport(record)
    writing.stall()
    writing.write(b"unread")
    writing.abort()
    await writing.wait_closed()
    assert (record.calls, record.exc, writing.sent) == (["made", "lost"], None, b"")
    other = Record()
    reading = MemoryReadTransport(other)
    reading.feed(b"unread")
    reading.close()
    await reading.wait_closed()
    assert (other.calls, other.exc) == (["made", "lost"], None)
