"""Commands about rooms: which there are, going from one to another, and what was said in them."""

from __future__ import annotations

import heapq
from itertools import islice

from .. import archive
from ..history import LINES
from ..house import SHOWN_LINES
from ..phrases import listing
from ..records import Forgotten, Topic
from ..refusal import Refusal
from ..rooms import LOBBY
from .table import Asked, command

#: Names that one /who lists, and rooms that one /rooms does. ngircd stops at 25 (MAX_RPL_WHO).
MAX_NAMES = 50
MAX_LISTED_ROOMS = 20

#: Longest topic, in characters: it stands in the greeting of everybody who comes in.
MAX_TOPIC = 200


@command("rooms", "/who [#ROOM]", "name who is in this room, or in another one")
def _who(asked: Asked) -> None:
    (name,) = asked.words
    room = asked.house.rooms.find(name) if name else asked.person.room
    nicks = (person.nick for person in islice(room.members.values(), MAX_NAMES))
    total = len(room.members)
    for line in listing(f"{total} in {room.name}", nicks, max(0, total - MAX_NAMES)):
        asked.answer(line)


@command("rooms", "/rooms", "list the rooms, the fullest first")
def _rooms(asked: Asked) -> None:
    every = asked.house.rooms
    for room in heapq.nlargest(MAX_LISTED_ROOMS, every, key=lambda room: len(room.members)):
        asked.answer(f"{room.name} ({len(room.members)})" + (f" {room.topic}" if room.topic else ""))
    if len(every) > MAX_LISTED_ROOMS:
        asked.answer(f"and {len(every) - MAX_LISTED_ROOMS} more")


@command("rooms", "/join #ROOM", "go to another room; it is made if there is none")
def _join(asked: Asked) -> None:
    person = asked.person
    room, gone = asked.house.rooms.open(asked.words[0])
    if gone is not None:
        asked.house.store(asked.turn, Forgotten(gone.name))
    if room is person.room:
        raise Refusal(f"you are in {room.name} already: /leave goes back to {LOBBY}")
    asked.house.move(asked.turn, person, room)


@command("rooms", "/leave", f"go back to {LOBBY}")
def _leave(asked: Asked) -> None:
    lobby = asked.house.rooms.lobby
    if asked.person.room is lobby:
        raise Refusal(f"you are in {LOBBY}, where everybody starts: /quit leaves the chat")
    asked.house.move(asked.turn, asked.person, lobby)


@command("rooms", "/topic [TEXT]", "show what the room is about, or set it")
def _topic(asked: Asked) -> None:
    (text,) = asked.words
    room = asked.person.room
    if not text:
        asked.answer(f"topic: {room.topic}" if room.topic else "no topic yet: /topic TEXT sets one")
        return
    if len(text) > MAX_TOPIC:
        raise Refusal(f"a topic has at most {MAX_TOPIC} characters: make it shorter")
    asked.house.may_speak(asked.turn, asked.person)
    room.topic = text
    asked.answer(f"topic: {text}")
    asked.turn.announce(room, f"*** {asked.person.nick} set the topic: {text}", (asked.person.conn,))
    asked.house.store(asked.turn, Topic(room.name, text))


@command("rooms", "/history [NUMBER]", f"show what was said last: {SHOWN_LINES} lines, or up to {LINES}")
def _history(asked: Asked) -> None:
    number = _number(asked.words[0]) if asked.words[0] else SHOWN_LINES
    if number < 1:
        raise Refusal(f"say how many lines, from 1 to {LINES}: /history 20")
    archive.show(asked.house, asked.turn, archive.Wanted(asked.person, asked.person.room, 0, min(number, LINES)))


@command("rooms", "/replay NUMBER", "show what was said from this number on: /replay 481")
def _replay(asked: Asked) -> None:
    number = _number(asked.words[0])
    if number < 1:
        raise Refusal("say from which number on: /replay 481")
    archive.show(asked.house, asked.turn, archive.Wanted(asked.person, asked.person.room, number, LINES))


def _number(text: str) -> int:
    """A number as somebody typed it, with or without its #. 0: it is none."""
    text = text.removeprefix("#")
    # A few digits only: reading a number takes time with the square of its length.
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else 0
