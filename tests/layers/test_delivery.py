"""The delivery alone, with a connection that only writes down what it is asked. It knows neither sockets nor TLS."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from typing import cast

import pytest

from netkit.layers.admission import Refused
from netkit.layers.delivery import Delivery
from netkit.layers.session import Session
from netkit.limits import Limits
from netkit.service import Close, Conn, Effect, Effects, Hold, Send, Service, Wake


class Watched(Delivery):
    """A delivery that says when a turn's writes are done."""

    def __init__(self, service: Service, limits: Limits) -> None:
        super().__init__(service, limits)
        self.turned = asyncio.Event()

    def turn_ended(self) -> None:
        super().turn_ended()
        self.turned.set()

    async def turn(self) -> None:
        """Let the turn of the loop end in which something was queued."""
        async with asyncio.timeout(10):
            await self.turned.wait()
        self.turned.clear()


class Line:
    """A connection and its transport. Its buffer stays as it is set; nothing is ever sent."""

    def __init__(self, delivery: Delivery) -> None:
        self.asked: list[object] = []
        self.news = asyncio.Event()
        self.waiting = 0
        self.session = delivery.admit("tcp", ("192.0.2.7", 50312))
        delivery.opened(self.session, self, cast(asyncio.WriteTransport, self))

    def ask(self, what: object) -> None:
        self.asked.append(what)
        self.news.set()

    async def until(self, what: object) -> None:
        """Wait until that is the last thing that it was asked."""
        async with asyncio.timeout(10):
            while self.asked[-1:] != [what]:
                self.news.clear()
                await self.news.wait()

    def write(self, data: bytes) -> None:
        self.ask(data)

    def hold(self) -> None:
        self.ask("hold")

    def release(self) -> None:
        self.ask("release")

    def finish(self) -> None:
        self.ask("finish")

    def abort(self) -> None:
        self.ask("abort")

    def is_closing(self) -> bool:
        return "abort" in self.asked

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.limits = (high, low)


class Answering(Service):
    """Answers every chunk with what it is given for it."""

    def __init__(self) -> None:
        self.answer: Callable[[Conn], Iterable[Effect]] = lambda conn: ()
        self.told: list[str] = []

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        return self.answer(conn)

    def paused(self, conn: Conn, now: float) -> Effects:
        self.told.append("paused")
        return ()

    def resumed(self, conn: Conn, now: float) -> Effects:
        self.told.append("resumed")
        return ()

    def lost(self, conn: Conn, now: float) -> Effects:
        self.told.append("lost")
        return ()


async def test_what_one_turn_brings_is_one_write_for_each() -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    one, two = Line(delivery), Line(delivery)
    service.answer = lambda conn: [Send((one.session, two.session), b"%d" % number) for number in range(5)]
    delivery.received(one.session, b"?")
    delivery.received(two.session, b"?")
    assert (one.asked, two.asked) == ([], [])
    await delivery.turn()
    assert (one.asked, two.asked) == ([b"0123401234"], [b"0123401234"])


async def test_what_is_queued_comes_before_the_end_that_the_peer_sent_with_its_last_line() -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    service.answer = lambda conn: [Send((conn,), b"goodbye"), Close(conn, "quit")]
    delivery.received(line.session, b"/quit")
    delivery.ended(line.session)
    assert line.asked == []
    await delivery.turn()
    assert line.asked == [b"goodbye", "release", "finish"]
    delivery.abort_all("the test is over")
    delivery.lost(line.session)


async def test_a_single_send_is_the_very_object() -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    data = b"x" * 1000
    service.answer = lambda conn: (Send((conn,), data),)
    delivery.received(line.session, b"?")
    await delivery.turn()
    assert line.asked[0] is data


async def test_plain_bytes_go_at_once_unless_something_is_queued() -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    service.answer = lambda conn: (b"1", b"2", Send((conn,), b"3"), b"4")
    delivery.received(line.session, b"?")
    assert line.asked == [b"1", b"2"]
    await delivery.turn()
    assert line.asked == [b"1", b"2", b"34"]


async def test_above_the_hard_limit_only_who_is_slow_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "netkit")
    service = Answering()
    delivery = Watched(service, Limits(low=1, high=2, hard=10))
    slow, quick = Line(delivery), Line(delivery)
    assert slow.limits == (2, 1)
    slow.waiting = 8
    delivery.paused(slow.session)
    service.answer = lambda conn: (Send((slow.session, quick.session), b"123"),)
    delivery.received(quick.session, b"?")
    assert service.told == ["paused"]
    await delivery.turn()
    assert slow.asked == ["release", "abort"]
    assert quick.asked == [b"123"]
    delivery.lost(slow.session)
    assert caplog.messages[-1] == "closed tcp://192.0.2.7:50312: too slow: more waited for it than the limit"


async def test_up_to_the_hard_limit_nobody_is_cut() -> None:
    service = Answering()
    delivery = Watched(service, Limits(low=1, high=2, hard=10))
    slow = Line(delivery)
    slow.waiting = 7
    delivery.paused(slow.session)
    service.answer = lambda conn: (Send((conn,), b"123"),)
    delivery.received(slow.session, b"?")
    await delivery.turn()
    assert slow.asked == [b"123"]


async def test_who_fills_up_and_empties_in_one_turn_is_not_told_of() -> None:
    """The layers call in the middle of a write: the service is told when that is over, if it is still so."""
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    delivery.paused(line.session)
    delivery.resumed(line.session)
    delivery.received(line.session, b"?")
    assert service.told == []
    delivery.paused(line.session)
    assert service.told == []
    delivery.received(line.session, b"?")
    assert service.told == ["paused"]
    delivery.resumed(line.session)
    assert service.told == ["paused", "resumed"]


async def test_close_comes_after_what_is_queued_and_nothing_after_it() -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    service.answer = lambda conn: (Send((conn,), b"1"), Close(conn, "done"), Send((conn,), b"2"), Hold(conn, 1))
    delivery.received(line.session, b"?")
    delivery.received(line.session, b"more")
    await delivery.turn()
    assert line.asked == [b"1", "release", "finish"]
    delivery.ended(line.session)
    assert line.asked[-1] == "finish"
    delivery.lost(line.session)
    delivery.lost(line.session)
    assert service.told == ["lost"]


async def test_a_finish_that_meets_a_reset_ends_only_that_connection() -> None:
    class Gone(Line):
        def finish(self) -> None:
            raise OSError(107, "Transport endpoint is not connected")

    service = Answering()
    delivery = Watched(service, Limits())
    gone, other = Gone(delivery), Line(delivery)
    service.answer = lambda conn: (Close(gone.session, "done"), Close(other.session, "done"))
    delivery.received(other.session, b"?")
    await delivery.turn()
    assert gone.asked == ["release", "release", "abort"]
    assert other.asked == ["release", "finish"]
    delivery.lost(other.session)


async def test_who_takes_bytes_is_given_time_and_who_takes_none_is_not(tick: float) -> None:
    delivery = Watched(Answering(), Limits(linger=tick / 10, grace=tick))
    line = Line(delivery)
    line.waiting = 5
    delivery.close(line.session, "done")
    until = delivery.time() + 3 * tick
    while delivery.time() < until:
        assert "abort" not in line.asked
        line.waiting += -1 if line.waiting > 1 else 100
        await asyncio.sleep(tick / 20)
        line.waiting -= 1
    await line.until("abort")
    assert delivery.time() - until >= tick / 2


async def test_hold_until_further_notice_and_for_a_while(tick: float) -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    for seconds in (math.inf, 1000, 0, tick):
        service.answer = lambda conn, seconds=seconds: (Hold(conn, seconds),)  # type: ignore[misc]  # a default binds it
        delivery.received(line.session, b"?")
    assert line.asked == ["hold", "hold", "release", "hold"]
    await line.until("release")


async def test_a_server_that_stops_admits_and_wakes_nobody() -> None:
    delivery = Watched(Answering(), Limits())
    delivery.apply(Wake(0), None)
    await delivery.stop()
    delivery.apply(Wake(0), None)
    assert delivery.wakes == set()
    with pytest.raises(Refused) as refused:
        delivery.admit("tcp", ("192.0.2.7", 50312))
    assert refused.value.reason == "the server is stopping"
    assert (delivery.sessions, delivery.admission.taken) == (set(), 0)


async def test_an_answer_that_is_no_effect_is_named(logged_errors: list[logging.LogRecord]) -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    service.answer = lambda conn: cast("list[Effect]", ["text"])
    delivery.received(line.session, b"?")
    await asyncio.sleep(0)
    assert line.asked == ["release", "abort"]
    (record,) = logged_errors
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == (
        "a service answers with bytes for the sender, Send, Close, Hold or Wake, not 'text'"
    )


@pytest.mark.parametrize(
    ("limit", "service", "idle"), [(None, None, None), (None, 3.0, 3.0), (0, 3.0, None), (2, 3.0, 2)]
)
async def test_how_long_silence_is_borne(limit: float | None, service: float | None, idle: float | None) -> None:
    class Patient(Service):
        pass

    Patient.idle = service
    assert Delivery(Patient(), Limits(idle=limit)).idle == idle


async def test_a_session_is_equal_to_itself_alone() -> None:
    delivery = Watched(Answering(), Limits())
    one, two = Line(delivery).session, Line(delivery).session
    assert isinstance(one, Session)
    assert len({one, two, one}) == 2
    assert (one.peer, one.local, repr(one)) == ("tcp://192.0.2.7:50312", False, "<tcp://192.0.2.7:50312>")
