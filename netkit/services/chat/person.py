"""One person: what the chat keeps for a connection from ``opened`` until it leaves.

There may be ten thousand of them, most of them silent: slots everywhere, and whatever only a few need is made
when they need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...service import Conn
from ...wire.editor import Editor
from ...wire.lines import LineSplitter
from .messages import Form
from .pace import Pace

if TYPE_CHECKING:
    from .rooms import Room
    from .terminal import Terminal


class Person:
    """Somebody in the chat. The chat changes it, nobody else does.

    Args:
        conn: the connection.
        nick: the name given at the door.
        key: the same name as ``nicks.fold`` makes it.
        room: where it starts.
        line_length: the longest line it may send, in bytes.
        pace: how fast it may talk.
        now: when it came, in seconds.
    """

    __slots__ = (
        "away",
        "backlog",
        "came",
        "conn",
        "ended",
        "form",
        "fresh",
        "gone",
        "heard_at",
        "ignored_by",
        "ignoring",
        "input",
        "key",
        "lost",
        "missed",
        "muted_until",
        "nick",
        "own",
        "pace",
        "paused",
        "paused_at",
        "quiet",
        "renamed",
        "reply_to",
        "room",
        "said",
        "settled",
        "shown_at",
        "slot",
        "terminal",
        "told_utf8",
        "too_long",
        "tries",
        "unfinished",
    )

    def __init__(self, conn: Conn, nick: str, key: str, room: Room, line_length: int, pace: Pace, now: float) -> None:
        self.conn = conn
        self.nick = nick
        self.key = key
        self.room = room
        self.came = now
        #: Has left, or was closed: nothing is sent to it any more, and what it sends is not read.
        self.gone = False

        # What it types.
        self.input = LineSplitter(line_length)
        #: Made at its first 0xFF byte: netcat never needs one.
        self.terminal: Terminal | None = None
        #: Nothing that it sent was a whole line yet: it may be no chat client at all.
        self.fresh = True
        #: Bytes since its last whole line.
        self.unfinished = 0
        #: When it sent lines that were too long, in the last minute.
        self.too_long: tuple[float, ...] = ()
        self.told_utf8 = False
        #: When it last sent a line.
        self.heard_at = now
        #: The number of the last line it said, for the receipt. 0: it has said none.
        self.said = 0

        # How fast it types.
        self.pace = pace
        #: What it has sent and has not been read yet, because it came too fast.
        self.backlog = b""
        #: When its next line may be said, in a room where too much is said. None: it has no place reserved.
        self.slot: float | None = None
        #: It has finished sending, and leaves once its backlog is read.
        self.ended = False
        #: Its connection is gone, and it leaves once its backlog is read.
        self.lost = False

        # What it gets.
        #: Settled by how its own first line ends.
        self.form = Form.CRLF
        self.settled = False
        #: It reads too slowly, so what its room says passes it by until it has caught up.
        self.paused = False
        #: The number of its room's last line when it was paused or came here, and how many of its own came after.
        self.paused_at = 0
        self.own = 0
        #: Lines that passed it by in other rooms than this one, since it was paused.
        self.missed = 0
        #: It does not want to know who comes and goes.
        self.quiet = False
        #: When it was last shown that the server is there (AYT).
        self.shown_at = -1.0

        # Whom it knows.
        #: Who last wrote to it privately. May be gone.
        self.reply_to: Person | None = None
        #: Whose lines it does not want, and who does not want its lines. Made when there is somebody.
        self.ignoring: set[Person] | None = None
        self.ignored_by: set[Person] | None = None
        #: Why it does not answer now. Empty: it does.
        self.away = ""
        #: When it changed its nick, in the last minute.
        self.renamed: tuple[float, ...] = ()
        #: Until when it may not speak, in seconds.
        self.muted_until = 0.0
        #: Guesses at the operator's token.
        self.tries = 0

    @property
    def listens(self) -> bool:
        """Whether it gets what its room says."""
        return not self.paused and not self.lost

    @property
    def editor(self) -> Editor | None:
        """What edits its line, if the server does."""
        return self.terminal.editor if self.terminal else None

    @property
    def lines(self) -> Form:
        """The form for lines, which end as its own first line ended."""
        return Form.LF if self.input.ending == b"\n" else Form.CRLF

    def settle(self) -> None:
        """End its lines from now on as its own first line ended."""
        self.settled = True
        if self.form is Form.CRLF and self.lines is not Form.CRLF:
            self.take(self.lines)

    def take(self, form: Form) -> None:
        """Get messages in another form from now on."""
        self.form = form
        self.room.regroup()


def last_minute(times: tuple[float, ...], now: float) -> tuple[float, ...]:
    """Those of some times (seconds) that are less than a minute ago."""
    return tuple(time for time in times if now - time < 60.0)
