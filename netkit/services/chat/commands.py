"""The commands: what a line that starts with a slash does.

Each is one function in a table, with its usage and a line of help. The words of a usage in capitals are what
it must be given, those in brackets what it may be. A function raises ``Refusal`` to say no.
"""

from __future__ import annotations

import difflib
import functools
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from ...wire.text import clean
from .house import SHOWN_LINES, House
from .person import Person
from .phrases import count, listing, quote
from .refusal import Refusal
from .rooms import HISTORY_LINES, LOBBY
from .turn import Turn

#: Names that one /who lists, and rooms that one /rooms does. ngircd stops at 25 (MAX_RPL_WHO).
MAX_NAMES = 50
MAX_LISTED_ROOMS = 20

#: Longest name that is compared to the commands, in characters: no command is near to a longer one.
MAX_TYPO = 12

#: Longest topic, in characters: it stands in the greeting of everybody who comes in.
MAX_TOPIC = 200


@dataclass(slots=True)
class Asked:
    """A command as somebody typed it: who, and the words after it. Those that are missing are empty."""

    house: House
    turn: Turn
    person: Person
    words: list[str]
    now: float

    def answer(self, text: str) -> None:
        """Say one line to the one who asked."""
        self.turn.tell(self.person, f"*** {text}")


Run: TypeAlias = Callable[[Asked], None]


@dataclass(frozen=True, slots=True)
class Command:
    """One command: how it is written, what it does in a few words, and what does it.

    ``needed`` of its at most ``taken`` words must be there; the last word is all the rest of the line.
    """

    usage: str
    help: str
    needed: int
    taken: int
    run: Run


COMMANDS: dict[str, Command] = {}


def _command(usage: str, about: str) -> Callable[[Run], Run]:
    """Enter a function in the table."""
    name, *words = usage.split()
    needed = sum(not word.startswith("[") for word in words)

    def enter(run: Run) -> Run:
        COMMANDS[name] = Command(usage, about, needed, len(words), run)
        return run

    return enter


def obey(house: House, turn: Turn, person: Person, line: str, now: float) -> None:
    """Do what a line that starts with a slash asks for, or say why not. Afterwards the person may be gone."""
    name, _, rest = line.partition(" ")
    try:
        command = _find(name)
        words = rest.split(None, command.taken - 1) if command.taken > 1 else [rest]
        # Each word may come to stand behind a prefix of ours: let no mark at its start combine with that.
        words = [clean(word).strip() for word in words] + [""] * (command.taken - len(words))
        if command.needed and not words[command.needed - 1]:
            raise Refusal(f"usage: {command.usage}")
        command.run(Asked(house, turn, person, words, now))
    except Refusal as refusal:
        turn.tell(person, f"*** {refusal}")


def _find(name: str) -> Command:
    command = COMMANDS.get(name) or COMMANDS.get(name.lower())
    if command is None:
        near = _nearest(name.lower()) if len(name) <= MAX_TYPO else ""
        hint = f"did you mean {near}? " if near else ""
        raise Refusal(f"there is no {quote(name)}: {hint}/help shows what there is, //text says /text")
    return command


@functools.lru_cache(maxsize=256)
def _nearest(name: str) -> str:
    """The command that a name is most like, or nothing. Comparing is dear: 50 µs, where a line takes 5."""
    return next(iter(difflib.get_close_matches(name, COMMANDS, 1)), "")


@_command("/help [COMMAND]", "show what there is, or how one command is written")
def _help(asked: Asked) -> None:
    (name,) = asked.words
    if name:
        command = _find("/" + name.removeprefix("/"))
        asked.answer(f"{command.usage}  {command.help}")
        return
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        asked.answer(f"{command.usage:{width}}  {command.help}")


@_command("/nick NAME", "change your name")
def _nick(asked: Asked) -> None:
    asked.house.rename(asked.turn, asked.person, asked.words[0], asked.now)


@_command("/me ACTION", "say what you do: /me waves")
def _me(asked: Asked) -> None:
    asked.house.say(asked.turn, asked.person, f"* {asked.person.nick} {asked.words[0]}")


@_command("/msg NAME TEXT", "say something to one person alone")
def _msg(asked: Asked) -> None:
    name, text = asked.words
    to = asked.house.nicks.find(name)
    if to is asked.person:
        raise Refusal("that is you: name somebody else")
    asked.house.whisper(asked.turn, asked.person, to, text)


@_command("/reply TEXT", "answer who last wrote to you alone")
def _reply(asked: Asked) -> None:
    to = asked.person.reply_to
    if to is None:
        raise Refusal("nobody has written to you alone: use /msg NAME TEXT")
    if to.gone:
        raise Refusal(f"{to.nick} has left: use /msg NAME TEXT for somebody else")
    asked.house.whisper(asked.turn, asked.person, to, asked.words[0])


@_command("/who [#ROOM]", "name who is in this room, or in another one")
def _who(asked: Asked) -> None:
    (name,) = asked.words
    room = asked.house.rooms.find(name) if name else asked.person.room
    nicks = (person.nick for person in islice(room.members.values(), MAX_NAMES))
    total = len(room.members)
    for line in listing(f"{total} in {room.name}", nicks, max(0, total - MAX_NAMES)):
        asked.answer(line)


@_command("/rooms", "list the rooms, the fullest first")
def _rooms(asked: Asked) -> None:
    rooms = asked.house.rooms
    for room in heapq.nlargest(MAX_LISTED_ROOMS, rooms, key=lambda room: len(room.members)):
        asked.answer(f"{room.name} ({len(room.members)})" + (f" {room.topic}" if room.topic else ""))
    if len(rooms) > MAX_LISTED_ROOMS:
        asked.answer(f"and {len(rooms) - MAX_LISTED_ROOMS} more")


@_command("/join #ROOM", "go to another room; it is made if there is none")
def _join(asked: Asked) -> None:
    person = asked.person
    room = asked.house.rooms.open(asked.words[0])
    if room is person.room:
        raise Refusal(f"you are in {room.name} already: /leave goes back to {LOBBY}")
    asked.house.move(asked.turn, person, room)


@_command("/leave", f"go back to {LOBBY}")
def _leave(asked: Asked) -> None:
    lobby = asked.house.rooms.lobby
    if asked.person.room is lobby:
        raise Refusal(f"you are in {LOBBY}, where everybody starts: /quit leaves the chat")
    asked.house.move(asked.turn, asked.person, lobby)


@_command("/topic [TEXT]", "show what the room is about, or set it")
def _topic(asked: Asked) -> None:
    (text,) = asked.words
    room = asked.person.room
    if not text:
        asked.answer(f"topic: {room.topic}" if room.topic else "no topic yet: /topic TEXT sets one")
        return
    if len(text) > MAX_TOPIC:
        raise Refusal(f"a topic has at most {MAX_TOPIC} characters: make it shorter")
    room.topic = text
    asked.answer(f"topic: {text}")
    asked.turn.announce(room, f"*** {asked.person.nick} set the topic: {text}", asked.person)


@_command("/history [NUMBER]", f"show what was said last: {SHOWN_LINES} lines, or up to {HISTORY_LINES}")
def _history(asked: Asked) -> None:
    (text,) = asked.words
    # A few digits only: reading a number takes time with the square of its length.
    number = int(text) if text.isdecimal() and len(text) <= 9 else 0 if text else SHOWN_LINES
    if number < 1:
        raise Refusal(f"say how many lines, from 1 to {HISTORY_LINES}: /history 20")
    room = asked.person.room
    lines = room.last(number)
    if not lines:
        raise Refusal(f"nothing was said in {room.name} yet: be the first")
    asked.answer(f"last said here ({count(len(lines), 'line')}):")
    for line in lines:
        asked.turn.tell(asked.person, line)


@_command("/quit [WORDS]", "leave the chat, with a last word if you like")
def _quit(asked: Asked) -> None:
    (words,) = asked.words
    asked.answer("goodbye")
    asked.house.leave(asked.turn, asked.person, f": {words}" if words else "")
    asked.turn.close(asked.person, "quit")
