"""What a test can do with a transport in memory. What it shares with a real one is in ``test_conformance``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import netkit.testing
from netkit.testing import MemoryTransport
from tests.testing.rig import Buffered, Calls, Record

PEER = ("192.0.2.7", 50312)


async def connected(protocol: Calls) -> MemoryTransport:
    transport = MemoryTransport(protocol)
    await transport.settled()
    assert protocol.calls == ["made"]
    return transport


async def test_the_example_of_the_package() -> None:
    class Shout(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data.upper())

    assert netkit.testing.__doc__ is not None
    block = netkit.testing.__doc__.split("::\n\n", 1)[1].split("\n\n", 1)[0]
    assert len(block.splitlines()) == 5
    names: dict[str, Callable[[type[asyncio.Protocol]], object]] = {}
    exec(f"from netkit.testing import *\nasync def example(Shout):\n{block}", names)
    example = names["example"](Shout)
    assert asyncio.iscoroutine(example)
    await example


def test_all_that_is_public_is_there_and_told() -> None:
    for name in netkit.testing.__all__:
        assert getattr(netkit.testing, name).__doc__


def test_without_a_loop_there_is_no_transport() -> None:
    with pytest.raises(RuntimeError):
        MemoryTransport(Record())


# Being fed.


async def test_what_is_fed_before_connection_made_arrives_after_it() -> None:
    record = Record()
    transport = MemoryTransport(record)
    transport.feed(b"early")
    transport.feed_eof()
    assert (record.calls, transport.unread) == ([], b"early")
    await transport.settled()
    assert record.calls == ["made", "data", "eof", "lost"]
    assert transport.unread == b""


async def test_nothing_runs_out_of_a_call_of_the_test() -> None:
    record = Record()
    transport = await connected(record)
    transport.stall()
    transport.write(bytes(100_000))
    record.calls.clear()
    transport.feed(b"a")
    transport.release()
    transport.feed_eof()
    assert record.calls == []
    await transport.settled()
    assert record.calls == ["data", "resume", "eof", "lost"]


@pytest.mark.parametrize(
    ("sizes", "pieces"),
    [(None, [10]), (4, [4, 4, 2]), ((1, 2), [1, 2, 7]), ((3, 100), [3, 7]), ((), [10])],
    ids=["whole", "each", "some", "longer", "none"],
)
async def test_what_is_fed_arrives_in_pieces(sizes: int | tuple[int, ...] | None, pieces: list[int]) -> None:
    record = Record()
    transport = await connected(record)
    transport.fragment(sizes)
    transport.feed(b"0123")
    transport.feed(b"456789")
    await transport.settled()
    assert (record.pieces, bytes(record.data)) == (pieces, b"0123456789")
    transport.close()


async def test_each_piece_has_a_turn_of_the_loop() -> None:
    record = Record()
    transport = await connected(record)
    transport.fragment(1)
    transport.feed(b"abc")
    for number in (1, 2, 3):
        await asyncio.sleep(0)
        assert len(record.pieces) == number
    transport.fragment()
    transport.feed(b"def")
    await transport.settled()
    assert record.pieces == [1, 1, 1, 3]


async def test_a_piece_without_a_byte_is_refused() -> None:
    transport = MemoryTransport(Record())
    for wrong in (0, -1, [1, 0]):
        with pytest.raises(ValueError, match="at least one byte"):
            transport.fragment(wrong)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=5), st.lists(st.integers(1, 9)), st.integers(1, 5), st.booleans())
def test_any_fragmentation_gives_the_same_bytes(
    chunks: list[bytes], sizes: list[int], buffer: int, buffered: bool
) -> None:
    async def play() -> bytes:
        record = Buffered(buffer) if buffered else Record()
        transport = MemoryTransport(record)
        transport.fragment(sizes)
        for chunk in chunks:
            transport.feed(chunk)
        transport.feed_eof()
        await transport.wait_closed()
        return bytes(record.data)

    assert asyncio.run(play()) == b"".join(chunks)


async def test_feeding_too_late_is_an_error() -> None:
    transport = await connected(Record())
    transport.feed_eof()
    with pytest.raises(RuntimeError, match=r"^feed\(\) after feed_eof\(\)"):
        transport.feed(b"a")
    with pytest.raises(RuntimeError, match=r"^feed_eof\(\) after feed_eof\(\)"):
        transport.feed_eof()
    await transport.wait_closed()
    with pytest.raises(RuntimeError, match=r"^feed\(\) after connection_lost\(\)"):
        transport.feed(b"a")
    with pytest.raises(RuntimeError, match=r"^reset\(\) after connection_lost\(\)"):
        transport.reset()


async def test_feeding_after_a_reset_is_an_error() -> None:
    transport = await connected(Record())
    transport.reset()
    with pytest.raises(RuntimeError, match=r"^feed\(\) after reset\(\)"):
        transport.feed(b"a")
    with pytest.raises(RuntimeError, match=r"^feed_eof\(\) after reset\(\)"):
        transport.feed_eof()
    with pytest.raises(RuntimeError, match=r"^reset\(\) after reset\(\)"):
        transport.reset()
    await transport.wait_closed()


# Being written to.


async def test_stalled_it_lets_out_as_many_bytes_as_are_released() -> None:
    transport = await connected(Record())
    transport.write(b"ab")
    assert (transport.sent, transport.waiting) == (b"ab", b"")
    transport.stall()
    transport.write(b"cdef")
    transport.release(1)
    assert transport.sent == b"ab"
    await transport.settled()
    assert (transport.sent, transport.waiting) == (b"abc", b"def")
    transport.release(5)  # three leave, and there is room for two more
    await transport.settled()
    transport.write(b"ghijk")
    assert (transport.sent, transport.waiting) == (b"abcdefgh", b"ijk")
    transport.release()
    await transport.settled()
    transport.write(b"l")
    assert (transport.sent, transport.waiting) == (b"abcdefghijkl", b"")
    transport.release(3)  # it is not stalled
    transport.write(b"mnop")
    assert transport.waiting == b""
    with pytest.raises(ValueError, match="cannot leave"):
        transport.release(-1)


async def test_pausing_and_resuming_to_the_byte() -> None:
    record = Record()
    transport = await connected(record)
    transport.stall()
    transport.write(bytes(65536))
    assert record.calls == ["made"]
    transport.write(bytes(1))
    assert record.calls == ["made", "pause"]
    transport.release(65536 - 16384)
    await transport.settled()
    assert (record.calls, transport.get_write_buffer_size()) == (["made", "pause"], 16385)
    transport.release(1)
    await transport.settled()
    assert record.calls == ["made", "pause", "resume"]


async def test_what_waits_may_change_where_it_came_from() -> None:
    transport = await connected(Record())
    transport.stall()
    data = bytearray(b"before")
    transport.write(data)
    data[:] = b"after!"
    assert transport.waiting == b"before"


async def test_the_end_leaves_after_what_waits() -> None:
    transport = await connected(Record())
    transport.stall()
    transport.write(b"last")
    transport.write_eof()
    transport.release(3)
    await transport.settled()
    assert not transport.sent_eof
    transport.release(1)
    await transport.settled()
    assert (transport.sent_eof, transport.is_closing()) == (True, False)


async def test_an_abort_in_resume_writing_is_one_end() -> None:
    record = Record()
    transport = await connected(record)
    record.at["resume"] = transport.abort
    transport.stall()
    transport.write(bytes(70_000))
    transport.close()
    transport.release()
    await transport.settled()
    assert record.calls == ["made", "pause", "resume", "lost"]


async def test_after_the_last_byte_of_a_close_there_is_no_second_end() -> None:
    record = Record()
    transport = await connected(record)
    transport.stall()
    transport.write(b"waits")
    transport.close()
    transport.release()
    await transport.wait_closed()
    transport.abort()
    transport.close()
    await transport.settled()
    assert record.calls == ["made", "lost"]


async def test_a_write_after_an_end_that_closed_is_an_error() -> None:
    """What a protocol often gets wrong: to answer later than an eof_received that returned None."""
    transport = await connected(Record())
    transport.feed_eof()
    await transport.settled()
    with pytest.raises(RuntimeError, match=r"^write\(\) after close\(\): a real transport throws the bytes away"):
        transport.write(b"too late")


async def test_waiting_for_what_is_sent() -> None:
    transport = await connected(Record())
    waiting = asyncio.create_task(transport.wait_sent(4))
    await asyncio.sleep(0)
    transport.write(b"abc")
    await asyncio.sleep(0)
    assert not waiting.done()
    transport.write(b"de")
    assert await waiting == b"abcde"
    waiting = asyncio.create_task(transport.wait_sent(9))
    transport.close()
    with pytest.raises(asyncio.IncompleteReadError) as ended:
        await waiting
    assert ended.value.partial == b"abcde"


async def test_waiting_for_what_waits() -> None:
    transport = await connected(Record())
    transport.stall()
    waiting = asyncio.create_task(transport.wait_waiting(3))
    transport.write(b"ab")
    await asyncio.sleep(0)
    assert not waiting.done()
    transport.write(b"c")
    assert await waiting == b"abc"
    transport.abort()
    with pytest.raises(asyncio.IncompleteReadError):
        await transport.wait_waiting(1)


async def test_the_reason_of_a_reset_may_be_another() -> None:
    record = Record()
    transport = await connected(record)
    transport.reset(TimeoutError("gone"))
    await transport.wait_closed()
    assert isinstance(record.exc, TimeoutError)


# What it is.


async def test_extra_info_is_what_it_was_given() -> None:
    transport = MemoryTransport(Record(), extra={"peername": PEER})
    assert transport.get_extra_info("peername") == PEER
    assert transport.get_extra_info("socket", "none") == "none"
    assert repr(transport) == "<MemoryTransport open, 0 sent, 0 waiting>"
    transport.stall()
    transport.write(b"a")
    transport.close()
    assert repr(transport) == "<MemoryTransport closing, 0 sent, 1 waiting>"
    transport.abort()
    await transport.settled()
    assert repr(transport) == "<MemoryTransport lost, 0 sent, 0 waiting>"


async def test_a_protocol_may_come_later() -> None:
    transport = MemoryTransport()
    transport.feed(b"abc")
    await asyncio.sleep(0)
    record = Record()
    transport.attach(record)
    await transport.settled()
    assert (record.calls, bytes(record.data)) == (["made", "data"], b"abc")
    with pytest.raises(RuntimeError, match="has a protocol already"):
        transport.attach(record)
