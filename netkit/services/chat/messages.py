"""Messages: what people get to read, as values, and the forms it is written in.

A message is a line of the chat's own, which is plain text as it is to be read, or one of the classes here and in
``records``. Each can be written as a line of text, for people, or as a JSON object, for programs: ``/json``.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .records import Said


@dataclass(frozen=True, slots=True)
class Again:
    """A line that was said before, and its number: what ``/replay`` and ``/history`` show."""

    said: Said


@dataclass(frozen=True, slots=True)
class Private:
    """Something said to one person alone, as one of the two reads it."""

    sender: str
    to: str
    text: str
    #: Whether the reader is the one who said it.
    own: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """A line was said, and has this number."""

    room: str
    number: int


Message: TypeAlias = str | Said | Again | Private | Receipt


class Form(enum.Enum):
    """How somebody gets messages.

    What every line asks of it is an attribute: to look a member up in its class takes ten times as long before
    Python 3.12, and that adds up.
    """

    #: Lines that end in CR LF, as telnet and TLS clients want them.
    CRLF = "lines", "\r\n"
    #: Lines that end in LF, as netcat does.
    LF = "lines", "\n"
    #: JSON objects, one a line.
    JSON = "json", "\n"
    #: As CRLF, above the line that its own editor shows.
    EDITED = "edited", "\r\n"

    def __init__(self, kind: str, ending: str) -> None:
        self.ending = ending
        self.json = kind == "json"
        self.edited = kind == "edited"


def write(messages: Sequence[Message], form: Form) -> bytes:
    """Messages, each as one line, in that form."""
    line = _object if form.json else text
    if len(messages) == 1:
        return f"{line(messages[0])}{form.ending}".encode()
    return "".join([f"{line(message)}{form.ending}" for message in messages]).encode()


def text(message: Message) -> str:
    """A message as a line for people, without its ending."""
    if isinstance(message, Said):
        return f"* {message.nick} {message.text}" if message.action else f"<{message.nick}> {message.text}"
    match message:
        case str():
            return message
        case Again(said):
            return f"#{said.number} {text(said)}"
        case Private(sender, to, words, own):
            return f"[you -> {to}] {words}" if own else f"[{sender} -> you] {words}"
        case Receipt(_, number):
            return f"*** ok #{number}"


def size(message: Message) -> int:
    """About how many characters it has."""
    match message:
        case str():
            return len(message)
        case Again(said):
            return len(said.text)
        case Said() | Private():
            return len(message.text)
        case Receipt():
            return 0


def _object(message: Message) -> str:
    """A message as a JSON object, without its ending. ``type`` tells which one it is."""
    fields: dict[str, object]
    match message:
        case str():
            fields = {"type": "notice", "text": message.removeprefix("*** ")}
        case Said():
            fields = {"type": "line", **_line(message)}
        case Again(said):
            fields = {"type": "again", **_line(said)}
        case Private(sender, to, words, _):
            fields = {"type": "private", "from": sender, "to": to, "text": words}
        case Receipt(room, number):
            fields = {"type": "ok", "room": room, "number": number}
    return json.dumps(fields, ensure_ascii=False)


def _line(said: Said) -> dict[str, object]:
    return {
        "room": said.room,
        "number": said.number,
        "nick": said.nick,
        "text": said.text,
        **({"action": True} if said.action else {}),
    }
