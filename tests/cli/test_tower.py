"""``netkit tower``: what it shows, draws and runs, and one line for what was asked wrongly."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from netkit.tower import places, samples
from netkit.tower.tiers import TIERS
from tests.process import NETKIT, Program, environment

Ask = Callable[..., Result]

NAMES = ", ".join(f"{tier.number} {tier.name}" for tier in TIERS)

#: Runs the command with the examples of another folder, and without much patience for one that does not end.
WITH_EXAMPLES = """
import pathlib, signal, sys
from netkit.cli import main, tower
from netkit.tower import samples
samples.CHECKOUT = samples.INSTALLED = pathlib.Path(sys.argv.pop(1))
tower.ENDING = ((None, 0.01), (signal.SIGINT, 0.01 if "--impatient" in sys.argv else 10))
main([each for each in sys.argv[1:] if each != "--impatient"], prog_name="netkit")
"""

#: Says its number, and waits for the end.
WAITS = "import os, signal\nprint(os.getpid(), flush=True)\n"

QUIET = """
import os, signal
try:
    print(os.getpid(), flush=True)
    signal.pause()
except KeyboardInterrupt:
    print('bye', flush=True)
"""
DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + WAITS + "signal.pause()\n"


def program(folder: Path, text: str, *arguments: str, terminal: bool = False) -> Program:
    """``netkit tower 1 --run`` with another example."""
    (folder / TIERS[0].example).write_text(text)
    command = (sys.executable, "-c", WITH_EXAMPLES, str(folder), "tower", "1", "--run", *arguments)
    return Program(*command, terminal=terminal)


def is_gone(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False


def test_without_a_tier_it_is_the_whole_tower(ask: Ask) -> None:
    asked = ask("tower", COLUMNS="80")
    assert (asked.exit_code, asked.stderr) == (0, "")
    lines = asked.stdout.splitlines()
    assert max(map(len, lines)) == 80
    assert [line[0] for line in lines if line[0].isdigit()] == list("987654321")


def test_a_wider_terminal_is_used(ask: Ask) -> None:
    assert max(map(len, ask("tower", COLUMNS="120").stdout.splitlines())) == 120
    assert max(map(len, ask("tower", COLUMNS="20").stdout.splitlines())) == 80


def test_a_tier_is_shown_with_its_example_in_full(ask: Ask) -> None:
    asked = ask("tower", "1")
    assert (asked.exit_code, asked.stderr) == (0, "")
    assert asked.stdout.startswith("Tier 1: coroutines, ")
    assert asked.stdout.endswith("\n" + samples.text(TIERS[0]))
    assert ask("tower", "Coroutines").stdout == asked.stdout


def test_programs_get_the_same(ask: Ask) -> None:
    said = json.loads(ask("tower", "--json").stdout)
    assert (said["format"], said["version"]) == ("netkit-tower", 1)
    assert [tier["number"] for tier in said["tiers"]] == list(range(1, 10))
    for tier, given in zip(TIERS, said["tiers"], strict=True):
        assert (given["name"], given["paragraph"], given["audience"]) == (tier.name, tier.paragraph, tier.audience)
        assert [each["name"] for each in given["api"]] == [each.name for each in tier.api]
        found = places.find_all(tier.uses)
        assert [(each["module"], each["line"], each["source"]) for each in given["places"]] == [
            (place.module, place.line, place.source) for place in found
        ]
    assert json.loads(ask("tower", "streams", "--json").stdout)["tiers"] == said["tiers"][8:]


def test_the_picture_is_written(ask: Ask, tmp_path: Path) -> None:
    asked = ask("tower", "-o", str(tmp_path / "tower.SVG"))
    assert (asked.exit_code, asked.output) == (0, "")
    assert (tmp_path / "tower.SVG").read_text().startswith("<svg ")
    assert [each.name for each in tmp_path.iterdir()] == ["tower.SVG"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        *((f"tower {asked}", f"no tier '{asked}': there are {NAMES}") for asked in ("0", "10", "-1", "sockets")),
        ("tower prtocols", f"no tier 'prtocols': there are {NAMES}; did you mean protocols?"),
        ("tower 0 --run", f"no tier '0': there are {NAMES}"),
        ("tower --run", "--run needs a tier: netkit tower 9 --run. (netkit tower --help tells more)"),
        (
            "tower 7 -o x.svg",
            "--output draws the whole tower: leave out the tier. (netkit tower --help tells more)",
        ),
        ("tower 7 --run --json", "--run and --json exclude each other. (netkit tower --help tells more)"),
        ("tower -o x.svg --json", "--output and --json exclude each other. (netkit tower --help tells more)"),
        (
            "tower -o x.png",
            "cannot tell the form of x.png: give a name that ends in .svg. (netkit tower --help tells more)",
        ),
        ("tower -o folder.svg", "cannot write folder.svg: it is a folder"),
        ("tower -o nowhere/x.svg", "cannot write nowhere/x.svg: No such file or directory"),
        ("tower --nope", "No such option '--nope'. (netkit tower --help tells more)"),
        ("tower 7 8", "Got unexpected extra argument (8) (netkit tower --help tells more)"),
    ],
)
def test_one_line_says_what_is_wrong(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.svg").mkdir()
    asked = ask(*arguments.split())
    assert (asked.exit_code, asked.stdout, asked.stderr) == (2, "", f"netkit: {line}\n")
    assert [each.name for each in tmp_path.iterdir()] == ["folder.svg"]


@pytest.mark.parametrize("more", [(), ("--run",)])
def test_a_missing_example_is_one_line(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    monkeypatch.setattr(samples, "INSTALLED", tmp_path)
    asked = ask("tower", "1", *more)
    assert (asked.exit_code, asked.stdout) == (1, "")
    assert asked.stderr.startswith("netkit: the example of tier 1 is missing: ")
    assert asked.stderr.count("\n") == 1


def test_a_terminal_has_colours_and_the_example_too() -> None:
    with Program(*NETKIT, "tower", "1", env=environment(TERM="xterm"), terminal=True) as shown:
        said = shown.output.rest().decode()
        assert shown.wait() == 0
    assert "\x1b[1mTier 1: coroutines\x1b[0m" in said
    assert "\x1b[35mimport\x1b[39;49;00m asyncio" in said


@pytest.mark.parametrize("variables", [{"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(variables: dict[str, str]) -> None:
    with Program(*NETKIT, "tower", "1", env=environment(**variables), terminal=True) as shown:
        said = shown.output.rest()
    assert b"\x1b" not in said
    assert b"Tier 1: coroutines, " in said


def test_without_pygments_the_example_is_plain() -> None:
    program = "import sys; sys.modules['pygments'] = None; import netkit.cli as c; c.main(['tower', '1'])"
    with Program(sys.executable, "-c", program, env=environment(TERM="xterm"), terminal=True) as shown:
        said = shown.output.rest()
        assert shown.wait() == 0
    assert b"\x1b[1mTier 1: coroutines\x1b[0m" in said
    assert b"\r\nimport asyncio\r\n" in said


def test_what_cannot_be_encoded_is_written_in_ascii() -> None:
    with Program(*NETKIT, "tower", env=environment(PYTHONIOENCODING="latin-1", COLUMNS="80")) as shown:
        said = shown.output.rest()
        assert shown.wait() == 0
    assert said.isascii()
    assert b"\n" + b"=" * 80 + b"\n" in said


def test_an_example_runs_to_its_end() -> None:
    with Program(*NETKIT, "tower", "1", "--run") as run:
        assert run.output.rest()
        assert run.errors.rest() == b""
        assert run.wait() == 0


def test_an_example_has_our_input_and_output(tmp_path: Path) -> None:
    with program(tmp_path, "import sys\nprint('got', input())\nprint('err', file=sys.stderr)\n") as run:
        run.types(b"a line\n")
        assert run.output.rest() == b"got a line\n"
        assert run.errors.rest() == b"err\n"
        assert run.wait() == 0


def test_an_example_that_fails_is_one_line_more(tmp_path: Path) -> None:
    with program(tmp_path, "raise SystemExit(7)\n") as run:
        assert run.errors.rest() == f"netkit: the example {TIERS[0].example} failed: exit status 7\n".encode()
        assert run.wait() == 1


def test_ctrl_c_ends_both_quietly(tmp_path: Path) -> None:
    with program(tmp_path, QUIET, terminal=True) as run:
        child = int(run.output.line())
        run.types(b"\x03")
        assert run.output.rest() == b"^Cbye\r\n"
        assert run.wait() == 0
        assert is_gone(child)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_to_the_command_alone_ends_the_example_too(tmp_path: Path, number: signal.Signals) -> None:
    with program(tmp_path, QUIET) as run:
        child = int(run.output.line())
        run.signal(number)
        assert run.output.rest() == b"bye\n"
        assert run.errors.rest() == b""
        assert run.wait() == 0
        assert is_gone(child)


def test_an_example_that_does_not_end_is_killed(tmp_path: Path) -> None:
    with program(tmp_path, DEAF, "--impatient") as run:
        child = int(run.output.line())
        run.signal(signal.SIGINT)
        assert run.errors.rest().endswith(b"failed: exit status -9\n")
        assert run.wait() == 1
        assert is_gone(child)
