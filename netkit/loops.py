"""The event loops a server can run on, each behind a factory. No policy is touched (deprecated since 3.14)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .errors import LoopError

NAMES = ("auto", "asyncio", "uvloop")


def factory(name: str) -> tuple[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The real name of a loop and what makes one, for ``asyncio.Runner(loop_factory=...)``.

    ``auto`` is uvloop where it is installed, and asyncio's own loop elsewhere.

    Raises:
        LoopError: uvloop was asked for and is not installed.
        ValueError: there is no such loop.
    """
    if name not in NAMES:
        raise ValueError(f"no loop is called {name!r}: choose one of {', '.join(NAMES)}")
    if name == "asyncio":
        return name, asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:
        if name == "auto":
            return "asyncio", asyncio.new_event_loop
        raise LoopError("uvloop is not installed: pip install 'netkit[uvloop]', or use --loop asyncio") from None
    return "uvloop", uvloop.new_event_loop
