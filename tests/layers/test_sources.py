"""How much one source may ask for, and which addresses are never answered, for those that no test can send from."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.layers.admission import place
from netkit.layers.datagrams.exchange import Exchange
from netkit.layers.datagrams.sources import Sources
from netkit.layers.delivery import Delivery
from netkit.limits import Limits
from netkit.services.echo import Echo


def allowed(sources: Sources, key: str, times: int, now: float) -> int:
    return sum(sources.allows(key, now) for _ in range(times))


def test_a_burst_and_then_the_rate() -> None:
    sources = Sources(Limits(datagram_rate=10, datagram_burst=5))
    assert allowed(sources, "a", 9, now=100.0) == 5
    assert allowed(sources, "a", 9, now=100.05) == 0
    assert allowed(sources, "a", 9, now=100.11) == 1
    assert allowed(sources, "a", 9, now=100.55) == 4
    assert allowed(sources, "a", 9, now=1000.0) == 5


def test_each_source_has_its_own() -> None:
    sources = Sources(Limits(datagram_rate=1, datagram_burst=2))
    assert [allowed(sources, key, 3, now=0.0) for key in ("a", "b", "a")] == [2, 2, 0]


def test_who_is_exempt_leaves_no_trace() -> None:
    sources = Sources(Limits(datagram_rate=1, datagram_burst=1))
    assert all(sources.allows(None, 0.0) for _ in range(10))
    assert not sources.buckets


def test_no_rate_is_no_bound() -> None:
    sources = Sources(Limits(datagram_rate=0, datagram_burst=1))
    assert allowed(sources, "a", 10, now=0.0) == 10


def test_whoever_was_silent_longest_is_forgotten() -> None:
    sources = Sources(Limits(datagram_rate=1, datagram_burst=1, datagram_sources=2))
    for key in ("a", "b", "a", "c"):
        sources.allows(key, 0.0)
    assert list(sources.buckets) == ["a", "c"]


def test_all_of_the_default_are_about_a_megabyte() -> None:
    tracemalloc.start()
    sources = Sources(Limits())
    for number in range(5000):
        sources.allows(f"2001:db8:{number:x}:ffff::/64", number / 7)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(sources.buckets) == Limits().datagram_sources
    assert 0.5e6 < size < 2e6


@given(st.floats(0.1, 1000), st.integers(1, 20), st.lists(st.floats(0, 2), max_size=60))
def test_never_more_than_a_burst_and_the_rate(rate: float, burst: int, pauses: list[float]) -> None:
    """In whatever stretch of time."""
    sources = Sources(Limits(datagram_rate=rate, datagram_burst=burst))
    now = 0.0
    answered = []
    for pause in pauses:
        now += pause
        if sources.allows("a", now):
            answered.append(now)
    for first, start in enumerate(answered):
        for last, end in enumerate(answered[first:], 1):
            assert last <= burst + rate * (end - start) + 1e-6


V4, V6 = ("192.0.2.1", 7777), ("2001:db8::1", 7777, 0, 0)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (("192.0.2.7", 0), "from a port below 1024"),
        (("192.0.2.7", 7), "from a port below 1024"),
        (("192.0.2.7", 1023), "from a port below 1024"),
        (("192.0.2.7", 1024), ""),
        (("127.0.0.1", 1023), "from a port below 1024"),
        (("2001:db8::7", 53, 0, 0), "from a port below 1024"),
        (V4, "from an address of our own"),
        (V6, "from an address of our own"),
        (("2001:db8::1%eth0", 7777, 0, 2), "from an address of our own"),
        (("192.0.2.1", 7778), ""),
        (("192.0.2.2", 7777), ""),
    ],
)
async def test_who_is_not_answered(address: tuple[Any, ...], reason: str) -> None:
    exchange = Exchange(Delivery(Echo(), Limits()))
    exchange.own = {V4, (V6[0], V6[1])}
    assert exchange.refusal(place(address), address) == reason


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
async def test_with_every_address_our_own_port_is_answered_nowhere(wildcard: str) -> None:
    """Whoever else has it is most likely another such echo."""
    exchange = Exchange(Delivery(Echo(), Limits()))
    exchange.own = {(wildcard, 7777)}
    for address in (V4, V6, ("127.0.0.1", 7777)):
        assert exchange.refusal(place(address), address) == "from an address of our own"
    assert exchange.refusal(None, ("127.0.0.1", 7778)) == ""


async def test_a_source_is_counted_as_a_connection_is() -> None:
    exchange = Exchange(Delivery(Echo(), Limits(datagram_burst=1, datagram_rate=0.001)))
    one, other, beyond = (("2001:db8:1:2::1", 5000, 0, 0), ("2001:db8:1:2:9::9", 6000, 0, 0), ("2001:db8:1:3::1", 5000))
    assert [exchange.answer(b"x", address) for address in (one, other, beyond)] == [b"x", None, b"x"]
    assert exchange.dropped == {"over the rate of their source": 1}
    await exchange.gone()
