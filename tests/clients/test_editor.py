"""telnet on a terminal whose line the server edits: what is on the screen, as a terminal shows it.

The keys go one by one, and the server shows them. Nothing here differs by layer, so one is enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyte
import pytest

from tests.clients.conftest import AGREES, ANSWERS, CONNECTED, OFFERS, Meeting
from tests.process import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.conftest import Client, Tap, Telnet
    from tests.conftest import Certificates

TOKEN = "correct-horse-battery"

ROWS, COLUMNS = 24, 80

UP = b"\x1b[A"


@pytest.fixture(scope="module")
def cell() -> tuple[str, str]:
    return "streams", "auto"


@pytest.fixture
def chat(
    cell: tuple[str, str], certificates: Certificates, program: Callable[[str], str], tmp_path: Path
) -> Iterator[Meeting]:
    """A chat with operators, and nobody in it yet."""
    (file := tmp_path / "token").write_text(TOKEN)
    file.chmod(0o600)
    with Meeting(cell, "chat", certificates, program, "--operator-token-file", str(file)) as server:
        yield server
        server.stops_cleanly()


class Screen:
    """What the terminal of a client shows."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._read = 0

    def rows(self) -> list[str]:
        """Its rows down to the cursor, without the blanks at their ends; the last one with a bar for the cursor."""
        cursor = self._screen.cursor
        *above, line = (row.rstrip() for row in self._screen.display[: cursor.y + 1])
        return [*above, f"{line[: cursor.x]:{cursor.x}}|{line[cursor.x :]}"]

    def shows(self, *rows: str) -> None:
        """Wait until the last rows are these."""
        output = self._client.output
        deadline = time.monotonic() + PATIENCE
        while True:
            self._stream.feed(output.all[self._read :])
            self._read = len(output.all)
            if self.rows()[-len(rows) :] == list(rows):
                return
            assert not output.ended, self.rows()
            output.more(deadline, repr(rows))

    def resize(self, columns: int) -> None:
        """Make the window wider or narrower."""
        self._screen.resize(ROWS, columns)
        self._client.resize(ROWS, columns)


@pytest.fixture
def guest(telnet: Telnet) -> Client:
    """Somebody whose line is edited."""
    return telnet("telnet -PORT")


@pytest.fixture
def screen(guest: Client) -> Screen:
    screen = Screen(guest)
    screen.shows("> |")
    return screen


def test_what_it_offers_is_answered_once(guest: Client, screen: Screen, ann: Client, tap: Tap) -> None:
    assert tap.sent.startswith(OFFERS)
    for part in AGREES:
        tap.until_sent(part)
    guest.types(b"hello\r")
    ann.sees("<guest1> hello")
    screen.shows("> hello", "> |")
    guest.types(b"\x04")
    guest.output.rest()
    assert tap.received.count(ANSWERS) == 1
    assert b"\xff" not in tap.received.replace(ANSWERS, b"")
    # Each key as it was pressed; Enter is CR NUL.
    assert tap.sent.endswith(b"hello\r\0\x04")


def test_what_others_say_stands_above_what_is_typed(guest: Client, screen: Screen, ann: Client) -> None:
    guest.types("half a line, né".encode())
    screen.shows("> half a line, né|")
    ann.says("one")
    ann.says("two")
    screen.shows("<ann> one", "<ann> two", "> half a line, né|")
    guest.types(b"\x7f\x7f\x7f\x7fok\r")
    ann.sees("<guest1> half a lineok")
    screen.shows("<ann> two", "> half a lineok", "> |")


def test_ctrl_c_drops_the_line_and_the_arrow_brings_one_back(guest: Client, screen: Screen, ann: Client) -> None:
    guest.types(b"said\r")
    screen.shows("> said", "> |")
    guest.types(b"never said")
    screen.shows("> never said|")
    guest.types(b"\x03")
    screen.shows("> never said^C", "> |")
    guest.types(UP)
    screen.shows("> said|")
    guest.types(b" again\r")
    ann.sees("<guest1> said", "<guest1> said again")


def test_tab_completes_a_name_and_a_command(guest: Client, screen: Screen, ann: Client) -> None:
    guest.types(b"an\t")
    screen.shows("> ann: |")
    guest.types(b"hi\r/ni\t")
    ann.sees("<guest1> ann: hi")
    screen.shows("> ann: hi", "> /nick |")
    guest.types(b"bob\r")
    ann.sees("*** guest1 is bob now")
    screen.shows("> /nick bob", "*** you are bob now", "> |")


def test_ctrl_d_leaves_the_screen_as_it_should_be(guest: Client, screen: Screen, ann: Client) -> None:
    guest.types(b"\x04")
    screen.shows("*** goodbye (quit)", "Connection closed by foreign host.", "|")
    ann.sees("*** guest1 left")
    assert guest.wait() == 0


def test_the_end_of_the_server_leaves_it_too(guest: Client, screen: Screen, chat: Meeting) -> None:
    guest.types(b"half")
    screen.shows("> half|")
    chat.stops_cleanly()
    screen.shows("*** the server is stopping: goodbye (shutdown)", "Connection closed by foreign host.", "|")


def test_a_line_keeps_to_the_width_of_the_window(guest: Client, screen: Screen, tap: Tap) -> None:
    screen.resize(20)
    tap.until_sent(b"\xff\xfa\x1f\0\x14\0\x18\xff\xf0")
    guest.types(b"0123456789abcdefghijklmnop")
    screen.shows("> ghijklmnop|")
    screen.resize(40)
    screen.shows("> 0123456789abcdefghijklmnop|")


def test_the_token_of_operators_is_not_shown(guest: Client, screen: Screen, ann: Client) -> None:
    guest.types(b"/op\r")
    screen.shows("> /op", "token: |")
    guest.types(TOKEN.encode())
    ann.says("hi")
    screen.shows("<ann> hi", "token: |")
    guest.types(b"\r")
    screen.shows("*** you are an operator now: /help operators lists what you can do", "> |")
    assert TOKEN.encode() not in guest.output.all


def test_plain_telnet_gets_the_editor_for_the_asking(telnet: Telnet, ann: Client, tap: Tap) -> None:
    client = telnet("telnet")
    client.says("/edit")
    screen = Screen(client)
    screen.shows("/edit", "> |")
    client.types(b"half")
    screen.shows("> half|")
    ann.says("not torn")
    screen.shows("<ann> not torn", "> half|")
    client.types(b"\x15/edit off\r")
    screen.shows("> /edit off", "*** you edit your line yourself: /edit lets the server do it", "|")
    tap.until_sent(b"\xff\xfe\x03")
    # The terminal shows what is typed by itself again.
    client.types(b"plain\r")
    screen.shows("plain", "|")
    ann.sees("<guest1> plain")
    assert client.output.all.startswith("\r\n".join(CONNECTED).encode())


def test_netcat_is_told_that_it_is_not_for_it(ann: Client) -> None:
    ann.says("/edit")
    ann.sees("*** that is for telnet: what you use sends whole lines")
    ann.says("/op")
    ann.sees("*** usage: /op TOKEN")
    ann.says("/quit")
    ann.ends_input()
    ann.output.rest()
    assert b"\xff" not in ann.output.all
