"""What the charts look like: a hue for each layer, a shape for each loop, greys for anybody else's server.

The hues are those of Okabe and Ito's palette, which people with any kind of colour vision can tell apart; on a dark
page they are lighter. A page names its colours as CSS variables, so that the scheme can change while it is looked at,
and a picture has them fixed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ..arms import Arm

#: Shapes by loop: filled symbols of about the same area, as Vega names them.
SHAPES = {"uvloop": "circle", "asyncio": "square"}

#: Lines by loop: the lengths of dashes and of gaps in pixels.
DASHES = {"uvloop": [1, 0], "asyncio": [5, 3]}

#: Shapes and lines of other servers, one after another.
PEER_SHAPES = ("triangle-up", "diamond", "triangle-down", "cross")
PEER_DASHES = ([1, 0], [5, 3], [2, 2], [8, 2, 2, 2])


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one scheme.

    Attributes:
        paper: behind everything.
        ink: what is read.
        muted: what is read second, and whatever is not ranked.
        grid: lines behind the data.
        band: the differences that cannot be told.
        accent: what is said of the whole run, such as that it is only indicative.
        transports: the layer of that name.
        protocols: likewise.
        streams: likewise.
        peer_a: other servers take turns with this grey and the next.
        peer_b: the next.
    """

    paper: str
    ink: str
    muted: str
    grid: str
    band: str
    accent: str
    transports: str
    protocols: str
    streams: str
    peer_a: str
    peer_b: str

    def layer(self, name: str) -> str:
        """The hue of a layer; of one that this version does not know, a grey."""
        return {"transports": self.transports, "protocols": self.protocols, "streams": self.streams}.get(
            name, self.peer_a
        )


LIGHT = Theme(
    paper="#ffffff",
    ink="#1c2128",
    muted="#6a737d",
    grid="#e4e7eb",
    band="#eceff3",
    accent="#9a5b00",
    transports="#0072b2",
    protocols="#d55e00",
    streams="#009e73",
    peer_a="#57606a",
    peer_b="#8b949e",
)

DARK = Theme(
    paper="#14171c",
    ink="#e8eaed",
    muted="#98a1ab",
    grid="#2b3038",
    band="#232830",
    accent="#f0b65a",
    transports="#56b4e9",
    protocols="#f2884b",
    streams="#2cc69b",
    peer_a="#c3c9d0",
    peer_b="#8b949e",
)

#: Both at once: the colours are names, and the style sheet of the page says what they stand for.
PAGE = Theme(**{name: f"var(--{name.replace('_', '-')})" for name in asdict(LIGHT)})


def variables(theme: Theme) -> str:
    """A scheme as declarations of CSS: what the names in ``PAGE`` stand for."""
    return " ".join(f"--{name.replace('_', '-')}: {value};" for name, value in asdict(theme).items())


@dataclass(frozen=True, slots=True)
class Mark:
    """How one arm is drawn, in every chart."""

    colour: str
    shape: str
    dash: list[int]


def marks(arms: Iterable[Arm], theme: Theme) -> dict[str, Mark]:
    """A mark for each arm, by its name. The arms are those of the whole run, so that all charts agree."""
    made: dict[str, Mark] = {}
    peers = 0
    for arm in arms:
        if arm.name in made:
            continue
        if arm.layer:
            made[arm.name] = Mark(theme.layer(arm.layer), SHAPES.get(arm.loop, "diamond"), DASHES.get(arm.loop, [2, 2]))
            continue
        grey = theme.peer_b if peers % 2 else theme.peer_a
        made[arm.name] = Mark(grey, PEER_SHAPES[peers % len(PEER_SHAPES)], PEER_DASHES[peers % len(PEER_DASHES)])
        peers += 1
    return made
