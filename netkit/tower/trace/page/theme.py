"""What the page looks like: a hue for each lane, in a light scheme and in a dark one.

Transports, protocols and streams have the hues that they have in the charts of ``netkit bench``. All tiers that a
message only meets where somebody waits for it share one, so that waiting is seen as one thing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..model import CLIENT, KERNEL, SERVICE

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"

#: For each lane, a field of ``Theme``.
HUES = {
    SERVICE: "ink",
    9: "streams",
    8: "protocols",
    7: "transports",
    6: "waiting",
    5: "waiting",
    4: "waiting",
    3: "waiting",
    2: "loop",
    1: "waiting",
    KERNEL: "ground",
    CLIENT: "ground",
}


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one scheme.

    Attributes:
        paper: behind everything.
        ink: what is read, the way of the message, and the service.
        muted: what is read second.
        grid: lines behind the message.
        band: one call by the loop.
        accent: the step that is looked at.
        ground: the kernel and the client.
        loop: tier 2.
        waiting: tiers 1 and 3 to 6.
        transports: tier 7.
        protocols: tier 8.
        streams: tier 9.
    """

    paper: str
    ink: str
    muted: str
    grid: str
    band: str
    accent: str
    ground: str
    loop: str
    waiting: str
    transports: str
    protocols: str
    streams: str


LIGHT = Theme(
    paper="#ffffff",
    ink="#1c2128",
    muted="#57606a",
    grid="#dde1e6",
    band="#f2f4f7",
    accent="#9a5b00",
    ground="#6a737d",
    loop="#8a6d00",
    waiting="#a8478c",
    transports="#0072b2",
    protocols="#d55e00",
    streams="#009e73",
)

DARK = Theme(
    paper="#14171c",
    ink="#e8eaed",
    muted="#a3acb6",
    grid="#2f353e",
    band="#1d2127",
    accent="#f0b65a",
    ground="#98a1ab",
    loop="#dcc04e",
    waiting="#e492cb",
    transports="#56b4e9",
    protocols="#f2884b",
    streams="#2cc69b",
)


def variables(theme: Theme) -> str:
    """A scheme as declarations of CSS."""
    return " ".join(f"--{name}: {value};" for name, value in asdict(theme).items())


def style() -> str:
    """What the names of colours stand for in each scheme, and which lane has which."""
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}"
    hues = "\n".join(f".hue-{name} {{ --hue: var(--{name}); }}" for name in sorted(set(HUES.values())))
    return f":root {{ {variables(LIGHT)} --font: {FONT}; }}\n{dark}\n{hues}\n"
