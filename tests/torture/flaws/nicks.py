"""What may go wrong with names."""

from __future__ import annotations

import asyncio

from tests.torture.flaws import Flaw
from tests.torture.server import Line


class LooksFirstAndTakesLater(Line):
    """It asks somebody else whether the name is free, and takes it when the answer has come."""

    def rename(self, name: str) -> None:
        if name in self.server.members.values():
            self.tell(f"*** {name} is taken")
        else:
            asyncio.get_running_loop().call_later(0.2, self.take, name)

    def take(self, name: str) -> None:
        self.server.members[self] = self.name = name
        self.tell(f"*** you are {name} now")


class KeepsNames(Line):
    """It never forgets a name."""

    kept: frozenset[str] = frozenset()

    def rename(self, name: str) -> None:
        if name in KeepsNames.kept:
            self.tell(f"*** {name} is taken")
        else:
            KeepsNames.kept |= {name}
            super().rename(name)


class TellsEverybody(Line):
    """It tells everybody of each new name."""

    def rename(self, name: str) -> None:
        for other in self.server.members:
            if other is not self:
                other.tell(f"*** {self.name} is {name} now")
        super().rename(name)


class ListsOldNames(Line):
    """It adds a name to the list, and forgets to take the old one out."""

    names: tuple[str, ...] = ()

    def rename(self, name: str) -> None:
        ListsOldNames.names += (name,)
        super().rename(name)

    def command(self, text: str) -> None:
        if text == "/who":
            self.tell("*** here: " + ", ".join(ListsOldNames.names))
        else:
            super().command(text)


class TakesAnyName(Line):
    """A name may be anything."""

    def rename(self, name: str) -> None:
        self.server.members[self] = self.name = name
        self.tell(f"*** you are {name} now")


class DoesNotCleanNames(Line):
    """It looks at a name only until it likes it, and tells others of all of it."""

    def line(self, line: bytes) -> None:
        if line.startswith(b"/nick "):
            for other in self.server.members:
                if other is not self:
                    other.write(b"*** " + self.name.encode() + b" is " + line[6:] + b" now\n")
        super().line(line)


class HasEnoughOfNames(Line):
    """Three bad names, and nobody gets a new one any more."""

    bad = 0

    def rename(self, name: str) -> None:
        before = self.name
        if HasEnoughOfNames.bad < 3:
            super().rename(name)
            HasEnoughOfNames.bad += self.name == before


FLAWS = (
    Flaw("nick-race", LooksFirstAndTakesLater, "chat", r"10 of 10 who asked at once were told that they are called"),
    Flaw("nick-race", KeepsNames, "chat", r"is not free again"),
    Flaw("nick-loop", TellsEverybody, "chat", r"others are told of \d+ new names"),
    Flaw("nick-loop", ListsOldNames, "chat", r"one client is listed under 99 names"),
    Flaw("nick-nasty", TakesAnyName, "chat", r"a name that nobody should have was given"),
    Flaw("nick-nasty", DoesNotCleanNames, "chat", r"a control character of a name reached others"),
    Flaw("nick-nasty", HasEnoughOfNames, "chat", r"an ordinary name was not given"),
)
