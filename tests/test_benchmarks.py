"""The tables of benchmarks/README.md are the raw results, and what compares servers compares within rounds."""

from __future__ import annotations

import importlib.util
import json
import statistics
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
README = (FOLDER / "README.md").read_text()

LAYERS = ("transports", "protocols", "streams")
LOOPS = ("asyncio", "uvloop")


@pytest.fixture
def compare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare", FOLDER / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figures(name: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = json.loads((FOLDER / "results" / f"{name}.json").read_text())["figures"]
    return found


def row(base: list[float], other: list[float], digits: int) -> str:
    ratios = [b / a for a, b in zip(base, other, strict=True)]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return f"{statistics.median(other):.{digits}f} | {statistics.median(ratios):.2f} | {spread} |"


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("layer", LAYERS)
def test_the_echo_table_is_what_was_measured(layer: str, loop: str) -> None:
    found = figures(f"echo-{layer}-{loop}")
    bare, netkit = found[f"bare-{layer}-{loop}"], found[f"netkit-{layer}-{loop}"]
    assert len(bare) == len(netkit) >= 7
    assert f"| {layer}, {loop} | {statistics.median(bare):.1f} | {row(bare, netkit, 1)}" in README


@pytest.mark.parametrize(("name", "rounds"), [("fan", 7), ("fan-one", 7)])
def test_the_chat_tables_are_what_was_measured(name: str, rounds: int) -> None:
    found = figures(name)
    assert len(found) >= 4
    for server, values in found.items():
        assert len(values) >= rounds
        shown = server if server == "ncat" else f"netkit, {server.replace('-', ' on ')}"
        assert f"| {shown} | {row(found['ncat'], values, 2)}" in README


@pytest.mark.parametrize("layer", LAYERS)
def test_the_idle_table_is_what_was_measured(layer: str) -> None:
    found = figures("idle")
    asyncio, uvloop = (statistics.median(found[f"{layer}-{loop}"]) for loop in LOOPS)
    assert f"| {layer} | {asyncio:.1f} | {uvloop:.1f} |" in README


def test_a_ratio_is_taken_within_each_round(compare: ModuleType) -> None:
    shown = compare.table({"a": [1.0, 2.0, 4.0], "b": [2.0, 2.0, 6.0]}, "us")
    assert shown.splitlines()[1].split() == ["a", "2.000", "1.000", "1.000"]
    assert shown.splitlines()[2].split() == ["b", "2.000", "2.000", "1.500"]


def test_a_server_that_failed_once_has_no_figure(compare: ModuleType) -> None:
    shown = compare.table({"a": [1.0, 2.0], "b": [2.0, None]}, "us")
    assert "FAILED in 1 of 2 rounds" in shown.splitlines()[2]
