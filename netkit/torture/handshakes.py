"""The client's side of a TLS handshake, byte by byte."""

from __future__ import annotations

import ssl
from contextlib import suppress


def trusting() -> ssl.SSLContext:
    """A context that looks at no certificate: a server is tried, and not trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def hello(context: ssl.SSLContext, host: str) -> bytes:
    """The first flight of a handshake: a ClientHello.

    Args:
        context: what is offered.
        host: whom it is for; empty to name nobody.

    Raises:
        ssl.SSLError: there is nothing that may be offered.
    """
    outgoing = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):  # nothing has come to it, and nothing will
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host or None).do_handshake()
    return outgoing.read()
