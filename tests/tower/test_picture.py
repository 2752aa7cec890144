"""The tower as a picture: a file that stands alone, says itself in words, and keeps within its floors."""

from __future__ import annotations

import re
from dataclasses import asdict
from itertools import pairwise
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from netkit.tower import picture
from netkit.tower.picture import DARK, LIGHT, Theme
from netkit.tower.tiers import TIERS

SVG = "{http://www.w3.org/2000/svg}"

#: WCAG 2.1, 1.4.3: what contrast text needs.
TEXT = 4.5


@pytest.fixture(scope="module")
def text() -> str:
    return picture.svg(TIERS)


@pytest.fixture(scope="module")
def root(text: str) -> Element:
    return ElementTree.fromstring(text)


def box(rect: Element) -> tuple[float, float, float, float]:
    x, y, width, height = (float(rect.get(name, "0")) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def within(inner: Element, outer: Element) -> bool:
    left, top, right, bottom = box(outer)
    x, y, x_end, y_end = box(inner)
    return left <= x and top <= y and x_end <= right and y_end <= bottom


def test_it_says_itself_in_words(root: Element) -> None:
    assert root.get("role") == "img"
    names = (root.get("aria-labelledby") or "").split()
    assert [root[0].get("id"), root[1].get("id")] == names
    assert root[0].tag == SVG + "title"
    assert root[0].text == "The tower of asyncio"
    said = root[1].text or ""
    assert root[1].tag == SVG + "desc"
    for tier in TIERS:
        whole = f"{tier.number} {tier.name}: {tier.concept}; {', '.join(tier.chief)}; for {tier.audience.people}."
        assert whole in said


def test_it_stands_alone(text: str) -> None:
    assert re.findall(r"https?:[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|@import|<script|<image", text)


def test_floors_stand_on_each_other_and_grow_wider(root: Element) -> None:
    floors = [box(each) for each in root.iter(SVG + "rect") if each.get("class") == "wall"]
    assert len(floors) == len(TIERS)
    for above, below in pairwise(floors):
        assert above[3] < below[1]
        assert below[0] < above[0]
        assert above[2] < below[2]


def test_every_name_has_a_box_within_its_floor(root: Element) -> None:
    rects = list(root.iter(SVG + "rect"))
    floors = [each for each in rects if each.get("class") == "wall"]
    boxes = [each for each in rects[1:] if each.get("class") == "paper"]
    names = [each.text for each in root.iter(SVG + "text") if "code" in (each.get("class") or "")]
    assert names == [name for tier in reversed(TIERS) for name in tier.chief]
    inside = [sum(within(each, floor) for each in boxes) for floor in floors]
    assert inside == [len(tier.chief) for tier in reversed(TIERS)]
    assert sum(inside) == len(boxes)


def test_numbers_names_and_concepts_are_there_from_the_top_down(root: Element) -> None:
    said = [each.text or "" for each in root.iter(SVG + "text")]
    assert [each for each in said if each.isdigit()] == [str(tier.number) for tier in reversed(TIERS)]
    whole = " ".join(said)
    for tier in TIERS:
        assert re.search(rf"{tier.number} {tier.name} {tier.audience.value} {tier.concept}", whole)


def test_a_tier_for_both_has_both_colours(root: Element) -> None:
    kinds = [each.get("class") for each in root.iter(SVG + "path")]
    # Applications 1, 2, 5, 6, 9 and 4, and frameworks 3, 7, 8 and 4; of each colour two more in the key.
    assert kinds.count("applications") == 6 + 2
    assert kinds.count("frameworks") == 4 + 2


def luminance(colour: str) -> float:
    """Of ``#rrggbb``, as WCAG defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_everything_can_be_read(theme: Theme) -> None:
    pairs = [(ink, behind) for behind in ("paper", "wall") for ink in ("ink", "muted", "applications", "frameworks")]
    pairs += [("number", "applications"), ("number", "frameworks")]
    for pair in pairs:
        darker, lighter = sorted(luminance(asdict(theme)[name]) for name in pair)
        assert (lighter + 0.05) / (darker + 0.05) >= TEXT, pair


def test_both_schemes_are_in_the_file(text: str) -> None:
    plain, _, dark = text.partition("@media (prefers-color-scheme:dark)")
    assert all(f".{name}{{fill:{value}}}" in plain for name, value in asdict(LIGHT).items())
    assert all(f".{name}{{fill:{value}}}" in dark for name, value in asdict(DARK).items())
