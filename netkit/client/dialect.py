"""What goes over the wire for what is typed, and what is shown for what comes: bytes as they are, or telnet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..errors import ConnectError
from ..wire.telnet import Flood, Reply, Telnet, escape

_LF = re.compile(rb"(?<!\r)\n")


class Dialect:
    r"""How one peer is talked to.

    Args:
        telnet: whether it may be a telnet server (RFC 854). Once it has shown that it is one, its options are refused
            by the rules of RFC 1143, FF is doubled, and lines end in CR LF.
        crlf: whether lines end in CR LF whatever it is: an LF becomes one, and a CR LF stays.
    """

    def __init__(self, *, telnet: bool = False, crlf: bool = False) -> None:
        self._telnet = Telnet() if telnet else None
        self._crlf = crlf
        # The last byte sent was a CR: an LF that comes next belongs to it.
        self._after_cr = False

    def spoken(self, data: bytes) -> bytes:
        """What to send for what was typed."""
        is_telnet = self._telnet is not None and self._telnet.seen
        if self._crlf or is_telnet:
            before = b"\r" if self._after_cr else b""
            self._after_cr = (before + data).endswith(b"\r")
            data = _LF.sub(b"\r\n", before + data).removeprefix(before)
        return escape(data) if is_telnet else data

    def heard(self, data: bytes) -> Iterator[bytes | Reply]:
        """What to show of what came, and what to reply, in order.

        Raises:
            ConnectError: it is an attack.
        """
        if self._telnet is None:
            yield data
            return
        for event in self._telnet.feed(data):
            if isinstance(event, Flood):
                raise ConnectError(f"the peer sends {event.reason}: to see it as it is, use --raw")
            if isinstance(event, bytes | Reply):
                yield event
