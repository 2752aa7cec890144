"""Where a server is, and how one gets there."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from netkit.endpoints import Endpoint
from netkit.errors import EndpointError, TortureError
from netkit.torture.datagrams import DatagramPeer
from netkit.torture.peer import ENDED, OPEN, RESET
from netkit.torture.target import Target, Unreachable
from tests.torture.conftest import Serve
from tests.torture.server import Datagrams, Echo

on_asyncio = pytest.mark.asyncio(loop_factories=["asyncio"])


def target(text: str, *, foreign: bool = False) -> Target:
    return Target(Endpoint.parse(text), foreign=foreign)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("8888", "127.0.0.1", 8888),
        ("tcp://127.0.0.9:1", "127.0.0.9", 1),
        ("tls://localhost:2", "127.0.0.1", 2),
        ("udp://[::1]:3", "::1", 3),
        ("tcp://0.0.0.0:4", "0.0.0.0", 4),
        ("unix:///tmp/some.sock", "", 0),
    ],
)
def test_what_is_on_this_machine_may_be_tried(text: str, host: str, port: int) -> None:
    made = target(text)
    assert (made.host, made.port, made.loopback) == (host, port, True)


@pytest.mark.parametrize("text", ["tcp://192.0.2.1:80", "udp://[2001:db8::1]:7"])
def test_what_is_elsewhere_may_not_unless_it_is_ones_own(text: str) -> None:
    with pytest.raises(EndpointError, match=r"is not on this machine: .*\(--i-own-this-host\)"):
        target(text)
    assert not target(text, foreign=True).loopback


@pytest.mark.parametrize("text", ["stdio:", "fd://3", "systemd:"])
def test_what_has_no_address_cannot_be_tried(text: str) -> None:
    with pytest.raises(EndpointError, match="give a tcp://, tls://, unix:// or udp:// endpoint"):
        target(text)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 80])
def test_a_host_that_cannot_be_found_is_said(host: str) -> None:
    with pytest.raises(TortureError, match=f"cannot find the host of tcp://{host}:80"):
        target(f"tcp://{host}:80")


def test_where_nobody_listens_no_connection_is_made(short_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    refused = "no connection: Connection refused"
    for text, said in (
        (str(port), refused),
        (f"tls://127.0.0.1:{port}", refused),
        (f"unix://{short_path}/s", "no connection: No such file or directory"),
    ):
        with pytest.raises(Unreachable, match=f"^{said}$"):
            asyncio.run(target(text).open())


@on_asyncio
async def test_where_no_tls_is_spoken_it_is_said(serve: Serve) -> None:
    where = await serve(Echo)
    encrypted = target(f"tls://127.0.0.1:{where.port}")
    with pytest.raises(Unreachable, match=r"^no connection: \[SSL"):
        await encrypted.open()


@on_asyncio
async def test_a_server_that_does_not_accept_is_not_waited_for_for_ever(tick: float) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        where = target(str(full.getsockname()[1]))
        waiting = await where.open()  # in the backlog, which has no room for more
        with pytest.raises(Unreachable, match=f"no connection within {tick:g} s"):
            await where.open(within=tick)
        waiting.close()
        await asyncio.sleep(0)


@on_asyncio
async def test_a_socket_may_come_from_a_port_of_ones_own(serve: Serve) -> None:
    where = await serve(Datagrams, "udp")
    sock = where.socket()
    sock.bind(("127.0.0.1", 0))
    own = sock.getsockname()
    peer = await where.open(sock=sock)
    await peer.send(b"hello")
    assert await peer.hears(b"hello")
    assert peer._socket.get_extra_info("sockname") == own  # type: ignore[attr-defined]
    peer.close()
    await asyncio.sleep(0)


# The two kinds of clients.


class Forgets(Echo):
    """It resets whoever says so, and ends with whoever else does."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if data == b"reset":
            self.transport.abort()
        elif data == b"end":
            self.transport.close()


@on_asyncio
async def test_a_client_knows_what_it_sent_what_came_and_how_it_ended(serve: Serve) -> None:
    where = await serve(Forgets)
    peer = await where.open()
    assert await peer.send(b"ab\r\n", 3)
    assert await peer.wait(lambda: peer.received == 12)
    assert (peer.sent.bytes, bytes(peer.heard), peer.lines(), peer.state) == (12, b"ab\r\n" * 3, [b"ab"] * 3, OPEN)
    await peer.send(b"end")
    assert await peer.ends()
    assert peer.state == ENDED
    assert not await peer.send(b"more")
    peer.close()


@on_asyncio
async def test_a_line_that_must_be_answered_is_answered_however_it_comes(serve: Serve) -> None:
    where = await serve(Echo)
    peer = await where.open(answer=lambda line: b"PONG\n" if line == b"PING" else b"")
    for piece in (b"PI", b"NG\r", b"\nPING"):
        await peer.send(piece)
    assert await peer.hears(b"PONG")
    assert peer.heard.count(b"PONG") == 1
    peer.close()
    await asyncio.sleep(0)


@on_asyncio
async def test_datagrams_come_one_by_one_and_empty_ones_too(serve: Serve) -> None:
    class Answers(Datagrams):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            super().datagram_received(data or b"empty", addr)

    where = await serve(Answers, "udp")
    peer, other = await where.open(), await where.open()
    assert isinstance(peer, DatagramPeer)
    assert await peer.send(b"one")
    assert await peer.send(b"")
    assert await peer.send(b"xy", 2)
    assert await peer.wait(lambda: len(peer.datagrams) == 4)
    assert [*peer.datagrams] == [b"one", b"empty", b"xy", b"xy"]
    assert (peer.received, peer.sent.bytes, peer.unsent) == (12, 7, 0)
    peer.stop_reading()
    await peer.send(b"passed over")
    await other.send(b"later")
    assert await other.hears(b"later")
    peer.go_on_reading()
    await peer.send(b"taken")
    assert await peer.hears(b"taken")
    assert [*peer.datagrams][4:] == [b"taken"]
    peer.finish()
    assert peer.state == OPEN
    peer.reset()
    other.close()
    await asyncio.sleep(0)


@on_asyncio
async def test_where_nobody_hears_datagrams_it_is_known_from_the_first_one() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    peer = await target(f"udp://127.0.0.1:{port}").open()
    assert await peer.send(b"hello") is False or await peer.ends()
    assert peer.state == RESET
    peer.close()
    await asyncio.sleep(0)
