"""Options that more than one command has, written once. Each is a decorator of a click command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

#: The layers and the loops by their names. Not asked of where they are: that would bring asyncio along.
LAYERS = ("transports", "protocols", "streams")
LOOPS = ("asyncio", "uvloop")

one_loop = click.option(
    "--loop",
    type=click.Choice(["auto", *LOOPS]),
    default="auto",
    show_default=True,
    help="The event loop. auto: uvloop where it is installed.",
)


def one_layer(about: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option ``--layer``, with what it means to the command as its help."""
    return click.option("--layer", type=click.Choice(LAYERS), default="streams", show_default=True, help=about)
