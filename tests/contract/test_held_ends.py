"""A peer that has finished sending, and a service that has not: a ``Hold`` puts off the end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from netkit.layers.session import Session
from netkit.limits import Limits
from netkit.service import Abort, Close, Conn, Effect, Effects, Hold, Send, Service, Wake

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Recorder, Serve

#: Loops count in milliseconds, and round.
EARLY = 0.002


class Slow(Service):
    """Answers a line at a time, long after it has all of them, and then does as it was told to."""

    def __init__(self, pause: float, *last: Callable[[Conn], Effect], hold: float = math.inf) -> None:
        self.pause = pause
        self.last = last
        self.hold = hold
        self.lines: list[bytes] = []
        self.ended_at = self.lost_at = 0.0

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        self.guest = conn
        self.lines += data.splitlines(keepends=True)
        return ()

    def ended(self, conn: Conn, now: float) -> Effects:
        self.ended_at = now
        return (Hold(conn, self.hold), Wake(self.pause))

    def woken(self, now: float) -> Effects:
        if self.lines:
            yield Send((self.guest,), self.lines.pop(0))
            yield Wake(self.pause)
        else:
            for each in self.last:
                yield each(self.guest)

    def lost(self, conn: Conn, now: float) -> Effects:
        self.lost_at = now
        return ()


@pytest.fixture(params=["tcp", "unix"])
def endpoint(request: pytest.FixtureRequest, new_place: Callable[..., Place]) -> Place:
    """What can half close."""
    folder = request.getfixturevalue("short_path") if request.param == "unix" else None
    return new_place(request.param, folder)


@pytest.mark.parametrize(
    ("last", "ending"),
    [
        pytest.param(lambda conn: Hold(conn, 0), "eof", id="let-go"),
        pytest.param(lambda conn: Close(conn, "done"), "done", id="close"),
    ],
)
async def test_all_is_said_before_the_end(
    serve: Serve,
    endpoint: Place,
    last: Callable[[Conn], Effect],
    ending: str,
    tick: float,
    recorder: Callable[[Service], Recorder],
) -> None:
    """It takes longer than a peer may be silent that has not finished."""
    service = recorder(Slow(0.6 * tick, last, lambda conn: Send((conn,), b"" if ending == "eof" else b"too late")))
    client = await (await serve(service, endpoint, limits=Limits(idle=2 * tick))).connect()
    await client.send(b"1\n2\n3\n")
    client.end()
    assert await client.rest() == b"1\n2\n3\n"
    await client.close()
    await service.until("lost")
    assert service.endings == {ending: 1}
    assert (service.told["ended"], service.told["received"]) == (1, 1)


async def test_it_ends_by_itself_when_the_hold_is_over(
    serve: Serve, endpoint: Place, tick: float, recorder: Callable[[Service], Recorder]
) -> None:
    slow = Slow(0, hold=2 * tick)
    service = recorder(slow)
    client = await (await serve(service, endpoint)).connect()
    await client.send(b"1\n2\n")
    client.end()
    assert await client.rest() == b"1\n2\n"
    await client.close()
    await service.until("lost")
    assert slow.lost_at - slow.ended_at >= 2 * tick - EARLY
    assert (service.endings, service.told["ended"]) == ({"eof": 1}, 1)


async def test_it_can_be_cut(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    service = recorder(Slow(0.001, lambda conn: Abort(conn, "enough")))
    client = await (await serve(service, endpoint)).connect()
    await client.send(b"1\n")
    client.end()
    await service.until("lost")
    assert (service.endings, service.told["ended"]) == ({"enough": 1}, 1)


async def test_a_stop_ends_it(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    service = recorder(Slow(600))
    site = await serve(service, endpoint)
    client = await site.connect()
    client.end()
    await service.until("ended")
    assert await site.stop() < 1
    assert service.endings == {"shutdown": 1}


async def test_flow_goes_on_meanwhile(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    """Who reads late is told of as ever, and gets all of it."""

    class Generous(Service):
        def ended(self, conn: Conn, now: float) -> Effects:
            return (Hold(conn, math.inf), Send((conn,), bytes(8 << 20)))

        def resumed(self, conn: Conn, now: float) -> Effects:
            return (Send((conn,), b"end"), Hold(conn, 0))

    service = recorder(Generous())
    client = await (await serve(service, endpoint, limits=Limits(hard=16 << 20))).connect()
    client.end()
    await service.until("paused")
    assert await client.rest() == bytes(8 << 20) + b"end"
    await client.close()
    await service.until("lost")
    assert (service.told["resumed"], service.endings) == (1, {"eof": 1})


async def test_over_tls_it_ends_at_once(
    serve: Serve, new_place: Callable[..., Place], recorder: Callable[[Service], Recorder]
) -> None:
    service = recorder(Slow(600))
    client = await (await serve(service, new_place("tls", None))).connect()
    await client.send(b"1\n")
    await service.until("received")
    client.writer.close()
    await service.until("lost")
    assert (service.endings, service.told["ended"]) == ({"eof": 1}, 1)
    await asyncio.gather(client.writer.wait_closed(), return_exceptions=True)


class Held(Service):
    """Reads no more from who has said something, and tells it whatever others say."""

    def __init__(self) -> None:
        self.held: list[Conn] = []

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        if data == b"hold me\n":
            self.held.append(conn)
            return (Hold(conn, math.inf),)
        return (Send(tuple(self.held), data), Send((conn,), data))

    def lost(self, conn: Conn, now: float) -> Effects:
        if conn in self.held:
            self.held.remove(conn)
        return ()


async def test_over_tls_who_has_left_is_closed_by_what_is_written(
    serve: Serve,
    new_place: Callable[..., Place],
    recorder: Callable[[Service], Recorder],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A stream tells of the loss when the hold is over, but its socket is closed at once as well.
    held = Held()
    service = recorder(held)
    site = await serve(service, new_place("tls", None))
    gone, other = await site.connect(), await site.connect()
    await gone.send(b"hold me\n")
    await service.until("received")
    await gone.close()
    for _ in range(200):
        await other.send(b"anybody?\n")
        assert await other.line() == b"anybody?\n"
        if closed := not held.held or cast(Session, held.held[0]).transport.is_closing():
            break
        await asyncio.sleep(0.005)
    assert closed
    assert "SSL connection is closed" not in caplog.text
