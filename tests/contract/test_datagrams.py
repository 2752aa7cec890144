"""Datagrams come back as they were sent, on every layer and loop; and the server is nobody's weapon."""

from __future__ import annotations

import asyncio
import errno
import logging
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest

import netkit
from netkit import layers
from netkit.errors import EndpointError, ListenError
from netkit.layers import datagrams
from netkit.layers.datagrams import exchange
from netkit.limits import Limits
from netkit.service import Close, Conn, Effects, Service
from netkit.services.chat import Chat
from netkit.services.echo import Echo
from tests.conftest import has_ipv6, lacking
from tests.contract.conftest import PATIENCE
from tests.contract.relay import relay

UDP = "udp://127.0.0.1:0"

#: The most that IPv4 carries.
LARGEST = 65_507

#: As Linux has it: report what ICMP says to sockets that are not connected too. Python has no name for it.
IP_RECVERR = 11


class Peer:
    """A plain socket that knows one server."""

    def __init__(self, server: tuple[str, int], sock: socket.socket) -> None:
        self.sock = sock
        self.sock.setblocking(False)
        self.sock.connect(server)

    @property
    def port(self) -> int:
        return int(self.sock.getsockname()[1])

    def send(self, *some: bytes) -> None:
        for data in some:
            self.sock.send(data)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self.sock, LARGEST)

    async def ask(self, data: bytes) -> bytes:
        self.send(data)
        return await self.receive()

    def has_nothing(self) -> bool:
        try:
            self.sock.recv(LARGEST)
        except BlockingIOError:
            return True
        return False


Meet: TypeAlias = Callable[[netkit.Server], Peer]


@pytest.fixture
def meet() -> Iterator[Meet]:
    """Makes peers of the first endpoint of a server."""
    with ExitStack() as stack:

        def go(server: netkit.Server) -> Peer:
            to = server.endpoints[0]
            family = socket.AF_INET6 if ":" in to.host else socket.AF_INET
            return Peer((to.host, to.port), stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)))

        yield go


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every port of loopback is another address, and none is exempt."""
    monkeypatch.setattr(exchange, "place", lambda address: str(address[1]))


class Answering(Service):
    """Answers every datagram with the same effects."""

    datagrams = True

    def __init__(self, *effects: object) -> None:
        self.effects = effects
        self.asked: list[tuple[Conn, bytes]] = []

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        self.asked.append((conn, data))
        yield from self.effects  # type: ignore[misc]  # some are no effects


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0)


# What comes back.


@pytest.mark.parametrize("listen", [UDP, "udp://[::1]:0"])
async def test_a_datagram_comes_back_as_it_was(layer: str, listen: str, meet: Meet) -> None:
    if ":" in listen.removeprefix("udp://").rpartition(":")[0] and not has_ipv6():
        lacking("ipv6", "there is no IPv6 loopback here")
    async with netkit.serve(Echo(), listen=[listen], layer=layer) as server:
        peer = meet(server)
        for size in (1, 1000, LARGEST, 0, 1):
            data = random.Random(size).randbytes(size)
            assert await peer.ask(data) == data
        assert server.dropped == 0


async def test_the_edges_of_datagrams_are_kept(layer: str, meet: Meet) -> None:
    async with netkit.serve(Echo(), listen=[UDP], layer=layer) as server:
        peer = meet(server)
        some = [b"x" * size for size in (3, 0, 1, 200, 0, 7)]
        peer.send(*some)
        assert [await peer.receive() for _ in some] == some


async def test_each_peer_gets_its_own(layer: str, meet: Meet) -> None:
    async with netkit.serve(Echo(), listen=[UDP], layer=layer) as server:
        peers = [meet(server) for _ in range(10)]
        for number, peer in enumerate(peers):
            peer.send(b"%d" % number)
        assert await asyncio.gather(*(peer.receive() for peer in peers)) == [b"%d" % number for number in range(10)]


async def test_what_comes_back_is_exactly_what_went_through(layer: str, meet: Meet) -> None:
    """Over a network that loses, reorders and repeats, both ways."""
    sent = [b"%d" % number for number in range(400)]
    received: list[bytes] = []
    async with netkit.serve(Echo(), listen=[UDP], layer=layer) as server:
        to = server.endpoints[0]
        async with relay((to.host, to.port), seed=862) as network:
            peer = meet(server)
            peer.sock.connect(network.address)
            for start in range(0, len(sent), 40):  # more at once would not fit into the sockets
                peer.send(*sent[start : start + 40])
                await network.there.until(start + 40)
                await network.back.until(len(network.there.passed))
                received += [await peer.receive() for _ in range(len(network.back.passed) - len(received))]
            network.there.release()
            await network.back.until(len(network.there.passed))
            network.back.release()
            received += [await peer.receive() for _ in range(len(network.back.passed) - len(received))]
            assert peer.has_nothing()
    assert network.there.arrived == sent
    assert network.back.arrived == network.there.passed
    assert received == network.back.passed
    for way in (network.there, network.back):
        assert min(way.lost, way.held, way.repeated) > 10
        assert way.passed != way.arrived


async def test_it_shares_its_service_with_tcp(layer: str, meet: Meet) -> None:
    service = Answering(b"a")
    async with netkit.serve(service, listen=[UDP, "tcp://127.0.0.1:0"], layer=layer) as server:
        assert await meet(server).ask(b"datagram") == b"a"
        reader, writer = await asyncio.open_connection("127.0.0.1", server.endpoints[1].port)
        writer.write(b"stream")
        assert await reader.readexactly(1) == b"a"
        writer.close()
        await writer.wait_closed()
    assert [data for _, data in service.asked] == [b"datagram", b"stream"]


async def test_a_source_is_named(layer: str, meet: Meet) -> None:
    service = Answering(b"")
    async with netkit.serve(service, listen=[UDP], layer=layer) as server:
        peer = meet(server)
        await peer.ask(b"x")
    ((conn, _),) = service.asked
    assert conn.peer == f"udp://127.0.0.1:{peer.port}"
    assert conn.local


# Who is not answered.


async def test_a_low_port_is_never_answered(layer: str, meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that is, here, is that of one of two peers: real ones below 1024 need privileges."""
    async with netkit.serve(Echo(), listen=[UDP], layer=layer) as server:
        low, high = sorted((meet(server), meet(server)), key=lambda peer: peer.port)
        monkeypatch.setattr(exchange, "LOWEST_PORT", high.port)
        low.send(b"x")
        assert await high.ask(b"y") == b"y"
        assert low.has_nothing()
        assert server.dropped == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_it_does_not_answer_itself(layer: str, host: str, meet: Meet) -> None:
    """What its own sockets send to each other would otherwise go round for ever."""
    async with netkit.serve(Echo(), listen=[f"udp://{host}:0"] * 2, layer=layer) as server:
        one, two = server._bound
        to = [("127.0.0.1", each.endpoint.port) for each in (one, two)]
        one.sock.sendto(b"to itself", to[0])
        one.sock.sendto(b"to its twin", to[1])
        two.sock.sendto(b"to its twin", to[0])
        await until(lambda: server.dropped == 3)
        assert await meet(server).ask(b"x") == b"x"
        assert server._exchange.dropped == {"from an address of our own": 3}


@pytest.mark.usefixtures("strangers")
async def test_a_source_has_its_rate_and_another_has_its_own(layer: str, meet: Meet) -> None:
    limits = Limits(datagram_burst=3, datagram_rate=0.001)
    async with netkit.serve(Echo(), listen=[UDP], layer=layer, limits=limits) as server:
        fast, other = meet(server), meet(server)
        fast.send(*(b"%d" % number for number in range(10)))
        assert await other.ask(b"x") == b"x"
        assert [await fast.receive() for _ in range(3)] == [b"0", b"1", b"2"]
        assert fast.has_nothing()
        assert server._exchange.dropped == {"over the rate of their source": 7}


async def test_loopback_has_no_bound(layer: str, meet: Meet) -> None:
    limits = Limits(datagram_burst=1, datagram_rate=0.001)
    async with netkit.serve(Echo(), listen=[UDP], layer=layer, limits=limits) as server:
        peer = meet(server)
        assert [await peer.ask(b"x") for _ in range(20)] == [b"x"] * 20


@pytest.mark.usefixtures("strangers")
async def test_a_loop_with_another_echo_ends(layer: str, meet: Meet) -> None:
    limits = Limits(datagram_burst=20, datagram_rate=0.001)
    async with netkit.serve(Echo(), listen=[UDP], layer=layer, limits=limits) as server:
        other, witness = meet(server), meet(server)
        other.send(b"x")
        for _ in range(20):
            other.send(await other.receive())
        assert await witness.ask(b"y") == b"y"
        assert other.has_nothing()
        assert server.dropped == 1


async def test_nothing_goes_back_that_is_longer_than_what_came(layer: str, meet: Meet) -> None:
    async with netkit.serve(Answering(b"12", b"34"), listen=[UDP], layer=layer) as server:
        peer = meet(server)
        peer.send(b"", b"123")
        assert await peer.ask(b"....") == b"1234"
        assert peer.has_nothing()
        assert server._exchange.dropped == {"whose answer would have been longer": 2}


async def test_no_answer_is_an_answer(layer: str, meet: Meet) -> None:
    service = Answering()
    async with netkit.serve(service, listen=[UDP], layer=layer) as server:
        peer = meet(server)
        peer.send(b"x", b"y")
        await until(lambda: len(service.asked) == 2)
        assert peer.has_nothing()
        assert server.dropped == 0


@pytest.mark.parametrize("wrong", ["text", Close], ids=["text", "Close"])
async def test_a_service_that_fails_costs_that_datagram(
    layer: str, wrong: object, meet: Meet, logged_errors: list[logging.LogRecord]
) -> None:
    """Which a stranger may send again and again: the log has it once."""
    service = Answering(b"a", wrong)
    async with netkit.serve(service, listen=[UDP], layer=layer) as server:
        peer = meet(server)
        peer.send(b"x", b"y", b"z")
        await until(lambda: len(service.asked) == 3)
        service.effects = (b"b",)
        assert await peer.ask(b"x") == b"b"
        assert peer.has_nothing()
        assert server.dropped == 3
    (record,) = logged_errors
    assert record.getMessage() == f"the service failed in received(<udp://127.0.0.1:{peer.port}>)"
    assert record.exc_info is not None


# What the network does.


async def test_a_peer_that_is_gone_harms_nobody(layer: str, meet: Meet) -> None:
    async with netkit.serve(Echo(), listen=[UDP], layer=layer) as server:
        for _ in range(5):
            gone = meet(server)
            gone.send(b"x", b"y")
            gone.sock.close()
            assert await meet(server).ask(b"z") == b"z"


async def test_an_error_that_is_reported_harms_nobody(layer: str, meet: Meet) -> None:
    async with netkit.serve(Echo(), listen=[UDP], layer=layer) as server:
        (transport,) = server._exchange.transports
        protocol = transport.get_protocol()
        assert isinstance(protocol, asyncio.DatagramProtocol)
        for _ in range(2):
            protocol.error_received(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
        assert await meet(server).ask(b"x") == b"x"
        assert server._exchange.dropped == {"that the network refused (Connection refused)": 2}


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_real_one_neither(layer: str, meet: Meet) -> None:
    """Not on uvloop, which crashes where a socket has IP_RECVERR. netkit never sets it."""
    async with netkit.serve(Echo(), listen=[UDP], layer=layer) as server:
        server._bound[0].sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        gone = meet(server)
        gone.send(b"x")
        gone.sock.close()
        await until(lambda: server.dropped > 0)
        assert await meet(server).ask(b"y") == b"y"
        assert server._exchange.dropped == {"that the network refused (Connection refused)": 1}


# The log, the end, and what is refused.


async def test_what_was_dropped_is_told_in_one_line(layer: str, meet: Meet, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "netkit")
    async with netkit.serve(Answering(b"long"), listen=[UDP], layer=layer) as server:
        meet(server).send(b"")
        await until(lambda: server.dropped == 1)
        timer = server._exchange.reporter
        meet(server).send(b"1", b"12")
        await until(lambda: server.dropped == 3)
        assert timer is not None
        assert server._exchange.reporter is timer
        assert timer.when() - asyncio.get_running_loop().time() == pytest.approx(1.0, abs=0.9)
        assert caplog.messages == []
        server._exchange.report()
        meet(server).send(b"")
        await until(lambda: server.dropped == 4)
    assert caplog.messages == [
        "dropped datagrams: 3 whose answer would have been longer",
        "dropped datagrams: 1 whose answer would have been longer",
    ]


async def test_the_line_comes_by_itself(
    layer: str, meet: Meet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "netkit")
    monkeypatch.setattr(exchange, "REPORTS", 0.001)
    async with netkit.serve(Answering(b"long"), listen=[UDP], layer=layer) as server:
        meet(server).send(b"")
        await until(lambda: len(caplog.messages) == 1)
    assert len(caplog.messages) == 1


async def test_nothing_is_heard_after_the_end(layer: str, meet: Meet) -> None:
    service = Answering(b"")
    async with netkit.serve(service, listen=[UDP], layer=layer) as server:
        peer = meet(server)
        await peer.ask(b"x")
        server.stop()
        await server.wait()
    peer.send(b"y")
    with pytest.raises(ConnectionRefusedError):  # as ICMP has it
        peer.send(b"y")
    assert len(service.asked) == 1
    async with netkit.serve(service, listen=[str(server.endpoints[0])], layer=layer) as server:
        assert await peer.ask(b"z") == b""


async def test_a_start_that_was_broken_off_leaves_nothing_open(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = datagrams.load(layer)
    start = module.Listener.start  # type: ignore[attr-defined]

    async def broken(listener: layers.Listener) -> None:
        await start(listener)
        raise asyncio.CancelledError

    monkeypatch.setattr(module.Listener, "start", broken)
    with pytest.raises(asyncio.CancelledError):
        await netkit.serve(Echo(), listen=[UDP], layer=layer).__aenter__()


async def test_abort_leaves_what_has_no_connections(layer: str, meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    async with netkit.serve(Echo(), listen=[UDP], layer=layer) as server:
        server.abort()
        assert await meet(server).ask(b"x") == b"x"
        told: list[bool] = []
        monkeypatch.setattr(server._exchange, "abort", lambda: told.append(True))
        server.abort()
    assert told == [True]


async def test_its_port_is_its_own(layer: str) -> None:
    """Also on uvloop, which would share it."""
    async with netkit.serve(Echo(), listen=[UDP], layer=layer) as server:
        endpoint = server.endpoints[0]
        with pytest.raises(ListenError, match="is in use"):
            await netkit.serve(Echo(), listen=[str(endpoint)], layer=layer).__aenter__()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as greedy:
            greedy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                greedy.bind((endpoint.host, endpoint.port))


async def test_a_service_that_needs_connections_is_refused(layer: str) -> None:
    with pytest.raises(EndpointError) as refused:
        await netkit.serve(Chat(Limits()), listen=["tcp://127.0.0.1:0", UDP], layer=layer).__aenter__()
    assert str(refused.value) == f"Chat needs connections and cannot be served on {UDP}: echo can, or give tcp://"
