"""Objects: what a program says to the chat in JSON, one object a line, after ``/json``.

{"text": "hello"}                       said in the room, whatever it begins with
{"text": "waves", "action": true}       as /me
{"command": "/join #tea"}               a command, as it is typed
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ...wire.text import clean
from .refusal import Refusal

USAGE = 'send {"text": "hello"} or {"command": "/who"}'


@dataclass(frozen=True, slots=True)
class Object:
    """What such an object asks for. Either ``text`` or ``command`` is there."""

    text: str = ""
    command: str = ""
    action: bool = False


def read(line: str) -> Object:
    """Read an object.

    Args:
        line: a line that starts with a brace.

    Raises:
        Refusal: it is none, or asks for nothing.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise Refusal(f"that is not JSON: {USAGE}") from None
    text, command = found.get("text", ""), found.get("command", "")
    if not isinstance(text, str) or not isinstance(command, str) or bool(text) == bool(command):
        raise Refusal(f"one of text and command must be there, as a string: {USAGE}")
    # An escape such as \u001b is only now what it stands for, and one such as \n would otherwise join two words.
    text, command = clean(" ".join(text.splitlines())).rstrip(), clean(" ".join(command.splitlines())).strip()
    if command and not command.startswith("/"):
        raise Refusal(f"a command starts with a slash: {USAGE}")
    if not text and not command:
        raise Refusal(f"there is nothing to be seen in it: {USAGE}")
    return Object(text, command, found.get("action") is True)
