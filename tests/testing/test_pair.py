"""Two transports that are each other's peer: bytes, ends and back pressure from one to the other."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netkit.testing import pair
from tests.testing.rig import Record


async def test_a_pair_carries_bytes_and_ends_both_ways() -> None:
    one, two = Record(), Record()
    one.keep_open = two.keep_open = True
    a, b = pair(lambda: one, lambda: two)
    await a.settled()
    a.write(b"to b")
    b.write(b"to a")
    a.write_eof()
    await b.settled()
    assert (one.calls, two.calls) == (["made", "data"], ["made", "data", "eof"])
    assert (bytes(one.data), bytes(two.data)) == (b"to a", b"to b")
    b.write(b" still")
    b.write_eof()
    await a.settled()
    assert (one.calls, bytes(one.data)) == (["made", "data", "eof"], b"to a still")


async def test_closing_one_of_a_pair_ends_the_other_and_breaks_its_writes() -> None:
    one, two = Record(), Record()
    one.keep_open = True
    a, b = pair(lambda: one, lambda: two)
    b.close()
    await a.settled()
    assert (one.calls, two.calls) == (["made", "eof"], ["made", "lost"])
    a.write(b"to nobody")
    await a.settled()
    assert (one.calls, type(one.exc)) == (["made", "eof", "lost"], BrokenPipeError)


async def test_back_pressure_across_a_pair() -> None:
    one, two = Record(), Record()
    a, b = pair(lambda: one, lambda: two, capacity=10)
    a.set_write_buffer_limits(5, 2)
    await a.settled()
    b.pause_reading()
    a.write(b"0123456789")
    a.write(b"abcde")
    assert one.calls == ["made"]
    a.write(b"f")
    await a.settled()
    assert one.calls == ["made", "pause"]
    assert (b.unread, a.waiting, bytes(two.data)) == (b"0123456789", b"abcdef", b"")
    b.fragment(4)
    b.resume_reading()
    await a.settled()
    assert bytes(two.data) == b"0123456789abcdef"
    assert one.calls == ["made", "pause", "resume"]
    a.stall()
    a.write(b"!")
    await a.settled()
    assert (a.waiting, bytes(two.data[-1:])) == (b"!", b"f")
    with pytest.raises(ValueError, match="at least one byte"):
        pair(Record, Record, capacity=0)


async def test_closed_with_unread_bytes_a_pair_breaks_off() -> None:
    one, two = Record(), Record()
    a, b = pair(lambda: one, lambda: two)
    await a.settled()
    b.pause_reading()
    a.write(b"unread")
    await a.settled()
    b.abort()
    await a.settled()
    assert (one.calls, two.calls) == (["made", "lost"], ["made", "lost"])
    assert (type(one.exc), two.exc) == (ConnectionResetError, None)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 20), st.lists(st.integers(1, 30)), st.integers(0, 30))
def test_any_capacity_gives_the_same_bytes(data: bytes, capacity: int, sizes: list[int], high: int) -> None:
    async def play() -> None:
        one, two = Record(), Record()
        a, b = pair(lambda: one, lambda: two, capacity=capacity)
        a.set_write_buffer_limits(high)
        b.fragment(sizes)
        await a.settled()
        a.write(data)
        a.close()
        await b.wait_closed()
        assert two.data == data
        assert one.calls.count("pause") == one.calls.count("resume") == (len(data) - capacity > high)

    asyncio.run(play())
