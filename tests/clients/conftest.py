"""Real client programs, a server process for them to meet at, and a tap on the wire of one."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryDirectory
from threading import Condition, Thread
from typing import TYPE_CHECKING, TypeAlias

import pytest

from netkit import layers
from tests.process import PATIENCE, READ_SIZE, Program, Server

if TYPE_CHECKING:
    from tests.conftest import Certificates

#: A layer and a loop.
Cell: TypeAlias = tuple[str, str]

#: Each client as it is typed, by the name of its program. ``-N`` closes its side at the end of the input.
COMMANDS = {
    "nc": "nc {host} {tcp}",
    "nc -N": "nc -N {host} {tcp}",
    "nc -C": "nc -C {host} {tcp}",
    "nc -U": "nc -U {unix}",
    "nc -U -N": "nc -N -U {unix}",
    "ncat": "ncat {host} {tcp}",
    "ncat --ssl": "ncat --ssl {host} {tls}",
    "socat tcp": "socat - TCP:{host}:{tcp}",
    "socat unix": "socat - UNIX-CONNECT:{unix}",
    "telnet": "telnet {host} {tcp}",
    "telnet -PORT": "telnet -- {host} -{tcp}",  # the dash makes it negotiate as on port 23
    "openssl": "openssl s_client -quiet -connect {host}:{tls} -CAfile {ca} -verify_return_error",
}

#: What it says before it shows what it is sent.
CONNECTED = "Trying 127.0.0.1...", "Connected to 127.0.0.1.", "Escape character is '^]'."

#: What it sends first on port 23, or where a dash stands before the port: DO ENCRYPT, WILL ENCRYPT, DO SGA, and
#: WILL TTYPE, NAWS, TSPEED, LFLOW, LINEMODE, NEW-ENVIRON, and DO STATUS.
OFFERS = bytes.fromhex("fffd26 fffb26 fffd03 fffb18 fffb1f fffb20 fffb21 fffb22 fffb27 fffd05")

#: What it is answered: first WILL ECHO, WILL SGA, DO NAWS, as these are wished for; then WONT for each DO and DONT for
#: each WILL, but not for SGA and NAWS. To those it has agreed before it was asked, and that needs no answer (RFC 1143).
ANSWERS = bytes.fromhex("fffb01 fffb03 fffd1f  fffc26 fffe26 fffe18 fffe20 fffe21 fffe22 fffe27 fffc05")

#: What it says to that: DO ECHO, and how large its terminal is, as far as that is the same for all.
AGREES = bytes.fromhex("fffd01"), bytes.fromhex("fffa1f")

#: Comes in with a command that is telnet's.
Telnet: TypeAlias = Callable[[str], "Client"]


class Client(Program):
    """A client that runs. telnet has a terminal, the others have pipes."""

    def __init__(self, kind: str, *command: str) -> None:
        self.on_terminal = kind.startswith("telnet")
        super().__init__(*command, terminal=self.on_terminal)
        #: How the server ends lines to it, once it has sent one, and how its user sees them end.
        self.ending = b"\r\n" if self.on_terminal or kind == "nc -C" else b"\n"

    def says(self, line: str) -> None:
        """Type a line and press Enter. A terminal that edits its own line shows what is typed."""
        self.types(line.encode() + b"\n")
        if self.on_terminal:
            self.sees(line)

    def sees(self, *lines: str) -> None:
        """Wait for the next lines on the screen: these, with the right endings."""
        for line in lines:
            assert self.output.line() == line.encode() + self.ending

    def finds(self, line: str) -> None:
        """Wait for a line, whatever comes before it."""
        self.output.until(b"\n" + line.encode() + self.ending)


class Meeting(Server):
    """A server on TCP, TLS and a Unix socket, and the clients that meet there."""

    def __init__(
        self, cell: Cell, service: str, certificates: Certificates, program: Callable[[str], str], *options: str
    ) -> None:
        layer, loop = cell
        self._program = program
        self._clients = ExitStack()
        folder = self._clients.enter_context(TemporaryDirectory(prefix="nk-"))  # pytest's own are too deep
        self._places = {"host": "127.0.0.1", "unix": f"{folder}/s", "ca": str(certificates.ca)}
        super().__init__(
            *("--layer", layer, "--loop", loop, "--service", service),
            *("--listen", "tcp://127.0.0.1:0", "--listen", "tls://127.0.0.1:0", "--listen", f"unix://{folder}/s"),
            *("--tls-cert", certificates.cert, "--tls-key", certificates.key),
            *("--linger", "0.1"),  # an nc whose server closes would stay, and be waited for
            *options,
        )
        self._places |= {"tcp": self.port("tcp"), "tls": self.port("tls")}

    def command(self, kind: str, **instead: str) -> list[str]:
        """The words of a command, one of ``COMMANDS``, with other places where that is wanted."""
        name, *words = COMMANDS[kind].split()
        return [self._program(name), *(word.format_map(self._places | instead) for word in words)]

    def client(self, kind: str, **instead: str) -> Client:
        """A client that runs until the server has been stopped."""
        return self._clients.enter_context(Client(kind, *self.command(kind, **instead)))

    def close(self) -> None:
        """End it and the clients, however they are."""
        super().close()
        self._clients.close()

    def stops_cleanly(self) -> None:
        """Stop, without a word of complaint, while clients may still be there."""
        assert self.stop() == 0
        assert self.errors.rest() == b""


@contextmanager
def meeting(cell: Cell, service: str, certificates: Certificates, program: Callable[[str], str]) -> Iterator[Meeting]:
    with Meeting(cell, service, certificates, program) as server:
        yield server
        server.stops_cleanly()


@pytest.fixture(
    scope="module", params=list(itertools.product(layers.NAMES, ("asyncio", "uvloop"))), ids=lambda cell: "-".join(cell)
)
def cell(request: pytest.FixtureRequest) -> Cell:
    """Every layer on every loop. Where uvloop is required, its absence fails the tests that need a loop."""
    layer, loop = request.param
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    return layer, loop


@pytest.fixture(scope="module")
def echo(cell: Cell, certificates: Certificates, program: Callable[[str], str]) -> Iterator[Meeting]:
    """An echo server, the same for all tests of a module."""
    with meeting(cell, "echo", certificates, program) as server:
        yield server


@pytest.fixture
def chat(cell: Cell, certificates: Certificates, program: Callable[[str], str]) -> Iterator[Meeting]:
    """A chat with nobody in it yet."""
    with meeting(cell, "chat", certificates, program) as server:
        yield server


class Tap:
    """Between one client and the server: passes on what each sends, and keeps it."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._server = socket.socket()
        self._client: socket.socket | None = None
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
        for side in (self._server, self._client):
            with suppress(OSError):  # it has gone already
                if side is not None:
                    side.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._server.close()

    def _run(self) -> None:
        with self._listener.accept()[0] as client:
            self._client = client
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


@pytest.fixture
def telnet(chat: Meeting, tap: Tap, ann: Client) -> Telnet:
    """Comes in with one of the two commands, has read the greeting, and been greeted."""

    def come(kind: str) -> Client:
        client = chat.client(kind, tcp=tap.port)
        client.sees(*CONNECTED, "*** you are guest1 in #lobby")
        client.finds("*** 1 other here: /who names them")
        ann.sees("*** guest1 is here")
        if kind == "telnet -PORT":
            client.output.until(b"> \x1b[K")
        return client

    return come
