"""What a tier is, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """Who meets a tier in daily work."""

    APPLICATIONS = "applications"
    FRAMEWORKS = "frameworks"
    BOTH = "both"

    @property
    def people(self) -> str:
        """The same in words."""
        return {
            Audience.APPLICATIONS: "those who write applications",
            Audience.FRAMEWORKS: "those who write frameworks",
            Audience.BOTH: "those who write applications, and those who write frameworks",
        }[self]


@dataclass(frozen=True, slots=True)
class Api:
    """A name of the tier.

    Attributes:
        name: as the documentation of asyncio has it, such as ``loop.call_soon`` or ``StreamReader.read``.
        what: it is or does, in one line.
    """

    name: str
    what: str

    @property
    def short(self) -> str:
        """The name without what it is found on, where there is little room. What is not asyncio's stays whole."""
        return self.name if self.name.startswith("uvloop.") else self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Use:
    """A place in netkit that uses the tier. It has no line: that is looked up in the source, see ``places``.

    Attributes:
        api: what is used, one of the names of the tier.
        module: the file, relative to the package.
        where: the qualified name of the function or class.
        why: it is used there, in one line.
    """

    api: str
    module: str
    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier.

    Attributes:
        number: 1 is the ground, 9 the top.
        name: by which it is asked for.
        concept: what it is, in a few words.
        paragraph: what it is, what it rests on, what it gives and when it is met, for who knows Python and no asyncio.
        api: its names, the most telling first.
        leading: how many of those stand for the tier where there is little room.
        audience: for whom.
        mistakes: what people get wrong, a sentence or two each.
        example: the file that shows it.
        uses: the best places in netkit.
    """

    number: int
    name: str
    concept: str
    paragraph: str
    api: tuple[Api, ...]
    leading: int
    audience: Audience
    mistakes: tuple[str, ...]
    example: str
    uses: tuple[Use, ...]

    @property
    def chief(self) -> tuple[str, ...]:
        """The names that stand for the tier where there is little room, short."""
        return tuple(each.short for each in self.api[: self.leading])
