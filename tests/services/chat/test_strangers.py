"""Clients of other protocols that come to the port of the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netkit.endings import Ending
from netkit.services.chat.strangers import HTTP, TLS, recognise

if TYPE_CHECKING:
    from tests.services.conftest import Stage

#: The start of a ClientHello: record header, handshake header, version, and random bytes with LF, CR, EOT and IAC.
HELLO = bytes.fromhex("16030100c8010000c40303") + b"\n\r\x04\xff\xf6" + bytes(range(27))

REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /x?y=/quit HTTP/1.1\r\n\r\nhello\n",
    b"HEAD / HTTP/1.0\n\n",
    b"OPTIONS * HTTP/1.1\r\n\r\n",
    b"CONNECT example.org:443 HTTP/1.1\r\n\r\n",
    b"DELETE http://x/ HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1",
    b"GET /" + b"x" * 200 + b" HTTP/1.1\r\nHost: hello\r\n\r\nhello",
    b"GET /" + b"x" * 200,
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_tls_client_gets_one_line(stage: Stage, size: int) -> None:
    (ann,) = stage.people("ann")
    seat = stage.seat()
    stage.hush()
    for at in range(0, len(HELLO), size):
        seat.sends(HELLO[at : at + size])
    assert seat.reads() == b"*** this port is not TLS: connect in plain text (tls-on-plain)\r\n"
    assert seat.closed == Ending.TLS_ON_PLAIN
    ann.sees("*** guest1 left (no chat client)")


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("request_", REQUESTS)
def test_a_web_client_gets_an_answer_of_its_own_and_says_nothing(stage: Stage, request_: bytes, size: int) -> None:
    (ann,) = stage.people("ann")
    seat = stage.seat()
    stage.hush()
    for at in range(0, len(request_), size):
        seat.sends(request_[at : at + size])
    assert seat.reads() == HTTP.answer
    assert seat.closed == Ending.HTTP
    ann.sees("*** guest1 left (no chat client)")


def test_the_answer_to_a_web_client_is_whole() -> None:
    head, _, body = HTTP.answer.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 400 Bad Request",
        b"Content-Type: text/plain",
        b"Content-Length: %d" % len(body),
        b"Connection: close",
    ]
    assert body == (
        b"This is a chat, not a web server (http).\r\nConnect to it with netcat or telnet, such as: nc HOST PORT\r\n"
    )


@pytest.mark.parametrize(
    "line",
    ["GET", "GET well soon", "get / HTTP/1.1", "LOL what is HTTP", "I SAW / HTTP/1.1", "TO / everybody", "\x16 x"],
)
def test_people_may_talk_of_such_things(stage: Stage, line: str) -> None:
    (ann,) = stage.people("ann")
    seat = stage.seat()
    stage.hush()
    seat.says(line)
    ann.sees(f"<guest1> {line}".replace("\x16", ""))
    assert seat.closed == ""


def test_only_the_first_line_tells_a_stranger(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("GET / HTTP/1.1")
    bob.sees("<ann> GET / HTTP/1.1")
    ann.sends(b"\x16\x03\n")
    assert ann.closed == ""


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"", None),
        (b"\x16", None),
        (b"\x16\x03", TLS),
        (b"\x16\x00\x03", TLS),
        (b"\n\x16\x03", None),
        (b"GET / HTTP/", None),
        (b"GET / HTTP/1", HTTP),
        (b"hi\nGET / HTTP/1.1\n", None),
        (b"GET /x\n" + b"x" * 100, None),
        (b"GET /" + b"x" * 95, None),
        (b"GET /" + b"x" * 96, HTTP),
        (b"SEND " + b"x" * 100 + b" HTTP/1", None),
        (b"WELL hello there, " + b"x" * 100, None),
    ],
)
def test_how_they_are_told(head: bytes, found: object) -> None:
    assert recognise(head, 100) == found
