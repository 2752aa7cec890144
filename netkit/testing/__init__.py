"""Test your own protocol or service without a socket: transports in memory with real flow control, and a script.

::

    transport = MemoryTransport(Shout())  # any asyncio.Protocol
    transport.stall()  # its peer does not read
    transport.feed(b"hello")
    await transport.settled()
    assert (transport.sent, transport.waiting) == (b"", b"HELLO")

===============================================  ====================================================================
``MemoryTransport``, ``pair``                    for a ``Protocol`` or ``BufferedProtocol``, or two of them
``open_streams``                                 ``StreamReader`` and ``StreamWriter``
``MemoryDatagramTransport``                      for a ``DatagramProtocol``
``MemoryReadTransport``, ``MemoryWriteTransport``  the ends of a pipe
``Script``                                       a ``netkit.Service``, alone: no loop, no clock
``serve_in_memory``                              a ``netkit.Service`` on any layer
===============================================  ====================================================================

The transports call a protocol in the order and at the moments in which asyncio's own do, which one suite holds both
to. They are stricter in what asyncio only warns of: to write after ``close()`` raises an error. Nothing here needs
pytest.
"""

from __future__ import annotations

from .datagrams import MemoryDatagramTransport
from .pipes import MemoryReadTransport, MemoryWriteTransport
from .script import Actor, Script
from .serving import MemoryServer, serve_in_memory
from .transport import MemoryTransport, open_streams, pair

__all__ = [
    # a protocol or streams of one's own
    "MemoryTransport",
    "pair",
    "open_streams",
    "MemoryDatagramTransport",
    "MemoryReadTransport",
    "MemoryWriteTransport",
    # a service of one's own
    "Script",
    "Actor",
    "serve_in_memory",
    "MemoryServer",
]
