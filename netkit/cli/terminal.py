"""What a terminal is given, as wide as it is, in its colours and its characters; and what ends a command on it."""

from __future__ import annotations

import codecs
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..tower.show import Look

#: Columns: as many as any terminal has, and more than help nobody.
LEAST, MOST = 80, 160

#: What each role of ``show`` looks like: the eight colours, which every terminal adapts to its background.
STYLES: dict[str, dict[str, Any]] = {
    "heading": {"bold": True},
    "name": {"bold": True},
    "code": {"fg": "cyan"},
    "muted": {"dim": True},
    "applications": {"fg": "green"},
    "frameworks": {"fg": "yellow"},
    "both": {"fg": "magenta"},
    # Of a trace: the tiers that netkit has a layer on, the loop, what has to do with waiting, and what is beside them.
    "lane 10": {"bold": True},
    "lane 9": {"fg": "green"},
    "lane 8": {"fg": "yellow"},
    "lane 7": {"fg": "cyan"},
    "lane 2": {"fg": "blue"},
    **{f"lane {tier}": {"fg": "magenta"} for tier in (1, 3, 4, 5, 6)},
    "lane 0": {"dim": True},
    "lane -1": {"dim": True},
}


def look() -> Look:
    """How wide it is shown, with which characters, and in which colours."""
    from ..tower.show import Look

    def paint(text: str, role: str) -> str:
        style = STYLES.get(role)
        return click.style(text, **style) if style else text

    width = max(LEAST, min(shutil.get_terminal_size().columns, MOST))
    return Look(width=width, unicode=_unicode(), paint=paint if coloured() else lambda text, role: text)


def coloured() -> bool:
    """Whether there are colours: on a terminal, unless the environment says that there are none."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _unicode() -> bool:
    try:
        return codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    except LookupError:
        return False


def say(text: str) -> None:
    """Print, with escapes for what cannot be shown here."""
    if not _unicode():
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    click.echo(text, nl=False, color=coloured())


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends what runs meanwhile as Ctrl-C does: with all it has, and with what it started."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
