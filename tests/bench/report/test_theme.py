from __future__ import annotations

from dataclasses import asdict

import pytest

from netkit.bench.arms import Arm
from netkit.bench.report.theme import DARK, LIGHT, Theme, marks

#: WCAG 2.1, 1.4.3 and 1.4.11: what contrast text needs, and what a symbol.
TEXT, SYMBOL = 4.5, 3.0


def luminance(colour: str) -> float:
    """Of ``#rrggbb``, as WCAG defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", sorted(set(asdict(LIGHT)) - {"paper", "grid", "band"}))
def test_colours_can_be_told_from_the_paper(theme: Theme, name: str) -> None:
    darker, lighter = sorted((luminance(getattr(theme, name)), luminance(theme.paper)))
    wanted = TEXT if name in ("ink", "muted", "accent") else SYMBOL
    assert (lighter + 0.05) / (darker + 0.05) >= wanted


def test_a_layer_has_a_hue_and_a_loop_a_shape() -> None:
    arms = [
        Arm(f"{layer}-{loop}", "", layer, loop) for layer in ("streams", "protocols") for loop in ("asyncio", "uvloop")
    ]
    made = marks(arms, LIGHT)
    assert {name: mark.colour for name, mark in made.items()} == {
        "streams-asyncio": LIGHT.streams,
        "streams-uvloop": LIGHT.streams,
        "protocols-asyncio": LIGHT.protocols,
        "protocols-uvloop": LIGHT.protocols,
    }
    assert {mark.shape for name, mark in made.items() if name.endswith("uvloop")} == {"circle"}
    assert {mark.shape for name, mark in made.items() if name.endswith("asyncio")} == {"square"}


def test_every_server_of_a_run_looks_different() -> None:
    arms = [
        Arm(f"{layer}-{loop}", "", layer, loop)
        for layer in ("streams", "protocols", "transports")
        for loop in ("asyncio", "uvloop")
    ]
    arms += [Arm(f"peer{number}", "", command="x {port}") for number in range(4)]
    looks = {(mark.colour, mark.shape) for mark in marks(arms, LIGHT).values()}
    assert len(looks) == len(arms)
