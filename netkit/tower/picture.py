"""The tower as a picture: SVG, of one file, made from the same data as the text.

Colours go with the reader's scheme, light or dark, where the viewer knows it, and are light elsewhere. Who cannot see
the picture has its title and description, and who cannot tell the colours has the words beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from html import escape
from textwrap import wrap

from .tier import Audience, Tier

WIDTH = 1000
MARGIN = 40

#: A floor is so high, stands so far above the next, and is narrower by a step on either side. Its corners are round.
FLOOR, GAP, STEP, ROUND = 92, 7, 9, 10

#: Above the top floor: the heading, then the roof. Below the ground floor: the ground, and the key.
HEAD, ROOF, GROUND = 92, 54, 88

#: In a floor: the block with the number, where the column of words ends, and the space around both.
BLOCK, WORDS, PAD = 76, 366, 16

#: Of a box with a name of the API: its height, the space inside, and the space between two.
BOX, INSIDE, BETWEEN = 23, 8, 5

#: Sizes of text, and how far a line is below the one above.
TITLE, NUMBER, NAME, TEXT, CODE, BELOW = 30, 36, 21, 14, 13, 18

#: How wide a letter is for its size: on average, and in a font where all are as wide, which is made to fit.
LETTER, MONO_LETTER = 0.52, 0.6

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace"

MIDDLE, END = ' text-anchor="middle"', ' text-anchor="end"'


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one scheme.

    Attributes:
        paper: behind everything.
        wall: of a floor.
        edge: around it, and the ground.
        ink: what is read.
        muted: what is read second.
        number: on the colour of an audience.
        applications: the colour of that audience.
        frameworks: likewise.
    """

    paper: str
    wall: str
    edge: str
    ink: str
    muted: str
    number: str
    applications: str
    frameworks: str


LIGHT = Theme(
    paper="#f6f7f9",
    wall="#ffffff",
    edge="#d5dae1",
    ink="#1c2128",
    muted="#57606a",
    number="#ffffff",
    applications="#00785a",
    frameworks="#b54a00",
)

DARK = Theme(
    paper="#14171c",
    wall="#1e232a",
    edge="#39414c",
    ink="#e8eaed",
    muted="#a4adb8",
    number="#14171c",
    applications="#2cc69b",
    frameworks="#f2884b",
)


def svg(tiers: Iterable[Tier]) -> str:
    """The picture.

    Args:
        tiers: in any order; they are drawn from the greatest number down to the least.
    """
    from_top = sorted(tiers, key=lambda tier: -tier.number)
    last = len(from_top) - 1
    top = HEAD + ROOF
    bottom = top + len(from_top) * (FLOOR + GAP)
    height = bottom + GROUND
    floors = [_floor(tier, MARGIN + STEP * (last - at), top + at * (FLOOR + GAP)) for at, tier in enumerate(from_top)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            'role="img" aria-labelledby="title description">',
            '<title id="title">The tower of asyncio</title>',
            f'<desc id="description">{escape(_description(from_top))}</desc>',
            f"<style>{_style()}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
            _text(WIDTH / 2, 44, "The tower of asyncio", TITLE, "ink bold", MIDDLE),
            _text(WIDTH / 2, 72, "each tier stands on those below it", TEXT + 1, "muted", MIDDLE),
            _roof(MARGIN + STEP * last),
            *(line for floor in floors for line in floor),
            f'<rect class="edge" x="{MARGIN / 2:g}" y="{bottom}" width="{WIDTH - MARGIN}" height="6" rx="3"/>',
            *_key(bottom + 46),
            "</svg>",
            "",
        ]
    )


def _description(tiers: Iterable[Tier]) -> str:
    """The picture in words."""
    said = [
        f"{tier.number} {tier.name}: {tier.concept}; {', '.join(tier.chief)}; for {tier.audience.people}."
        for tier in tiers
    ]
    return " ".join(["The tiers of asyncio as a tower, from the top down to the ground.", *said])


def _style() -> str:
    """Colours of the light scheme, replaced where the reader wants the dark one."""
    fonts = f"text{{font-family:{SANS}}} .code{{font-family:{MONO}}} .bold{{font-weight:700}}"
    return f"{fonts} {_colours(LIGHT)} @media (prefers-color-scheme:dark){{{_colours(DARK)}}}"


def _colours(theme: Theme) -> str:
    fills = " ".join(f".{name}{{fill:{value}}}" for name, value in asdict(theme).items())
    return f"{fills} .wall{{stroke:{theme.edge}}}"


def _text(x: float, y: float, text: str, size: int, kind: str, more: str = "") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" font-size="{size}"{more}>{escape(text)}</text>'


def _roof(x: float) -> str:
    eaves = HEAD + ROOF - GAP
    return f'<path class="edge" d="M{x - 14:g} {eaves}L{WIDTH / 2:g} {HEAD}L{WIDTH - x + 14:g} {eaves}Z"/>'


def _floor(tier: Tier, x: float, y: float) -> list[str]:
    """One tier, its left upper corner at a place: the number, the words, and the names of the API."""
    left, right = x + BLOCK + PAD, x + WORDS
    concept = _balanced(tier.concept, int((right - left) / (TEXT * LETTER)))
    name_y = y + (FLOOR - BELOW * len(concept)) / 2 + NAME * 0.25
    whom = "muted" if tier.audience is Audience.BOTH else tier.audience.value
    return [
        f'<rect class="wall" x="{x:g}" y="{y:g}" width="{WIDTH - 2 * x:g}" height="{FLOOR}" rx="{ROUND}"/>',
        *_block(tier.audience, x, y, BLOCK, FLOOR, ROUND),
        _text(x + BLOCK / 2, y + FLOOR / 2 + NUMBER * 0.36, str(tier.number), NUMBER, "number bold", MIDDLE),
        _text(left, name_y, tier.name, NAME, "ink bold"),
        _text(right, name_y, tier.audience.value, CODE, whom, END),
        *(_text(left, name_y + 5 + BELOW * number, line, TEXT, "muted") for number, line in enumerate(concept, 1)),
        *_boxes(tier.chief, x + WORDS + PAD * 1.5, WIDTH - x - PAD / 2, y + FLOOR / 2),
    ]


def _balanced(text: str, width: int) -> list[str]:
    """Wrapped into as few lines as possible, and these about as long as each other."""
    lines = wrap(text, width)
    while width > 1 and len(narrower := wrap(text, width - 1)) == len(lines):
        lines, width = narrower, width - 1
    return lines


def _block(audience: Audience, x: float, y: float, width: float, height: float, corner: float) -> list[str]:
    """A block in the colour of an audience, round on the left; for both of them in two colours."""
    whole = (
        f"M{x + width:g} {y:g}V{y + height:g}H{x + corner:g}a{corner:g} {corner:g} 0 0 1 -{corner:g} -{corner:g}"
        f"V{y + corner:g}a{corner:g} {corner:g} 0 0 1 {corner:g} -{corner:g}Z"
    )
    if audience is not Audience.BOTH:
        return [f'<path class="{audience}" d="{whole}"/>']
    bend = corner * 0.293  # where the diagonal meets the round corner
    half = (
        f"M{x + width:g} {y:g}V{y + height:g}H{x + corner:g}A{corner:g} {corner:g} 0 0 1 "
        f"{x + bend:g} {y + height - bend:g}Z"
    )
    return [
        f'<path class="{Audience.APPLICATIONS}" d="{whole}"/>',
        f'<path class="{Audience.FRAMEWORKS}" d="{half}"/>',
    ]


def _boxes(names: Sequence[str], left: float, right: float, middle: float) -> list[str]:
    """Names of the API, each in a box, in rows around a middle line."""
    rows: list[list[tuple[str, float]]] = [[]]
    x = left
    for name in names:
        width = len(name) * CODE * MONO_LETTER + 2 * INSIDE
        if rows[-1] and x + width > right:
            rows.append([])
            x = left
        rows[-1].append((name, x))
        x += width + BETWEEN
    y = middle - (len(rows) * (BOX + BETWEEN) - BETWEEN) / 2
    return [
        line
        for number, row in enumerate(rows)
        for name, at in row
        for line in _box(name, at, y + number * (BOX + BETWEEN))
    ]


def _box(name: str, x: float, y: float) -> list[str]:
    long = len(name) * CODE * MONO_LETTER
    fitted = f' textLength="{long:g}"'
    return [
        f'<rect class="paper" x="{x:g}" y="{y:g}" width="{long + 2 * INSIDE:g}" height="{BOX}" rx="5"/>',
        _text(x + INSIDE, y + BOX / 2 + CODE * 0.34, name, CODE, "ink code", fitted),
    ]


def _key(y: float) -> list[str]:
    """What the colours mean."""
    words = {each: f"for {each.people}" for each in Audience}
    words[Audience.BOTH] = "for both"
    wide = {each: 34 + len(text) * TEXT * LETTER for each, text in words.items()}
    x = (WIDTH - sum(wide.values()) - 2 * MARGIN) / 2
    made = []
    for each, text in words.items():
        made += [*_block(each, x, y - 14, 22, 18, 4), _text(x + 30, y, text, TEXT, "ink")]
        x += wide[each] + MARGIN
    return made
