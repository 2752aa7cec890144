"""Both ends on a terminal: a line editor whose line stays whole while the peer's text appears above it.

What the peer has begun and not ended, such as ``login:``, stands before what is being typed, as it would on any
terminal, until the rest of its line comes or Enter is pressed.
"""

from __future__ import annotations

import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from prompt_toolkit import PromptSession

from .source import Left
from .text import Text

#: Characters of a line that has not ended, above which it is shown all the same.
LONGEST = 1024

#: Where the flags that say whether what is typed is shown stand in what ``termios`` gives.
LFLAG = 3


class Editor:
    """A ``Source`` and a ``Sink`` in one: what is typed, and what is shown above it."""

    personal = True

    def __init__(self) -> None:
        """Prepare for ``read``, which shows the line."""
        self.notes = Notes(self)
        self._session = PromptSession[str](lambda: self._begun, enable_suspend=True)
        self._text = Text()
        # What the peer has begun and not ended.
        self._begun = ""
        # Ctrl-D was pressed: there is no line any more.
        self._ended = False

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """For as long as it is used: what is typed between two lines is shown once, as the beginning of the next."""
        before = termios.tcgetattr(sys.stdin)
        changed = termios.tcgetattr(sys.stdin)
        changed[LFLAG] &= ~termios.ECHO
        termios.tcsetattr(sys.stdin, termios.TCSANOW, changed)
        try:
            yield
        finally:
            if self._begun:
                self.above(self._begun + "\n")
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    async def read(self) -> bytes:
        """The next line, with its ending; nothing after Ctrl-D on an empty one.

        Raises:
            Left: Ctrl-C was pressed.
        """
        try:
            line = await self._session.prompt_async(handle_sigint=False, set_exception_handler=False)
        except EOFError:
            self._ended = True
            return b""
        except KeyboardInterrupt:
            raise Left from None
        finally:
            self._begun = ""  # it stays where it is, before the line
        return line.encode("utf-8", "surrogateescape") + b"\n"

    async def write(self, data: bytes) -> None:
        """Show what has arrived, at once: a terminal is never waited for."""
        text = self._text.feed(data)
        if self._ended:
            self.above(text)
            return
        whole, newline, self._begun = (self._begun + text).rpartition("\n")
        if len(self._begun) > LONGEST:
            whole, newline, self._begun = whole + newline + self._begun, "\n", ""
        self.above(whole + newline)

    def above(self, text: str) -> None:
        """Show whole lines above the line that is being typed, if one is."""
        app = self._session.app
        is_typed = app.is_running
        # As prompt_toolkit's own run_in_terminal, which shows keys that are pressed meanwhile a second time.
        if is_typed:
            app.renderer.erase()
        app.output.write(text.replace("\n", "\r\n"))
        app.output.flush()
        if is_typed:
            app.renderer.reset()
            app.invalidate()


class Notes:
    """A ``Sink`` for lines of our own, which go above the line that is being typed too."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor

    async def write(self, data: bytes) -> None:
        """Show them."""
        self._editor.above(data.decode())
