"""Standard input and output as one session, on pipes and on a socket. Where they come from is tested with processes."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import FileIO
from typing import TYPE_CHECKING, cast

import pytest

import netkit
from netkit import stdio
from netkit.layers.session import Session
from netkit.service import Service
from netkit.services.chat import Chat
from netkit.services.echo import Echo
from tests.conftest import Place

if TYPE_CHECKING:
    from tests.contract.conftest import Recorder, Serve, Site

PATIENCE = 20.0

#: A close with this is a reset (socket(7)).
LINGER_RESET = struct.pack("ii", 1, 0)
STDIO = Place("stdio", "stdio:")

#: More than both pipes and every buffer on the way hold together (pipe(7): 64 KiB each).
MUCH = 1 << 20

#: The high mark, and on top of it at most what one read brings: 256 KiB on asyncio's own loop.
MOST_WAITING = (64 + 256) * 1024


class Pipes:
    """Two pipes: what the server takes for standard input and output, and our ends of them."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        read, self.typed = (self._file(fd, mode) for fd, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
        self.shown, written = (self._file(fd, mode) for fd, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
        # Like a shell, which goes on to use what the server had.
        self.shared = [self._file(os.dup(each.fileno()), each.mode) for each in (read, written)]
        spares = [(os.dup(each.fileno()), True) for each in (read, written)]
        self.taken = stdio.Pipes(read, written, spares=spares)

    def _file(self, fd: int, mode: str) -> FileIO:
        return self._stack.enter_context(FileIO(fd, mode))

    def type(self, data: bytes) -> None:
        assert self.typed.write(data) == len(data)

    async def until(self, what: bytes) -> bytes:
        """What is shown, up to some bytes or the end."""
        shown = b""
        async with asyncio.timeout(PATIENCE):
            while what not in shown and (more := await asyncio.to_thread(self.shown.read, 1 << 16)):
                shown += more
        return shown

    async def rest(self) -> bytes:
        """What is shown until the end, which comes only once nobody has the pipe open."""
        self.shared[1].close()
        return await self.until(b"\0never")

    def close(self) -> None:
        self._stack.close()
        self.taken.restore()


@pytest.fixture
def pipes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipes]:
    """What ``stdio:`` is in this test. To be asked for before ``serve``, so that a server never loses it."""
    pipes = Pipes()
    monkeypatch.setattr(stdio, "take", lambda endpoint: pipes.taken)
    yield pipes
    pipes.close()


async def over(site: Site) -> None:
    """Wait until the server stops by itself."""
    async with asyncio.timeout(PATIENCE):
        await site.server.wait()
    assert not site.server.stopping
    assert site.server.connections == 0


# Pipes.


async def test_what_comes_in_is_answered_to_its_end(pipes: Pipes, serve: Serve) -> None:
    site = await serve(Echo(), STDIO)
    assert [str(each) for each in site.server.endpoints] == ["stdio:"]
    pipes.type(b"one\n")
    assert await pipes.until(b"one\n") == b"one\n"
    pipes.type(b"two")
    pipes.typed.close()
    assert await pipes.rest() == b"two"
    await over(site)


async def test_its_peer_is_stdio_and_no_stranger(
    pipes: Pipes, serve: Serve, recorder: Callable[[Service | None], Recorder]
) -> None:
    told = recorder(Echo())
    site = await serve(told, STDIO)
    await told.until("opened")
    assert [(conn.peer, conn.local) for conn in told.conns] == [("stdio:", True)]
    pipes.typed.close()
    await over(site)
    assert told.told == {"opened": 1, "ended": 1, "lost": 1}


async def test_blocking_flags_are_as_they_were(
    pipes: Pipes, serve: Serve, recorder: Callable[[Service | None], Recorder]
) -> None:
    told = recorder(Echo())
    site = await serve(told, STDIO)
    await told.until("opened")
    assert [os.get_blocking(each.fileno()) for each in pipes.shared] == [False, False]
    pipes.typed.close()
    await over(site)
    assert [os.get_blocking(each.fileno()) for each in pipes.shared] == [True, True]


async def test_whoever_quits_is_shown_the_end(pipes: Pipes, serve: Serve) -> None:
    site = await serve(Chat(netkit.Limits()), STDIO)
    pipes.type(b"/quit\n")
    assert (await pipes.rest()).endswith(b"*** goodbye (quit)\n")
    await over(site)


async def test_an_output_that_nobody_reads_any_more_ends_it(
    pipes: Pipes, serve: Serve, recorder: Callable[[Service | None], Recorder]
) -> None:
    told = recorder(Chat(netkit.Limits()))
    site = await serve(told, STDIO)
    await pipes.until(b"nobody else")
    pipes.shown.close()  # without a word: whoever waits for input must hear of it all the same
    await over(site)
    assert (told.told["ended"], told.told["lost"]) == (0, 1)


async def test_an_output_that_nobody_has_ever_read(pipes: Pipes, serve: Serve) -> None:
    pipes.shown.close()
    site = await serve(Echo(), STDIO)
    await over(site)


async def test_the_echo_stops_reading_for_a_slow_reader_and_loses_nothing(
    pipes: Pipes, serve: Serve, recorder: Callable[[Service | None], Recorder]
) -> None:
    told = recorder(Echo())
    site = await serve(told, STDIO)
    data = random.Random(7).randbytes(MUCH)

    def type_all() -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(pipes.typed.fileno(), left) :]
        pipes.typed.close()

    typing = asyncio.create_task(asyncio.to_thread(type_all))
    await told.until("paused")
    assert not typing.done()
    (conn,) = told.conns
    assert cast(Session, conn).transport.get_write_buffer_size() < MOST_WAITING
    assert await pipes.rest() == data
    await typing
    await over(site)
    assert told.told["paused"] == told.told["resumed"]


class Flood(netkit.Service):
    """Sends without end to whoever says anything."""

    def received(self, conn: netkit.Conn, data: bytes, now: float) -> netkit.Effects:
        yield netkit.Wake(0)

    def opened(self, conn: netkit.Conn, now: float) -> netkit.Effects:
        self.conn = conn
        return ()

    def woken(self, now: float) -> netkit.Effects:
        yield netkit.Send((self.conn,), b"x" * 65536)
        yield netkit.Wake(0)


async def test_whoever_never_reads_is_cut_off(pipes: Pipes, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "netkit")
    site = await serve(Flood(), STDIO)
    pipes.type(b"go\n")
    await over(site)
    assert "closed stdio:: too-slow" in caplog.messages


async def test_silence_ends_it(pipes: Pipes, serve: Serve, tick: float, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "netkit")
    site = await serve(Echo(), STDIO, limits=netkit.Limits(idle=2 * tick))
    await over(site)
    assert "closed stdio:: idle" in caplog.messages


async def test_a_service_that_fails_costs_the_session(
    pipes: Pipes, serve: Serve, logged_errors: list[logging.LogRecord]
) -> None:
    class Wrong(netkit.Service):
        def received(self, conn: netkit.Conn, data: bytes, now: float) -> netkit.Effects:
            raise ValueError("wrong")

    site = await serve(Wrong(), STDIO)
    pipes.type(b"?")
    await over(site)
    assert [record.getMessage() for record in logged_errors] == ["the service failed in received(<stdio:>)"]


async def test_a_server_that_stops_says_so(pipes: Pipes, serve: Serve) -> None:
    site = await serve(Chat(netkit.Limits()), STDIO)
    await pipes.until(b"nobody else")
    stopping = asyncio.create_task(site.stop())
    assert (await pipes.rest()).endswith(b"*** the server is stopping: goodbye (shutdown)\r\n")
    await stopping
    assert [os.get_blocking(each.fileno()) for each in pipes.shared if not each.closed] == [True]


async def test_a_stop_does_not_wait_for_ever_for_a_reader(
    pipes: Pipes, serve: Serve, tick: float, recorder: Callable[[Service | None], Recorder]
) -> None:
    told = recorder(Echo())
    site = await serve(told, STDIO, limits=netkit.Limits(grace=2 * tick, linger=2 * tick))
    typing = asyncio.create_task(asyncio.to_thread(pipes.type, b"x" * MUCH))
    await told.until("paused")
    assert await site.stop() > tick
    assert told.told["lost"] == 1
    await typing  # it was read all the same, and thrown away


async def test_others_meet_it_and_stay_when_it_ends(pipes: Pipes, serve: Serve, tcp: Place) -> None:
    site = await serve(Chat(netkit.Limits()), STDIO, tcp)
    assert [each.scheme for each in site.server.endpoints] == ["stdio", "tcp"]
    await pipes.until(b"nobody else")
    guest = await site.connect(1)
    await pipes.until(b"*** guest2 is here\r\n")
    pipes.type(b"hello\n")
    pipes.typed.close()
    while (line := await guest.line()) != b"*** guest1 left\r\n":
        assert line, "the server has gone"
        assert line.startswith((b"***", b"<guest1> hello"))
    waiting = asyncio.create_task(site.server.wait())
    await guest.send(b"/who\n")
    assert await guest.line() == b"*** 1 in #lobby: guest2\n"
    assert not waiting.done()
    site.server.stop()
    await waiting


# A socket.


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., socket.socket]]:
    """Makes a connected pair: one end is what ``stdio:`` is, the other is returned."""
    with ExitStack() as stack:

        def make(family: socket.AddressFamily, tls: bool = False) -> socket.socket:
            if family == socket.AF_UNIX:
                ours, theirs = socket.socketpair()
            else:
                with socket.create_server(("127.0.0.1", 0)) as listener:
                    ours = socket.create_connection(listener.getsockname())
                    theirs = listener.accept()[0]
            theirs.setblocking(False)
            taken = stdio.Connected(theirs, tls)
            stack.callback(taken.restore)
            monkeypatch.setattr(stdio, "take", lambda endpoint: taken)
            return stack.enter_context(ours)

        yield make


@pytest.mark.parametrize("family", [socket.AF_UNIX, socket.AF_INET], ids=["unix", "tcp"])
async def test_a_socket_is_a_connection_with_a_peer_and_two_ends(
    connection: Callable[..., socket.socket],
    serve: Serve,
    recorder: Callable[[Service | None], Recorder],
    family: socket.AddressFamily,
) -> None:
    sock = connection(family)
    told = recorder(Echo())
    site = await serve(told, STDIO)
    client = await site.talk(sock)
    await client.send(b"one")
    assert await client.read(3) == b"one"
    name = sock.getsockname()
    assert [conn.peer for conn in told.conns] == [f"tcp://127.0.0.1:{name[1]}" if name else "unix:"]
    await client.send(b"two")
    client.end()
    assert await client.rest() == b"two"
    await over(site)
    assert told.told["ended"] == 1


async def test_a_socket_can_carry_tls(
    connection: Callable[..., socket.socket], serve: Serve, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    sock = connection(socket.AF_INET, tls=True)
    site = await serve(Echo(), Place("tls", "stdio:?tls", *contexts))
    client = await site.talk(sock, contexts[1])
    await client.send(b"one")
    assert await client.read(3) == b"one"
    await client.close()
    await over(site)


async def test_a_stop_is_told_to_a_socket_too(connection: Callable[..., socket.socket], serve: Serve) -> None:
    sock = connection(socket.AF_UNIX)
    site = await serve(Chat(netkit.Limits()), STDIO)
    client = await site.talk(sock)
    await client.lines(3)
    stopping = asyncio.create_task(site.stop())
    assert await client.rest() == b"*** the server is stopping: goodbye (shutdown)\r\n"
    await client.close()
    await stopping


async def test_a_peer_that_has_left_already_is_nobody(
    connection: Callable[..., socket.socket], serve: Serve, recorder: Callable[[Service | None], Recorder]
) -> None:
    sock = connection(socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    sock.close()
    told = recorder(None)
    site = await serve(told, STDIO)
    await over(site)
    assert told.told == {}
