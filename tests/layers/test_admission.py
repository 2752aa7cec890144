"""Who gets a place, for addresses that no test can connect from."""

from __future__ import annotations

import ipaddress
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.endings import Ending
from netkit.layers.admission import Address, Admission, Refused, place
from netkit.layers.arrivals import WINDOW
from netkit.limits import Limits


def v4(host: str) -> Address:
    return (host, 50312)


def v6(host: str, scope: int = 0) -> Address:
    return (host, 50312, 0, scope)


@pytest.mark.parametrize(
    ("address", "counted_under"),
    [
        (v4("192.0.2.7"), "192.0.2.7"),
        (v6("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"),
        (v6("fe80::1%eth0", 2), "fe80::/64"),
        (v6("::ffff:192.0.2.7"), "192.0.2.7"),
        (v4("127.0.0.1"), None),
        (v4("127.8.9.10"), None),
        (v6("::1"), None),
        (v6("::ffff:127.0.0.1"), None),
        ("", None),
        ("/run/peer.sock", None),
        (b"\0abstract", None),
        (None, None),
    ],
)
def test_what_a_peer_is_counted_under(address: Address, counted_under: str | None) -> None:
    assert place(address) == counted_under


@given(st.ip_addresses())
def test_every_address_is_counted_under_something(host: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    found = place(v4(str(host)) if host.version == 4 else v6(str(host)))
    assert (found is None) == (getattr(host, "ipv4_mapped", None) or host).is_loopback


def test_one_address_has_so_many_places_and_another_has_its_own() -> None:
    admission = Admission(Limits(per_address=2))
    keys = [admission.take(v4("192.0.2.7"), 0.0) for _ in range(2)]
    with pytest.raises(Refused) as refused:
        admission.take(v4("192.0.2.7"), 0.0)
    assert refused.value.reason == Ending.ADDRESS_FULL
    assert admission.take(v4("192.0.2.8"), 0.0) == "192.0.2.8"
    admission.leave(keys[0])
    assert admission.take(v4("192.0.2.7"), 0.0) == "192.0.2.7"


def test_all_of_a_64_share_their_places() -> None:
    admission = Admission(Limits(per_address=1))
    admission.take(v6("2001:db8:1:2::1"), 0.0)
    with pytest.raises(Refused):
        admission.take(v6("2001:db8:1:2:ffff::9"), 0.0)
    admission.take(v6("2001:db8:1:3::1"), 0.0)


def test_who_is_exempt_from_the_one_is_not_from_the_other() -> None:
    admission = Admission(Limits(connections=2, per_address=1))
    for address in (v4("127.0.0.1"), ""):
        admission.take(address, 0.0)
    for address in (v4("127.0.0.1"), "", v4("192.0.2.7")):
        with pytest.raises(Refused) as refused:
            admission.take(address, 0.0)
        assert refused.value.reason == Ending.SERVER_FULL


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=60))
def test_what_is_taken_is_what_has_not_left(steps: list[tuple[bool, int]]) -> None:
    """Against a list of who is there."""
    limits = Limits(connections=8, per_address=3, new_connections=0)
    admission = Admission(limits)
    here: list[str | None] = []
    for come, number in steps:
        if come:
            address = v4("127.0.0.1") if number == 0 else v4(f"192.0.2.{number}")
            key = place(address)
            full = len(here) >= limits.connections or (key is not None and here.count(key) >= limits.per_address)
            try:
                here.append(admission.take(address, 0.0))
                assert not full
            except Refused:
                assert full
        elif here:
            admission.leave(here.pop(number % len(here)))
        assert admission.taken == len(here)
        assert admission.taken_by == Counter(key for key in here if key is not None)


def test_who_comes_too_often_is_turned_away_and_who_is_exempt_is_not() -> None:
    admission = Admission(Limits(new_connections=2, per_address=1))
    for _ in range(2):
        admission.leave(admission.take(v4("192.0.2.7"), 0.0))
    with pytest.raises(Refused) as refused:
        admission.take(v4("192.0.2.7"), 1.0)
    assert refused.value.reason == Ending.CONNECT_FLOOD
    assert admission.taken == 0
    admission.leave(admission.take(v4("192.0.2.7"), WINDOW))
    for address in (v4("127.0.0.1"), v6("::1"), "") * 3:
        admission.leave(admission.take(address, 1.0))


def test_who_gets_no_place_has_not_come() -> None:
    admission = Admission(Limits(new_connections=2, per_address=1))
    key = admission.take(v4("192.0.2.7"), 0.0)
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            admission.take(v4("192.0.2.7"), 0.0)
        assert refused.value.reason == Ending.ADDRESS_FULL
    admission.leave(key)
    admission.take(v4("192.0.2.7"), 0.0)
