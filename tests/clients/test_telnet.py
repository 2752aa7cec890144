"""telnet on a terminal, as a person uses it, with its wire tapped: what it shows and what it sends and is sent.

Here it edits its own line, as on any port; with a dash before the port the server does: see ``test_editor``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients.conftest import Client, Tap, Telnet

#: Ctrl-C: IAC IP, IAC DO TIMING-MARK. telnet shows nothing more until it is answered, with IAC WILL TIMING-MARK.
INTERRUPT = b"\xff\xf4\xff\xfd\x06"
MARKED = b"\xff\xfb\x06"


@pytest.fixture(
    scope="module",
    params=[("transports", "auto"), ("protocols", "asyncio"), ("streams", "auto")],
    ids=lambda cell: "-".join(cell),
)
def cell(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Every layer, and each loop at least once: what telnet sends differs little from what netcat does."""
    layer, loop = request.param
    return layer, loop


def test_on_any_port_it_is_told_nothing_of_telnet(telnet: Telnet, ann: Client, tap: Tap) -> None:
    client = telnet("telnet")
    client.says("hello")
    ann.sees("<guest1> hello")
    client.says("/quit")
    client.sees("*** goodbye (quit)", "Connection closed by foreign host.")
    client.output.rest()
    assert tap.sent == b"hello\r\n/quit\r\n"
    assert b"\xff" not in tap.received


def test_ctrl_c_drops_what_was_begun_and_goes_on(telnet: Telnet, ann: Client, tap: Tap) -> None:
    client = telnet("telnet")
    client.types(b"never said\x04")  # within a line, Ctrl-D sends what there is of it
    client.output.until(b"never said")
    tap.until_sent(b"never said")
    client.types(b"\x03")
    client.output.until(b"^C")
    client.says("said")
    ann.sees("<guest1> said")
    ann.says("heard")
    client.sees("<ann> heard")
    assert tap.sent == b"never said" + INTERRUPT + b"said\r\n"
    assert tap.received.count(MARKED) == 1
    client.says("/quit")
    client.sees("*** goodbye (quit)")


def test_ctrl_d_on_an_empty_line_leaves(telnet: Telnet, ann: Client) -> None:
    client = telnet("telnet")
    client.says("bye")
    client.types(b"\x04")
    client.sees("*** goodbye (quit)", "Connection closed by foreign host.")
    ann.sees("<guest1> bye", "*** guest1 left")
