"""The tower as text: all nine tiers as a table, or one in full.

Pure: from data to strings. Who calls says how wide, whether there is more than ASCII, and how a role is painted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .places import Place
from .tier import Tier

#: Paints a text by its role: ``heading``, ``name``, ``code``, ``muted`` or one of ``Audience``.
Paint: TypeAlias = Callable[[str, str], str]

#: Columns from which on it says for whom in a column of its own, and not below the name.
ROOMY = 100

#: Columns that a paragraph has at most: longer lines are hard to read.
MEASURE = 100

#: Between two columns.
GAP = "  "

INDENT = "  "

HEADINGS = ("TIER", "FOR", "CONCEPT", "API", "IN NETKIT")


@dataclass(frozen=True, slots=True)
class Look:
    """How it is shown.

    Attributes:
        width: columns there are.
        unicode: whether lines can be drawn; otherwise there is only ASCII.
        paint: see ``Paint``.
    """

    width: int = 80
    unicode: bool = True
    paint: Paint = lambda text, role: text

    def rule(self, heavy: bool = False) -> str:
        """A line across."""
        return self.paint(
            ("═" if heavy else "─") * self.width if self.unicode else "=-"[not heavy] * self.width, "muted"
        )


@dataclass(frozen=True, slots=True)
class _Cell:
    """What stands in one cell.

    Attributes:
        items: what must not be broken: words or names.
        joint: between two items on one line; with a newline each has a line to itself.
        role: how it is painted.
    """

    items: Sequence[str]
    joint: str
    role: str

    @property
    def least(self) -> int:
        """Columns it needs. A comma stays with the name before it."""
        last = len(self.items) - 1
        return max((len(each) + (number < last) * len(self.joint.rstrip()) for number, each in enumerate(self.items)))

    def lines(self, width: int) -> list[str]:
        """Wrapped."""
        if "\n" in self.joint:
            return list(self.items)
        made: list[str] = []
        end = self.joint.rstrip()
        for number, item in enumerate(self.items):
            piece = item + (end if number < len(self.items) - 1 else "")
            if made and len(made[-1]) + 1 + len(piece) <= width:
                made[-1] += f" {piece}"
            else:
                made.append(piece)
        return made


#: A column of one tier: cells below each other.
_Column: TypeAlias = list[_Cell]


def table(tiers: Iterable[Tier], places: Mapping[int, Sequence[Place]], look: Look) -> str:
    """All tiers, from the top down to the ground.

    Args:
        tiers: in any order.
        places: by the number of a tier, those that use it.
        look: how.
    """
    roomy = look.width >= ROOMY
    above = sorted(tiers, key=lambda tier: -tier.number)
    rows = [_row(tier, places[tier.number], roomy) for tier in above]
    headings = [each for each in HEADINGS if roomy or each != "FOR"]
    widths = _widths(headings, rows, look.width)
    heading = GAP.join(name.ljust(width) for name, width in zip(headings, widths, strict=True)).rstrip()
    drawn = [line for row in rows for line in (look.rule(), *_drawn(row, widths, look))]
    return "\n".join([look.paint(heading, "heading"), *drawn, look.rule(heavy=True), ""])


def _row(tier: Tier, places: Sequence[Place], roomy: bool) -> list[_Column]:
    name = _Cell([f"{tier.number} {tier.name}"], "\n", "name")
    whom = _Cell([tier.audience.value], "\n", tier.audience)
    return [
        *([[name], [whom]] if roomy else [[name, whom]]),
        [_Cell(tier.concept.split(), " ", "")],
        [_Cell(tier.chief, ", ", "code")],
        [_Cell([f"{each.module}:{each.line}" for each in places] or ["-"], "\n", "muted")],
    ]


def _widths(headings: Sequence[str], rows: Sequence[list[_Column]], width: int) -> list[int]:
    """Of each column: what its longest word needs. What is left goes to those that wrap, so that few lines are left."""
    columns = list(zip(*rows, strict=True))
    least = [
        max(len(name), *(cell.least for column in columns[at] for cell in column)) for at, name in enumerate(headings)
    ]
    left = max(0, width - sum(least) - len(GAP) * (len(least) - 1))
    concept, api = headings.index("CONCEPT"), headings.index("API")

    def share(given: int) -> list[int]:
        return [each + {concept: given, api: left - given}.get(at, 0) for at, each in enumerate(least)]

    def lines(given: int) -> tuple[int, int]:
        heights = [_heights(row, share(given)) for row in rows]
        return sum(map(max, heights)), sum(map(sum, heights))

    return share(min(range(left + 1), key=lines))


def _heights(row: list[_Column], widths: Sequence[int]) -> list[int]:
    """The lines of each column of a tier."""
    return [sum(len(cell.lines(width)) for cell in column) for column, width in zip(row, widths, strict=True)]


def _drawn(row: list[_Column], widths: Sequence[int], look: Look) -> list[str]:
    """One tier, as lines."""
    columns = [
        [(line, cell.role) for cell in column for line in cell.lines(width)]
        for column, width in zip(row, widths, strict=True)
    ]
    made = []
    for number in range(max(map(len, columns))):
        pieces = [column[number] if number < len(column) else ("", "") for column in columns]
        padded = [
            look.paint(text, role) + " " * (width - len(text)) if text else " " * width
            for (text, role), width in zip(pieces, widths, strict=True)
        ]
        made.append(GAP.join(padded).rstrip())
    return made


def full(tier: Tier, places: Sequence[Place], example: str, code: str, look: Look) -> str:
    """One tier in full.

    Args:
        tier: which.
        places: those that use it.
        example: the name of its example file.
        code: the text of that, perhaps in colours.
        look: how.
    """
    paint = look.paint
    whom = f"for {tier.audience.people}"
    lines = [
        paint(f"Tier {tier.number}: {tier.name}", "heading") + paint(f", {tier.concept}", "name"),
        paint(whom, tier.audience),
        "",
        *_wrapped(tier.paragraph, look),
        "",
        paint("API", "heading"),
        *_api(tier, look),
        "",
        paint("Often wrong", "heading"),
        *(line for each in tier.mistakes for line in _wrapped(each, look, f"{INDENT}- ", f"{INDENT}  ")),
        "",
        paint("In netkit", "heading"),
        *(line for each in places for line in _place(each, look)),
        *([] if places else [f"{INDENT}nowhere: netkit does without it."]),
        "",
        paint("Example", "heading") + f"  {example}   " + paint(f"netkit tower {tier.number} --run", "code"),
        look.rule(),
        code.rstrip("\n"),
        "",
    ]
    return "\n".join(lines)


def _wrapped(text: str, look: Look, first: str = "", rest: str = "", narrower: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        min(look.width, MEASURE) - narrower,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _api(tier: Tier, look: Look) -> list[str]:
    """A name to a line, what it is beside it, or below it where the name is long."""
    longest = max(len(each.name) for each in tier.api)
    made = []
    for each in tier.api:
        first, *more = _wrapped(each.what, look, narrower=len(INDENT) + longest + len(GAP))
        made.append(f"{INDENT}{look.paint(each.name, 'code')}{' ' * (longest - len(each.name))}{GAP}{first}")
        made += [" " * (len(INDENT) + longest + len(GAP)) + line for line in more]
    return made


def _place(place: Place, look: Look) -> list[str]:
    """Where, in which function, the line itself, and why."""
    return [
        f"{INDENT}{look.paint(f'netkit/{place.module}:{place.line}', 'name')}  {place.where}",
        f"{INDENT * 2}{look.paint(place.source, 'code')}",
        *_wrapped(f"{place.api}: {place.why}", look, INDENT * 2, INDENT * 2),
    ]
