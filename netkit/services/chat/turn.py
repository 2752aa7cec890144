"""A turn: what one event makes the chat say, in order, in as few effects as carry it.

Messages that follow one another to the same person, or to the same room, become one ``Send`` for each form: a paste
or a long answer costs as much as a line. All goes out as ``Send`` and nothing as plain bytes, which could overtake it.
"""

from __future__ import annotations

from ...service import Abort, Close, Conn, Effect, Send, Store
from ...wire.editor import Editor
from .messages import Message, size, write
from .person import Person
from .rooms import Room

#: Bytes up to which what is sent to one person is joined with what follows: keys and answers come in small pieces.
JOINED = 4096

#: Seconds by which a loop may wake us early, as some count in milliseconds and round.
EARLY = 0.005


class Turn:
    """Collects what is said and done during one event; ``effects()`` hands it over."""

    __slots__ = ("_but", "_effects", "_messages", "_records", "_to", "now", "told")

    def __init__(self, now: float) -> None:
        #: The time of the event, in seconds.
        self.now = now
        #: Characters that were told to single people so far.
        self.told = 0
        self._effects: list[Effect] = []
        # Messages that are not an effect yet, and for whom they are.
        self._messages: list[Message] = []
        self._to: Person | Room | None = None
        self._but: tuple[Conn, ...] = ()
        self._records: list[object] = []

    def is_due(self, when: float) -> bool:
        """Whether something is to be done now that was to be done at that time."""
        return when <= self.now + EARLY

    def tell(self, person: Person, message: Message) -> None:
        """Say something to one person: an answer, or something private."""
        if person.lost:
            return
        if self._to is not person:
            self.flush()
            self._to = person
        self._messages.append(message)
        self.told += size(message)

    def announce(self, room: Room, message: Message, but: tuple[Conn, ...] = ()) -> None:
        """Say something to everybody in a room but some."""
        if self._to is not room or self._but != but:
            self.flush()
            self._to = room
            self._but = but
        self._messages.append(message)

    def send(self, person: Person, data: bytes) -> None:
        """Send bytes, if there are any, as they are: an answer of telnet or of HTTP."""
        if not data or person.lost:
            return
        self.flush()
        last = self._effects[-1] if self._effects else None
        if isinstance(last, Send) and len(last.data) < JOINED and tuple(last.to) == (person.conn,):
            self._effects[-1] = Send(last.to, last.data + data)
        else:
            self._effects.append(Send((person.conn,), data))

    def close(self, person: Person, reason: str) -> None:
        """Close the connection of somebody who has left, after what it was told."""
        if not person.lost:
            if person.editor:
                # What the client itself says then shall stand at the left edge.
                self.send(person, person.editor.erase())
            self.add(Close(person.conn, reason))

    def abort(self, person: Person, reason: str) -> None:
        """Cut the connection of somebody who has left, and does not read."""
        self.add(Abort(person.conn, reason))

    def add(self, effect: Effect) -> None:
        """Any other effect."""
        self.flush()
        self._effects.append(effect)

    def keep(self, record: object) -> None:
        """Store something, after all that is said."""
        self._records.append(record)

    def effects(self) -> list[Effect]:
        """All of it, in order."""
        self.flush()
        if self._records:
            self._effects += map(Store, self._records)
            self._records = []
        return self._effects

    def flush(self) -> None:
        """Make effects of the messages so far, for those who are to get them as things stand now."""
        to, messages = self._to, self._messages
        if to is None:
            return
        if isinstance(to, Person):
            data = write(messages, to.form)
            self._effects.append(Send((to.conn,), to.editor.above(data) if to.editor else data))
        else:
            for form, conns in to.listeners(self._but):
                data = write(messages, form)
                if form.edited:
                    self._effects += _above(data, [to.members[conn] for conn in conns])
                else:
                    self._effects.append(Send(conns, data))
        self._to = None
        self._but = ()
        self._messages = []


def _above(data: bytes, people: list[Person]) -> list[Effect]:
    """Show something above the lines that some people are typing. Those who have typed the same get the same bytes."""
    rows: dict[bytes, tuple[Editor, list[Conn]]] = {}
    for person in people:
        if editor := person.editor:
            rows.setdefault(editor.row, (editor, []))[1].append(person.conn)
    return [Send(tuple(conns), editor.above(data)) for editor, conns in rows.values()]
