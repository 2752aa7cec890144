"""``netkit report``: the form by the ending of a name, one line for what cannot be done, and no half a file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netkit import cli
from netkit.bench import report


def ask(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, ["report", *map(str, arguments)], prog_name="netkit")


@pytest.mark.parametrize(
    ("name", "begins"),
    [("r.html", b"<!doctype html>"), ("r.md", b"## netkit bench"), ("r.SVG", b"<svg "), ("r.png", b"\x89PNG")],
)
def test_the_ending_chooses_the_form(file: Path, tmp_path: Path, name: str, begins: bytes) -> None:
    asked = ask(file, "-o", tmp_path / name)
    assert (asked.exit_code, asked.output) == (0, "")
    assert (tmp_path / name).read_bytes().lstrip().startswith(begins)
    assert {each.name for each in tmp_path.iterdir()} == {name, file.name}


def test_without_a_file_it_is_markdown_on_standard_output(file: Path) -> None:
    asked = ask(file)
    assert asked.exit_code == 0
    assert asked.stdout.startswith("## netkit bench: echo\n")


def test_an_unknown_ending_is_refused(file: Path, tmp_path: Path) -> None:
    asked = ask(file, "-o", tmp_path / "r.gif")
    assert asked.exit_code == 2
    assert asked.stderr.endswith("give a name that ends in .html, .md, .png, .svg\n")
    assert not (tmp_path / "r.gif").exists()


@pytest.mark.parametrize("text", [None, "no JSON", '{"format": "other"}'])
def test_a_result_that_cannot_be_read_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "result.json"
    if text is not None:
        path.write_text(text)
    asked = ask(path, "-o", tmp_path / "r.md")
    assert asked.exit_code == 2
    assert str(path) in asked.stderr
    assert asked.stderr.count("\n") == 1


def test_a_folder_that_is_not_there_is_refused(file: Path, tmp_path: Path) -> None:
    asked = ask(file, "-o", tmp_path / "nowhere" / "r.md")
    assert asked.exit_code == 2
    assert asked.stderr == f"netkit: cannot write {tmp_path}/nowhere/r.md: No such file or directory\n"


def test_what_could_not_take_its_place_leaves_nothing_behind(file: Path, tmp_path: Path) -> None:
    (tmp_path / "r.md").mkdir()
    asked = ask(file, "-o", tmp_path / "r.md")
    assert asked.exit_code == 2
    assert asked.stderr == f"netkit: cannot write {tmp_path}/r.md: Is a directory\n"
    assert {each.name for each in tmp_path.iterdir()} == {"r.md", file.name}


@pytest.mark.parametrize(("name", "package"), [("r.html", "vl_convert"), ("r.png", "altair")])
def test_a_missing_package_is_named(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    for loaded in [each for each in sys.modules if each.startswith("netkit.bench.report.")]:
        monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.delattr(report, loaded.rpartition(".")[2])
    monkeypatch.setitem(sys.modules, package, None)
    asked = ask(file, "-o", tmp_path / name)
    assert asked.exit_code == 1
    assert asked.stderr == f"netkit: a report needs the package {package}: pip install 'netkit[bench]'\n"
    assert not (tmp_path / name).exists()
    # Markdown does without.
    assert ask(file).exit_code == 0
