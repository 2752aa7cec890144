"""Programs under test, run as processes. What they write is waited for with a deadline, and never slept for."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import netkit

PATIENCE = 20.0  # seconds until a wait for a process counts as failed
READ_SIZE = 64 * 1024

#: Where the netkit under test is imported from: a process in another directory shall run the same one.
SOURCE = str(Path(netkit.__file__).parent.parent)

# Run in the child: makes its terminal the one whose Ctrl-C it gets, and then becomes the program.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)

NETKIT = (sys.executable, "-m", "netkit")


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would change how netkit or a client behaves, and with ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NETKIT")}
    kept.pop("DISPLAY", None)  # telnet would offer to tell it
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (SOURCE, os.environ.get("PYTHONPATH"))))
    if "PYTHONPATH" in more:
        more["PYTHONPATH"] = os.pathsep.join((more["PYTHONPATH"], kept["PYTHONPATH"]))
    return kept | more


class Output:
    """What a program writes to one file descriptor, read when a test asks for it."""

    def __init__(self, fd: int) -> None:
        self.all = b""
        self.ended = False
        self._fd = fd
        self._taken = 0
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def until(self, what: bytes) -> bytes:
        """Wait for some bytes, and return all that was not returned before, up to their end."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.all.find(what, self._taken)) < 0:
            self.more(deadline, repr(what))
        return self._take(at + len(what))

    def line(self) -> bytes:
        """The next line, with its ending."""
        return self.until(b"\n")

    def rest(self) -> bytes:
        """Wait for the end, and return all that was not returned before."""
        deadline = time.monotonic() + PATIENCE
        while not self.ended:
            self.more(deadline, "the end")
        return self._take(len(self.all))

    def _take(self, end: int) -> bytes:
        start, self._taken = self._taken, end
        return self.all[start:end]

    def more(self, deadline: float, what: str) -> None:
        """Wait for more of it, or its end, for the sake of what was to come until a time of ``time.monotonic``."""
        if self.ended or not self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise AssertionError(f"waited for {what}, and there was {self.all[self._taken :]!r} after {self.all!r}")
        try:
            data = os.read(self._fd, READ_SIZE)
        except OSError:  # how Linux says that nobody has the other side of a terminal open any more
            data = b""
        self.ended = not data
        self.all += data


class Program:
    """A program that runs in a session of its own until the ``with`` block is left.

    Args:
        command: what to run.
        env: its environment; ``environment()`` if left out.
        cwd: where to run it.
        terminal: give it a terminal and not pipes. Its errors are then among its output.
    """

    def __init__(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        terminal: bool = False,
    ) -> None:
        env = environment() if env is None else env
        if terminal:
            self._ours, theirs = pty.openpty()
            command = (sys.executable, "-ISc", TAKE_TERMINAL, *command)
            self.process = subprocess.Popen(
                command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=cwd, start_new_session=True
            )
            os.close(theirs)
            self.output = self.errors = Output(self._ours)
            self._input = self._ours
        else:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, env=env, cwd=cwd, start_new_session=True
            )
            self._ours = -1
            streams = self.process.stdin, self.process.stdout, self.process.stderr
            self._input, output, errors = (stream.fileno() for stream in streams if stream is not None)
            self.output, self.errors = Output(output), Output(errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it, however it is, and leave nothing open."""
        self.process.kill()
        self.process.wait(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        if self._ours >= 0:
            os.close(self._ours)

    def types(self, data: bytes) -> None:
        """Write to its standard input, or on its terminal."""
        os.write(self._input, data)

    def resize(self, rows: int, columns: int) -> None:
        """Make its terminal larger or smaller. The kernel tells it, as it would in a real window."""
        termios.tcsetwinsize(self._ours, (rows, columns))

    def ends_input(self) -> None:
        """Close its standard input."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit status, once it has ended by itself."""
        return self.process.wait(PATIENCE)


class Server(Program):
    """``netkit serve``, which accepts connections once this is made.

    Attributes:
        endpoints: what it listens on, in the order of its options.
        ready: the line that says what serves.
    """

    def __init__(
        self,
        *options: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        command: Sequence[str] = NETKIT,
    ) -> None:
        super().__init__(*command, "serve", *options, env=env, cwd=cwd)
        self.endpoints: list[str] = []
        try:
            while (line := self.errors.line().decode().rstrip()).startswith("listening on "):
                self.endpoints.append(line.removeprefix("listening on "))
        except AssertionError:
            self.close()
            raise
        self.ready = line

    def port(self, scheme: str = "tcp") -> str:
        """Where it listens with TCP or TLS."""
        return next(each.rpartition(":")[2] for each in self.endpoints if each.startswith(f"{scheme}://"))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, and return its exit status."""
        self.signal(number)
        return self.wait()
