"""``netkit compare``: its exit codes, its one line where something is wrong, and what it prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import Result

from netkit.bench.results import Result as Run
from netkit.bench.scenario import Workload
from tests.bench import made
from tests.bench.made import ARMS, BASELINE
from tests.process import NETKIT, Program, environment

Ask: TypeAlias = Callable[..., Result]

UVLOOP = "protocols-uvloop"


@pytest.fixture
def hold(ask: Ask, tmp_path: Path) -> Callable[..., Result]:
    """Compare two runs: what is not given is the usual one, and the same servers again."""

    def call(*options: str, old: Run | None = None, new: Run | None = None) -> Result:
        before = made.written(tmp_path, "old.json", old or made.result(made.series(1)))
        after = made.written(tmp_path, "new.json", new or made.result(made.series(2)))
        return ask("compare", str(before), str(after), *options)

    return call


def run(**costs: float) -> Run:
    """The usual run with another luck, some arms of which cost another factor."""
    changed = {name: cost * costs.get(name.replace("-", "_"), 1.0) for name, cost in ARMS.items()}
    return made.result(made.series(2, changed))


# The exit codes.


def test_no_change_is_0(hold: Callable[..., Result]) -> None:
    said = hold()
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout.endswith("\nno regression beyond 3 %\n")


def test_a_regression_is_1(hold: Callable[..., Result]) -> None:
    said = hold(new=run(protocols_uvloop=1.1))
    assert (said.exit_code, said.stderr) == (1, "")
    assert (
        "protocols on uvloop got 1.10 times as dear per 1 KiB echo (95 % CI 1.08 to 1.12, noise floors" in said.stdout
    )
    assert "): regression\n" in said.stdout
    assert said.stdout.endswith("\nregression: 1 of 2\n")


def test_an_improvement_is_0_and_told(hold: Callable[..., Result]) -> None:
    said = hold(new=run(protocols_uvloop=0.9))
    assert said.exit_code == 0
    assert "protocols on uvloop got 0.90 times as dear" in said.stdout
    assert "): improvement\n" in said.stdout


def test_what_cannot_be_told_is_3(hold: Callable[..., Result]) -> None:
    new = run()
    new.series[0].rounds[3].samples[UVLOOP].failed = "wrong bytes"
    said = hold(new=new)
    assert said.exit_code == 3
    why = "protocols on uvloop: cannot tell: in the new run it failed: wrong bytes (1 of 10 rounds)"
    assert f"{why}\n" in said.stdout
    assert said.stdout.endswith("\nit cannot be told whether there is a regression: 1 of 2\n")


def test_both_are_said_where_one_regressed_and_one_cannot_be_told(hold: Callable[..., Result]) -> None:
    new = run(protocols_uvloop=1.1)
    new.series[0].rounds[3].samples["protocols-asyncio"].failed = "reset"
    said = hold(new=new)
    assert said.exit_code == 1
    assert "protocols on asyncio: cannot tell: in the new run it failed: reset" in said.stdout
    assert "got 1.10 times as dear" in said.stdout


@pytest.mark.parametrize(("asked", "code"), [("3%", 1), ("5%", 1), ("7.5%", 1), ("15%", 0), ("99.9%", 0)])
def test_the_threshold_is_asked_for_in_per_cent(hold: Callable[..., Result], asked: str, code: int) -> None:
    assert hold("--fail-over", asked, new=run(protocols_uvloop=1.1)).exit_code == code


@pytest.mark.parametrize("asked", ["5", "0.05", "5 %", "2.9%", "0%", "-5%", "100%", "nan%", "", "%", "1e1%", "5%%"])
def test_any_other_threshold_is_refused(hold: Callable[..., Result], asked: str) -> None:
    said = hold(f"--fail-over={asked}")
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.count("\n") == 1
    assert "write it like 5% or 7.5%" in said.stderr


# Files that are none.


def cut_short(path: Path) -> None:
    path.write_text(path.read_text()[:-200])


BROKEN = {
    "cut short": (cut_short, "is not JSON, or was cut short"),
    "not JSON": (lambda path: path.write_text("netkit\n"), "is not JSON, or was cut short"),
    "not text": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "it is not text"),
    "not ours": (lambda path: path.write_text('{"benchmarks": []}'), "is no result of netkit bench"),
    "another version": (lambda path: made.altered(path, version=2), "is of version 2, and this netkit reads version 1"),
    "damaged": (lambda path: made.altered(path, series=[{}]), "is damaged"),
    "not there": (lambda path: path.unlink(), "No such file or directory"),
}


@pytest.mark.parametrize("which", [0, 1], ids=["old", "new"])
@pytest.mark.parametrize(("harm", "words"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_result_is_2_and_one_line(
    ask: Ask, tmp_path: Path, harm: Callable[[Path], Any], words: str, which: int
) -> None:
    paths = [made.written(tmp_path, name, made.result()) for name in ("old.json", "new.json")]
    harm(paths[which])
    said = ask("compare", *map(str, paths))
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.startswith("netkit: ")
    assert words in said.stderr
    assert paths[which].name in said.stderr
    assert said.stderr.count("\n") == 1


def test_two_files_are_needed(ask: Ask) -> None:
    assert ask("compare", "old.json").exit_code == 2


# Other machines.


def test_another_processor_is_2_and_one_line(hold: Callable[..., Result]) -> None:
    other = made.result(made.series(2), machine=made.MACHINE | {"cpu": "Other CPU", "cores": 8})
    said = hold(new=other)
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.count("\n") == 1
    assert "cpu: Made CPU and Other CPU; cores: 2 and 8" in said.stderr
    assert "--any-machine compares all the same" in said.stderr


def test_any_machine_goes_on_and_says_so(hold: Callable[..., Result]) -> None:
    other = made.result(made.series(2), machine=made.MACHINE | {"cpu": "Other CPU"})
    said = hold("--any-machine", new=other)
    assert said.exit_code == 0
    assert said.stderr == "warning: the two runs differ: cpu: Made CPU and Other CPU\n"


def test_another_kernel_is_a_line_and_no_more(hold: Callable[..., Result]) -> None:
    other = made.result(made.series(2), machine=made.MACHINE | {"kernel": "Linux 7.0"}, netkit="9.9")
    said = hold(new=other)
    assert said.exit_code == 0
    assert said.stderr.splitlines() == [
        "warning: the two runs differ: kernel: Linux 6.1 and Linux 7.0",
        "warning: the two runs differ: netkit: 0.1.0 and 9.9",
    ]


# What is printed.


def test_the_table_has_a_row_for_each_arm(hold: Callable[..., Result]) -> None:
    title, head, *rows = hold(new=run(protocols_uvloop=1.1)).stdout.split("\n\n")[0].splitlines()
    assert title == "1 KiB echo, 50 connections: CPU, as a ratio to the baseline"
    assert head.split("  ")[0] == "arm"
    assert [(row.split()[0], row.split()[-1]) for row in rows] == [
        ("protocols-asyncio", "regression"),  # the last word of "no regression"
        (UVLOOP, "regression"),
    ]
    assert "no regression" in rows[0]
    assert "no regression" not in rows[1]


def test_what_cannot_be_computed_is_a_dash(hold: Callable[..., Result]) -> None:
    said = hold(new=made.result(made.series(2, rounds=5)))
    row = said.stdout.splitlines()[2]
    assert row.split() == ["protocols-asyncio", "-", "-", "-", "-", "-", "cannot", "tell"]


def test_the_baseline_by_itself_is_told_and_warned_of_where_it_moved(hold: Callable[..., Result]) -> None:
    said = hold(old=made.result(made.series(1)), new=made.result(made.series(1, unit=26.0)))
    line = (
        "the CPU of streams on asyncio, the baseline, is 1.30 times the old one, the speed of the machine taken out "
        "(95 % CI 1.29 to 1.31)"
    )
    assert said.exit_code == 0
    assert f"{line}\n" in said.stdout
    assert said.stderr == f"warning: {line}, and no ratio shows that\n"


def test_each_workload_is_named_where_there_are_several(hold: Callable[..., Result]) -> None:
    small = replace(made.ECHO, size=64)
    runs = [made.result(made.series(seed), made.series(seed, workload=small)) for seed in (1, 2)]
    said = hold(old=runs[0], new=runs[1]).stdout
    for size in ("1 KiB", "64 B"):
        assert f"{size} echo, 50 connections: protocols on uvloop: no regression beyond 3 %" in said


def test_a_quick_run_is_called_indicative(hold: Callable[..., Result]) -> None:
    new = run(protocols_uvloop=1.1)
    new.quick = True
    said = hold(new=new)
    assert said.exit_code == 1
    sentences = said.stdout.split("\n\n")[1].splitlines()
    assert len(sentences) == 4
    assert all(line.startswith("indicative: ") for line in sentences)


@pytest.mark.parametrize(
    ("kind", "metric", "words"),
    [
        ("closed", "p99", "now has 1.20 times the p99 per 1 KiB echo"),
        ("idle", "idle", "now holds 1.20 times the memory per idle connection"),
        ("capacity", "capacity", "now keeps its p99 within 5 ms up to 1.20 times the rate"),
        ("stalled", "during_p99", "now has 1.20 times the p99 while one client does not read"),
    ],
)
def test_each_figure_has_its_sentence(hold: Callable[..., Result], kind: str, metric: str, words: str) -> None:
    given: dict[str, Any] = {"service": "chat", "senders": 2, "rate": 100.0} if kind == "stalled" else {}
    workload = Workload(scenario="made", kind=kind, **given)
    costs = ARMS | {UVLOOP: ARMS[UVLOOP] * 1.2}
    runs = [made.result(made.series(1, arms, workload, metric)) for arms in (ARMS, costs)]
    assert f"protocols on uvloop {words} (95 % CI" in hold(old=runs[0], new=runs[1]).stdout


def test_what_a_file_says_cannot_steer_the_terminal(hold: Callable[..., Result]) -> None:
    evil = "\x1b[2J\nnetkit: all is well"
    costs = ARMS | {evil: 0.5}
    said = hold(
        old=made.result(made.series(1, costs)),
        new=made.result(made.series(2, costs), machine=made.MACHINE | {"kernel": evil}),
    )
    assert said.exit_code == 0
    assert "\x1b" not in said.output
    assert not [line for line in said.output.splitlines() if line.startswith("netkit: all is well")]


# As JSON.


def test_as_json_it_is_alone_on_standard_output(hold: Callable[..., Result]) -> None:
    other = made.result(made.series(2), machine=made.MACHINE | {"kernel": "Linux 7.0"})
    said = hold("--json", "-", new=other)
    found = json.loads(said.stdout)
    assert (said.exit_code, found["code"], found["verdict"]) == (0, 0, "no regression")
    assert [each["arm"] for each in found["changes"]] == ["protocols-asyncio", UVLOOP]
    assert said.stderr.startswith("warning: ")


def test_as_json_the_exit_code_is_the_same(hold: Callable[..., Result]) -> None:
    said = hold("--json", "-", new=run(protocols_uvloop=1.1))
    assert (said.exit_code, json.loads(said.stdout)["code"]) == (1, 1)


def test_as_json_in_a_file_the_text_is_there_too(hold: Callable[..., Result], tmp_path: Path) -> None:
    target = tmp_path / "said.json"
    said = hold("--json", str(target), new=run(protocols_uvloop=1.1))
    assert said.exit_code == 1
    assert said.stdout.endswith("regression: 1 of 2\n")
    assert json.loads(target.read_text())["verdict"] == "regression"


def test_json_that_cannot_be_written_is_2(hold: Callable[..., Result], tmp_path: Path) -> None:
    said = hold("--json", str(tmp_path / "nowhere" / "said.json"))
    assert (said.exit_code, said.stdout) == (2, "")
    assert "cannot write" in said.stderr


# On a terminal.


@pytest.mark.parametrize("without", [False, True], ids=["rich", "no rich"])
def test_on_a_terminal_the_table_fits_80_columns(tmp_path: Path, without: bool) -> None:
    paths = [made.written(tmp_path, f"{seed}.json", made.result(made.series(seed))) for seed in (1, 2)]
    env = environment(COLUMNS="80", TERM="xterm")
    command: tuple[str, ...] = NETKIT
    if without:
        code = "import sys; sys.modules['rich'] = None; from netkit.cli import main; main(prog_name='netkit')"
        command = (sys.executable, "-c", code)
    with Program(*command, "compare", *paths, env=env, terminal=True) as program:
        shown = program.output.rest().decode()
        assert program.wait() == 0
    assert ("\x1b[1m" in shown) is not without
    table = shown.replace("\x1b[1m", "").replace("\x1b[0m", "").split("\r\n\r\n")[0].split("\r\n")
    assert len(table) == 4
    assert all(name in table[3] for name in (UVLOOP, "no regression"))
    assert all(len(line.rstrip()) <= 80 for line in table)


def test_the_exit_code_of_the_process_is_the_answer(tmp_path: Path) -> None:
    old = made.written(tmp_path, "old.json", made.result(made.series(1)))
    new = made.written(tmp_path, "new.json", made.result(made.series(2, {BASELINE: 1.0, UVLOOP: 0.6})))
    with Program(*NETKIT, "compare", old, new) as program:
        assert b"protocols on uvloop got 1.5" in program.output.rest()
        assert program.errors.rest() == b""
        assert program.wait() == 1
