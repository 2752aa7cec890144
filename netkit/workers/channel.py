"""What supervisor and worker say to each other, a line each, over a pair of sockets.

=============  =====================================================================
to a worker    its job, as JSON; then ``stop`` and ``abort``; the end means ``stop``
from a worker  ``ready`` once it accepts, or ``failed`` and why, in one line
=============  =====================================================================
"""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass
from typing import Self

from ..endpoints import Endpoint
from ..limits import Limits

STOP = b"stop\n"
ABORT = b"abort\n"
READY = b"ready\n"
FAILED = b"failed "


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker is to do.

    Attributes:
        service: the spec of the service, see ``netkit.services``.
        layer: the layer that carries it.
        loop: the event loop it runs on.
        limits: the bounds of this worker.
        listen: each endpoint, and the descriptor of its socket.
        tls_cert: the file of the certificate for TLS, if it is in one.
        tls_key: the file of its key, where that is not beside it.
        tls_pem: certificate and key themselves, where they are in no file.
    """

    service: str
    layer: str
    loop: str
    limits: Limits
    listen: tuple[tuple[Endpoint, int], ...]
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_pem: str | None = None

    def encode(self) -> bytes:
        """The first line to a worker."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, sock: socket.socket) -> Self:
        """Wait for that line, as a worker does before it has a loop."""
        # Byte by byte: whatever follows must be left for the loop.
        with sock.makefile("rb", buffering=0) as lines:
            found = json.loads(lines.readline())
        limits = Limits(**found.pop("limits"))
        listen = tuple((Endpoint(**endpoint), descriptor) for endpoint, descriptor in found.pop("listen"))
        return cls(limits=limits, listen=listen, **found)
