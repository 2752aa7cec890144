"""From calls to steps, with calls made by hand: both shapes of a loop, what is left out, and what is counted."""

from __future__ import annotations

from netkit.tower.trace.model import CLIENT, KERNEL, SERVICE, Call, Counts
from netkit.tower.trace.steps import Mark, Watched, count, follow
from netkit.tower.trace.turns import CONTROL, cut

ECHO = ("netkit/services/echo.py", "Echo.received")
PROTOCOLS = "netkit/layers/protocols.py"

WATCHED = Watched("protocols", {ECHO})
MARKS = [Mark(1000, "sends", 5)]


def calls(*told: tuple[int, str, str]) -> list[Call]:
    """Calls from depth, name and file, a microsecond apart; in C where there is no file."""
    return [
        Call(start=2000 + 1000 * at, end=2500 + 1000 * at, depth=depth, name=name, file=file, line=7 if file else 0)
        for at, (depth, name, file) in enumerate(told)
    ]


def turn(*inside: tuple[int, str, str], found: bool = True, more: tuple[tuple[int, str, str], ...] = ()) -> list[Call]:
    """A turn of asyncio's own loop: a look, and a callback with some calls in it."""
    queued = [(2, "BaseEventLoop._add_callback", "asyncio/base_events.py")] if found else []
    return calls(
        (0, "BaseEventLoop._run_once", "asyncio/base_events.py"),
        (1, "EpollSelector.select", "selectors.py"),
        (2, "epoll.poll", ""),
        (1, "BaseSelectorEventLoop._process_events", "asyncio/selector_events.py"),
        *queued,
        (1, "Handle._run", "asyncio/events.py"),
        (2, "Context.run", ""),
        *inside,
        *more,
    )


READ = (
    (3, "_SelectorSocketTransport._read_ready", "asyncio/selector_events.py"),
    (4, "socket.recv", ""),
    (4, "Connection.received", PROTOCOLS),
    (5, "Delivery.received", "netkit/layers/delivery.py"),
    (6, "Echo.received", "netkit/services/echo.py"),
    (6, "Connection.write", PROTOCOLS),
)

#: What tells the process to stop: another callback of the same turn.
TOLD = ((1, "Handle._run", "asyncio/events.py"), (2, "Context.run", ""), (3, "until_told.<locals>.<lambda>", CONTROL))


def test_the_calls_of_a_callback_are_steps_with_their_depth() -> None:
    steps = follow(turn(*READ), MARKS, WATCHED)
    assert [(step.tier, step.api, step.depth, step.turn) for step in steps] == [
        (CLIENT, "client", 0, 0),
        (2, "epoll.poll", 0, 0),
        (7, "_SelectorSocketTransport._read_ready", 0, 1),
        (KERNEL, "recv", 1, 1),
        (8, "data_received", 1, 1),
        (SERVICE, "Echo.received", 2, 1),
        (8, "Connection.write", 2, 1),
    ]
    assert (steps[0].at, steps[0].size) == (0, 5)
    assert steps[2].where == "asyncio/selector_events.py:7"
    assert steps[3].where == ""
    assert (steps[2].at, steps[2].took) == (8, 0.5)


def test_a_look_that_found_nothing_is_no_step() -> None:
    assert "epoll.poll" not in [step.api for step in follow(turn(*READ, found=False), MARKS, WATCHED)]


def test_what_stops_the_recording_is_no_step_nor_is_the_look_that_found_it() -> None:
    apis = [step.api for step in follow(turn(*READ, more=TOLD), MARKS, WATCHED)]
    assert apis == [
        *("client", "_SelectorSocketTransport._read_ready", "recv", "data_received", "Echo.received"),
        "Connection.write",
    ]
    assert [step.api for step in follow(turn(*TOLD[2:]), MARKS, WATCHED)] == ["client"]


def test_what_was_under_way_when_the_recording_began_is_left_out() -> None:
    begun = calls((0, "Something.under_way", "asyncio/streams.py"), (0, "len", ""))
    assert [each.callbacks[0].calls[0].name for each in cut([*begun, *turn(*READ)])] == ["Handle._run"]


def test_on_a_loop_in_c_every_call_from_nowhere_is_a_callback() -> None:
    shallow = calls(
        (0, "print", ""),
        *((depth - 4, name, file) for depth, name, file in READ[2:]),
        (0, "Connection.ended", PROTOCOLS),
    )
    steps = follow(shallow, MARKS, WATCHED)
    assert [(step.tier, step.in_c, step.turn) for step in steps] == [
        (CLIENT, False, 0),
        (2, True, 1),
        (8, False, 1),
        (SERVICE, False, 1),
        (8, False, 1),
        (7, True, 1),
        (2, True, 2),
        (8, False, 2),
    ]
    assert steps[1].text == "inside C: the loop finds the socket readable, and the transport reads"
    assert steps[6].text == "inside C: the transport reads, and finds the end"
    assert steps[5].depth == steps[4].depth + 1


def test_what_finds_nothing_to_do_is_no_step_or_says_so() -> None:
    asyncio = "asyncio/selector_events.py"
    write, resume = (3, "_SelectorSocketTransport.write", asyncio), (3, "_SelectorTransport.resume_reading", asyncio)
    idle = follow(turn(write, resume), MARKS, WATCHED)
    assert [step.text for step in idle[2:]] == ["the transport keeps it: something waits already"]
    sent, watched = (4, "socket.send", ""), (4, "BaseSelectorEventLoop._add_reader", asyncio)
    busy = follow(turn(write, sent, resume, watched), MARKS, WATCHED)
    assert [step.text for step in busy[2:]] == [
        "the transport sends what it can, at once",
        "the kernel is given the bytes",
        "the transport reads again",
        "the loop watches the socket from now on",
    ]


def test_a_coroutine_that_nobody_awaits_is_a_task() -> None:
    outer = Call(2000, 9000, 0, "serve", "example.py", 1, coroutine=True, resumed=True)
    inner = Call(3000, 4000, 1, "StreamReader.read", "asyncio/streams.py", 2, coroutine=True, resumed=True)
    again = Call(5000, 6000, 1, "StreamReader.read", "asyncio/streams.py", 2, coroutine=True, suspended=True)
    steps = follow([outer, inner, again], MARKS, WATCHED)
    assert [(step.tier, step.text) for step in steps if not step.in_c and step.tier != CLIENT] == [
        (4, "the task is woken"),
        (1, "the coroutine goes on after its await"),
        (9, 'read() returns: what was fed, or b"" at the end'),
        (9, "read() finds nothing yet, and waits"),
    ]


def test_a_method_of_another_class_is_not_the_service() -> None:
    other = calls((0, "Echo.received", "elsewhere/echo.py"), (0, "Other.received", ECHO[0]))
    assert [step.tier for step in follow(other, MARKS, WATCHED)] == [CLIENT]


def test_what_is_counted_is_the_callbacks_and_the_looks_around_them() -> None:
    assert count(turn(*READ)) == Counts(callbacks=1, python=9, c=3, system=2, futures=0, woken=0)


def test_on_a_loop_in_c_system_calls_cannot_be_counted() -> None:
    task = Call(2000, 9000, 0, "serve", "example.py", 1, coroutine=True)
    resolved = Call(3000, 4000, 1, "Future.set_result")
    assert count([task, resolved]) == Counts(callbacks=1, python=1, c=1, system=None, futures=1, woken=1)
