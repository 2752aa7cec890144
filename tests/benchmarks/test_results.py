"""The results that are kept, and what is told of them: each claim with the file that it comes from."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from netkit.bench import arms, results, scenario, verdict
from netkit.bench.results import Result
from netkit.bench.summary import LEAST_ROUNDS, Summary

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "benchmarks"
KEPT = sorted(FOLDER.glob("results/*.json"))
SCENARIOS = sorted(FOLDER.glob("scenarios/*.toml"))


@pytest.fixture(scope="module")
def claims(summed: Callable[[Result], list[Summary]]) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("claims", FOLDER / "claims.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "summarise", summed)
        yield module


def test_the_tables_are_what_was_measured(claims: ModuleType) -> None:
    for path, text in claims.made().items():
        assert path.read_text() == text, f"python benchmarks/claims.py writes another {path.name}"


def test_each_result_has_its_section(claims: ModuleType) -> None:
    assert sorted(path.stem for path in KEPT) == sorted(claims.MADE)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: str(path.stem))
def test_a_result_is_whole_and_has_its_page(path: Path, summed: Callable[[Result], list[Summary]]) -> None:
    found = results.load(path)
    assert found.finished
    assert not found.quick
    assert verdict.failed(summed(found)) == []
    for series in found.series:
        assert len(series.kept) >= LEAST_ROUNDS
        assert {arm.name for arm in arms.own()} <= {arm.name for arm in series.arms}
    page = path.with_suffix(".html").read_text()
    assert "<!doctype html>" in page[:200].lower()
    assert found.series[0].workload.title in page


@pytest.mark.parametrize("path", KEPT, ids=lambda path: str(path.stem))
def test_a_result_can_be_had_again(claims: ModuleType, path: Path) -> None:
    """The command beside it names a scenario that is there, with the same servers."""
    _, _, name, *_ = shlex.split(claims.MADE[path.stem])
    (asked,) = scenario.load(str(ROOT / name))
    (series,) = results.load(path).series
    assert asked.workload == series.workload
    assert asked.servers.items() <= {arm.name: arm.command for arm in series.arms}.items()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: str(path.stem))
def test_a_scenario_names_servers_that_are_there(path: Path) -> None:
    (found,) = scenario.load(str(path))
    assert found.servers
    for name, command in found.servers.items():
        arms.named(name, command).check(found.workload)
        for script in re.findall(r"\S+\.py", command):
            assert (ROOT / script).exists()
