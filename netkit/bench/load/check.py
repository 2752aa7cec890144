"""Does the server serve what it is asked for? A byte-exact look before any time is measured."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from ..scenario import Workload
from .connect import PATIENCE, Broken, Place, blamed, exactly
from .ring import CASELESS

#: Every byte there is, in an order in which no two neighbours are neighbours, and a little of everything in front.
EVERY_BYTE = b"\xff\xfb\x01\r\n\r\x00\n\x04" + bytes(value * 7 % 256 for value in range(256))

LINE = b"is anybody there?"

#: Seconds after which a line is said again.
SAY_AGAIN = 0.5


def check(workload: Workload, place: Place, *, caseless: bool = False) -> None:
    """One connection that echoes, or two of which one reads what the other says.

    Args:
        workload: what is going to be measured.
        place: where the server is.
        caseless: an echo may change the case of letters, so that none is sent that could be changed.

    Raises:
        Broken: it does something else.
    """
    if workload.lines:
        _chat(place)
    else:
        _echo(place, EVERY_BYTE.translate(CASELESS) if caseless else EVERY_BYTE)


def _echo(place: Place, data: bytes) -> None:
    with place.dial() as sock:
        for piece in (data[:1], data, data * 8):
            with blamed("while it was written to"):
                sock.sendall(piece)
            if (got := exactly(sock, len(piece))) != piece:
                at = next(place for place, (ours, its) in enumerate(zip(piece, got, strict=True)) if ours != its)
                raise Broken(f"it is no echo: {piece[at : at + 8]!r} came back as {got[at : at + 8]!r}")


def _chat(place: Place) -> None:
    with place.dial() as one, place.dial() as other:
        for speaker, reader, line in ((other, one, b"hello there"), (one, other, LINE)):
            _heard(speaker, reader, line)


def _heard(speaker: socket.socket, reader: socket.socket, line: bytes) -> None:
    """Say something, and again, until the other one has read it: a server may still be busy letting them in."""
    until = time.monotonic() + PATIENCE
    got = b""
    reader.settimeout(SAY_AGAIN)
    while time.monotonic() < until:
        with blamed("while it was written to"):
            speaker.sendall(line + b"\n")
        with blamed("while it was read from"), suppress(TimeoutError):
            while line not in got:
                more = reader.recv(65536)
                if not more:
                    raise Broken("it ended a connection instead of passing a line on")
                got = got[-len(line) :] + more
            return
    raise Broken(f"it is no chat: what one client wrote did not reach the other one within {PATIENCE:g} s")
