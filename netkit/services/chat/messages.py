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
    """How somebody gets messages."""

    #: Lines that end in CR LF, as telnet and TLS clients want them.
    CRLF = enum.auto()
    #: Lines that end in LF, as netcat does.
    LF = enum.auto()
    #: JSON objects, one a line.
    JSON = enum.auto()
    #: As CRLF, above the line that its own editor shows.
    EDITED = enum.auto()


def write(messages: Sequence[Message], form: Form) -> bytes:
    """Messages, each as one line, in that form."""
    if form is Form.JSON:
        return "".join(f"{_object(message)}\n" for message in messages).encode()
    ending = "\n" if form is Form.LF else "\r\n"
    if len(messages) == 1:
        return f"{text(messages[0])}{ending}".encode()
    return "".join(f"{text(message)}{ending}" for message in messages).encode()


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
