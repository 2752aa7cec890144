"""Who is turned away is told of in one line a second at most for each reason."""

from __future__ import annotations

import asyncio
import logging

import pytest

from netkit.endings import Ending
from netkit.layers import refusals
from netkit.layers.refusals import Refusals


@pytest.fixture(autouse=True)
def _told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "netkit")


async def test_the_first_is_named_and_the_others_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    told = Refusals(asyncio.get_running_loop())
    for number in range(5):
        told.add(f"peer {number}", Ending.SERVER_FULL)
    told.add("peer 5", Ending.CONNECT_FLOOD)
    assert caplog.messages == ["refused peer 0: server-full", "refused peer 5: connect-flood"]
    told.stop()
    assert caplog.messages[2:] == ["refused 4 more: server-full"]
    assert not told.due


async def test_each_period_has_its_line(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "PERIOD", 0.0)
    calm = asyncio.Event()

    class Watched(Refusals):
        def tell(self, reason: Ending) -> None:
            super().tell(reason)
            if not self.due:
                calm.set()

    told = Watched(asyncio.get_running_loop())
    told.add("ann", Ending.SERVER_FULL)
    told.add("bob", Ending.SERVER_FULL)
    async with asyncio.timeout(10):
        await calm.wait()
    assert caplog.messages == ["refused ann: server-full", "refused 1 more: server-full"]
    told.add("cat", Ending.SERVER_FULL)
    assert caplog.messages[2:] == ["refused cat: server-full"]
    told.stop()
    assert len(caplog.messages) == 3
