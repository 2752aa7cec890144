"""A process that outlives us for a moment: it ends the servers of a run that could not do so itself.

It reads lines, ``+GROUP`` for a process group that was started and ``-GROUP`` for one that was ended. When its input
ends, however that came about, it kills what is left. SIGKILL of us is no exception.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

from ..errors import ProcessError


class Guard:
    """That process, as whoever starts servers sees it: it ends them if we cannot."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            (sys.executable, "-m", "netkit.processes.guard"), stdin=subprocess.PIPE, start_new_session=True, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()

    def tell(self, line: str) -> None:
        """``+GROUP``: a process group has started; ``-GROUP``: it has ended.

        Raises:
            ProcessError: it was killed.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise ProcessError("the process that guards the servers was killed: nothing more is started") from None


def main() -> None:
    """Wait for the end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a Ctrl-C is for those we guard for; we go when they have gone
    groups = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
