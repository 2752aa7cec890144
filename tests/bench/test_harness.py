"""``netkit bench`` and ``netkit compare`` as whole commands: what they tell, what they refuse to tell, how they end.

The servers cost a known CPU time for each message, see ``servers.py``: a difference of 10 % is one of 10 % here
however busy the machine is, and no difference is none.

What the machine does to a round is another matter. A bench that shares its cores with others has most rounds spoilt,
as it should; so most runs here are told to let every round count, and one test sees that they are spoilt without that.
The verdicts, and the figures that they come from, are those of the bench as it is.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from netkit.bench import results, summary
from netkit.bench.arms import CONTROL
from tests.bench import servers
from tests.bench.conftest import assert_gone
from tests.process import NETKIT, PATIENCE, Program, Server, environment

pytestmark = pytest.mark.alone  # it measures, and nothing else may run beside it

#: netkit, with no bound on what may spoil a round.
LENIENT = (
    sys.executable,
    "-c",
    "from netkit.bench import run\n"
    "from netkit.cli import main\n"
    "run.STEAL = run.QUEUE_WAIT = run.SLOW = float('inf')\n"
    "main(prog_name='netkit')",
)

EXAMPLES = Path(__file__).parents[2] / "examples"

#: Microseconds for each message, and the same 10 % dearer: so much that a message more or less in a window is little.
COST, DEARER = 500, 550

#: Of a run that is to tell a difference.
TOLD = ("--no-netkit", "--conns", "2", "--size", "100", "--warmup", "0.05", "--seconds", "0.25", "--rounds", "6")

#: Of a run that is to tell nothing but how it went.
SHORT = ("--warmup", "0.05", "--seconds", "0.2")

#: A small scenario: two people in one room, and no look at the load's own ceiling, which a chat has none of.
SCENARIO = """
about = "two people"
kind = "chat"
service = "chat"
size = 64
conns = 2
senders = 1
depth = 1
rate = 200
warmup = 0.05
seconds = 0.2

[servers]
"""

#: Seconds for one whole run, on a machine that does other things too.
LONGEST = 55


def netkit(*arguments: str | Path, command: tuple[str, ...] = NETKIT, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        (*command, *map(str, arguments)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=LONGEST,
        check=False,
    )


def scenario(folder: Path, **given: str) -> Path:
    """A file with the small scenario, and with servers of one's own."""
    path = folder / "two-people.toml"
    path.write_text(SCENARIO + "".join(f"{name} = {json.dumps(command)}\n" for name, command in given.items()))
    return path


def one_line(text: str) -> str:
    """The last line, which is the only one that says that it failed."""
    *before, last = text.splitlines()
    assert last.startswith("netkit: ")
    assert not any(line.startswith("netkit: ") or "Traceback" in line for line in before)
    return last


# What can be told.


@dataclass(frozen=True)
class Told:
    """What a run printed, and the file that it left."""

    done: subprocess.CompletedProcess[str]
    path: Path


def compared(cost: int, path: Path) -> Told:
    """One server beside a control that always costs the same."""
    control, arm = (servers.command("echo", "--size", 100, "--us", us) for us in (COST, cost))
    given = ("--server-cmd", f"control={control}", "--server-cmd", f"arm={arm}", "--baseline", "control")
    return Told(netkit("bench", "echo", *TOLD, *given, "--json", path, command=LENIENT), path)


def targeted(path: Path) -> Told:
    """A server that runs already, and still runs afterwards."""
    with Server("--service", "echo", "--listen", "tcp://127.0.0.1:0") as server:
        given = ("--target", f"127.0.0.1:{server.port()}", "--conns", "2", "--rounds", "1", *SHORT)
        done = netkit("bench", "echo", *given, "--json", path, command=LENIENT)
        assert server.process.poll() is None, "it is not ours to end"
    return Told(done, path)


def failing(folder: Path) -> Told:
    """A good server and a bad one, from a file, with the result on standard output."""
    given = scenario(folder, good=servers.command("chat"), bad=servers.command("doubles"))
    return Told(netkit("bench", given, "--no-netkit", "--rounds", "1", "--json", "-", command=LENIENT), given)


def own_service(*given: str) -> Told:
    """One that gives back another case than it was sent."""
    done = netkit("bench", "echo", *given, "--rounds", "1", command=LENIENT, PYTHONPATH=str(EXAMPLES))
    return Told(done, EXAMPLES)


#: As what it is.
OWN = ("--service", "own_service:Shout", "--layer", "protocols", "--loop", "asyncio", "--conns", "2", *SHORT)

#: As a server of which nobody said that it is no echo.
STRANGE = (
    "--no-netkit",
    "--server-cmd",
    f"shout={sys.executable} -m netkit serve --service own_service:Shout --listen {{port}}",
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Told]]]:
    """Runs at the same time, which makes each of them longer and no message dearer."""
    folder = tmp_path_factory.mktemp("runs")
    with ThreadPoolExecutor() as pool:
        yield {
            "alike": pool.submit(compared, COST, folder / "alike.json"),
            "dearer": pool.submit(compared, DEARER, folder / "dearer.json"),
            "target": pool.submit(targeted, folder / "target.json"),
            "failing": pool.submit(failing, folder),
            "own": pool.submit(own_service, *OWN),
            "strange": pool.submit(own_service, *STRANGE),
        }


def test_between_two_copies_of_one_server_no_difference_is_told(runs: dict[str, Future[Told]]) -> None:
    old = runs["alike"].result()
    assert old.done.returncode == 0, old.done.stderr
    assert "no difference could be told between arm and control" in old.done.stdout
    (told,) = summary.summarise(results.load(old.path))
    assert told.rounds == 6
    assert told.cell("arm").difference == summary.NONE
    assert told.cell("arm").values["cpu"].estimate == pytest.approx(COST, rel=0.03)
    assert set(told.series.rounds[0].samples) == {"control", "arm", CONTROL}


def test_a_server_that_costs_a_tenth_more_is_found(runs: dict[str, Future[Told]]) -> None:
    new = runs["dearer"].result()
    assert new.done.returncode == 0, new.done.stderr
    assert re.search(r"arm costs 1\.(09|10|11) times the CPU of control per 100 B echo \(95 % CI", new.done.stdout)
    (told,) = summary.summarise(results.load(new.path))
    assert told.cell("arm").difference == summary.MORE
    assert told.floor < 0.05


def test_a_gate_closes_on_what_got_slower_and_on_nothing_else(runs: dict[str, Future[Told]]) -> None:
    old, new = (runs[name].result().path for name in ("alike", "dearer"))
    slower, faster, same = (
        netkit("compare", *pair, "--fail-over", "5%") for pair in ((old, new), (new, old), (old, old))
    )
    assert slower.returncode == 1, slower
    assert re.search(r"arm got 1\.(09|10|11) times as dear", slower.stdout)
    for done in (faster, same):
        assert done.returncode == 0, done
        assert "no regression beyond 5 %" in done.stdout


# What cannot.


def test_a_load_that_is_too_weak_is_said_to_be_the_limit(tmp_path: Path) -> None:
    """2 ms are wasted on every answer, in the run and in the look at the load's own ceiling."""
    command = servers.command("echo")
    given = ("--no-netkit", "--server-cmd", f"it={command}", "--conns", "1", "--size", "100", "--rounds", "1")
    short = (*SHORT, "--json", tmp_path / "run.json")
    done = netkit("bench", "echo", *given, *short, command=LENIENT, NETKIT_BENCH_HANDICAP="2000000")
    assert done.returncode == 0, done.stderr
    assert "it is not ranked: the load was the limit" in done.stdout
    (told,) = summary.summarise(results.load(tmp_path / "run.json"))
    assert told.cell("it").limit.stamp == "generator-bound"
    assert told.ranking == []
    assert told.cell("it").values["rate"].estimate < 500


def test_a_server_that_runs_already_has_no_cpu_figures(runs: dict[str, Future[Told]]) -> None:
    told = runs["target"].result()
    done = told.done
    assert done.returncode == 0, done.stderr
    assert "p99, 95 % CI" in done.stdout, "it cannot be ranked by its CPU time"
    (series,) = results.load(told.path).series
    for sample in series.rounds[0].samples.values():
        assert sample.figures["rate"] > 0
        assert not {"cpu", "memory", "switches"} & set(sample.figures)


@pytest.fixture
def neighbour() -> Iterator[None]:
    """Somebody who is busy on the core of the server all the time."""
    code = "import os\nos.sched_setaffinity(0, {max(os.sched_getaffinity(0))})\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen((sys.executable, "-ISc", code), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


@pytest.mark.usefixtures("neighbour")
def test_a_round_beside_a_busy_neighbour_does_not_count(tmp_path: Path) -> None:
    given = scenario(tmp_path, busy=servers.command("chat", "--us", 2000))
    short = ("--quick", "--rounds", "1", *SHORT, "--json", tmp_path / "run.json")
    done = netkit("bench", given, "--no-netkit", *short)
    assert done.returncode == 1
    assert "no round counts, the machine is too busy: " in one_line(done.stderr)
    assert "round 1 does not count: " in done.stderr
    (series,) = results.load(tmp_path / "run.json").series
    assert series.rounds
    assert series.kept == []


# What goes wrong.


def test_a_server_that_fails_is_told_and_the_others_are_measured(runs: dict[str, Future[Told]]) -> None:
    done = runs["failing"].result().done
    assert done.returncode == 1
    made = json.loads(done.stdout)
    assert done.stdout.count("\n}\n") == 1, "one document, and nothing beside it"
    (series,) = made["series"]
    assert [arm["name"] for arm in series["arms"]] == ["good", "bad"]
    assert series["workload"]["scenario"] == "two-people"
    (round_,) = series["rounds"]
    assert round_["samples"]["good"]["figures"]["reach"] == 1
    failed = round_["samples"]["bad"]["failed"]
    assert failed.endswith("again")
    assert made["summary"]["workloads"][0]["cells"][1]["failed"].startswith(failed)
    assert one_line(done.stderr).startswith("netkit: 1 failed: ")
    assert failed in one_line(done.stderr)
    assert "FAILED" in done.stderr, "the table goes there too"


def family(program: Program) -> list[int]:
    """All that a bench has started, once a server that is among them has a client: a cell is being measured."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = {each.pid for each in psutil.Process(program.process.pid).children(recursive=True)}
        if found & {each.pid for each in psutil.net_connections("tcp4") if is_served(each)}:
            return list(found)
        time.sleep(0.005)
    raise AssertionError("no server was started")


def is_served(each: Any) -> bool:
    """Whether a connection of any process is that of a server to its load."""
    try:
        return each.status == psutil.CONN_ESTABLISHED and servers.__file__ in psutil.Process(each.pid).cmdline()
    except psutil.Error:
        return False


def to_the_group(program: Program) -> None:
    os.killpg(program.process.pid, signal.SIGINT)  # as a terminal does


def to_the_process(program: Program) -> None:
    program.signal(signal.SIGTERM)


def test_a_service_that_changes_case_is_measured_if_it_is_said_to_be_ones_own(runs: dict[str, Future[Told]]) -> None:
    done = runs["own"].result().done
    assert (done.returncode, done.stderr.count("netkit: ")) == (0, 0), done.stderr
    assert "own_service:Shout on protocols on asyncio" in done.stdout
    done = runs["strange"].result().done
    assert done.returncode == 1
    assert "shout: it is no echo" in one_line(done.stderr)


@pytest.mark.parametrize("stop", [to_the_group, to_the_process], ids=["Ctrl-C", "SIGTERM"])
def test_a_run_that_is_stopped_keeps_its_whole_rounds(stop: Callable[[Program], None], tmp_path: Path) -> None:
    given = scenario(tmp_path, it=servers.command("chat"))
    saved = tmp_path / "run.json"
    options = ("--no-netkit", "--rounds", "50", "--json", saved)
    with Program(*LENIENT, "bench", given, *options) as program:
        program.errors.until(b"two-people: 1 of 50 rounds")
        started = family(program)
        assert len(started) == 3, "the guard, a load and a server"
        stop(program)
        assert program.wait() == 1
        shown, said = program.output.rest().decode(), program.errors.rest().decode()
    assert_gone(started)
    assert one_line(said) == "netkit: interrupted: what was measured until then is above"
    assert "64 B chat, 2 connections" in shown
    assert "no difference can be told from 1 round" in shown
    found = results.load(saved)
    assert not found.finished
    (series,) = found.series
    assert [set(each.samples) for each in series.rounds] == [{"it", CONTROL}]


def test_not_even_a_bench_that_is_killed_leaves_anything_behind(tmp_path: Path) -> None:
    given = scenario(tmp_path, it=servers.command("forks"))
    with Program(*LENIENT, "bench", given, "--no-netkit", "--rounds", "50") as program:
        started = family(program)
        assert len(started) == 4, "a server of two processes"
        program.process.kill()
        program.wait()
        assert_gone(started)
