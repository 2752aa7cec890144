"""How long a silence is borne."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Silence(Exception):
    """It has been silent for too long."""


class Patience:
    """Waits for one side of a conversation: for ever, until there is a limit.

    ``asyncio.timeout`` knows its time when it begins, or is told while it runs. Here it may also change in between.
    """

    def __init__(self) -> None:
        self._seconds: float | None = None
        self._running: asyncio.Timeout | None = None

    def limit(self, seconds: float | None) -> None:
        """From now on, whatever is waited for may take so many seconds. So may what is being waited for."""
        self._seconds = seconds
        if self._running is not None and seconds is not None:
            self._running.reschedule(asyncio.get_running_loop().time() + seconds)

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Wait for something.

        Raises:
            Silence: it took too long.
        """
        deadline = asyncio.timeout(self._seconds)
        try:
            async with deadline:
                self._running = deadline
                try:
                    return await awaitable
                finally:
                    self._running = None
        except TimeoutError:
            if deadline.expired():
                raise Silence from None
            raise  # ETIMEDOUT, from the network
