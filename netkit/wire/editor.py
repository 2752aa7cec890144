r"""A line editor for a terminal at the other end of a connection that sends each key and shows nothing by itself.

So it is with telnet once we do the echo and neither side goes ahead (RFC 857, RFC 858). The rules:

- The line being typed stands on one row, behind a prompt, and what else is sent goes above it: nothing tears it.
  A line that is longer than the row moves sideways. The last column stays free, since terminals differ in when
  they go on to the next row.
- All that a terminal must know is CR, LF, BEL and ESC [ K. To put the cursor back, what is before it is sent again:
  so a terminal that takes a character to be wider or narrower than wcwidth does still has it in the right place.
- What is typed at the end of the line is shown by itself; all else draws the row anew.
- A line longer than the limit is reported once, when it passes the limit, and dropped up to its end (or to Ctrl-U
  or Ctrl-C), as ``lines`` does. The bytes may be a paste: to refuse some of them would make another line of it, that
  nobody meant to send. What is dropped rings the bell.
- How the bytes are cut makes no difference to the lines, nor to what is on the screen in the end. TAB is the one
  exception: it completes a word where nothing else has come after it yet. Elsewhere it is part of a paste, and a
  blank, as ``text`` has it.
- Nobody keeps the server busy by pressing keys: none takes long, and for all that come together the row is drawn and
  words are listed once. But a line out of the history is longer than the keys that bring it back: whoever takes the
  lines must count lines, not bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .completion import Complete, completed, listing, nothing
from .history import History
from .keys import Key, Keys
from .lines import TooLong
from .text import clean
from .typed import Typed, available, fitting, graphemes

__all__ = ["Editor", "Event", "Key", "Show", "TooLong", "available"]

PROMPT = "> "

#: Columns of a terminal that has not said how many it has, or has said what cannot be.
COLUMNS = 80
MIN_COLUMNS, MAX_COLUMNS = 10, 1000

_ERASE = b"\r\x1b[K"
_BELL = b"\a"

# What keys do to the line, and to the cursor in it.
_EDITS: dict[Key, Callable[[Typed], None]] = {
    Key.BACKSPACE: lambda typed: typed.erase_before(1),
    Key.DELETE: lambda typed: typed.erase_after(1),
    Key.END_OF_INPUT: lambda typed: typed.erase_after(1),  # where the line is not empty, as readline has it
    Key.KILL_WORD: lambda typed: typed.erase_before(typed.word_left()),
    Key.KILL_REST: Typed.erase_rest,
    Key.LEFT: lambda typed: typed.move(-1),
    Key.RIGHT: lambda typed: typed.move(1),
    Key.WORD_LEFT: lambda typed: typed.move(-typed.word_left()),
    Key.WORD_RIGHT: lambda typed: typed.move(typed.word_right()),
    Key.HOME: Typed.home,
    Key.END: Typed.end,
}


@dataclass(frozen=True, slots=True)
class Show:
    """Bytes to send to the terminal as they are, before whatever the events after this one bring about."""

    data: bytes


#: A line without its ending, as ``LineSplitter`` has it; one that was too long; what to show; Ctrl-C, which threw
#: the line away; and Ctrl-D on an empty line.
Event: TypeAlias = bytes | TooLong | Show | Literal[Key.INTERRUPT, Key.END_OF_INPUT]


class Editor:
    """The editor of one person. It sends nothing itself: what is to be sent comes out of its methods.

    It begins with ``redraw``, which shows the prompt, and ends with ``erase``, which takes it away.

    Args:
        limit: the longest line in bytes. A line of exactly so many bytes is fine.
        complete: told the word before the cursor, names all that it may become.
    """

    __slots__ = (
        "_columns",
        "_complete",
        "_dropping",
        "_history",
        "_keys",
        "_line",
        "_out",
        "_recalled",
        "_room",
        "_row",
        "_secret",
        "_several",
        "_stale",
        "limit",
    )

    def __init__(self, limit: int, *, complete: Complete = nothing) -> None:
        self.limit = limit
        self._complete = complete
        self._columns = COLUMNS
        # Columns for what is typed. The cursor may also be in the one after them, which is the last.
        self._room = COLUMNS - 1 - len(PROMPT)
        self._keys = Keys()
        self._line = Typed()
        self._history = History()
        # What the line has become by the arrow keys, unless that has been seen to.
        self._recalled: bytes | None = None
        # What asks for a line that must not be seen, as long as that is awaited.
        self._secret: str | None = None
        # The present line has passed the limit and been reported. The rest of it is thrown away.
        self._dropping = False
        # The last key was a TAB and the word may become several: with another TAB they are shown.
        self._several = False
        # What is to be shown, and whether the row must be drawn anew after it.
        self._out = bytearray()
        self._stale = False
        # The row as it was last made, as long as it is still the same.
        self._row: bytes | None = None

    @property
    def pending(self) -> bytes:
        """The half-typed line."""
        return self._line.text.encode() if self._recalled is None else self._recalled

    @property
    def row(self) -> bytes:
        """What draws the prompt and the line from the left edge, and leaves the cursor where it belongs.

        Whoever has the same row can be sent the same bytes by ``above``: all who have typed nothing do.
        """
        if self._row is None:
            before, after = self._view()
            back = f"\r{before}" if after else ""
            self._row = f"{before}{after}\x1b[K{back}".encode()
        return self._row

    def redraw(self) -> bytes:
        """What draws the row, over whatever stands there."""
        return b"\r" + self.row

    def erase(self) -> bytes:
        """What takes the row off the screen: the next byte sent stands at the left edge."""
        return _ERASE

    def above(self, text: bytes) -> bytes:
        """What shows whole lines, each with its CR LF, above the line that is being typed."""
        return _ERASE + text + self.row if text else b""

    def resize(self, columns: int) -> bytes:
        """The terminal has so many columns; 0 is not known. Returns what draws the row again."""
        self._columns = columns if MIN_COLUMNS <= columns <= MAX_COLUMNS else COLUMNS
        self._room = self._columns - 1 - len(PROMPT)
        self._row = None
        return self.redraw()

    def ask(self, prompt: str) -> bytes:
        """Take the next line for a secret: it is not shown and not kept. What is half typed is dropped.

        Ctrl-C leaves without an answer, and then lines are shown again.
        """
        self._typed.set("")
        self._secret = clean(prompt)
        self._row = None
        return self.redraw()

    def erase_character(self) -> bytes:
        """Telnet's EC (RFC 854): as the backspace key. Returns what shows it."""
        self._press(Key.BACKSPACE)
        return self._shown()

    def erase_line(self) -> bytes:
        """Telnet's EL (RFC 854): as Ctrl-U. Returns what shows it."""
        self._press(Key.KILL_LINE)
        return self._shown()

    def interrupt(self) -> bytes:
        """Telnet's IP (RFC 854): as Ctrl-C. Returns what shows it."""
        self._press(Key.INTERRUPT)
        return self._shown()

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take the next bytes, and give what comes of them, event by event.

        Each stands for the moment it is given: the bytes that follow are read afterwards, and what is done meanwhile,
        such as ``ask``, goes for them. So all events must be taken, and what they bring about be sent in their order.
        """
        told = False
        for key in _pasted(self._keys.feed(data)):
            if told:
                # The answer to a line may have been drawn above what is typed by now: draw that again.
                self._stale = True
            event = self._type(key) if isinstance(key, str) else self._press(key)
            if event is not None:
                if shown := self._shown():
                    yield Show(shown)
                yield event
                told = True
        if shown := self._shown():
            yield Show(shown)

    # The screen.

    def _view(self) -> tuple[str, str]:
        """What is on the row: the prompt and what is before the cursor, and what is after it."""
        if self._secret is not None:
            return "".join(fitting(graphemes(self._secret), self._columns - 1)), ""
        before, after = self._typed.view(self._room)
        return PROMPT + before, after

    def _changed(self) -> None:
        """The row must be drawn anew."""
        self._row = None
        self._stale = True

    def _draw(self) -> None:
        """Draw it now, if it must be."""
        if self._stale:
            self._stale = False
            self._out += self.redraw()

    def _shown(self) -> bytes:
        """What is to be sent now."""
        self._draw()
        shown = bytes(self._out)
        self._out.clear()
        return shown

    def _ring(self) -> None:
        """Say that a key was not taken: once for many."""
        if not self._out.endswith(_BELL):
            self._out += _BELL

    # The keys. What the caller must know of is returned.

    def _type(self, text: str) -> Event | None:
        """Put text at the cursor."""
        self._several = False
        if self._dropping:
            self._ring()
            return None
        typed = self._typed
        before = typed.scrolled(self._room) if typed.at_end else None
        inserted = typed.insert(text)
        self._row = None
        if typed.size > self.limit:
            self._dropping = True
            self._replace("")
            return TooLong(self.limit)
        if self._secret is None and not self._stale:
            if typed.scrolled(self._room) == before:
                self._out += inserted.encode()
            else:
                self._stale = True
        return None

    def _press(self, key: Key) -> Event | None:
        """Do what a key does."""
        again, self._several = self._several, False
        if key is Key.ENTER:
            return self._enter()
        if key is Key.INTERRUPT:
            self._end("^C")
            return Key.INTERRUPT
        if key is Key.KILL_LINE:
            self._dropping = False
            self._replace("")
        elif key is Key.REDRAW:
            self._changed()
        elif self._dropping:
            self._ring()
        elif key is Key.END_OF_INPUT and not self._typed:
            return Key.END_OF_INPUT
        elif key is Key.TAB:
            self._tab(again)
        elif key in (Key.UP, Key.DOWN):
            self._recall(key)
        else:
            _EDITS[key](self._typed)
            self._changed()
        return None

    def _replace(self, line: str) -> None:
        """Have another line, with the cursor at its end."""
        self._typed.set(line)
        self._changed()

    def _enter(self) -> bytes | None:
        """The line is done, unless it was too long."""
        if self._dropping:
            self._dropping = False
            return None
        line = self._typed.text.encode()
        secret = self._secret is not None
        self._end()
        self._history.add(b"" if secret else line)
        return line

    def _end(self, mark: str = "") -> None:
        """Let all of the line stay on the screen, even where its row showed a part, and begin another below it."""
        line = PROMPT + self._typed.text
        if self._secret is None and (self._stale or self._view() != (line, "")):
            self._out += _ERASE + line.encode()
        self._typed.set("")
        self._history.leave()
        self._secret = None
        self._dropping = False
        self._row = None
        self._stale = False
        self._out += f"{mark}\r\n".encode() + self.row

    def _recall(self, key: Key) -> None:
        """Go back or forth among the lines that were typed."""
        if self._secret is not None:
            return
        line = self._history.older(self.pending) if key is Key.UP else self._history.newer()
        if line is not None:
            self._recalled = line
            self._changed()

    @property
    def _typed(self) -> Typed:
        """The line. One out of the history is cut into cells here, and not for each of many arrow keys."""
        if self._recalled is not None:
            self._line.set(self._recalled.decode())
            self._recalled = None
        return self._line

    def _tab(self, again: bool) -> None:
        """Complete the word before the cursor as far as that is clear; the second time, show what it may become."""
        word = self._typed.word
        found = self._complete(word) if word and self._secret is None else ()
        becomes = completed(word, found, first=word == self._typed.before)
        self._several = len(found) > 1
        if becomes == word:
            if again and self._several:
                self._stale = False  # it draws the row
                self._out += self.above(listing(found).encode() + b"\r\n")
        elif self._typed.size + len(becomes.encode()) - len(word.encode()) > self.limit:
            self._ring()
        else:
            self._typed.replace_word(becomes)
            self._changed()


def _pasted(keys: list[Key | str]) -> list[Key | str]:
    """The same keys, with blanks for the TABs that more follows. Of those at the end, two are enough."""
    if Key.TAB not in keys:
        return keys
    end = len(keys)
    while end and keys[end - 1] is Key.TAB:
        end -= 1
    return [" " if key is Key.TAB else key for key in keys[:end]] + keys[end : end + 2]
