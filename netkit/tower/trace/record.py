"""Every call of a process, as the interpreter tells it. Nothing of asyncio is patched.

Two ways to be told, with the same result: ``sys.monitoring`` (PEP 669), from Python 3.12 on, and ``sys.setprofile``
before. Both call us at the start and the end of each Python function, when a coroutine is suspended and when it goes
on, and around each call of a function written in C. What C calls in C stays unseen.
"""

from __future__ import annotations

import dis
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from time import perf_counter_ns
from types import BuiltinFunctionType, CodeType, FrameType, MethodDescriptorType
from typing import Any, TypeAlias

from .model import Call

# What an event may be.
ENTER, RESUME, RETURN, SUSPEND, ENTER_C, RETURN_C = range(6)

#: An event: its kind, the time in ns, the code or the C function, and bytes that it was given.
Event: TypeAlias = tuple[int, int, Any, int | None]

#: Arguments that are bytes, or a number of them.
DATA, NUMBER = "data", "nbytes"

YIELDS = dis.opmap["YIELD_VALUE"]

#: Folders whose files are named from here on.
ROOTS = (Path(__file__).parents[3], Path(os.__file__).parent)


class Watch:
    """Tells of the first call of each of some Python functions, while it is under way."""

    def __init__(self, names: Iterable[str] = (), tell: Callable[[str], None] = lambda name: None) -> None:
        """Watch for functions by their qualified ``names``."""
        self._left = set(names)
        self._tell = tell

    def entered(self, code: CodeType) -> None:
        """A function begins."""
        if code.co_qualname in self._left:
            self._left.discard(code.co_qualname)
            self._tell(code.co_qualname)


if sys.version_info >= (3, 12):

    class Recorder:
        """Records the calls of the thread that starts it, by ``sys.monitoring``."""

        def __init__(self, watch: Watch) -> None:
            self.events: list[Event] = []
            self._watch = watch
            self._thread = 0

        def start(self) -> None:
            """Record from now on."""
            monitoring = sys.monitoring
            told = monitoring.events
            self._thread = threading.get_ident()
            monitoring.use_tool_id(monitoring.PROFILER_ID, "netkit trace")
            handlers: dict[int, Callable[..., None]] = {
                told.PY_START: self._entered,
                told.PY_RESUME: lambda code, _offset: self._add(RESUME, code),
                told.PY_THROW: lambda code, _offset, _error: self._add(RESUME, code),
                told.PY_RETURN: lambda code, _offset, _value: self._add(RETURN, code),
                told.PY_UNWIND: lambda code, _offset, _error: self._add(RETURN, code),
                told.PY_YIELD: lambda code, _offset, _value: self._add(SUSPEND, code),
                told.CALL: lambda _code, _offset, function, _first: self._calls(ENTER_C, function),
                told.C_RETURN: lambda _code, _offset, function, _first: self._calls(RETURN_C, function),
                told.C_RAISE: lambda _code, _offset, function, _first: self._calls(RETURN_C, function),
            }
            for event, handler in handlers.items():
                monitoring.register_callback(monitoring.PROFILER_ID, event, handler)
            monitoring.set_events(monitoring.PROFILER_ID, sum(handlers))

        def stop(self) -> None:
            """Record no more."""
            sys.monitoring.set_events(sys.monitoring.PROFILER_ID, 0)
            sys.monitoring.free_tool_id(sys.monitoring.PROFILER_ID)

        def _add(self, kind: int, what: Any, size: int | None = None) -> None:
            if threading.get_ident() == self._thread:
                self.events.append((kind, perf_counter_ns(), what, size))

        def _entered(self, code: CodeType, _offset: int) -> None:
            self._add(ENTER, code, _size(sys._getframe(1)))
            self._watch.entered(code)

        def _calls(self, kind: int, function: object) -> None:
            # Told of whatever can be called, classes too. What sys.setprofile calls a C function is one of these.
            if isinstance(function, BuiltinFunctionType | MethodDescriptorType):
                self._add(kind, function)

else:

    class Recorder:
        """Records the calls of the thread that starts it, by ``sys.setprofile``."""

        def __init__(self, watch: Watch) -> None:
            self.events: list[Event] = []
            self._watch = watch

        def start(self) -> None:
            """Record from now on."""
            sys.setprofile(self._told)

        def stop(self) -> None:
            """Record no more."""
            sys.setprofile(None)

        def _told(self, frame: FrameType, event: str, what: Any) -> None:
            now = perf_counter_ns()
            code = frame.f_code
            if event == "call":
                # RESUME has the argument 0 at the start of a function, and another one where it goes on.
                resumed = frame.f_lasti >= 0 and code.co_code[frame.f_lasti + 1] != 0
                self.events.append((RESUME, now, code, None) if resumed else (ENTER, now, code, _size(frame)))
                self._watch.entered(code)
            elif event == "return":
                suspended = code.co_code[frame.f_lasti] == YIELDS
                self.events.append((SUSPEND if suspended else RETURN, now, code, None))
            else:
                self.events.append((ENTER_C if event == "c_call" else RETURN_C, now, what, None))


def _size(frame: FrameType) -> int | None:
    """Bytes among the arguments of a call that begins."""
    code = frame.f_code
    arguments = code.co_varnames[: code.co_argcount]
    if DATA in arguments:
        data = frame.f_locals.get(DATA)
        return len(data) if isinstance(data, bytes | bytearray | memoryview) else None
    if NUMBER in arguments:
        return frame.f_locals.get(NUMBER)
    return None


def calls(events: list[Event]) -> list[Call]:
    """Pair the events. A call whose beginning was not recorded is left out, what it called is not."""
    done: list[Call | None] = []
    # Of each that is open: its place in ``done``, its first event.
    stack: list[tuple[int, Event]] = []
    for event in events:
        kind, now = event[:2]
        if kind in (ENTER, RESUME, ENTER_C):
            stack.append((len(done), event))
            done.append(None)
        elif any(_ends(event, opened) for _, opened in stack):
            ended = False
            while not ended:
                index, opened = stack.pop()
                done[index] = _call(opened, now, len(stack), suspended=kind == SUSPEND)
                ended = _ends(event, opened)
    for depth, (index, opened) in enumerate(stack):
        done[index] = _call(opened, events[-1][1], depth, suspended=False)
    return [call for call in done if call is not None]


def _ends(event: Event, opened: Event) -> bool:
    """Whether an event is the end of what another one began. A method in C is bound anew for each of them."""
    if event[0] == RETURN_C:
        return opened[0] == ENTER_C
    return opened[2] is event[2]


def _call(opened: Event, end: int, depth: int, *, suspended: bool) -> Call:
    kind, start, what, size = opened
    if kind == ENTER_C:
        return Call(start, end, depth, c_name(what))
    return Call(
        start,
        end,
        depth,
        what.co_qualname,
        place(what.co_filename),
        what.co_firstlineno,
        coroutine=bool(what.co_flags & inspect.CO_COROUTINE),
        resumed=kind == RESUME,
        suspended=suspended,
        size=size,
    )


def c_name(function: object) -> str:
    """How a function in C is called: with its module where it is not a method."""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None)
    if isinstance(function, BuiltinFunctionType) and isinstance(module, str) and module != "builtins":
        return f"{module}.{name}"
    return str(name)


@lru_cache
def place(filename: str) -> str:
    """A file from its package's folder on."""
    path = Path(filename)
    for root in ROOTS:
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return "/".join(path.parts[-2:])
