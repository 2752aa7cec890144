"""Values with a unit, as people write them on a command line. Each is a ``type=`` of a click option."""

from __future__ import annotations

import os
import re
import sys

import click

SIZES = {"": 1, "b": 1, "k": 1024, "kib": 1024, "m": 1024**2, "mib": 1024**2}
MOST_WORKERS = 1024
DURATIONS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def size(text: str) -> int:
    """Bytes, from ``1024``, ``64k`` or ``1MiB``; k is 1024.

    Raises:
        click.BadParameter: it cannot be read.
    """
    found = re.fullmatch(r"(\d{1,12}) ?([a-z]*)", text.strip().lower(), re.ASCII)
    if found is None or found[2] not in SIZES:
        raise click.BadParameter(f"cannot read {text!r}: write bytes, like 1024, 64KiB or 1MiB.")
    return int(found[1]) * SIZES[found[2]]


def milliseconds(text: str) -> float:
    """Milliseconds, from ``5ms``, ``0.5s`` or ``800us``.

    Raises:
        click.BadParameter: it cannot be read.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?) ?(us|ms|s)", text.strip().lower(), re.ASCII)
    if found is None:
        raise click.BadParameter(f"cannot read {text!r}: write it like 5ms, 0.5s or 800us.")
    return float(found[1]) * DURATIONS[found[2]]


def share(text: str) -> float:
    """A share of 1, from ``2%``. Only with the sign: 5 and 0.05 cannot be mixed up then.

    Raises:
        click.BadParameter: it cannot be read, or is not above 0 and below 100 %.
    """
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)%", text.strip(), re.ASCII)
    if found is None or not 0 < float(found[1]) < 100:
        raise click.BadParameter(f"cannot read {text!r}: write it like 2% or 7.5%.")
    return float(found[1]) / 100


def workers(text: str) -> int:
    """How many processes, from ``4``, or from ``auto``: as many as processors that this one may use.

    Raises:
        click.BadParameter: it cannot be read, or is not from 1 to ``MOST_WORKERS``.
    """
    if text.strip().lower() == "auto":
        return min(_processors(), MOST_WORKERS)
    if not re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII) or not 1 <= int(text) <= MOST_WORKERS:
        raise click.BadParameter(f"cannot take {text!r}: give a number from 1 to {MOST_WORKERS}, or auto.")
    return int(text)


def _processors() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
