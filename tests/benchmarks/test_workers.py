"""What is told of several workers comes from the values that are kept, and can be measured again."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.process import PATIENCE, environment

FOLDER = Path(__file__).parent.parent.parent / "benchmarks" / "workers"


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("measure", FOLDER / "measure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_what_was_measured(measure: ModuleType) -> None:
    assert measure.README.read_text() == measure.written(), (
        "python benchmarks/workers/measure.py --write writes another"
    )


def test_what_is_told_of_a_round(measure: ModuleType) -> None:
    one = {"seconds": 1.0, "messages": 100, "load_cpu": 0.1, "cpu": [1.0], "others": 0.4}
    two = {"seconds": 1.0, "messages": 150, "load_cpu": 0.15, "cpu": [1.0, 0.5], "others": 0.0}
    found = {"connections": {"1": [8], "2": [6, 2]}, "passes": [{"1": one, "2": two}]}
    assert measure.ratio(found, measure.rate) == 1.5
    assert measure.ratio(found, measure.capacity) == 1.5
    assert measure.cost(two) == measure.cost(one) == 10_000
    # Two cores: 2 / (10 + 1) ms for two, against 1 / 10 ms for one.
    assert measure.ceiling(found, 2, 2) == pytest.approx(2 / 1.1)


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_pass_in_which_others_took_part_is_left_out(measure: ModuleType, count: str) -> None:
    def passed(busy: float, others: float) -> int:
        slices = {each: {"seconds": 1.0, "load_cpu": 0.2, "cpu": [1.0], "others": 0.0} for each in ("1", "2")}
        slices[count] = slices[count] | {"cpu": [busy], "others": others}
        return len(measure.kept({"connections": {"1": [1], "2": [1, 0]}, "passes": [slices]}))

    assert passed(1.0, 0.0) == 1
    assert passed(0.5, 0.5) == 0


@pytest.mark.parametrize("arm", ["echo, streams on asyncio", "bare streams on asyncio"])
def test_it_can_be_measured_again(tmp_path: Path, program: Callable[[str], str], arm: str) -> None:
    program("cc")
    options = ("--rounds", "1", "--passes", "1", "--seconds", "0.02", "--connections", "4", "--pause", "0")
    kept = tmp_path / "kept.json"
    command = (sys.executable, FOLDER / "measure.py", *options, "--only", arm, "--json", kept)
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert f"| {arm} |" in done.stdout
    (((found,),),) = [json.loads(kept.read_text())["rounds"]]
    assert sum(found["connections"]["1"]) == sum(found["connections"]["2"]) == 4
    assert [len(each["2"]["cpu"]) for each in found["passes"]] == [2]
    assert all(each["messages"] > 0 for one in found["passes"] for each in one.values())
