"""``netkit trace``: what it shows and writes, and one line for what was asked wrongly or did not answer."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import Result

from netkit.cli.trace import command
from netkit.layers import NAMES
from netkit.tower.trace.model import Comparison
from netkit.tower.trace.stories import STORIES
from tests.process import NETKIT, Program, environment

Ask = Callable[..., Result]

SILENT = "import netkit\n\nclass Silent(netkit.Service):\n    def received(self, conn, data, now):\n        return ()\n"


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A service that never answers."""
    (tmp_path / "silent_service.py").write_text(SILENT)
    monkeypatch.setenv("PYTHONPATH", environment(PYTHONPATH=str(tmp_path))["PYTHONPATH"])
    return "silent_service:Silent"


def test_it_is_one_line_through_streams_unless_told_otherwise(ask: Ask) -> None:
    asked = ask("trace", COLUMNS="100")
    assert (asked.exit_code, asked.stderr) == (0, "")
    lines = asked.stdout.splitlines()
    assert lines[0] == "message, service echo: streams on asyncio"
    tiers = ["7 transports", "8 protocols", "9 streams", "3 futures", "4 tasks", "1 coroutines", "service"]
    at = [next(number for number, line in enumerate(lines) if f"  {tier} " in line) for tier in tiers]
    assert at == sorted(at)


def test_several_layers_and_loops_are_side_by_side(ask: Ask) -> None:
    pytest.importorskip("uvloop", reason="uvloop is not installed")
    options = ("--layer", "protocols", "--layer", "streams", "--loop", "asyncio", "--loop", "uvloop")
    asked = ask("trace", *options, "--layer", "protocols", COLUMNS="160")
    heading = "protocols on asyncio, streams on asyncio, protocols on uvloop, streams on uvloop"
    assert asked.stdout.splitlines()[0] == f"message, service echo: {heading}"
    assert "inside C" in asked.stdout


def test_programs_get_every_step(ask: Ask) -> None:
    asked = ask("trace", "--layer", "protocols", "--json")
    assert (asked.exit_code, asked.stderr) == (0, "")
    assert Comparison.loads(asked.stdout).traces[0].label == "protocols on asyncio"
    assert json.loads(asked.stdout)["traces"][0]["steps"][0]["text"] == "the client sends a line"


def test_a_file_is_a_page_or_data_by_its_name(ask: Ask, tmp_path: Path) -> None:
    for name, begin in (("trace.html", "<!doctype html>"), ("trace.json", "{")):
        asked = ask("trace", "--layer", "protocols", "-o", str(tmp_path / name))
        assert (asked.exit_code, asked.output) == (0, "")
        assert (tmp_path / name).read_text().startswith(begin)
    assert Comparison.loads((tmp_path / "trace.json").read_text()).what == "message"


def test_what_can_be_asked_for_is_what_there_is() -> None:
    choices = {option.name: list(getattr(option.type, "choices", ())) for option in command.params}
    assert choices["what"] == list(STORIES)
    assert sorted(choices["layer"]) == sorted(NAMES)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--layer", "sessions"], "Invalid value for '--layer': 'sessions' is not one of 'transports', "),
        (["--what", "nothing"], "Invalid value for '--what': 'nothing' is not one of 'connect', "),
        (["--service", "nowhere"], "no service 'nowhere': give echo, chat, or your own as MODULE:FACTORY"),
        (["--service", "nowhere:Made"], "no module nowhere: install it, or start where it can be imported"),
        (["-o", "trace.txt"], "cannot tell the form of trace.txt: give a name that ends in .html or .json."),
        (["-o", "trace.json", "--json"], "--json and --output exclude each other."),
        (["--every", "--json"], "--every is for the terminal: a page and data have every step anyway."),
        (["--patience", "0"], "Invalid value for '--patience': 0.0 is not in the range 0.1<=x<=600."),
        (["-o", "/nowhere/trace.html"], "cannot write /nowhere/trace.html: "),
    ],
)
def test_one_line_says_what_is_wrong(ask: Ask, arguments: list[str], line: str) -> None:
    asked = ask("trace", *arguments)
    assert (asked.exit_code, asked.stdout) == (2, "")
    assert asked.stderr.startswith(f"netkit: {line}")
    assert asked.stderr.count("\n") == 1


def test_a_loop_that_is_not_installed_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text("raise ImportError\n")
    with Program(*NETKIT, "trace", "--loop", "uvloop", env=environment(PYTHONPATH=str(tmp_path))) as program:
        assert program.wait() == 1
        assert program.errors.rest() == (
            b"netkit: uvloop is not installed: pip install 'netkit[uvloop]', or use --loop asyncio\n"
        )
        assert program.output.rest() == b""


def test_a_service_that_never_answers_is_one_line(silent: str, ask: Ask) -> None:
    asked = ask("trace", "--service", silent, "--patience", "0.3")
    assert (asked.exit_code, asked.stdout) == (1, "")
    assert asked.stderr == (
        f"netkit: no trace of message with {silent} on streams, asyncio: it did not answer within 0.3 s\n"
    )
    assert not [each for each in psutil.Process().children() if "netkit.tower.trace" in each.cmdline()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_leaves_nothing_running(silent: str, number: signal.Signals) -> None:
    with Program(*NETKIT, "trace", "--service", silent, "--patience", "600") as program:
        command = psutil.Process(program.process.pid)
        server = _started(command)
        program.signal(number)
        assert program.wait() == (1 if number is signal.SIGINT else -number)
        assert program.errors.rest().strip() == (b"netkit: interrupted" if number is signal.SIGINT else b"")
        server.wait(20)


def _started(command: psutil.Process) -> psutil.Process:
    """The server of a trace, once it has been spoken to."""
    while not (found := command.children()):
        pass
    (server,) = found
    while not any(each.status == psutil.CONN_ESTABLISHED for each in server.net_connections()):
        pass
    return server
