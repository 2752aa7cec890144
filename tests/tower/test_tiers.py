"""The nine tiers: what is said of asyncio is true of the asyncio that is installed."""

from __future__ import annotations

import ast
import asyncio
import asyncio.subprocess
import concurrent.futures
import re
from typing import Any

import pytest

from netkit.errors import TierError, TowerError
from netkit.tower import samples, tiers
from netkit.tower.places import SYNTAX
from netkit.tower.tier import Api, Audience, Tier
from netkit.tower.tiers import TIERS

#: The parts that the docstring of every example has.
PARTS = ("Shows:", "For:", "Often wrong:", "Next:")

#: Where names begin that are not those of a class of asyncio.
ROOTS: dict[str, Any] = {
    "asyncio": asyncio,
    "concurrent": concurrent,
    "loop": asyncio.AbstractEventLoop,
    "Process": asyncio.subprocess.Process,
}

NAMES = [each for tier in TIERS for each in tier.api if each.name not in SYNTAX]


@pytest.fixture(params=TIERS, ids=lambda tier: tier.name)
def tier(request: pytest.FixtureRequest) -> Tier:
    found = request.param
    assert isinstance(found, Tier)
    return found


def test_they_are_numbered_from_the_ground_up() -> None:
    assert [tier.number for tier in TIERS] == list(range(1, 10))
    assert len({tier.name for tier in TIERS}) == len(TIERS)


def test_applications_and_frameworks_meet_at_tasks() -> None:
    whom = {each: [tier.number for tier in TIERS if tier.audience is each] for each in Audience}
    assert whom == {Audience.APPLICATIONS: [1, 2, 5, 6, 9], Audience.FRAMEWORKS: [3, 7, 8], Audience.BOTH: [4]}


@pytest.mark.parametrize("api", NAMES, ids=lambda api: api.name)
def test_every_name_is_one_of_asyncio(api: Api) -> None:
    first, *rest = api.name.split(".")
    if first == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    found = __import__("uvloop") if first == "uvloop" else ROOTS.get(first) or getattr(asyncio, first)
    for name in rest:
        found = getattr(found, name)
    assert callable(found)


def test_its_own_names_are_told_apart(tier: Tier) -> None:
    assert len({each.name for each in tier.api}) == len(tier.api)
    assert len(set(tier.chief)) == len(tier.chief) == tier.leading <= len(tier.api)


def test_it_is_told_in_three_to_five_sentences(tier: Tier) -> None:
    assert 3 <= len(re.split(r"\. ", tier.paragraph)) <= 5
    assert tier.paragraph.endswith(".")


def test_words_can_be_shown_anywhere(tier: Tier) -> None:
    said = [tier.name, tier.concept, tier.paragraph, *tier.mistakes]
    said += [word for each in tier.api for word in (each.name, each.what)] + [use.why for use in tier.uses]
    assert all(each.isascii() and each.isprintable() and each == " ".join(each.split()) for each in said)


def test_it_is_used_for_its_own_names(tier: Tier) -> None:
    assert tier.uses
    assert {use.api for use in tier.uses} <= {each.name for each in tier.api}


def test_its_example_is_there_and_says_what_it_shows(tier: Tier) -> None:
    assert samples.path(tier).name == tier.example
    said = ast.get_docstring(ast.parse(samples.text(tier)))
    assert said is not None
    assert [part for part in PARTS if f"\n{part} " in said] == list(PARTS)


def test_a_missing_example_is_named(tier: Tier, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "INSTALLED", tmp_path)
    with pytest.raises(TowerError, match=rf"tier {tier.number} is missing.*{tier.example}"):
        samples.text(tier)


@pytest.mark.parametrize("asked", ["2", "event loop", "event-loop", "Event_Loop", " event  loop "])
def test_a_tier_is_found_by_number_or_name(asked: str) -> None:
    assert tiers.find(asked).number == 2


@pytest.mark.parametrize("asked", ["0", "10", "-1", "1.0", "", "sockets", "-x", "²"])
def test_there_is_no_other(asked: str) -> None:
    with pytest.raises(TierError) as failed:
        tiers.find(asked)
    assert f"no tier {asked!r}: there are 1 coroutines, 2 event loop, " in str(failed.value)
    assert str(failed.value).endswith("9 streams")


@pytest.mark.parametrize(
    ("asked", "meant"), [("stream", "streams"), ("Protcols", "protocols"), ("eventloop", "event loop")]
)
def test_what_was_probably_meant_is_suggested(asked: str, meant: str) -> None:
    with pytest.raises(TierError, match=f"; did you mean {meant}\\?$"):
        tiers.find(asked)
