"""On a terminal: what is typed stays whole while text arrives, and the terminal is given back as it was."""

from __future__ import annotations

import socket
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pyte
import pytest

from tests.process import NETKIT, Program, environment

#: The editor asks a terminal to mark what is pasted: it reads its keys from then on.
READS = b"\x1b[?2004h"

#: A plain terminal, which is not asked where its cursor is.
TERMINAL = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}

#: Runs the command where there is no prompt_toolkit.
WITHOUT = """
import sys
sys.modules["prompt_toolkit"] = None
from netkit.cli import main
main(prog_name="netkit")
"""


class Terminal(Program):
    """netkit on a terminal, and the peer that it is connected to."""

    def __init__(self, *options: str, command: tuple[str, ...] = NETKIT) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.place = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
            super().__init__(*command, "connect", self.place, *options, terminal=True, env=environment(**TERMINAL))
            self.peer, _ = listener.accept()

    def close(self) -> None:
        super().close()
        self.peer.close()

    def screen(self) -> list[str]:
        """The lines that somebody would see, after the first, which says that it is connected."""
        screen = pyte.Screen(80, 24)
        pyte.ByteStream(screen).feed(self.output.all)
        lines = [line.rstrip() for line in screen.display]
        while not lines[-1]:
            del lines[-1]
        return lines[1:]

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed, as a shell wants it."""
        flags: int = termios.tcgetattr(self._ours)[3]
        return flags & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON


#: The editor reads its keys by way of the loop.
EACH_LOOP = pytest.mark.parametrize("terminal", ["asyncio", "uvloop"], indirect=True)


@pytest.fixture
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    loop = getattr(request, "param", "auto")
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    with Terminal("--loop", loop) as terminal:
        terminal.output.until(READS)
        yield terminal


@EACH_LOOP
def test_a_line_that_is_being_typed_is_not_torn(terminal: Terminal) -> None:
    terminal.types(b"half of a li")
    terminal.output.until(b"half of a li")
    terminal.peer.sendall(b"<bob> hello\r\n<bob> \x1b[2J\x1b[31mred\nlogin: ")
    terminal.output.until(b"login: ")
    terminal.output.until(b"half of a li")
    assert terminal.screen() == ["<bob> hello", "<bob> [2J[31mred", "login: half of a li"]
    assert not terminal.echoes()
    terminal.types(b"ne\r")
    assert terminal.peer.recv(100) == b"half of a line\n"
    terminal.peer.sendall(b"thanks\n")
    terminal.output.until(b"thanks")
    terminal.types(b"\x1b[A")  # up: the last line again
    terminal.output.until(b"half of a line")
    terminal.types(b"\r")
    assert terminal.peer.recv(100) == b"half of a line\n"
    terminal.peer.close()
    assert terminal.wait() == 0
    assert terminal.screen()[2:5] == ["login: half of a line", "thanks", "half of a line"]
    assert terminal.echoes()


def test_ctrl_d_ends_our_side_and_ctrl_c_leaves(terminal: Terminal) -> None:
    terminal.types(b"\x04")
    assert terminal.peer.recv(100) == b""
    terminal.peer.sendall(b"and ")
    terminal.output.until(b"and ")
    terminal.peer.sendall(b"more\n")
    terminal.output.until(b"more")
    assert terminal.screen()[-1] == "and more"
    terminal.types(b"\x03")
    assert terminal.wait() == 130
    assert terminal.echoes()


def test_what_was_never_ended_is_shown_once() -> None:
    """A server that says one thing and leaves may be gone before the first key can be read."""
    with Terminal() as terminal:
        terminal.peer.sendall(b"one\ntwo")
        terminal.peer.close()
        assert terminal.wait() == 0
        terminal.output.rest()
        assert terminal.screen() == ["one", "two"]


def test_ctrl_c_leaves_while_typing(terminal: Terminal) -> None:
    terminal.types(b"never mind")
    terminal.output.until(b"never mind")
    terminal.types(b"\x03")
    assert terminal.wait() == 130
    assert terminal.peer.recv(100) == b""
    assert b"Traceback" not in terminal.output.all
    assert terminal.echoes()


@contextmanager
def plain(*options: str) -> Iterator[Terminal]:
    with Terminal(*options, command=(sys.executable, "-c", WITHOUT)) as terminal:
        yield terminal
        assert terminal.wait() == 0


def test_without_an_editor_lines_are_typed_all_the_same() -> None:
    with plain() as terminal:
        said = terminal.output.line().decode()
        assert (
            said == f"connected to {terminal.place}: pip install 'netkit[connect]' keeps what you type in one piece\r\n"
        )
        terminal.peer.sendall(b"login\x1b[2J: ")
        terminal.output.until(b"login[2J: ")
        terminal.types(b"bob\n")
        assert terminal.peer.recv(100) == b"bob\n"
        terminal.types(b"\x04")
        assert terminal.peer.recv(100) == b""
        terminal.peer.close()


def test_raw_is_raw_on_a_terminal_too() -> None:
    with Terminal("--raw") as terminal:
        terminal.peer.sendall(b"\xff\xfb\x01\x1b[1mbold")
        terminal.output.until(b"\xff\xfb\x01\x1b[1mbold")
        terminal.peer.shutdown(socket.SHUT_WR)
        assert terminal.wait() == 0
