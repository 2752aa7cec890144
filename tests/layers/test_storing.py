"""The storage beside the loop: records go there in order, and so come the answers, from whatever thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future

import pytest

from netkit.layers.delivery import Delivery
from netkit.layers.storing import Storing
from netkit.limits import Limits
from netkit.service import Effects, Recall, Service, Wake


class Shelf:
    """A storage whose answers the test gives."""

    def __init__(self) -> None:
        self.records: list[object] = []
        self.futures: dict[object, Future[object]] = {}
        self.asked = asyncio.Event()
        self.closing = threading.Event()
        self.may_close = threading.Event()
        self.may_close.set()

    def put(self, record: object) -> None:
        self.records.append(record)

    def recall(self, query: object) -> Future[object]:
        future = self.futures[query] = Future()
        self.asked.set()
        return future

    def answer(self, query: object, found: object) -> None:
        """Answer, in another thread."""
        done = self.futures[query].set_exception if isinstance(found, Exception) else self.futures[query].set_result
        thread = threading.Thread(target=done, args=(found,))
        thread.start()
        thread.join()

    def close(self) -> None:
        assert threading.current_thread() is not threading.main_thread()
        self.closing.set()
        assert self.may_close.wait(20)


class Told:
    """What the service is told, and when."""

    def __init__(self) -> None:
        self.told: list[tuple[object, object]] = []
        self.news = asyncio.Event()

    def __call__(self, query: object, found: object) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.told.append((query, found))
        self.news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.told) < count:
                self.news.clear()
                await self.news.wait()


async def test_answers_come_in_the_order_of_the_questions() -> None:
    shelf, told = Shelf(), Told()
    storing = Storing(shelf, asyncio.get_running_loop(), told)
    for query in "abc":
        storing.recall(query)
    shelf.answer("c", 3)
    shelf.answer("b", 2)
    await asyncio.sleep(0)
    assert told.told == []
    shelf.answer("a", 1)
    await told.until(3)
    assert told.told == [("a", 1), ("b", 2), ("c", 3)]


async def test_an_answer_that_is_there_already_comes_a_turn_later_too() -> None:
    class Quick(Shelf):
        def recall(self, query: object) -> Future[object]:
            future = super().recall(query)
            future.set_result("at once")
            return future

    told = Told()
    storing = Storing(Quick(), asyncio.get_running_loop(), told)
    storing.recall("a")
    assert told.told == []
    await told.until(1)
    assert told.told == [("a", "at once")]


async def test_what_fails_is_none_and_one_line(logged_errors: list[logging.LogRecord]) -> None:
    shelf, told = Shelf(), Told()
    storing = Storing(shelf, asyncio.get_running_loop(), told)
    for query in "ab":
        storing.recall(query)
    shelf.answer("a", OSError(5, "the disk is gone"))
    shelf.futures["b"].cancel()
    await told.until(2)
    assert told.told == [("a", None), ("b", None)]
    assert [record.getMessage() for record in logged_errors] == [
        "the storage could not recall 'a': [Errno 5] the disk is gone",
        "the storage could not recall 'b': ",
    ]


async def test_after_the_stop_nothing_is_told_but_records_are_kept() -> None:
    shelf, told = Shelf(), Told()
    storing = Storing(shelf, asyncio.get_running_loop(), told)
    storing.recall("a")
    storing.stop()
    shelf.answer("a", 1)
    storing.recall("b")
    storing.put("last")
    await asyncio.sleep(0)
    assert (told.told, shelf.records, list(shelf.futures)) == ([], ["last"], ["a"])


def test_an_answer_that_comes_when_the_loop_is_gone_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> None:
        Storing(shelf, asyncio.get_running_loop(), lambda query, found: None).recall("a")

    shelf = Shelf()
    asyncio.run(ask())
    shelf.answer("a", 1)
    assert caplog.messages == []


async def test_close_waits_until_all_is_written_and_the_loop_goes_on() -> None:
    shelf = Shelf()
    shelf.may_close.clear()
    closing = asyncio.create_task(Storing(shelf, asyncio.get_running_loop(), Told()).close(20))
    assert await asyncio.to_thread(shelf.closing.wait, 10)
    assert not closing.done()
    shelf.may_close.set()
    await closing


async def test_a_storage_that_takes_too_long_is_told_of(tick: float, logged_errors: list[logging.LogRecord]) -> None:
    shelf = Shelf()
    shelf.may_close.clear()
    await Storing(shelf, asyncio.get_running_loop(), Told()).close(tick)
    shelf.may_close.set()
    assert [record.getMessage() for record in logged_errors] == [
        f"the storage is not closed: it takes longer than {tick:g} s"
    ]


async def test_a_storage_that_cannot_be_closed_is_told_of(logged_errors: list[logging.LogRecord]) -> None:
    class Stuck(Shelf):
        def close(self) -> None:
            raise TimeoutError("the disk is full")

    await Storing(Stuck(), asyncio.get_running_loop(), Told()).close(20)
    assert [record.getMessage() for record in logged_errors] == ["the storage is not closed: the disk is full"]


async def test_without_one_there_is_nothing_to_close() -> None:
    await Storing(None, asyncio.get_running_loop(), Told()).close(0)


async def test_the_service_is_told_on_the_loop_with_the_time(logged_errors: list[logging.LogRecord]) -> None:
    """To whom plain bytes would go is not known."""

    class Curious(Service):
        def __init__(self) -> None:
            self.news = asyncio.Event()
            self.heard: list[tuple[object, object, float]] = []

        def woken(self, now: float) -> Effects:
            yield Recall("a")

        def recalled(self, query: object, found: object, now: float) -> Effects:
            self.heard.append((query, found, now))
            self.news.set()
            yield b"to whom?"

    shelf, service = Shelf(), Curious()
    delivery = Delivery(service, Limits(), shelf)
    delivery.apply(Wake(0), None)
    async with asyncio.timeout(10):
        await shelf.asked.wait()
        before = delivery.time()
        shelf.answer("a", 1)
        await service.news.wait()
    ((query, found, now),) = service.heard
    assert (query, found) == ("a", 1)
    assert before <= now <= delivery.time()
    await delivery.stop()
    assert shelf.closing.is_set()
    assert [record.getMessage() for record in logged_errors] == ["the service failed in recalled()"]
