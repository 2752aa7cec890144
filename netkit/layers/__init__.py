"""Three ways to carry a service, one per tier of asyncio. Read two of them side by side with ``diff``.

===========  ====  ================================================================================
transports   7     ``loop.sock_accept``, and transports held in the hand
protocols    8     callbacks on an object per connection
streams      9     ``await reader.read()``, ``writer.write()``, ``await writer.drain()``
===========  ====  ================================================================================

Each module holds a ``Listener``, which accepts on one bound socket, and a ``Connection``, with the same names
in the same order. What does not depend on the tier is in ``delivery`` and ``admission``. For UDP the same three are in
``datagrams``, and for standard input and output in ``pipes``.
"""

from __future__ import annotations

import socket
import ssl
from importlib import import_module
from typing import Protocol

from .delivery import Delivery

NAMES = ("transports", "protocols", "streams")


class Listener(Protocol):
    """What every layer offers the server: something that accepts on one socket until it is closed."""

    async def start(self) -> None:
        """Begin to accept."""

    def close(self) -> None:
        """Stop accepting. Connections that are there go on."""


class Layer(Protocol):
    """A module of this package, as the server sees it."""

    def Listener(self, sock: socket.socket, delivery: Delivery, tls: ssl.SSLContext | None) -> Listener:
        """Make the listener of one socket that listens, with TLS on it where a context is given."""


def load(name: str) -> Layer:
    """The layer of that name.

    Raises:
        ValueError: there is no such layer.
    """
    if name not in NAMES:
        raise ValueError(f"no layer is called {name!r}: choose one of {', '.join(NAMES)}")
    module: Layer = import_module(f".{name}", __name__)
    return module
