"""The tower as text: within its columns, with whole words, and the same with colours or without."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from netkit.tower import places, show
from netkit.tower.show import Look
from netkit.tower.tier import Tier
from netkit.tower.tiers import TIERS

PLACES = {tier.number: places.find_all(tier.uses) for tier in TIERS}

#: Across 80 columns.
RULE = "\u2500" * 80

CODE = '"""An example."""\n\nprint("\u00fc")\n'


def marked(text: str, role: str) -> str:
    """In place of colours."""
    return f"\x01{role}\x02{text}\x03" if role else text


def unmarked(text: str) -> str:
    return re.sub("\x01.*?\x02|\x03", "", text)


def full(tier: Tier, look: Look) -> str:
    return show.full(tier, PLACES[tier.number], "examples/x.py", CODE, look)


@pytest.mark.parametrize("width", [80, 99, 100, 120, 160])
def test_the_table_keeps_to_its_columns_and_breaks_no_word(width: int) -> None:
    text = show.table(TIERS, PLACES, Look(width=width))
    lines = text.splitlines()
    assert max(map(len, lines)) == width
    assert not [line for line in lines if line != line.rstrip()]
    words = set(re.split(r"[\s,]+", text))
    for tier in TIERS:
        assert {*tier.concept.split(), *" ".join(tier.chief).split(), tier.audience.value} <= words
        assert {f"{place.module}:{place.line}" for place in PLACES[tier.number]} <= words


def test_the_top_is_above_and_the_ground_below() -> None:
    text = show.table(TIERS, PLACES, Look())
    assert re.findall(r"^(\d) ([a-z]+)", text, re.MULTILINE) == [
        (str(tier.number), tier.name.split()[0]) for tier in reversed(TIERS)
    ]
    assert text.endswith("\n" + "\u2550" * 80 + "\n")


def test_a_wide_terminal_has_a_column_more_and_fewer_lines() -> None:
    narrow, wide = (show.table(TIERS, PLACES, Look(width=width)) for width in (80, 140))
    assert narrow.split("\n")[0].split() == ["TIER", "CONCEPT", "API", "IN", "NETKIT"]
    assert wide.split("\n")[0].split() == ["TIER", "FOR", "CONCEPT", "API", "IN", "NETKIT"]
    assert wide.count("\n") < narrow.count("\n")


@pytest.mark.parametrize("width", [80, 120])
def test_colours_change_nothing_but_colours(width: int) -> None:
    plain, painted = Look(width=width), Look(width=width, paint=marked)
    assert unmarked(show.table(TIERS, PLACES, painted)) == show.table(TIERS, PLACES, plain)
    for tier in TIERS:
        assert unmarked(full(tier, painted)) == full(tier, plain)


def test_ascii_is_enough() -> None:
    look = Look(unicode=False)
    assert show.table(TIERS, PLACES, look).isascii()
    assert full(TIERS[0], look).replace("\u00fc", "").isascii()


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_a_tier_in_full_says_all_of_it(tier: Tier) -> None:
    text = full(tier, Look())
    plain = " ".join(text.split())
    assert text.startswith(f"Tier {tier.number}: {tier.name}, {tier.concept}\nfor {tier.audience.people}\n\n")
    assert tier.paragraph in plain
    for api in tier.api:
        assert re.search(rf"^  {re.escape(api.name)}  +{api.what.split()[0]}", text, re.MULTILINE)
        assert f"{api.name} {api.what}" in plain
    for mistake in tier.mistakes:
        assert f"- {mistake}" in plain
    for place in PLACES[tier.number]:
        head = f"  netkit/{place.module}:{place.line}  {place.where}\n    {place.source}\n    {place.api}: "
        assert head in text
        assert place.why in plain
    assert text.endswith(f"netkit tower {tier.number} --run\n{RULE}\n{CODE}")


def test_prose_keeps_to_its_columns() -> None:
    for tier in TIERS:
        prose, _, _ = full(tier, Look()).partition("\nIn netkit\n")
        assert max(map(len, prose.splitlines())) <= 80
        wide, _, _ = full(tier, Look(width=160)).partition("\nIn netkit\n")
        assert max(map(len, wide.splitlines())) <= show.MEASURE


def test_what_netkit_does_without_is_said() -> None:
    tier = replace(TIERS[0], uses=())
    assert "\nIn netkit\n  nowhere: netkit does without it.\n" in show.full(tier, (), "x.py", CODE, Look())
    assert re.search(r"async with +-$", show.table([tier], {1: ()}, Look(width=160)), re.MULTILINE)
