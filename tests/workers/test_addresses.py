"""Addresses that workers share: whose they are, and who gets what arrives there."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from netkit.endpoints import Bound, Endpoint, bind
from netkit.errors import ListenError
from netkit.workers.addresses import Addresses

TCP, UDP = Endpoint.parse("tcp://127.0.0.1:0"), Endpoint.parse("udp://127.0.0.1:0")

#: So many connections that a fair coin hardly ever leaves one of two without.
MANY = 40


@pytest.fixture(params=[TCP, UDP], ids=lambda endpoint: str(endpoint.scheme))
def addresses(request: pytest.FixtureRequest) -> Iterator[Addresses]:
    with closing(Addresses([request.param], 100)) as found:
        yield found


@pytest.fixture
def workers(addresses: Addresses) -> Iterator[list[socket.socket]]:
    """The sockets of two workers, which listen."""
    bounds = [*addresses.sockets(), *addresses.sockets()]
    for bound in bounds:
        if bound.endpoint.scheme == "tcp":
            bound.sock.listen(100)
    yield [bound.sock for bound in bounds]
    shut(bounds)


def shut(bounds: list[Bound]) -> None:
    for bound in bounds:
        bound.sock.close()


def test_all_have_the_port_that_is_told(addresses: Addresses, workers: list[socket.socket]) -> None:
    (endpoint,) = addresses.endpoints
    assert endpoint.port > 0
    assert [sock.getsockname() for sock in workers] == [("127.0.0.1", endpoint.port)] * 2


def test_each_gets_a_part_of_what_arrives(addresses: Addresses, workers: list[socket.socket]) -> None:
    (endpoint,) = addresses.endpoints
    clients = [socket.socket(type=workers[0].type) for _ in range(MANY)]
    for client in clients:
        client.connect(("127.0.0.1", endpoint.port))
        if endpoint.scheme == "udp":
            client.send(b"x")
    got = [arrivals(sock) for sock in workers]
    for client in clients:
        client.close()
    assert sum(got) == MANY
    assert min(got) > 0


def arrivals(sock: socket.socket) -> int:
    count = 0
    try:
        while True:
            if sock.type == socket.SOCK_DGRAM:
                sock.recv(1)
            else:
                sock.accept()[0].close()
            count += 1
    except BlockingIOError:
        return count


def test_they_are_in_use_for_everybody_else(addresses: Addresses, workers: list[socket.socket]) -> None:
    for other in (bind, lambda endpoint: Addresses([endpoint], 100)):
        with pytest.raises(ListenError, match=" is in use: stop what listens there"):
            other(addresses.endpoints[0])


def test_they_are_in_use_before_any_worker_is_there(addresses: Addresses) -> None:
    """Else two supervisors that start at the same time would share one port."""
    with pytest.raises(ListenError, match=" is in use: stop what listens there"):
        Addresses(addresses.endpoints, 100)


def test_a_worker_that_comes_later_has_the_same_port(addresses: Addresses, workers: list[socket.socket]) -> None:
    workers[0].close()
    (late,) = addresses.sockets()
    assert late.endpoint == addresses.endpoints[0]
    late.sock.close()


def test_a_port_is_kept_while_no_worker_lives_and_nobody_is_sent_there() -> None:
    with closing(Addresses([TCP], 100)) as addresses:
        shut(addresses.sockets())
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", addresses.endpoints[0].port)) != 0
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", addresses.endpoints[0].port))
        (again,) = addresses.sockets()
        again.sock.listen()
        again.sock.close()


def test_a_worker_that_cannot_have_one_has_none(addresses: Addresses) -> None:
    shut(addresses.sockets())
    addresses.endpoints.append(Endpoint.parse("tcp://192.0.2.1:1"))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(ListenError, match="is not an address of this machine"):
        addresses.sockets()
    assert os.listdir("/proc/self/fd") == before


def test_one_that_cannot_be_had_leaves_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        before = os.listdir("/proc/self/fd")
        with pytest.raises(ListenError):
            Addresses([TCP, UDP, Endpoint.parse(text)], 100)
        assert os.listdir("/proc/self/fd") == before
