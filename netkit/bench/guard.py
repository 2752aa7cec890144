"""A process that outlives us for a moment: it ends the servers of a run that could not do so itself.

It reads lines, ``+GROUP`` for a process group that was started and ``-GROUP`` for one that was ended. When its input
ends, however that came about, it kills what is left. SIGKILL of the bench is no exception.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Wait for the end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a Ctrl-C is for the bench; we go when it has gone
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
