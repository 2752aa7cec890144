"""The terminal of somebody who came with telnet: what it has agreed to, and the line editor that it then gets.

The server edits the line once the client leaves the echo to it (RFC 857) and sends each key (RFC 858); from its side
the client tells how wide it is (RFC 1073). Whoever comes with netcat has no terminal here, and is sent none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...wire.editor import Editor, available
from ...wire.telnet import Negotiated, Option, Subnegotiation, Telnet, window_size

#: What makes a client send each key and show none.
_OURS = frozenset({int(Option.ECHO), int(Option.SGA)})

#: What is wished for: those, and to be told how wide the client is.
_WISHES = ((Option.ECHO, False), (Option.SGA, False), (Option.NAWS, True))


class Terminal:
    """One telnet client's terminal.

    Args:
        limit: the longest line, in bytes.
        complete: names what a word may become.
    """

    __slots__ = (
        "_columns",
        "_complete",
        "_limit",
        "_marked_at",
        "_on",
        "asked",
        "editor",
        "question",
        "telnet",
    )

    def __init__(self, limit: int, complete: Callable[[str], Sequence[str]]) -> None:
        #: Where there is no editor to be had, nothing is wished for either.
        self.telnet = (
            Telnet(local=_OURS, remote=frozenset({int(Option.NAWS)}), wishes=_WISHES) if available() else Telnet()
        )
        #: The editor of its line, as long as the client leaves that to us.
        self.editor: Editor | None = None
        #: What stands before the next line, which is not shown: the command that asked for it. Empty: nothing did.
        self.question = ""
        #: Somebody wants to know how long a mark of ours takes to be answered.
        self.asked = False
        self._limit = limit
        self._complete = complete
        self._columns = 0
        # Those of our options that are on.
        self._on: set[int] = set()
        self._marked_at: list[float] = []

    def withdraw(self) -> bytes:
        """Let it edit its own line again. Returns what to send."""
        before = self.editor.erase() if self.editor else b""
        self.editor = None
        self._on.clear()
        self.question = ""
        return before + self.telnet.offer(Option.ECHO, False) + self.telnet.offer(Option.SGA, False)

    def mark(self, now: float) -> bytes:
        """Ask for a sign of life. Returns what to send."""
        data = self.telnet.mark()
        if data:
            self._marked_at.append(now)
        return data

    def marked(self, now: float) -> float:
        """It has given the sign that was asked for first. Returns the seconds it took."""
        return now - self._marked_at.pop(0)

    def negotiated(self, event: Negotiated, half_typed: bytes) -> bytes:
        """It has agreed to something, or refused it. Returns what to send; see then whether there is an editor.

        Args:
            event: what it has said.
            half_typed: what it has sent of a line, which the editor takes over.
        """
        if event.by_peer or event.option not in _OURS:
            return b""
        if not event.enabled:
            # With one of the two it would show each key twice, or none: let it have neither.
            return self.withdraw()
        self._on.add(event.option)
        if self._on != _OURS:
            # If the other one has been refused or withdrawn before, it is asked for again.
            return b"".join(self.telnet.offer(option) for option in _OURS - self._on)
        if self.editor:
            return b""
        self.editor = Editor(self._limit, complete=self._complete)
        self.editor.resize(self._columns)
        for _ in self.editor.feed(half_typed):
            pass  # a half line brings no event but what is drawn below
        return self.editor.redraw()

    def resized(self, event: Subnegotiation) -> bytes:
        """It has told how large it is. Returns what to send."""
        if event.option != Option.NAWS:
            return b""
        self._columns, _ = window_size(event.data)
        return self.editor.resize(self._columns) if self.editor else b""
