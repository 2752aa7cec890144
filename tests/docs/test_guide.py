"""The guide: what it shows is what there is, what it says to type works, and its links lead somewhere."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs import guide
from netkit.bench.results import Result
from netkit.bench.summary import Summary
from netkit.cli import main
from netkit.tower.trace import run
from netkit.tower.trace.model import CLIENT, Trace
from netkit.tower.trace.run import Plan

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "tower.md").read_text()

COMMANDS = [
    line.partition("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
]


def test_what_it_shows_is_what_there_is(
    summed: Callable[[Result], list[Summary]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guide, "summarise", summed)
    for path, text in guide.made().items():
        assert path.read_text() == text, f"python -m docs.guide writes another {path.name}"


def test_there_are_commands_to_type() -> None:
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("line", COMMANDS)
def test_what_it_says_to_type_works(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "uvloop" in line:
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(line)
    assert program == "netkit"
    ran = CliRunner().invoke(main, arguments)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout or "-o" in arguments or "--run" in arguments


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXT))))
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()


def test_a_heading_that_is_linked_to_is_there() -> None:
    for file, name in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", TEXT):
        text = (ROOT / "docs" / file).read_text() if file else TEXT
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert name in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def steps(trace: Trace) -> list[tuple[int, str, str, int]]:
    return [(step.tier, step.text, step.api, step.depth) for step in trace.steps if step.tier != CLIENT]


def test_a_line_still_takes_the_way_that_is_shown() -> None:
    pytest.importorskip("uvloop", reason="uvloop is not installed")
    kept = guide.trace("message").traces

    async def again() -> list[Trace]:
        return [await run.trace(Plan(), trace.layer, trace.loop) for trace in kept]

    assert [steps(trace) for trace in asyncio.run(again())] == [steps(trace) for trace in kept]


@pytest.mark.parametrize("name", guide.TRACES)
def test_a_trace_is_made_by_the_options_that_are_told(name: str) -> None:
    options = shlex.split(guide.TRACES[name])
    kept = guide.trace(name)
    assert kept.what == (options[options.index("--what") + 1] if "--what" in options else "message")
    layers, loops = (
        [options[at + 1] for at, each in enumerate(options) if each == name] for name in ("--layer", "--loop")
    )
    assert {trace.layer for trace in kept.traces} == set(layers)
    assert {trace.loop for trace in kept.traces} == set(loops or ["asyncio"])
