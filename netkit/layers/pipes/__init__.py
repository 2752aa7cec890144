"""The same three ways for two pipes, standard input and output: a ``Connection`` alone, as nothing is accepted.

===========  ====  =========================================================================================
transports   7     a ``ReadTransport`` and a ``WriteTransport`` held in the hand, and a shim on each
protocols    8     the object is the protocol of the pipe that is read; a small one stands on the other
streams      9     a ``StreamReader`` on the one and a ``StreamWriter`` on the other, which asyncio does not pair
===========  ====  =========================================================================================

A pipe goes one way, so that there are two transports, each with an end of its own. The input may end at any time, and
what is to be said then is still written. The end of the output ends it all: it is the session's transport.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from ...stdio import Pipes
from ..delivery import Delivery

if TYPE_CHECKING:
    from .. import Listener


class Layer(Protocol):
    """A module of this package, as the server sees it."""

    def Connection(self, pipes: Pipes, delivery: Delivery) -> Listener:
        """Make what carries the one session over two pipes."""


def load(name: str) -> Layer:
    """The layer of that name, one of ``netkit.layers.NAMES``."""
    module: Layer = import_module(f".{name}", __name__)
    return module
