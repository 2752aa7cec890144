"""The clients that people have, against the echo: what they send comes back to them, byte for byte."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.process import PATIENCE

if TYPE_CHECKING:
    from tests.clients.conftest import Meeting

MIB = 1 << 20

#: Clients that end their side when their input ends, and still print what comes then.
HALF_CLOSING = ["nc -N", "nc -U -N", "ncat", "socat tcp", "socat unix"]

#: Clients over TLS, which has no half-close in asyncio: their input must stay open until the reply is there.
OVER_TLS = ["openssl", "ncat --ssl"]


def piped(echo: Meeting, kind: str, data: bytes) -> bytes:
    """What comes out of ``printf ... | client``, which must end well."""
    done = subprocess.run(echo.command(kind), input=data, capture_output=True, timeout=PATIENCE, check=True)
    assert done.stderr == b""
    return done.stdout


@pytest.mark.parametrize("kind", HALF_CLOSING)
def test_what_is_piped_in_comes_out(echo: Meeting, kind: str) -> None:
    assert piped(echo, kind, b"abc") == b"abc"


@pytest.mark.parametrize("kind", ["nc -N", "nc -U -N"])
def test_a_mebibyte_comes_back_as_it_was(echo: Meeting, kind: str) -> None:
    data = random.Random(kind).randbytes(MIB)
    assert piped(echo, kind, data) == data


@pytest.mark.parametrize("kind", [*HALF_CLOSING, *OVER_TLS])
def test_a_reply_comes_while_the_input_is_open(echo: Meeting, kind: str) -> None:
    client = echo.client(kind)
    client.types(b"\xff\xfb\x01 no telnet here\r\n\x00")
    client.output.until(b"\xff\xfb\x01 no telnet here\r\n\x00")
    client.ends_input()
    if kind != "openssl":  # with -quiet it goes on after the end of its input
        assert client.wait() == 0
    assert client.output.all == b"\xff\xfb\x01 no telnet here\r\n\x00"
