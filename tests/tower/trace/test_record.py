"""What is recorded of a small program, in the way that this Python has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from netkit.tower.trace import record
from netkit.tower.trace.model import Call
from netkit.tower.trace.record import Recorder, Watch


@pytest.fixture
def recorded() -> Callable[[Callable[[], object]], list[Call]]:
    """Runs a function, and returns the calls of this file's own functions and of C within them."""

    def run(function: Callable[[], object]) -> list[Call]:
        recorder = Recorder(Watch())
        recorder.start()
        try:
            function()
        finally:
            recorder.stop()
        return record.calls(recorder.events)

    return run


Recorded = Callable[[Callable[[], object]], list[Call]]


def outer(data: bytes) -> int:
    return inner(data)


def inner(data: bytes) -> int:
    return len(data)


def fails() -> None:
    raise LookupError


def survives() -> None:
    try:
        fails()
    except LookupError:
        inner(b"")


def numbers() -> Iterator[int]:
    yield 1
    yield 2


async def waits(future: asyncio.Future[None]) -> None:
    await future


async def resolves() -> None:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: future.set_result(None))
    await waits(future)


def ours(calls: list[Call], *names: str) -> list[Call]:
    return [call for call in calls if call.name in names]


def test_a_call_within_a_call_is_deeper_and_knows_where_it_begins(recorded: Recorded) -> None:
    calls = recorded(lambda: outer(b"abc"))
    first, second, third = ours(calls, "outer", "inner", "len")
    assert (first.name, second.name, third.name) == ("outer", "inner", "len")
    assert (second.depth - first.depth, third.depth - second.depth) == (1, 1)
    assert first.start <= second.start <= third.start <= third.end <= second.end <= first.end
    assert second.file.endswith("trace/test_record.py")
    assert second.line == inner.__code__.co_firstlineno
    assert (third.file, third.line, third.in_c) == ("", 0, True)
    assert not second.in_c


def test_bytes_among_the_arguments_are_counted(recorded: Recorded) -> None:
    assert [call.size for call in ours(recorded(lambda: outer(b"abc")), "outer", "inner")] == [3, 3]


def test_an_exception_ends_the_calls_that_it_leaves(recorded: Recorded) -> None:
    first, second, third = ours(recorded(survives), "survives", "fails", "inner")
    assert (first.name, second.name, third.name) == ("survives", "fails", "inner")
    assert second.depth == third.depth == first.depth + 1
    assert second.end <= third.start


def test_a_generator_is_suspended_and_goes_on(recorded: Recorded) -> None:
    calls = ours(recorded(lambda: list(numbers())), "numbers")
    assert [(call.resumed, call.suspended) for call in calls] == [(False, True), (True, True), (True, False)]
    assert not any(call.coroutine for call in calls)


def test_a_coroutine_is_suspended_and_all_that_await_it_go_on(recorded: Recorded) -> None:
    calls = ours(recorded(lambda: asyncio.run(resolves())), "resolves", "waits")
    assert [(call.name, call.resumed, call.suspended) for call in calls] == [
        ("resolves", False, True),
        ("waits", False, True),
        ("resolves", True, False),
        ("waits", True, False),
    ]
    assert all(call.coroutine for call in calls)
    assert calls[3].depth == calls[2].depth + 1


def test_a_future_that_is_resolved_is_seen(recorded: Recorded) -> None:
    calls = recorded(lambda: asyncio.run(resolves()))
    assert [call for call in calls if call.name == "Future.set_result" and call.in_c]


def test_what_was_under_way_when_it_began_is_left_out() -> None:
    recorder = Recorder(Watch())

    def begun() -> None:
        recorder.start()

    begun()
    outer(b"")
    recorder.stop()
    calls = record.calls(recorder.events)
    assert not ours(calls, "begun")
    assert [call.depth for call in ours(calls, "outer", "inner")] == [0, 1]


def test_what_is_under_way_when_it_ends_ends_with_it() -> None:
    recorder = Recorder(Watch())

    def stops() -> None:
        recorder.stop()

    recorder.start()
    stops()
    (call,) = ours(record.calls(recorder.events), f"{stops.__qualname__}")
    assert call.end >= call.start


def test_it_tells_of_the_first_call_of_what_is_watched_and_of_no_other() -> None:
    told: list[str] = []
    recorder = Recorder(Watch(["inner", "never"], told.append))
    recorder.start()
    outer(b"")
    outer(b"")
    recorder.stop()
    assert told == ["inner"]
