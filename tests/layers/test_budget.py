"""The arithmetic of the budget: what is counted, when it is added up, and who goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.endings import Ending
from netkit.layers import budget
from netkit.layers.budget import STEPS, Budget
from netkit.layers.session import Session
from netkit.limits import Limits

MOST = 64_000


class Pile:
    """What stands for a session: so many bytes wait."""

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.ending = ""

    @property
    def waiting(self) -> int:
        return self.size


def cut(session: Session, reason: Ending) -> None:
    pile = cast(Pile, session)
    pile.size, pile.ending = 0, reason


def make(*piles: Pile, loop: asyncio.AbstractEventLoop | None = None, most: int = MOST, high: int = 100) -> Budget:
    limits = Limits(budget=most, low=1, high=high, hard=high + 1)
    return Budget(limits, cast("list[Session]", piles), cast(asyncio.AbstractEventLoop, loop), cut)


@given(st.lists(st.integers(0, MOST), max_size=20))
def test_the_largest_go_until_the_rest_fits_and_no_more(sizes: list[int]) -> None:
    piles = [Pile(size) for size in sizes]
    make(*piles).look()
    kept = [size for size, pile in zip(sizes, piles, strict=True) if not pile.ending]
    gone = [size for size, pile in zip(sizes, piles, strict=True) if pile.ending]
    assert sum(kept) <= MOST
    assert min(gone, default=MOST) >= max(kept, default=0)
    if gone:
        assert sum(kept) + min(gone) > MOST
        assert {pile.ending for pile in piles} <= {"", Ending.OVER_BUDGET}


class Loop:
    """A loop that does at once what shall be done in the next turn."""

    def call_soon(self, callback: Callable[[], None]) -> None:
        callback()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, MOST // 8)), max_size=60), st.data())
def test_it_is_exceeded_by_less_than_a_step(puts: list[tuple[int, int]], data: st.DataObject) -> None:
    """Count what is put, and nothing else. Piles grow, and shrink at will."""
    piles = [Pile() for _ in range(5)]
    kept = make(*piles, loop=cast(asyncio.AbstractEventLoop, Loop()))
    for number, size in puts:
        piles[number].size += size
        kept.count(size)
        piles[0].size -= data.draw(st.integers(0, piles[0].size))
        assert sum(pile.size for pile in piles) <= MOST + MOST // STEPS


@pytest.mark.parametrize(("waits", "free"), [(0, MOST), (MOST // 2, MOST // 2), (MOST - 1, MOST // STEPS)])
def test_what_may_be_put_before_the_next_look(waits: int, free: int) -> None:
    kept = make(Pile(waits), loop=cast(asyncio.AbstractEventLoop, Loop()))
    assert kept.free == MOST
    kept.count(MOST - 1)
    assert (kept.put, kept.free) == (MOST - 1, MOST)
    kept.count(1)
    assert (kept.put, kept.free) == (0, free)


async def test_one_look_is_enough_for_a_turn_and_is_taken_after_it() -> None:
    pile = Pile(MOST + 1)
    looks = 0

    class Watched(Budget):
        def look(self) -> None:
            nonlocal looks
            looks += 1
            super().look()

    kept = Watched(Limits(budget=MOST), cast("list[Session]", [pile]), asyncio.get_running_loop(), cut)
    for _ in range(3):
        kept.count(MOST)
    assert (looks, pile.ending) == (0, "")
    await asyncio.sleep(0)
    assert (looks, pile.ending) == (1, Ending.OVER_BUDGET)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "PERIOD", 0.0)


@pytest.mark.usefixtures("hasty")
async def test_with_many_connections_there_is_a_look_now_and_again() -> None:
    """Each holds less than the high mark, and nobody tells of that."""
    news = asyncio.Event()

    def cut_and_tell(session: Session, reason: Ending) -> None:
        cut(session, reason)
        news.set()

    piles = [Pile(99) for _ in range(11)]
    kept = make(*piles, loop=asyncio.get_running_loop(), most=1000)
    kept.cut = cut_and_tell
    kept.opened()
    async with asyncio.timeout(10):
        await news.wait()
    assert sum(pile.size for pile in piles) == 990
    news.clear()
    piles[-1].size = 900
    async with asyncio.timeout(10):
        await news.wait()
    assert (piles[-1].size, piles[-1].ending) == (0, Ending.OVER_BUDGET)
    kept.stop()
    assert kept.timer is None


@pytest.mark.usefixtures("hasty")
async def test_with_few_there_is_none() -> None:
    kept = make(*(Pile(99) for _ in range(10)), loop=asyncio.get_running_loop(), most=1000)
    kept.opened()
    assert kept.timer is None
