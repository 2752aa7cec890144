"""The delivery alone, with a connection that only writes down what it is asked. It knows neither sockets nor TLS."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from typing import cast

import pytest

from netkit.endings import Ending
from netkit.layers.admission import Refused
from netkit.layers.delivery import Delivery
from netkit.layers.session import Session
from netkit.limits import Limits
from netkit.service import Abort, Close, Conn, Effect, Effects, Hold, Recall, Send, Service, Stop, Store, Wake

#: Loops count in milliseconds, and round.
EARLY = 0.002


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

    half_closes = True

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

    def can_write_eof(self) -> bool:
        return self.half_closes

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.limits = (high, low)


class Answering(Service):
    """Answers every chunk with what it is given for it."""

    def __init__(self) -> None:
        self.answer: Callable[[Conn], Iterable[Effect]] = lambda conn: ()
        self.at_the_end: Callable[[Conn], Iterable[Effect]] = lambda conn: ()
        self.farewell: object = b""
        self.told: list[str] = []

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        return self.answer(conn)

    def paused(self, conn: Conn, now: float) -> Effects:
        self.told.append("paused")
        return ()

    def resumed(self, conn: Conn, now: float) -> Effects:
        self.told.append("resumed")
        return ()

    def ended(self, conn: Conn, now: float) -> Effects:
        self.told.append("ended")
        return self.at_the_end(conn)

    def lost(self, conn: Conn, now: float) -> Effects:
        self.told.append(f"lost: {conn.ending}")
        return ()

    def refused(self, reason: str) -> bytes:
        self.told.append(f"refused: {reason}")
        return cast(bytes, self.farewell)


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
    delivery.abort_all()
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
    assert caplog.messages[-1] == "closed tcp://192.0.2.7:50312: too-slow"
    assert delivery.endings == {"too-slow": 1}


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
    assert service.told == ["lost: done"]
    assert delivery.endings == {"done": 1}


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
    grace = 4 * tick
    delivery = Watched(Answering(), Limits(linger=tick / 10, grace=grace))
    line = Line(delivery)
    line.waiting = 5
    delivery.close(line.session, "done")
    until = delivery.time() + 3 * grace
    while delivery.time() < until:
        assert "abort" not in line.asked
        line.waiting += -1 if line.waiting > 1 else 100
        await asyncio.sleep(tick / 20)
        line.waiting -= 1
    await line.until("abort")
    assert delivery.time() - until >= grace / 2


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
    assert refused.value.reason == Ending.SHUTDOWN
    assert delivery.endings == {"shutdown": 1}
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
    assert str(record.exc_info[1]) == "a service answers with bytes for the sender, or an effect, not 'text'"


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


# What a connection is, to a service.


async def test_what_a_service_can_ask_a_connection() -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    conn = line.session
    assert (conn.host, conn.waiting, conn.ending) == ("192.0.2.7", 0, "")
    line.waiting = 5
    service.answer = lambda conn: (Send((conn,), b"123"), Send((conn,), b"4567"))
    delivery.received(conn, b"?")
    assert conn.waiting == 12
    await delivery.turn()
    assert conn.waiting == 5
    delivery.close(conn, "done")
    assert conn.ending == "done"
    delivery.lost(conn)
    assert (conn.waiting, conn.ending) == (0, "done")


async def test_a_handshake_has_nothing_that_waits() -> None:
    delivery = Delivery(Service(), Limits())
    session = delivery.admit("tls", ("192.0.2.7", 5), asyncio.current_task())
    assert session.waiting == 0
    delivery.budget.look()


# How connections end, and how that is counted.


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (None, "lost"),
        (ConnectionResetError(104, "Connection reset by peer"), "lost (Connection reset by peer)"),
        (ConnectionAbortedError("SSL handshake is taking longer"), "lost (SSL handshake is taking longer)"),
        (asyncio.CancelledError(), "lost"),
    ],
)
async def test_who_breaks_off_is_lost(why: BaseException | None, said: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "netkit")
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    delivery.lost(line.session, why)
    assert service.told == ["lost: lost"]
    assert delivery.endings == {"lost": 1}
    assert caplog.messages[-1] == f"closed tcp://192.0.2.7:50312: {said}"


@pytest.mark.parametrize(("scheme", "ending"), [("tls", Ending.HANDSHAKE), ("tcp", Ending.LOST)])
async def test_what_fails_before_it_is_open(scheme: str, ending: Ending) -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    session = delivery.admit(scheme, ("192.0.2.7", 5), asyncio.current_task())
    delivery.lost(session, TimeoutError())
    assert delivery.endings == {ending: 1}
    assert service.told == []


async def test_the_service_sees_how_many_have_ended() -> None:
    service = Answering()
    delivery = Watched(service, Limits(connections=3))
    assert service.endings == {}
    for _ in range(2):
        delivery.lost(Line(delivery).session)
    for _ in range(3):
        Line(delivery)
    with pytest.raises(Refused):
        Line(delivery)
    assert service.endings == {"lost": 2, "server-full": 1}


async def test_the_end_tells_how_connections_ended(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "netkit")
    delivery = Watched(Answering(), Limits())
    for reason in ("few", "many", "many", "some", "many", "some"):
        line = Line(delivery)
        delivery.close(line.session, reason)
        delivery.lost(line.session)
    await delivery.stop()
    assert caplog.messages[-1] == "endings: many 3, some 2, few 1"


async def test_where_nobody_came_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "netkit")
    await Watched(Answering(), Limits()).stop()
    assert caplog.messages == []


async def test_an_abort_is_carried_out_a_turn_later_and_nothing_follows_but_its_loss() -> None:
    """asyncio calls in the middle of a write, where an abort would trip it up."""
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    service.answer = lambda conn: (Send((conn,), b"1"), Abort(conn, "enough"), b"2", Close(conn, "late"))
    delivery.received(line.session, b"?")
    delivery.received(line.session, b"more")
    assert line.asked == []
    await line.until("abort")
    delivery.lost(line.session)
    assert b"2" not in line.asked
    assert service.told == ["lost: enough"]
    assert delivery.endings == {"enough": 1}


async def test_an_abort_cuts_short_a_close_and_leaves_its_reason() -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    service.answer = lambda conn: (Close(conn, "quit"), Abort(conn, "too late"))
    delivery.received(line.session, b"?")
    await line.until("abort")
    delivery.lost(line.session)
    assert delivery.endings == {"quit": 1}


@pytest.mark.parametrize("end", [Close, Abort])
async def test_a_reason_that_is_no_word_is_a_mistake(
    end: type[Close | Abort], logged_errors: list[logging.LogRecord]
) -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    service.answer = lambda conn: (end(conn, ""),)
    delivery.received(line.session, b"?")
    await line.until("abort")
    delivery.lost(line.session)
    assert delivery.endings == {"failed": 1}
    assert len(logged_errors) == 1


async def test_stop_asks_for_the_end() -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    service.answer = lambda conn: (Stop(), Stop())
    assert not delivery.stop_asked.is_set()
    delivery.received(line.session, b"?")
    assert delivery.stop_asked.is_set()
    assert line.asked == []


@pytest.mark.parametrize("effect", [Store("x"), Recall("x")])
async def test_without_a_storage_there_is_none_to_ask(effect: Effect, logged_errors: list[logging.LogRecord]) -> None:
    service = Answering()
    delivery = Watched(service, Limits())
    line = Line(delivery)
    service.answer = lambda conn: (effect,)
    delivery.received(line.session, b"?")
    await line.until("abort")
    (record,) = logged_errors
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], TypeError)
    assert "needs a storage" in str(record.exc_info[1])


# Silence.


async def test_who_is_silent_is_told_and_closed() -> None:
    service = Answering()
    service.farewell = b"asleep?"
    delivery = Watched(service, Limits())
    line = Line(delivery)
    delivery.idled(line.session)
    delivery.idled(line.session)
    await delivery.turn()
    assert line.asked == [b"asleep?", "release", "finish"]
    delivery.lost(line.session)
    assert service.told == ["refused: idle", "lost: idle"]


async def test_a_farewell_that_is_none_closes_all_the_same(logged_errors: list[logging.LogRecord]) -> None:
    service = Answering()
    service.farewell = "text"
    delivery = Watched(service, Limits())
    line = Line(delivery)
    delivery.idled(line.session)
    await delivery.turn()
    assert line.asked == ["release", "finish"]
    assert [record.getMessage() for record in logged_errors] == ["the service failed in refused()"]
    delivery.lost(line.session)


# After the peer's end.


async def test_a_peer_that_has_finished_is_closed_once_it_is_let_go() -> None:
    """Its transport is left alone: it would read the end once more."""
    service = Answering()
    service.at_the_end = lambda conn: (b"wait", Hold(conn, math.inf))
    delivery = Watched(service, Limits())
    line = Line(delivery)
    delivery.ended(line.session)
    await delivery.turn()
    delivery.idled(line.session)
    assert (line.asked, line.session.ending) == ([b"wait"], "")
    for effect in (Send((line.session,), b"all"), Hold(line.session, 0), Send((line.session,), b" said")):
        delivery.apply(effect, None)
    await line.until("finish")
    assert line.asked == [b"wait", b"all said", "finish"]
    delivery.lost(line.session)
    assert service.told == ["ended", "lost: eof"]


async def test_it_is_let_go_when_the_time_is_over(tick: float) -> None:
    service = Answering()
    service.at_the_end = lambda conn: (Hold(conn, 0), Hold(conn, tick))
    delivery = Watched(service, Limits())
    line = Line(delivery)
    begun = delivery.time()
    delivery.ended(line.session)
    await line.until("finish")
    assert delivery.time() - begun >= tick - EARLY
    assert line.asked == ["finish"]
    delivery.lost(line.session)


@pytest.mark.parametrize(
    ("effect", "asked"), [(Close, "finish"), (Abort, "abort")], ids=lambda value: getattr(value, "__name__", value)
)
async def test_a_peer_that_has_finished_can_be_closed(effect: type[Close | Abort], asked: str) -> None:
    service = Answering()
    service.at_the_end = lambda conn: (Hold(conn, math.inf),)
    delivery = Watched(service, Limits())
    line = Line(delivery)
    delivery.ended(line.session)
    delivery.apply(effect(line.session, "enough"), None)
    await line.until(asked)
    assert line.asked == [asked]
    delivery.lost(line.session)
    assert delivery.endings == {"enough": 1}


@pytest.mark.parametrize("held_before", [True, False])
async def test_only_a_hold_in_answer_to_the_end_puts_the_closing_off(held_before: bool) -> None:
    service = Answering()
    service.at_the_end = lambda conn: () if held_before else (Hold(conn, 1), Hold(conn, 0))
    delivery = Watched(service, Limits())
    line = Line(delivery)
    if held_before:
        delivery.hold(line.session, 1000)
    delivery.ended(line.session)
    await line.until("finish")
    delivery.lost(line.session)
    assert delivery.endings == {"eof": 1}


async def test_over_tls_the_closing_cannot_be_put_off() -> None:
    service = Answering()
    service.at_the_end = lambda conn: (b"bye", Hold(conn, math.inf))
    delivery = Watched(service, Limits())
    line = Line(delivery)
    line.half_closes = False
    delivery.ended(line.session)
    assert line.session.ending == "eof"
    await delivery.turn()
    assert line.asked == [b"bye", "finish"]
    delivery.lost(line.session)


async def test_a_stop_waits_for_nobody_who_is_held() -> None:
    service = Answering()
    service.at_the_end = lambda conn: (Hold(conn, math.inf),)
    delivery = Watched(service, Limits())
    line = Line(delivery)
    delivery.ended(line.session)
    stopping = asyncio.create_task(delivery.stop())
    await line.until("finish")
    delivery.lost(line.session)
    await stopping
    assert delivery.endings == {"shutdown": 1}


async def test_a_stop_that_is_cancelled_leaves_nobody() -> None:
    class Cut(Line):
        def abort(self) -> None:
            super().abort()
            delivery.loop.call_soon(delivery.lost, self.session)

    delivery = Watched(Answering(), Limits(grace=1000, linger=1000))
    line = Cut(delivery)
    stopping = asyncio.create_task(delivery.stop())
    await line.until("finish")
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert line.asked[-1] == "abort"
    assert not delivery.sessions


# All together.


async def test_above_the_budget_the_largest_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    service = Answering()
    delivery = Watched(service, Limits(budget=1000))
    lines = [Line(delivery) for _ in range(4)]
    for line, waiting in zip(lines, (100, 400, 300, 200), strict=True):
        line.waiting = waiting
    service.answer = lambda conn: (Send((conn,), bytes(600)),)
    delivery.received(lines[0].session, b"?")
    await delivery.turn()
    assert [line.is_closing() for line in lines] == [False] * 4  # 1000 at most can wait
    lines[3].waiting = 201
    delivery.received(lines[0].session, b"?")
    await lines[1].until("abort")
    assert [line.is_closing() for line in lines] == [False, True, False, False]
    assert lines[1].session.ending == Ending.OVER_BUDGET
    assert caplog.messages == [
        "cut off 1 of 4 connections, for which 400 of 1001 bytes waited: no more than 1000 may wait for all"
    ]


async def test_who_fills_up_with_plain_bytes_is_counted() -> None:
    """They are not counted one by one."""
    service = Answering()
    delivery = Watched(service, Limits(budget=1000, low=10, high=20, hard=10_000))
    line, other = Line(delivery), Line(delivery)
    service.answer = lambda conn: (bytes(2000),)
    delivery.received(line.session, b"?")
    line.waiting = 2000
    delivery.paused(line.session)
    delivery.received(other.session, b"?")
    await line.until("abort")
    assert (line.session.ending, other.session.ending) == (Ending.OVER_BUDGET, "")
