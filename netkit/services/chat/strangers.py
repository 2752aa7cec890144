"""Strangers: TLS clients and web clients that call on the port of the plain chat.

They are told by the first bytes they send. A TLS client starts with a handshake record (RFC 8446, 5.1) and an
HTTP client with a request line (RFC 9112, 3). Neither can talk here. What is more, a web page can make a
browser send such a request to any port: what stands in it must not be said in the room as if somebody had.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...endings import Ending

# Content type 22, handshake, and the major version that all of SSL 3.0 to TLS 1.3 put there.
_TLS = b"\x16\x03"

# A request line as far as its version, or only the start of one: a method, and a path, an address or *.
_HTTP = re.compile(rb"[A-Z]{3,16} [^ \r\n]+ HTTP/[0-9]")
_HTTP_START = re.compile(rb"(?:[A-Z]{3,16} (?:/|\*|https?://)|CONNECT )")

_LINE_END = re.compile(rb"[\r\n]")

_HTTP_BODY = (
    b"This is a chat, not a web server (%b).\r\n" % Ending.HTTP.encode()
    + b"Connect to it with netcat or telnet, such as: nc HOST PORT\r\n"
)


@dataclass(frozen=True, slots=True)
class Stranger:
    """What a stranger is told, byte for byte, before it is closed, and the reason for that."""

    answer: bytes
    ending: Ending


TLS = Stranger(
    b"*** this port is not TLS: connect in plain text (%b)\r\n" % Ending.TLS_ON_PLAIN.encode(), Ending.TLS_ON_PLAIN
)

HTTP = Stranger(
    b"HTTP/1.1 400 Bad Request\r\n"
    b"Content-Type: text/plain\r\n"
    b"Content-Length: %d\r\n"
    b"Connection: close\r\n"
    b"\r\n"
    b"%b" % (len(_HTTP_BODY), _HTTP_BODY),
    Ending.HTTP,
)


def recognise(head: bytes, limit: int) -> Stranger | None:
    """Which stranger it is, if it is one.

    Args:
        head: all that a connection has sent before its first line was dealt with.
        limit: the longest line in bytes. A first line beyond it is judged by its start alone.
    """
    # Only the first line counts, and it has no NUL in it: so it does not matter how the bytes are cut.
    first = _LINE_END.split(head.replace(b"\0", b""), 1)[0]
    if first.startswith(_TLS):
        return TLS
    if _HTTP.match(first, 0, limit) or (len(first) > limit and _HTTP_START.match(first)):
        return HTTP
    return None
