"""Bans, against a model that looks at each of them."""

from __future__ import annotations

import math
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netkit.services.chat.bans import MAX_BANS, Bans, network_of, read_network
from netkit.services.chat.records import Ban
from netkit.services.chat.refusal import Refusal

# Few bits that differ, so that networks meet.
v4 = st.integers(0, 15).map(lambda bits: str(IPv4Address(0xC0000200 + bits * 0x1111)))
v6 = st.integers(0, 15).map(lambda bits: str(IPv6Address((0x20010DB8 << 96) + bits * (1 << 60))))
mapped = v4.map(lambda address: f"::ffff:{address}")
hosts = v4 | v6 | mapped
networks = st.builds(lambda host, length: read_network(f"{host}/{length}"), v4, st.integers(0, 32)) | st.builds(
    lambda host, length: read_network(f"{host}/{length}"), v6, st.integers(0, 128)
)
lasting = st.none() | st.integers(1, 9).map(float)


def ban(target: str, seconds: float | None = None) -> Ban:
    return Ban(target, "ann", "because", seconds)


def covers(target: str, host: str) -> bool:
    network, address = ip_network(target), ip_address(host)
    address = (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
    return network.version == address.version and address in network


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_who_comes_from_there_is_banned_with_it(host: str, network: str) -> None:
    assert str(network_of(host)) == network
    bans = Bans()
    bans.add(ban(network), 0.0)
    assert bans.of(host, 0.0) == ban(network)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("192.0.2.7/255.255.255.0", "192.0.2.0/24"),
        ("::/0", "::/0"),
        ("2001:DB8::7/64", "2001:db8::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
        ("::ffff:0:0/95", "::fffe:0:0/95"),
        ("fe80::1%eth0", "fe80::1/128"),
        *((text, "") for text in ("", "ann", "192.0.2", "192.0.2.7/33", "#tea", "7", "@ann", "192.0.2.7 x")),
    ],
)
def test_networks_as_people_write_them(text: str, network: str) -> None:
    assert read_network(text) == network


@settings(deadline=None)
@given(
    st.lists(st.tuples(networks, lasting) | networks | st.integers(1, 4), max_size=25),
    st.lists(hosts, min_size=1, max_size=6),
)
def test_a_host_meets_a_ban_if_any_covers_it(
    steps: list[tuple[str, float | None] | str | int], come: list[str]
) -> None:
    bans, now = Bans(), 1000.0
    model: dict[str, float] = {}
    for step in steps:
        if isinstance(step, int):
            now += step
        elif isinstance(step, str):
            assert bans.remove(step) == (step in model)
            model.pop(step, None)
        else:
            bans.add(ban(*step), now)
            model[step[0]] = math.inf if step[1] is None else now + step[1]
        for host in come:
            met = bans.of(host, now)
            there = {target for target, until in model.items() if until > now and covers(target, host)}
            assert (met is None) == (not there)
            if met is not None:
                assert met.target in there
                assert model[met.target] == (math.inf if met.seconds is None else now + met.seconds)
        # A ban that is over may be found out at any look; nobody meets it.
        model = {target: until for target, until in model.items() if until > now}
        assert {each.target for each in bans.all(now)} == model.keys()
        # A look takes a step for each length that there is, and none for those that were.
        assert {length for _, length in bans._lengths} == {ip_network(target).prefixlen for target in model}


def test_a_name_is_banned_apart_from_where_it_comes_from() -> None:
    bans = Bans()
    bans.add(ban("@bob", 60.0), 1000.0)
    assert bans.of("192.0.2.7", 1000.0) is None
    assert bans.find("@bob", 1030.0) == ban("@bob", 30.0)
    assert bans.find("@bob", 1060.0) is None
    assert list(bans.all(1030.0)) == []


def test_who_comes_from_nowhere_meets_no_ban() -> None:
    bans = Bans()
    bans.add(ban("0.0.0.0/0"), 0.0)
    bans.add(ban("::/0"), 0.0)
    assert bans.of("", 0.0) is None


def test_a_later_ban_takes_the_place_of_an_earlier_one() -> None:
    bans = Bans()
    bans.add(ban("192.0.2.0/24", 5.0), 0.0)
    bans.add(ban("192.0.2.0/24"), 0.0)
    assert list(bans.all(100.0)) == [ban("192.0.2.0/24")]
    assert bans.remove("192.0.2.0/24")
    assert bans.of("192.0.2.7", 100.0) is None


def test_there_are_only_so_many_bans_and_those_that_are_over_do_not_count() -> None:
    bans = Bans()
    for number in range(MAX_BANS):
        bans.add(ban(f"@n{number}", 10.0 if number == 7 else None), 0.0)
    with pytest.raises(Refusal):
        bans.add(ban("@more"), 9.0)
    bans.add(ban("@n8", 5.0), 9.0)
    bans.add(ban("@more"), 10.0)
    assert len(list(bans.all(10.0))) == MAX_BANS
