"""The same three ways for UDP, which has no connections: a ``Listener`` alone, and an answer to each datagram.

===========  ====  ====================================================================================
transports   7     the transport is held in the hand, and its buffer is looked at; a shim passes on
protocols    8     callbacks on one object: ``datagram_received``, ``error_received``, ``pause_writing``
streams      9     netkit's own stream: ``async for data, address in stream``, ``await stream.send()``
===========  ====  ====================================================================================

asyncio ends at tier 8 here. What the third stands on is built as asyncio builds its own: see ``netkit.datagrams``.

Where replies wait to be written, the first two drop the next; the third waits, and lets what arrives meanwhile pile up
in its queue until that drops. All is counted by ``exchange``, which decides what is answered.
"""

from __future__ import annotations

import socket
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from .exchange import Exchange

if TYPE_CHECKING:
    from .. import Listener


class Layer(Protocol):
    """A module of this package, as the server sees it."""

    def Listener(self, sock: socket.socket, exchange: Exchange) -> Listener:
        """Make what answers on one bound socket."""


def load(name: str) -> Layer:
    """The layer of that name, one of ``netkit.layers.NAMES``."""
    module: Layer = import_module(f".{name}", __name__)
    return module
