"""What ``netkit serve --workers`` starts for each of them. No command: its supervisor tells it all it has to know."""

from __future__ import annotations

import sys
from pathlib import Path


def command(verbosity: int, style: str) -> tuple[str, ...]:
    """What starts a worker whose logs are like ours, see ``logs.configure``."""
    # -m would put the current directory first on the path, and a file there, such as json.py, in the place of Python's
    # own: not where we ourselves are not imported from there.
    here = Path(__file__).resolve().parents[2] == Path.cwd()
    return (sys.executable, *(() if here else ("-P",)), "-m", __name__, str(verbosity), style)


def main() -> int:
    """Be a worker."""
    from ..workers import worker
    from .logs import configure

    verbosity, style, channel = sys.argv[1:]
    configure(int(verbosity), style)
    return worker.run(int(channel))


if __name__ == "__main__":
    sys.exit(main())
