"""A result as a file: what was written is what is read, whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netkit.bench import results
from netkit.bench.arms import Arm
from netkit.bench.results import Result, Round, Sample, Series
from netkit.bench.scenario import Workload
from netkit.errors import ResultError
from tests.bench import made


def small() -> Result:
    """A result in which everything has a value of its own."""
    workload = Workload(scenario="echo-rate", kind="open", tls=True, rate=1500.0, arrival="poisson")
    arms = [Arm("streams-asyncio", "streams on asyncio", "streams", "asyncio"), Arm("go", "go", command="go {port}")]
    good = Sample("", {"cpu": 12.5}, {"messages": 3000.0}, {"response": "HISTF"}, {"hash_seed": 3, "padding": 17})
    rounds = [
        Round(
            1, ["go", "A/A", "streams-asyncio"], {"go": good, "A/A": good, "streams-asyncio": good}, [5e4, 5.1e4], [0]
        ),
        Round(2, ["go"], {"go": Sample("it refused a connection")}, [], [], "steal: 3 %"),
    ]
    series = Series(workload, arms, "streams-asyncio", rounds, 6, {"rate": 9e4, "load_busy": 0.98})
    return Result("1.2.3", "2026-11-25T08:31:00+01:00", 7, True, {"cpu": "one", "cores": 2}, [series], True)


def refused(path: Path) -> str:
    with pytest.raises(ResultError) as why:
        results.load(path)
    return str(why.value)


def damaged(folder: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """What is said of a file after a change to its JSON."""
    path = made.written(folder, "run.json", small())
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))
    return refused(path)


# There and back.


@pytest.mark.parametrize("result", [small(), made.result(), made.result(finished=False)])
def test_what_was_written_is_read(tmp_path: Path, result: Result) -> None:
    assert results.load(made.written(tmp_path, "run.json", result)) == result


def test_a_result_of_which_nothing_is_measured_yet_is_read(tmp_path: Path) -> None:
    result = Result("1.2.3", "2026-11-25T08:31:00+01:00", 1, False, {})
    assert results.load(made.written(tmp_path, "run.json", result)) == result


def test_a_file_says_what_it_is_and_ends_its_last_line(tmp_path: Path) -> None:
    text = results.to_json(small())
    assert text.endswith("}\n")
    found = json.loads(text)
    assert (found["format"], found["version"]) == ("netkit-bench", 1)
    assert "summary" not in found
    assert list(found["series"][0]["workload"]) == list(small().series[0].workload.to_dict())


def test_what_was_computed_stands_beside_the_raw_values_and_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    results.save(path, results.to_json(small(), {"workloads": ["anything"]}))
    assert json.loads(path.read_text())["summary"] == {"workloads": ["anything"]}
    assert results.load(path) == small()


def test_the_rounds_that_count_are_those_that_were_not_spoilt() -> None:
    (series,) = small().series
    assert [each.number for each in series.kept] == [1]


# Whole or not at all.


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    results.save(path, "one")
    results.save(path, "two")
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        results.save(tmp_path / "run.json", "one")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o640


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    results.save(path, "one")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        results.save(path, "two")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "run.json"
    with pytest.raises(ResultError) as why:
        results.save(path, "one")
    assert str(why.value) == f"cannot write {path}: No such file or directory"


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    with pytest.raises(ResultError, match="Is a directory"):
        results.save(tmp_path / "run.json", "one")
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


# What is not read.


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert refused(path) == f"cannot read {path}: No such file or directory"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(b"\xff\xfe\xfd")
    assert refused(path) == f"cannot read {path}: it is not text"


def test_a_file_that_was_cut_short_is_refused_wherever_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    text = results.to_json(small()).rstrip()
    for length in range(0, len(text), 50):
        path.write_text(text[:length])
        said = refused(path)
        assert said == f"{path} is not JSON, or was cut short: give a file that netkit bench --json wrote"


@pytest.mark.parametrize("text", ["[]", "3", "null", '"run"', "{}", '{"format": "pyperf", "version": 1}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    assert refused(path) == f"{path} is no result of netkit bench: give a file that netkit bench --json wrote"


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_a_file_of_another_version_is_refused(tmp_path: Path, version: Any) -> None:
    path = made.altered(made.written(tmp_path, "run.json", small()), version=version)
    assert refused(path) == f"{path} is of version {version}, and this netkit reads version 1: measure again"


@pytest.mark.parametrize("key", ["netkit", "started", "seed", "quick", "machine", "series", "finished"])
def test_a_file_that_lacks_something_is_damaged(tmp_path: Path, key: str) -> None:
    said = damaged(tmp_path, lambda found: found.pop(key))
    assert said == f"{tmp_path / 'run.json'} is damaged (KeyError: '{key}'): measure again"


def change(found: dict[str, Any], *path: str | int, to: Any) -> None:
    """Put another value at the end of a path of keys."""
    *way, last = path
    inner: Any = found
    for step in way:
        inner = inner[step]
    inner[last] = to


DAMAGES: list[tuple[tuple[str | int, ...], Any]] = [
    (("series",), 3),
    (("series", 0), "echo"),
    (("machine",), 3),
    (("seed",), "three"),
    (("series", 0, "baseline"), "nobody"),
    (("series", 0, "planned"), None),
    (("series", 0, "ceiling"), [1]),
    (("series", 0, "ceiling", "rate"), "fast"),
    (("series", 0, "workload", "kind"), "loud"),
    (("series", 0, "workload", "size"), 0),
    (("series", 0, "workload", "colour"), "red"),
    (("series", 0, "arms", 0, "colour"), "red"),
    (("series", 0, "arms", 0), None),
    (("series", 0, "rounds", 0, "samples"), []),
    (("series", 0, "rounds", 0, "samples", "go", "colour"), "red"),
    (("series", 0, "rounds", 0, "samples", "go", "figures"), [12.5]),
    (("series", 0, "rounds", 0, "samples", "go", "figures", "cpu"), "12.5"),
    (("series", 0, "rounds", 0, "samples", "go", "figures", "cpu"), None),
    (("series", 0, "rounds", 0, "samples", "go", "figures", "cpu"), True),
    (("series", 0, "rounds", 0, "samples", "go", "figures", "cpu"), float("nan")),
    (("series", 0, "rounds", 0, "samples", "go", "figures", "cpu"), float("inf")),
    (("series", 0, "rounds", 0, "samples", "go", "observed", "messages"), [1]),
    (("series", 0, "rounds", 0, "probe"), ["fast"]),
    (("series", 0, "rounds", 0, "order"), None),
    (("series", 0, "rounds", 0, "number"), {}),
]


@pytest.mark.parametrize(("where", "value"), DAMAGES, ids=[f"{'.'.join(map(str, w))}={v}" for w, v in DAMAGES])
def test_a_value_that_cannot_be_is_damage(tmp_path: Path, where: tuple[str | int, ...], value: Any) -> None:
    said = damaged(tmp_path, lambda found: change(found, *where, to=value))
    assert said.startswith(f"{tmp_path / 'run.json'} is damaged (")
    assert said.endswith("): measure again")
    assert "\n" not in said
