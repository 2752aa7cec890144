"""netkit: one service, carried by three layers of asyncio.

::

    import asyncio
    import netkit

    class Shout(netkit.Service):
        def received(self, conn, data, now):
            yield data.upper()

    async def main():
        async with netkit.serve(Shout(), listen=["tcp://127.0.0.1:8888"], layer="protocols") as server:
            await server.wait()

    asyncio.run(main())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .endings import Ending
from .errors import CertificateError, EndpointError, ListenError, LoopError, NetkitError, ServiceError
from .limits import Limits
from .service import (
    Abort,
    Close,
    Conn,
    Effect,
    Effects,
    Hold,
    Recall,
    Send,
    Service,
    Stop,
    Storage,
    Store,
    Wake,
)

if TYPE_CHECKING:
    from .datagrams import DatagramStream, open_datagrams
    from .server import Server, serve

__version__ = "0.1.0"

__all__ = [
    # serving
    "serve",
    "Server",
    "Limits",
    # the seam
    "Service",
    "Conn",
    "Effect",
    "Effects",
    "Send",
    "Close",
    "Abort",
    "Hold",
    "Wake",
    "Stop",
    "Ending",
    # what is kept
    "Store",
    "Recall",
    "Storage",
    # datagrams of your own
    "open_datagrams",
    "DatagramStream",
    # what can go wrong
    "NetkitError",
    "EndpointError",
    "ListenError",
    "CertificateError",
    "LoopError",
    "ServiceError",
]


def __getattr__(name: str) -> Any:
    # asyncio is most of the time an import takes: a service, or --help, can do without it.
    if name in ("serve", "Server"):
        from . import server

        return getattr(server, name)
    if name in ("open_datagrams", "DatagramStream"):
        from . import datagrams

        return getattr(datagrams, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
