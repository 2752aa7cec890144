"""Transports in memory and on sockets, held to the same behaviour on every loop, so that the doubles cannot drift.

Where asyncio and uvloop differ, or where the double is stricter on purpose, ``DIFFERENCES`` says how.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.testing.rig import PIECE, Buffered, Connect, Record, turns

FORGETFUL = (3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2)

#: What is not the same everywhere, by the kind of transport. All else in this file is.
DIFFERENCES: dict[str, dict[str, object]] = {
    # A write after close() with nothing waiting. asyncio logs a warning at the fifth of them.
    "write after close": {"memory": RuntimeError, "asyncio": "dropped", "uvloop": "dropped"},
    # The same with bytes waiting.
    "write while closing": {"memory": RuntimeError, "asyncio": "sent", "uvloop": "sent"},
    # The same after connection_lost.
    "write after the end": {"memory": RuntimeError, "asyncio": "dropped", "uvloop": RuntimeError},
    # The default low mark, in bytes. uvloop's is meant to be a quarter of the high one too, and lacks a factor of 1024.
    "low mark": {"memory": 16384, "asyncio": 16384, "uvloop": 16},
    # Calls of pause_writing for writelines() with more than the high mark. Some versions forgot it (CVE-2024-12254).
    "writelines fills": {"memory": 1, "asyncio": 0 if FORGETFUL else 1, "uvloop": 1},
    # pause_reading() in connection_made. uvloop begins to read after it, whatever was said.
    "pause at once": {"memory": "kept", "asyncio": "kept", "uvloop": "arrived"},
    # Calls of eof_received when reading is paused and resumed after the first one, which kept the transport open.
    "eof after resuming": {"memory": 1, "asyncio": 2, "uvloop": 2},
    # What the exception handler gets of an OSError out of data_received: for the loops it is the network's.
    "an OSError of the protocol": {"memory": 1, "asyncio": 0, "uvloop": 0},
    # get_protocol() after the end.
    "protocol after the end": {"memory": "kept", "asyncio": "forgotten", "uvloop": "forgotten"},
}


def outcome(act: Callable[[], object]) -> object:
    """The type of the exception out of it, or "dropped"."""
    try:
        act()
    except Exception as exc:
        return type(exc)
    return "dropped"


# From connection_made to connection_lost.


async def test_made_comes_first_and_lost_last_and_each_once(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    assert record.calls == ["made"]
    assert record.transport is rig.transport
    assert rig.transport.get_protocol() is record
    rig.feed(b"abc")
    await record.has(3)
    rig.transport.close()
    rig.transport.close()
    rig.transport.abort()
    assert rig.transport.is_closing()
    assert record.calls == ["made", "data"]  # connection_lost comes by call_soon
    await record.until("lost")
    rig.transport.close()
    rig.transport.abort()
    await turns()
    assert (record.calls, record.exc, bytes(record.data)) == (["made", "data", "lost"], None, b"abc")
    assert await rig.rest() == b""


async def test_nothing_arrives_after_close(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    rig.clog()
    rig.transport.close()
    rig.feed(b"late")
    await turns()
    assert record.calls == ["made"]
    assert not rig.transport.is_reading()


async def test_the_protocol_is_kept_or_forgotten_at_the_end(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    rig.transport.close()
    await record.until("lost")
    await turns()
    found = "kept" if rig.transport.get_protocol() is record else "forgotten"
    assert found == DIFFERENCES["protocol after the end"][rig.kind]


# Writing.


async def test_all_kinds_of_bytes_are_written(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    rig.transport.write(b"")
    rig.transport.write(b"bytes ")
    rig.transport.write(bytearray(b"bytearray "))
    rig.transport.write(memoryview(b"memoryview "))
    rig.transport.writelines([b"some ", b"", bytearray(b"lines")])
    rig.transport.close()
    assert await rig.rest() == b"bytes bytearray memoryview some lines"


async def test_what_is_no_bytes_is_refused(connect: Connect) -> None:
    rig = await connect(Record())
    wrong: Any = "text"
    with pytest.raises(TypeError):
        rig.transport.write(wrong)
    rig.transport.write(b"a")
    assert await rig.read(1) == b"a"


async def test_close_writes_out_what_waits(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    written = rig.clog()
    rig.transport.close()
    await turns()
    assert "lost" not in record.calls
    assert rig.transport.is_closing()
    assert await rig.rest() == bytes(written)
    await record.until("lost")
    assert record.exc is None


async def test_abort_throws_away_what_waits(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    written = rig.clog()
    rig.transport.abort()
    assert record.calls == ["made"]
    await record.until("lost")
    assert record.exc is None
    assert len(await rig.rest()) < written


async def test_write_eof_comes_after_what_waits_and_leaves_reading_open(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    assert rig.transport.can_write_eof()
    written = rig.clog()
    rig.transport.write(b"last")
    rig.transport.write_eof()
    rig.transport.write_eof()
    with pytest.raises(RuntimeError):
        rig.transport.write(b"more")
    assert await rig.rest() == bytes(written) + b"last"
    assert not rig.transport.is_closing()
    rig.feed(b"still open")
    await record.has(10)
    rig.feed_eof()
    await record.until("lost")
    assert (record.calls, record.exc) == (["made", "data", "eof", "lost"], None)


async def test_write_eof_with_nothing_waiting_is_at_once(connect: Connect) -> None:
    rig = await connect(Record())
    rig.transport.write_eof()
    assert await rig.rest() == b""
    assert not rig.transport.is_closing()


async def test_a_write_after_close(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    rig.transport.close()
    rig.transport.write(b"")
    assert outcome(lambda: rig.transport.write(b"more")) is DIFFERENCES["write after close"][rig.kind]
    await record.until("lost")
    await turns()
    assert outcome(lambda: rig.transport.write(b"more")) is DIFFERENCES["write after the end"][rig.kind]
    assert await rig.rest() == b""


async def test_a_write_after_close_while_bytes_wait(connect: Connect) -> None:
    rig = await connect(Record())
    written = rig.clog()
    rig.transport.close()
    found = outcome(lambda: rig.transport.write(b"more"))
    if (await rig.rest())[written:] == b"more":
        found = "sent"
    assert found == DIFFERENCES["write while closing"][rig.kind]


# Flow control.


async def test_the_marks_by_default(connect: Connect) -> None:
    rig = await connect(Record())
    assert rig.transport.get_write_buffer_limits() == (DIFFERENCES["low mark"][rig.kind], 65536)
    assert rig.transport.get_write_buffer_size() == 0


async def test_marks_follow_from_each_other(connect: Connect) -> None:
    rig = await connect(Record())
    marks = rig.transport.get_write_buffer_limits
    for high, low, expected in [
        (None, None, (16384, 65536)),
        (1000, None, (250, 1000)),
        (None, 1000, (1000, 4000)),
        (9, 9, (9, 9)),
        (3, None, (0, 3)),
        (0, None, (0, 0)),
    ]:
        rig.transport.set_write_buffer_limits(high, low)
        assert marks() == expected
    for high, low in [(1, 2), (None, -1), (-1, None)]:
        with pytest.raises(ValueError, match="high"):
            rig.transport.set_write_buffer_limits(high, low)
    assert marks() == (0, 0)


async def test_pausing_is_above_the_high_mark_and_resuming_at_the_low_one(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    high, low = 100_000, 1000
    rig.transport.set_write_buffer_limits(high, low)
    written = rig.clog()
    rest = high - rig.transport.get_write_buffer_size()
    rig.transport.write(bytes(rest))
    assert (rig.transport.get_write_buffer_size(), record.calls) == (high, ["made"])
    rig.transport.write(b"1")
    assert record.calls == ["made", "pause"]  # in the middle of the write
    rig.transport.write(b"2")
    assert rig.transport.get_write_buffer_size() == high + 2
    sizes: list[int] = []
    record.at["resume"] = lambda: sizes.append(rig.transport.get_write_buffer_size())
    await rig.read(written + rest + 2)
    await record.until("resume")
    assert record.calls == ["made", "pause", "resume"]
    assert sizes[0] <= low
    rig.transport.close()
    assert len(await rig.rest()) == written + rest + 2


async def test_lowering_the_marks_pauses_at_once(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    rig.clog()
    rig.transport.set_write_buffer_limits(0)
    assert record.calls == ["made", "pause"]
    rig.transport.set_write_buffer_limits(0)
    assert record.calls == ["made", "pause"]


async def test_what_is_written_in_resume_writing_comes_last(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    record.at["resume"] = lambda: rig.transport.write(b"again")
    written = rig.clog()
    rig.transport.set_write_buffer_limits(0)
    assert await rig.read(written + 5) == bytes(written) + b"again"


async def test_writelines_fills_too(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    rig.clog()
    rig.transport.writelines([bytes(40_000), bytes(40_000)])
    assert record.calls.count("pause") == DIFFERENCES["writelines fills"][rig.kind]


@pytest.mark.parametrize("call", ["pause", "resume"])
async def test_exceptions_of_flow_control_go_to_the_loop(
    connect: Connect, call: str, loop_errors: list[dict[str, Any]]
) -> None:
    record = Record()
    rig = await connect(record)
    error = ValueError(call)

    def fail() -> None:
        raise error

    record.at[call] = fail
    written = rig.clog()
    rig.transport.set_write_buffer_limits(0)
    await rig.read(written)
    await record.until("resume")
    (context,) = loop_errors
    assert context["message"] == f"protocol.{call}_writing() failed"
    assert context["exception"] is error
    assert context["transport"] is rig.transport
    assert context["protocol"] is record
    assert not rig.transport.is_closing()
    rig.transport.write(b"on")
    assert (await rig.read(written + 2))[written:] == b"on"


# Reading.


async def test_pausing_keeps_bytes_and_the_end(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    await turns()
    assert rig.transport.is_reading()
    rig.transport.pause_reading()
    rig.transport.pause_reading()
    assert not rig.transport.is_reading()
    rig.feed(b"abc")
    rig.feed(b"def")
    rig.feed_eof()
    await turns()
    assert record.calls == ["made"]
    rig.transport.resume_reading()
    rig.transport.resume_reading()
    assert rig.transport.is_reading()
    assert record.calls == ["made"]  # not out of the call
    await record.until("lost")
    assert (record.calls, bytes(record.data)) == (["made", "data", "eof", "lost"], b"abcdef")


async def test_pausing_in_data_received_keeps_the_rest(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    record.at["data"] = rig.transport.pause_reading
    rig.feed(b"abc")
    await record.has(3)
    rig.feed(b"def")
    await turns()
    assert record.data == b"abc"
    rig.transport.resume_reading()
    await record.has(6)
    assert record.data == b"abcdef"


async def test_pausing_in_connection_made(connect: Connect) -> None:
    record = Record()
    record.at["made"] = lambda: record.transport.pause_reading()
    rig = await connect(record)
    rig.feed(b"abc")
    await turns()
    assert ("arrived" if record.data else "kept") == DIFFERENCES["pause at once"][rig.kind]


@pytest.mark.parametrize("end", ["close", "abort"])
async def test_closing_in_data_received_keeps_all_else_away(connect: Connect, end: str) -> None:
    record = Record()
    rig = await connect(record)
    record.at["data"] = getattr(rig.transport, end)
    rig.feed(b"abc")
    await record.until("data")
    with suppress(OSError, RuntimeError):  # it may be gone already
        rig.feed(b"def")
    await record.until("lost")
    await turns()
    assert (record.calls, bytes(record.data)) == (["made", "data", "lost"], b"abc")


async def test_an_end_that_closes_writes_out_what_waits(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    written = rig.clog()
    record.at["eof"] = lambda: rig.transport.write(b"goodbye")
    rig.feed_eof()
    await record.until("eof")
    assert rig.transport.is_closing()
    assert await rig.rest() == bytes(written) + b"goodbye"
    await record.until("lost")
    assert (record.calls, record.exc) == (["made", "eof", "lost"], None)


async def test_an_end_that_keeps_open(connect: Connect) -> None:
    record = Record()
    record.keep_open = True
    rig = await connect(record)
    rig.feed_eof()
    await record.until("eof")
    await turns()
    assert not rig.transport.is_closing()
    rig.transport.write(b"later")
    assert await rig.read(5) == b"later"
    rig.transport.close()
    await record.until("lost")
    assert (record.calls, record.exc) == (["made", "eof", "lost"], None)


async def test_an_end_that_keeps_open_and_reading_resumed(connect: Connect) -> None:
    record = Record()
    record.keep_open = True
    rig = await connect(record)
    rig.feed_eof()
    await record.until("eof")
    rig.transport.pause_reading()
    rig.transport.resume_reading()
    await turns()
    assert record.calls.count("eof") == DIFFERENCES["eof after resuming"][rig.kind]


@pytest.mark.parametrize(("call", "exc"), [("data", ValueError("bad")), ("eof", ValueError("bad"))])
async def test_an_exception_of_the_protocol_ends_the_connection(
    connect: Connect, call: str, exc: Exception, loop_errors: list[dict[str, Any]]
) -> None:
    record = Record()
    rig = await connect(record)

    def fail() -> None:
        raise exc

    record.at[call] = fail
    rig.clog()
    rig.feed(b"abc")
    rig.feed_eof()
    await record.until("lost")
    await turns()
    assert record.exc is exc
    assert record.calls == ["made", "data", *(["eof"] if call == "eof" else []), "lost"]
    assert [context["exception"] for context in loop_errors] == [exc]


async def test_an_os_error_of_the_protocol_ends_it_too(connect: Connect, loop_errors: list[dict[str, Any]]) -> None:
    record = Record()
    rig = await connect(record)
    exc = OSError("of a file, say")

    def fail() -> None:
        raise exc

    record.at["data"] = fail
    rig.feed(b"abc")
    await record.until("lost")
    assert record.exc is exc
    assert len(loop_errors) == DIFFERENCES["an OSError of the protocol"][rig.kind]


# Breaking off.


async def test_a_reset_is_an_error_after_the_bytes_before_it(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    rig.transport.write(b"unread")
    rig.feed(b"abc")
    rig.reset()
    await record.until("lost")
    await turns()
    assert (record.calls, bytes(record.data)) == (["made", "data", "lost"], b"abc")
    assert type(record.exc) is ConnectionResetError
    assert rig.transport.is_closing()


async def test_a_reset_throws_away_what_waits(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    rig.clog()
    rig.transport.pause_reading()  # and is noticed by writing
    rig.reset()
    await record.until("lost")
    assert isinstance(record.exc, ConnectionError)
    assert record.calls == ["made", "lost"]


async def test_a_reset_is_not_noticed_while_nobody_reads_or_writes(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    await turns()
    rig.transport.write(b"unread")
    rig.transport.pause_reading()
    rig.reset()
    await turns()
    assert (record.calls, rig.transport.is_closing()) == (["made"], False)
    rig.transport.resume_reading()
    await record.until("lost")
    assert type(record.exc) is ConnectionResetError


async def test_a_reset_is_noticed_by_writing_and_no_write_fails(connect: Connect) -> None:
    record = Record()
    rig = await connect(record)
    await turns()
    rig.transport.write(b"unread")
    rig.transport.pause_reading()
    rig.reset()
    rig.transport.write(b"to nobody")
    assert rig.transport.is_closing()
    assert record.calls == ["made"]
    rig.transport.write(b"to nobody")
    await record.until("lost")
    assert isinstance(record.exc, ConnectionError)
    assert record.calls == ["made", "lost"]


# Other protocols.


async def test_another_protocol_gets_what_comes_from_then_on(connect: Connect) -> None:
    first, second = Record(), Record()
    rig = await connect(first)
    rig.feed(b"abc")
    await first.has(3)
    rig.transport.set_protocol(second)
    assert rig.transport.get_protocol() is second
    rig.feed(b"def")
    await second.has(3)
    rig.clog()
    rig.transport.set_write_buffer_limits(0)
    rig.feed_eof()
    await rig.rest()
    await second.until("lost")
    assert (first.calls, second.calls) == (["made", "data"], ["data", "pause", "eof", "resume", "lost"])


async def test_a_buffered_protocol_is_read_into_its_buffer(connect: Connect) -> None:
    record = Buffered(4)
    rig = await connect(record)
    rig.feed(b"abcdefghij")
    rig.feed_eof()
    await record.until("lost")
    assert (bytes(record.data), record.pieces) == (b"abcdefghij", [4, 4, 2])
    assert record.calls == ["made", "data", "eof", "lost"]


async def test_from_plain_to_buffered_and_back(connect: Connect) -> None:
    plain, buffered = Record(), Buffered(2)
    rig = await connect(plain)
    for protocol in (buffered, plain):
        rig.transport.set_protocol(protocol)
        rig.feed(b"abcd")
        await protocol.has(4)
    assert (plain.pieces, buffered.pieces) == ([4], [2, 2])


async def test_a_buffer_without_room_ends_the_connection(connect: Connect, loop_errors: list[dict[str, Any]]) -> None:
    record = Buffered(0)
    rig = await connect(record)
    rig.feed(b"abc")
    await record.until("lost")
    assert isinstance(record.exc, RuntimeError)
    assert [context["exception"] for context in loop_errors] == [record.exc]
    assert record.calls == ["made", "lost"]


async def test_streams_wait_for_a_slow_peer(connect: Connect) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(PIECE, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    rig = await connect(protocol)
    writer = asyncio.StreamWriter(rig.transport, protocol, reader, loop)
    writer.transport.set_write_buffer_limits(0)
    written = rig.clog()
    draining = asyncio.create_task(writer.drain())
    await turns()
    assert not draining.done()
    await rig.read(written)
    await draining
    rig.feed(b"line\nrest")
    rig.feed_eof()
    assert (await reader.readline(), await reader.read()) == (b"line\n", b"rest")
    writer.close()
    await writer.wait_closed()
