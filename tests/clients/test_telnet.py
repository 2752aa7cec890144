"""telnet on a terminal, as a person uses it, with its wire tapped: what it shows and what it sends and is sent."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING

import pytest

from tests.process import PATIENCE, READ_SIZE

if TYPE_CHECKING:
    from tests.clients.conftest import Client, Meeting

CONNECTED = "Trying 127.0.0.1...", "Connected to 127.0.0.1.", "Escape character is '^]'."

#: What it sends first on port 23, or where a dash stands before the port: DO ENCRYPT, WILL ENCRYPT, DO SGA, and
#: WILL TTYPE, NAWS, TSPEED, LFLOW, LINEMODE, NEW-ENVIRON, and DO STATUS.
OFFERS = bytes.fromhex("fffd26 fffb26 fffd03 fffb18 fffb1f fffb20 fffb21 fffb22 fffb27 fffd05")

#: The same refused: WONT for each DO, DONT for each WILL.
REFUSALS = OFFERS.translate(bytes.maketrans(b"\xfb\xfd", b"\xfe\xfc"))

#: Ctrl-C: IAC IP, IAC DO TIMING-MARK. telnet shows nothing more until it is answered, with IAC WILL TIMING-MARK.
INTERRUPT = b"\xff\xf4\xff\xfd\x06"
MARKED = b"\xff\xfb\x06"


class Tap:
    """Between one client and the server: passes on what each sends, and keeps it."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._server = socket.socket()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port = str(self._listener.getsockname()[1])
        self.sent = self.received = b""
        self._news = Condition()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def until_sent(self, what: bytes) -> None:
        """Wait until the client has sent something."""
        with self._news:
            assert self._news.wait_for(lambda: what in self.sent, PATIENCE), self.sent

    def until_received(self, what: bytes) -> None:
        """Wait until the client has been sent something."""
        with self._news:
            assert self._news.wait_for(lambda: what in self.received, PATIENCE), self.received

    def close(self) -> None:
        with suppress(OSError):  # both sides have gone already
            self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._server.close()

    def _run(self) -> None:
        with self._listener.accept()[0] as client:
            self._server.connect(self._to)
            back = Thread(target=self._answers, args=(client,))
            back.start()
            with suppress(OSError):
                while data := client.recv(READ_SIZE):
                    with self._news:
                        self.sent += data
                        self._news.notify()
                    self._server.sendall(data)
                self._server.shutdown(socket.SHUT_WR)
            back.join()

    def _answers(self, client: socket.socket) -> None:
        with suppress(OSError):
            while data := self._server.recv(READ_SIZE):
                with self._news:
                    self.received += data
                    self._news.notify()
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


@pytest.fixture(
    scope="module",
    params=[("transports", "auto"), ("protocols", "asyncio"), ("streams", "auto")],
    ids=lambda cell: "-".join(cell),
)
def cell(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Every layer, and each loop at least once: what telnet sends differs little from what netcat does."""
    layer, loop = request.param
    return layer, loop


@pytest.fixture
def tap(chat: Meeting) -> Iterator[Tap]:
    tap = Tap(int(chat.port()))
    yield tap
    tap.close()


@pytest.fixture
def ann(chat: Meeting) -> Client:
    """Somebody with netcat, who was there first."""
    ann = chat.client("nc")
    ann.says("/nick ann")
    ann.finds("*** you are ann now")
    return ann


Telnet = Callable[[str], "Client"]


@pytest.fixture
def telnet(chat: Meeting, tap: Tap, ann: Client) -> Telnet:
    """Comes in with one of the two commands, has read the greeting, and been greeted."""

    def come(kind: str) -> Client:
        client = chat.client(kind, tcp=tap.port)
        client.sees(*CONNECTED, "*** you are guest1 in #lobby")
        client.finds("*** 1 other here: /who names them")
        ann.sees("*** guest1 is here")
        if kind == "telnet -PORT":
            tap.until_received(REFUSALS)
        # Seen, it has read the refusals too: it sets up its terminal anew at them, and loses a Ctrl-D typed meanwhile.
        ann.says("welcome")
        client.sees("<ann> welcome")
        return client

    return come


KINDS = pytest.mark.parametrize("kind", ["telnet", "telnet -PORT"])


def test_on_any_port_it_is_told_nothing_of_telnet(telnet: Telnet, ann: Client, tap: Tap) -> None:
    client = telnet("telnet")
    client.says("hello")
    ann.sees("<guest1> hello")
    client.says("/quit")
    client.sees("*** goodbye", "Connection closed by foreign host.")
    client.output.rest()
    assert tap.sent == b"hello\r\n/quit\r\n"
    assert b"\xff" not in tap.received


def test_all_that_it_offers_is_refused_once(telnet: Telnet, ann: Client, tap: Tap) -> None:
    client = telnet("telnet -PORT")
    client.says("hello")
    ann.sees("<guest1> hello")
    client.says("/quit")
    client.sees("*** goodbye", "Connection closed by foreign host.")
    client.output.rest()
    assert tap.sent == OFFERS + b"hello\r\n/quit\r\n"
    assert tap.received.replace(REFUSALS, b"").count(b"\xff") == 0
    assert tap.received.count(REFUSALS) == 1


@KINDS
def test_ctrl_c_drops_what_was_begun_and_goes_on(telnet: Telnet, ann: Client, tap: Tap, kind: str) -> None:
    client = telnet(kind)
    client.types(b"never said\x04")  # within a line, Ctrl-D sends what there is of it
    client.output.until(b"never said")
    tap.until_sent(b"never said")
    client.types(b"\x03")
    client.output.until(b"^C")
    client.says("said")
    ann.sees("<guest1> said")
    ann.says("heard")
    client.sees("<ann> heard")
    assert tap.sent.removeprefix(OFFERS) == b"never said" + INTERRUPT + b"said\r\n"
    assert tap.received.count(MARKED) == 1
    client.says("/quit")
    client.sees("*** goodbye")


@KINDS
def test_ctrl_d_on_an_empty_line_leaves(telnet: Telnet, ann: Client, kind: str) -> None:
    client = telnet(kind)
    client.says("bye")
    client.types(b"\x04")
    client.sees("*** goodbye", "Connection closed by foreign host.")
    ann.sees("<guest1> bye", "*** guest1 left")
