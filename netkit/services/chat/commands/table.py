"""The table of the commands, and how a line becomes one of them.

Each is one function in the table, with its usage and a line of help. The words of a usage in capitals are what it
must be given, those in brackets what it may be. A function raises ``Refusal`` to say no.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ....wire.text import clean
from ..house import House
from ..person import Person
from ..phrases import quote
from ..refusal import Refusal
from ..turn import Turn

#: What other chats call some commands, which is not like what they are called here.
ELSEWHERE = {
    **dict.fromkeys(("/exit", "/bye", "/logout", "/disconnect"), "/quit"),
    **dict.fromkeys(("/names", "/users"), "/who"),
    **dict.fromkeys(("/list", "/channels"), "/rooms"),
    **dict.fromkeys(("/part", "/close"), "/leave"),
    **dict.fromkeys(("/query", "/tell", "/whisper", "/w", "/pm", "/dm"), "/msg"),
    **dict.fromkeys(("/name", "/rename"), "/nick"),
    **dict.fromkeys(("/block", "/squelch"), "/ignore"),
    "/action": "/me",
    "/back": "/away",
    "/?": "/help",
}

#: Said of a command that is for somebody else.
YOURSELF = "that is you: name somebody else"

#: Longest name that is compared to the commands, in characters: no command is near to a longer one.
MAX_TYPO = 12


@dataclass(slots=True)
class Asked:
    """A command as somebody typed it: who, and the words after it. Those that are missing are empty."""

    house: House
    turn: Turn
    person: Person
    words: list[str]

    @property
    def now(self) -> float:
        """The time in seconds."""
        return self.turn.now

    def other(self, name: str) -> Person:
        """Somebody of that name, who is not the one who asked.

        Raises:
            Refusal: there is nobody, or it is.
        """
        person = self.house.nicks.find(name)
        if person is self.person:
            raise Refusal(YOURSELF)
        return person

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
    topic: str
    needed: int
    taken: int
    run: Run


#: By name.
COMMANDS: dict[str, Command] = {}

#: The topic of the commands that only operators have.
OPERATORS = "operators"


def command(topic: str, usage: str, about: str) -> Callable[[Run], Run]:
    """Enter a function in the table."""
    name, *words = usage.split()
    needed = sum(not word.startswith("[") for word in words)

    def enter(run: Run) -> Run:
        COMMANDS[name] = Command(usage, about, topic, needed, len(words), run)
        return run

    return enter


def obey(house: House, turn: Turn, person: Person, line: str) -> None:
    """Do what a line that starts with a slash asks for. Afterwards the person may be gone.

    Raises:
        Refusal: it is not done, and why not.
    """
    name, _, rest = line.partition(" ")
    command = find(name, operator=person in house.operators)
    words = rest.split(None, command.taken - 1) if command.taken > 1 else [rest]
    # Each word may come to stand behind a prefix of ours: let no mark at its start combine with that.
    words = [clean(word).strip() for word in words] + [""] * (command.taken - len(words))
    if command.needed and not words[command.needed - 1]:
        raise Refusal(f"usage: {command.usage}")
    command.run(Asked(house, turn, person, words))


def find(name: str, *, operator: bool) -> Command:
    """The command of that name.

    Raises:
        Refusal: there is none, or it is for operators only.
    """
    command = COMMANDS.get(name) or COMMANDS.get(name.lower())
    if command is None:
        near = _nearest(name.lower()) if len(name) <= MAX_TYPO else ""
        hint = f"did you mean {near}? " if near else ""
        raise Refusal(f"there is no {quote(name)}: {hint}/help shows what there is, //text says /text")
    if command.topic == OPERATORS and not operator:
        raise Refusal(f"{name} is for operators: /op TOKEN makes you one")
    return command


@functools.lru_cache(maxsize=256)
def _nearest(name: str) -> str:
    """The command that a name means or is most like, or nothing. Comparing is dear: 50 µs, where a line takes 5."""
    return ELSEWHERE.get(name) or next(iter(difflib.get_close_matches(name, COMMANDS, 1)), "")
