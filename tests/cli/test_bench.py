"""What is asked of ``netkit bench`` is what is measured, and what is asked wrongly is one line that says what to do."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netkit import cli
from netkit.bench import arms, results, run, scenario, stats
from netkit.bench.arms import Arm
from netkit.bench.run import Plan, Run
from netkit.bench.scenario import Workload
from tests.bench import made

Ask = Callable[..., Result]

GO = "go=./echo {port}"

#: Descriptors of the made-up machine.
DESCRIPTORS = 2000


def given(name: str, **changes: object) -> Workload:
    """A scenario that comes with netkit, with some values changed."""
    (found,) = scenario.load(name)
    return replace(found.workload, **changes)  # type: ignore[arg-type]


@dataclass
class Planned:
    """What was to be measured, and what is said to have been.

    Attributes:
        plans: in their order. Each was looked at as a run does, and then only written down.
        measured: what the run gives; by default a made-up one in which nothing failed.
        stopped_by: a signal that comes at its end.
    """

    plans: list[Plan] = field(default_factory=list)
    measured: results.Result = field(default_factory=lambda: made.result(made.series(rounds=8)))
    stopped_by: signal.Signals | None = None


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Planned:
    """Nothing is measured: it is only written down what was to be. Every loop is installed."""
    planned = Planned()

    def go(self: Run) -> None:
        planned.plans.append(self.plan)
        self.result = planned.measured
        self.keep(self.result)
        if planned.stopped_by is not None:
            signal.raise_signal(planned.stopped_by)

    monkeypatch.setattr(Run, "go", go)
    monkeypatch.setattr(run, "raise_descriptors", lambda: DESCRIPTORS)
    monkeypatch.setattr("netkit.loops.factory", lambda name: (name, None))
    monkeypatch.setattr(stats, "RESAMPLES", 200)  # no word depends on the last digit of an end
    return planned


@pytest.fixture
def bench(planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Call ``netkit bench`` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, **variables: str) -> Result:
        return CliRunner().invoke(cli.main, ["bench", *arguments], prog_name="netkit", env=variables)

    return call


@pytest.fixture
def plan(bench: Ask, planned: Planned) -> Callable[..., Plan]:
    """The plan that some arguments give."""

    def asked(*arguments: str, **variables: str) -> Plan:
        result = bench(*arguments, **variables)
        assert (result.exit_code, result.exception) == (0, None), result.output
        return planned.plans.pop()

    return asked


def workloads(found: Plan) -> list[Workload]:
    return [workload for workload, _ in found.workloads]


def servers(found: Plan) -> list[str]:
    """The names of the arms, which are the same for every workload."""
    names = [[arm.name for arm in each] for _, each in found.workloads]
    assert [each for each in names if each != names[0]] == []
    return names[0]


# What is measured.


def test_without_arguments_echo_is_measured_on_every_layer_and_loop(plan: Callable[..., Plan]) -> None:
    assert plan() == Plan(
        workloads=[(given("echo"), arms.own())],
        baseline="",
        rounds=0,
        precision=0.0,
        seed=1,
        quick=False,
        pin=True,
    )
    assert len(arms.own()) == 6


def test_every_option_of_the_run_arrives(plan: Callable[..., Plan]) -> None:
    options = ("--rounds", "12", "--precision", "2%", "--seed", "9", "--no-pin", "--baseline", "protocols-uvloop")
    assert plan(*options) == Plan(
        workloads=[(given("echo"), arms.own())],
        baseline="protocols-uvloop",
        rounds=12,
        precision=0.02,
        seed=9,
        pin=False,
    )


def test_several_scenarios_are_measured_in_their_order_and_each_once(plan: Callable[..., Plan]) -> None:
    names = [each.scenario for each in workloads(plan("chat", "capacity", "echo", "capacity-echo"))]
    assert names == ["chat", "capacity-echo", "capacity-chat", "echo"]


def test_axes_multiply(plan: Callable[..., Plan]) -> None:
    found = plan("--size", "64", "--size", "16KiB", "--conns", "1", "--conns", "9", "--depth", "2", "--tls", "--plain")
    assert workloads(found) == [
        given("echo", size=size, conns=conns, depth=2, tls=tls)
        for size in (64, 16_384)
        for conns in (1, 9)
        for tls in (False, True)
    ]


@pytest.mark.parametrize(
    ("options", "tls"),
    [((), [False]), (("--plain",), [False]), (("--tls",), [True]), (("--tls", "--plain"), [False, True])],
)
def test_tls_is_asked_for_alone_or_beside_the_clear(
    plan: Callable[..., Plan], options: tuple[str, ...], tls: list[bool]
) -> None:
    assert [each.tls for each in workloads(plan(*options))] == tls


@pytest.mark.parametrize(
    ("options", "change"),
    [
        (("--rate", "1500.5"), {"rate": 1500.5}),
        (("--arrival", "poisson"), {"arrival": "poisson"}),
        (("--p99", "2.5ms"), {"p99": 2.5}),
        (("--seconds", "4"), {"seconds": 4.0}),
        (("--warmup", "0"), {"warmup": 0.0}),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_every_option_of_a_workload_arrives(
    plan: Callable[..., Plan], options: tuple[str, ...], change: dict[str, object]
) -> None:
    assert workloads(plan("echo-rate", *options)) == [given("echo-rate", **change)]


def test_a_quick_run_has_shorter_windows(plan: Callable[..., Plan]) -> None:
    found = plan("--quick")
    assert found.quick
    assert workloads(found) == [given("echo", seconds=0.4, warmup=0.15)]


@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_a_window_that_is_asked_for_is_had_in_a_quick_run_too(plan: Callable[..., Plan], warmup: float) -> None:
    found = plan("--quick", "--seconds", "1", "--warmup", str(warmup))
    assert workloads(found) == [given("echo", seconds=1.0, warmup=warmup)]


def test_the_environment_gives_options(plan: Callable[..., Plan]) -> None:
    found = plan(NETKIT_BENCH_ROUNDS="7", NETKIT_BENCH_LOOP="uvloop", NETKIT_BENCH_SIZE="64 128")
    assert (found.rounds, len(servers(found))) == (7, 3)
    assert [each.size for each in workloads(found)] == [64, 128]


# Who is measured.


def test_layer_and_loop_narrow(plan: Callable[..., Plan]) -> None:
    assert servers(plan("--layer", "protocols")) == ["protocols-asyncio", "protocols-uvloop"]
    assert servers(plan("--loop", "uvloop")) == ["streams-uvloop", "protocols-uvloop", "transports-uvloop"]
    assert servers(plan("--layer", "transports", "--layer", "streams", "--loop", "uvloop")) == [
        "transports-uvloop",
        "streams-uvloop",
    ]


def test_a_command_is_added(plan: Callable[..., Plan]) -> None:
    found = plan("--server-cmd", GO, "--server-cmd", "c='./c' {port}", "--loop", "asyncio")
    assert servers(found) == ["streams-asyncio", "protocols-asyncio", "transports-asyncio", "go", "c"]
    assert found.workloads[0][1][3] == Arm("go", "go", command="./echo {port}")


def test_a_target_alone_drops_netkits_own(plan: Callable[..., Plan]) -> None:
    target = Arm("target", "the server at 127.0.0.1:8888", target="127.0.0.1:8888")
    assert plan("--target", "127.0.0.1:8888").workloads == [(given("echo"), [target])]
    assert servers(plan("--target", "h:1", "--layer", "streams", "--loop", "uvloop")) == ["streams-uvloop", "target"]
    assert servers(plan("--target", "h:1", "--server-cmd", GO)) == ["go", "target"]


def test_only_others_are_measured_without_netkit(plan: Callable[..., Plan]) -> None:
    assert servers(plan("--no-netkit", "--server-cmd", GO)) == ["go"]


def test_the_layers_serve_a_service_of_ones_own(plan: Callable[..., Plan]) -> None:
    found = plan("--service", "my:Own", "--loop", "asyncio", "--server-cmd", GO).workloads[0][1]
    assert [each.service for each in found] == ["my:Own"] * 3 + [""]
    assert [each.label for each in found] == [
        *(f"my:Own on {layer} on asyncio" for layer in ("streams", "protocols", "transports")),
        "go",
    ]


def test_a_file_brings_its_servers(plan: Callable[..., Plan], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('kind = "closed"\n[servers]\nnim = "./nim {port}"\n')
    found = plan("./mine.toml", "--loop", "uvloop", "--layer", "streams", "--server-cmd", GO)
    nim = Arm("nim", "nim", command="./nim {port}")
    assert found.workloads == [
        (Workload(scenario="mine", kind="closed"), [*arms.own(["streams"], ["uvloop"]), arms.command(GO), nim])
    ]
    assert servers(plan("mine.toml", "--no-netkit")) == ["nim"]


# What is asked wrongly.

TOML = {
    "broken": "kind = closed",
    "unknown": 'kind = "closed"\ncolour = "red"',
    "wrong": 'kind = "closed"\nsize = "big"',
    "loud": 'kind = "loud"',
    "taken": 'kind = "closed"\n[servers]\ngo = "./other {port}"',
    "deaf": 'kind = "closed"\n[servers]\ngo = "./other"',
}

#: Arguments; then words of the one line: what is wrong, and what to do about it.
WRONG: list[tuple[tuple[str, ...], str, str]] = [
    (("ecko",), "no scenario is called 'ecko'", "choose one of echo, bulk, "),
    (("none.toml",), "cannot read the scenario none.toml", "No such file or directory"),
    (("broken.toml",), "scenario broken is not TOML", "line 1"),
    (("unknown.toml",), "there is no 'colour'", "choose from scenario, kind"),
    (("wrong.toml",), "scenario wrong: size must be of type int", "not 'big'"),
    (("loud.toml",), "scenario loud: kind must be one of closed, open", "not 'loud'"),
    (("deaf.toml",), "server go has no {port}", "it must listen on 127.0.0.1, port {port}"),
    (("--size", "0"), "scenario echo", "size must be at least 1"),
    (("--size", "1GiB"), "cannot read '1GiB'", "write bytes, like 1024, 64KiB or 1MiB"),
    (("--size", "65MiB"), "scenario echo", "size must be at most 67108864 bytes"),
    (("chat", "--size", "5KiB"), "scenario chat", "size must be 16 to 4000"),
    (("chat", "--conns", "3"), "scenario chat", "senders must be at least 1 and at most conns"),
    (("--conns", "0"), "scenario echo", "conns must be at least 1"),
    (("--conns", "1937"), "1937 connections need 2001 descriptors", "ask for fewer --conns, or raise it (ulimit -Hn)"),
    (("--conns", "many"), "'many' is not a valid integer", "netkit bench --help"),
    (("--depth", "0"), "scenario echo", "depth must be at least 1"),
    (("--layer", "sessions"), "'sessions'", "'transports', 'protocols', 'streams'"),
    (("--loop", "auto"), "'auto'", "'asyncio', 'uvloop'"),
    (("--baseline", "go"), "no server is called go", "choose the baseline from streams-asyncio, "),
    (("--server-cmd", "go"), "cannot read the server 'go'", "write it like go='./echo -p {port}'"),
    (("--server-cmd", "go=./echo 8888"), "server go has no {port}", "it must listen on 127.0.0.1, port {port}"),
    (("--server-cmd", "go='./echo {port}"), "cannot read the command of server go", "No closing quotation"),
    (("--server-cmd", GO, "--server-cmd", GO), "two servers are called go", "give each a name of its own"),
    (("taken.toml", "--server-cmd", GO), "two servers are called go", "give each a name of its own"),
    (("--tls", "--server-cmd", GO), "server go cannot be asked for TLS", "its command needs {cert} and {key}"),
    (("--target", "8888"), "cannot read the target '8888'", "write it like 127.0.0.1:8888"),
    (("--target", "h:1", "--server-cmd", "target=x {port}"), "two servers are called target", "a name of its own"),
    (("idle", "--target", "h:1"), "idle measures memory", "the process behind a --target is not known"),
    (("--no-netkit",), "echo: there is nothing to measure", "name a layer or a server"),
    (("--no-netkit", "--layer", "streams", "--server-cmd", GO), "--no-netkit and --layer", "exclude each other"),
    (("--no-netkit", "--loop", "uvloop", "--server-cmd", GO), "--no-netkit and --layer", "exclude each other"),
    (("--service", "mine"), "--service names a service of yours", "MODULE:FACTORY"),
    (("--service", "my:Own", "--no-netkit", "--server-cmd", GO), "--service names a service of yours", "own layers"),
    (("chat", "--service", "my:Own"), "chat needs the chat", "choose a scenario that is made of echoes"),
    (("--rate", "fast"), "'fast' is not a valid float", "netkit bench --help"),
    (("--rate", "nan"), "scenario echo", "rate must not be negative"),
    (("--rate", "-1"), "scenario echo", "rate must not be negative"),
    (("chat", "--rate", "0"), "scenario chat", "rate must be given, in lines a second"),
    (("--arrival", "bursts"), "'bursts'", "'constant', 'poisson'"),
    (("--p99", "5"), "cannot read '5'", "write it like 5ms, 0.5s or 800us"),
    (("--precision", "0.02"), "cannot read '0.02'", "write it like 2% or 7.5%"),
    (("--rounds", "0"), "0 is not in the range", "1<=x<=1000"),
    (("--seconds", "0"), "scenario echo", "seconds must be more than 0 and less than 3600"),
    (("--quick", "--seconds", "0"), "scenario echo", "seconds must be more than 0 and less than 3600"),
    (("--warmup", "-1"), "scenario echo", "warmup must not be negative"),
    (("--nope",), "No such option '--nope'", "netkit bench --help"),
    (("--json", "none/run.json"), "cannot write none/run.json", "No such file or directory"),
    (("--report", "run.pdf"), "cannot tell the form of run.pdf", "give a name that ends in .html, .md"),
    (("--report", "none/run.md"), "cannot write none/run.md", "No such file or directory"),
    (("--hlog", "none/run.hlog"), "cannot write none/run.hlog", "No such file or directory"),
    (("--pyperf", "none/run.json"), "cannot write none/run.json", "No such file or directory"),
]


def refused(result: Result, code: int = 2) -> str:
    """The one line."""
    assert result.exit_code == code
    assert result.stdout == ""
    line, end = result.stderr.split("\n")
    assert end == ""
    assert line.startswith("netkit: ")
    return line


@pytest.mark.parametrize(("arguments", "wrong", "advice"), WRONG, ids=[" ".join(each[0]) for each in WRONG])
def test_one_line_says_what_to_do_and_nothing_is_measured(
    bench: Ask, planned: Planned, tmp_path: Path, arguments: tuple[str, ...], wrong: str, advice: str
) -> None:
    for name, text in TOML.items():
        (tmp_path / f"{name}.toml").write_text(text)
    result = bench(*arguments)
    assert planned.plans == []
    line = refused(result)
    assert wrong in line
    assert advice in line


def test_two_different_scenarios_of_one_name_are_not_taken_for_one(
    bench: Ask, planned: Planned, tmp_path: Path
) -> None:
    (tmp_path / "echo.toml").write_text('kind = "open"\nrate = 5\n')
    result = bench("echo", "echo.toml")
    assert result.exit_code == 2 or [each.kind for each in workloads(planned.plans[0])] == ["closed", "open"]


@pytest.mark.parametrize("module", ["hdrh", "psutil", "rich"])
def test_a_missing_extra_is_one_line_that_says_how_to_get_it(
    bench: Ask, planned: Planned, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    line = refused(bench(), code=1)
    assert line == f"netkit: the bench needs the package {module}: pip install 'netkit[bench]'"
    assert planned.plans == []
    assert bench("--help").exit_code == 0


# What is said.


def test_the_scenarios_are_listed_with_what_they_are(bench: Ask, planned: Planned) -> None:
    result = bench("--list")
    assert (result.exit_code, result.stderr, planned.plans) == (0, "", [])
    listed = [tuple(line.split(maxsplit=1)) for line in result.stdout.splitlines()]
    assert listed == [(name, given(name).about) for name in scenario.names()]


def test_the_help_names_every_scenario_and_group(bench: Ask) -> None:
    text = bench("--help").output
    names = text.partition("Scenarios: ")[2].partition(".toml")[0].replace("\n", " ")
    assert [name for name in (*scenario.names(), *scenario.GROUPS) if name not in names] == []


def test_the_verdicts_are_on_standard_output(bench: Ask) -> None:
    result = bench()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("protocols on uvloop costs 0.40 of the CPU of streams on asyncio")


def test_a_result_is_kept_in_a_file_with_what_was_computed(bench: Ask, planned: Planned, tmp_path: Path) -> None:
    assert bench("--json", "run.json").exit_code == 0
    assert results.load(tmp_path / "run.json") == planned.measured
    (found,) = json.loads((tmp_path / "run.json").read_text())["summary"]["workloads"]
    assert [cell["difference"] for cell in found["cells"]] == ["baseline", "less", "less"]


def test_a_result_goes_to_standard_output_alone(bench: Ask) -> None:
    result = bench("--json", "-")
    assert json.loads(result.stdout)["format"] == "netkit-bench"
    assert "costs 0.40 of the CPU" in result.stderr


def test_a_server_that_failed_is_told_and_the_exit_status_is_1(bench: Ask, planned: Planned) -> None:
    sample = results.Sample("it reset a connection")
    planned.measured.series[0].rounds[0].samples["protocols-uvloop"] = sample
    result = bench()
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "netkit: 1 failed: 1 KiB echo, 50 connections: protocols on uvloop: it reset a connection (1 of 8 rounds)"
    )
    assert "costs 0.60 of the CPU" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_what_was_measured_until_a_signal_came_is_shown_and_kept(
    bench: Ask, planned: Planned, tmp_path: Path, rounds: int, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    planned.measured = made.result(made.series(rounds=rounds), finished=False)
    planned.measured.series[0].planned = 8
    planned.stopped_by = number
    result = bench("--json", "run.json")
    assert results.load(tmp_path / "run.json") == planned.measured
    assert result.exit_code == 1
    assert f"interrupted: {rounds} of 8 rounds" in result.stdout
    assert result.stderr.splitlines()[-1] == "netkit: interrupted: what was measured until then is above"
    assert signal.getsignal(number) == before


def test_a_run_of_spoilt_rounds_only_has_failed(bench: Ask, planned: Planned) -> None:
    for each in planned.measured.series[0].rounds:
        each.spoilt = "steal: 3 %"
    result = bench()
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "netkit: no round counts, the machine is too busy: steal: 3 %"
