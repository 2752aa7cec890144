"""The line editor of telnet clients: turning it on and off, and what TAB makes of a word."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice

from ....wire.editor import available
from ..house import House
from ..messages import Form
from ..person import Person
from ..refusal import Refusal
from ..terminal import Terminal
from .table import COMMANDS, OPERATORS, Asked, command

#: People of a room who are looked through for a name.
LOOKED_THROUGH = 2000


def terminal(house: House, person: Person) -> Terminal:
    """The terminal of somebody, made if there is none yet."""
    if person.terminal is None:
        person.terminal = Terminal(house.limits.line_length, partial(candidates, house, person))
    return person.terminal


def candidates(house: House, person: Person, word: str) -> Sequence[str]:
    """What a word may become that somebody has begun to type: a command, a room, or a name in the room."""
    key = word.casefold()
    if word.startswith("/"):
        operator = person in house.operators
        names = [name for name, each in COMMANDS.items() if operator or each.topic != OPERATORS]
    elif word.startswith("#"):
        names = [room.name for room in house.rooms]
    else:
        names = [other.nick for other in islice(person.room.members.values(), LOOKED_THROUGH) if other is not person]
    return sorted(name for name in names if name.casefold().startswith(key))


@command("people", "/edit [on|off]", "telnet: let the server edit your line, or not")
def _edit(asked: Asked) -> None:
    (wish,) = asked.words
    person = asked.person
    if wish not in ("", "on", "off"):
        raise Refusal("usage: /edit [on|off]")
    if wish == "off":
        if person.terminal is None or person.editor is None:
            raise Refusal("you edit your line yourself already")
        asked.turn.flush()
        asked.turn.send(person, person.terminal.withdraw())
        person.take(Form.CRLF)
        asked.answer("you edit your line yourself: /edit lets the server do it")
        return
    if not available():
        raise Refusal("this server cannot: it lacks wcwidth (pip install 'netkit[chat]')")
    if person.form.edited:
        raise Refusal("the server edits your line already: /edit off stops that")
    if person.form.json:
        raise Refusal("you read JSON: /json leaves that")
    if person.form is Form.LF:
        raise Refusal("that is for telnet: what you use sends whole lines")
    asked.turn.send(person, terminal(asked.house, person).telnet.begin())
