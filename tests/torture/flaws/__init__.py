"""Servers that are broken on purpose: for each fault of the catalogue at least one that it must find broken.

A module for each module of the catalogue. A flaw is a class that does one thing wrong; ``FLAWS`` of a module says for
which fault it was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules


@dataclass(frozen=True)
class Flaw:
    """What is wrong, and who must find it.

    Attributes:
        fault: the name of the fault that was made for it.
        kind: the class that does it wrong.
        service: the profile that it is spoken to with.
        said: a regular expression that what is said of it must match: it was found for the right reason.
        scheme: of the endpoint: tcp, tls or udp.
    """

    fault: str
    kind: type[asyncio.BaseProtocol]
    service: str
    said: str
    scheme: str = "tcp"

    @property
    def name(self) -> str:
        return self.kind.__name__


def flaws() -> Iterator[Flaw]:
    """All of them, in the order of the modules."""
    for found in iter_modules(__path__):
        yield from import_module(f"{__name__}.{found.name}").FLAWS


def kind(name: str) -> type[asyncio.BaseProtocol]:
    """The class of that name."""
    return next(each.kind for each in flaws() if each.name == name)
