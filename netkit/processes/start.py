"""A server process, from its start to its end."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

import psutil

from ..wire.text import visible
from .guard import Guard

#: Seconds for a server to listen, and to end by itself once it is asked to.
START, END = 10.0, 1.0

#: Seconds between two looks whether it listens.
LOOK = 0.01


class NotServing(Exception):
    """A server that did not come up. It is the result of that server, not an error of ours."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """A Ctrl-C waits until the end of the ``with`` block, so that no process is started of which the guard is not told.

    The handlers are ours and not the signals blocked: a child would inherit that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is ever interrupted
        return
    caught: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: caught.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for each in caught:
        signal.raise_signal(each)


def launch(argv: Sequence[str], env: Mapping[str, str], errors: IO[bytes], guard: Guard) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, of which the guard is told.

    Args:
        argv: its command.
        env: its environment.
        errors: a file that gets what it says on standard error.
        guard: ends it if we cannot.

    Raises:
        NotServing: it cannot be started.
    """
    try:
        with undisturbed():
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=env,
                start_new_session=True,
            )
            guard.tell(f"+{process.pid}")
    except OSError as why:
        raise NotServing(f"{shlex.quote(argv[0])} cannot be started: {why.strerror}") from None
    return process


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def environment() -> dict[str, str]:
    """Ours, without what would configure a netkit server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NETKIT_")}


def listening(process: subprocess.Popen[bytes], port: int, errors: int) -> None:
    """Wait until it accepts a connection on 127.0.0.1.

    Raises:
        NotServing: it ended, or did not listen in time.
    """
    until = time.monotonic() + START
    while time.monotonic() < until:
        if process.poll() is not None:
            said = last_line(errors)
            raise NotServing(f"it exited with {process.returncode} before it listened{said}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(LOOK)
    raise NotServing(f"it did not listen on 127.0.0.1 port {port} within {START:g} s{last_line(errors)}")


def last_line(fd: int) -> str:
    """What it said last on standard error, to be put behind a sentence."""
    size = os.fstat(fd).st_size
    lines = os.pread(fd, 4096, max(0, size - 4096)).decode(errors="replace").strip().splitlines()
    return f": {visible(lines[-1])[:200]}" if lines else ""


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and all that it started, kindly first."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        family = []
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for member in family:  # whoever left the group
        with suppress(psutil.Error):
            member.kill()
    process.wait()
