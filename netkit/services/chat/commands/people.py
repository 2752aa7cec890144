"""Commands about people, and about oneself: who somebody is, how things stand, and in which form one reads."""

from __future__ import annotations

import math

from ..messages import Form
from ..phrases import duration
from ..refusal import Refusal
from .table import Asked, command


@command("people", "/whois NAME", "say who somebody is: room, since when, whether they read")
def _whois(asked: Asked) -> None:
    person = asked.house.nicks.find(asked.words[0])
    now = asked.now
    asked.answer(f"{person.nick} is in {person.room.name}, here for {duration(now - person.came)}")
    asked.answer(f"last line {duration(now - person.heard_at)} ago" + (f"; away: {person.away}" if person.away else ""))
    if person in asked.house.operators:
        asked.answer("an operator")
    if person.paused:
        asked.answer(f"reads too slowly, for {duration(now - asked.house.slow[person.conn])}")
    if asked.person in asked.house.operators:
        asked.answer(f"connected from {person.conn.peer}")


@command("people", "/limits", "say how fast you may talk, and what waits for you")
def _limits(asked: Asked) -> None:
    person, bounds = asked.person, asked.house.limits
    lines, size = person.pace.left(asked.now)
    if lines < math.inf:
        asked.answer(
            f"you may say {int(lines)} lines at once, then {bounds.line_rate:g} a second; a paste counts as one"
        )
    if size < math.inf:
        asked.answer(f"and {int(size)} bytes at once, then {bounds.byte_rate:g} a second")
    if lines == size == math.inf:
        asked.answer("you may talk as fast as you like")
    asked.answer(f"a line has at most {bounds.line_length} bytes")
    waiting = person.conn.waiting
    asked.answer(f"{waiting} bytes wait for you: above {bounds.high} you are slow, above {bounds.hard} cut off")
    if person.terminal:
        person.terminal.asked = True
        asked.turn.send(person, person.terminal.mark(asked.now))


@command("people", "/json", "read and write JSON objects, for programs; again: lines")
def _json(asked: Asked) -> None:
    person = asked.person
    if person.editor:
        raise Refusal("the server edits your line: /edit off stops that, and then you can read JSON")
    # What it was told until now is in the form that it was in then.
    asked.turn.flush()
    if person.form.json:
        person.take(person.lines)
        asked.answer("you read lines now")
    else:
        person.take(Form.JSON)
        asked.answer(f"you are {person.nick} in {person.room.name}, and read JSON now: /json again reads lines")
