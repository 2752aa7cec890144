"""``netkit bench``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import BenchError
from . import values
from .options import LAYERS, LOOPS
from .terminal import terminable

if TYPE_CHECKING:
    from rich.console import Console

    from ..bench.arms import Arm
    from ..bench.results import Result
    from ..bench.run import Plan
    from ..bench.scenario import Workload
    from ..bench.summary import Summary

EPILOG = """\b
Scenarios: echo, echo-rate, bulk, chat, chat-burst, stalled, churn, idle, capacity-echo, capacity-chat,
  capacity (both of them), or a .toml file of your own.

\b
  netkit bench                                      six servers, echo, under six minutes
  netkit bench --quick                              the same in under a minute, indicative only
  netkit bench chat --loop uvloop                   three servers
  netkit bench echo --server-cmd go='./echo {port}' yours beside them
  netkit bench echo-rate --target 127.0.0.1:8888    one that runs already: no CPU figures
  netkit bench capacity --p99 5ms                   how much each can take
  netkit bench --json run.json && netkit report run.json -o run.html

\b
Exit status: 0 measured, 1 a server failed or the run was interrupted, 2 asked wrongly.
"""

#: Of a quick run: seconds before the window and of it.
QUICK_WARMUP, QUICK_SECONDS = 0.15, 0.4


@click.command("bench", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option(
    "--layer",
    multiple=True,
    type=click.Choice(LAYERS),
    help="Only these layers. More than once.",
)
@click.option("--loop", multiple=True, type=click.Choice(LOOPS), help="Only these loops. More than once.")
@click.option(
    "--server-cmd",
    multiple=True,
    metavar="NAME='COMMAND {port}'",
    help="Any server, in any language, that listens on 127.0.0.1, port {port}. {service}, {cert} and {key} are "
    "filled in too. More than once.",
)
@click.option(
    "--target",
    metavar="HOST:PORT",
    help="A server that runs already. No CPU and no memory then: its process is not known.",
)
@click.option(
    "--service",
    default="",
    metavar="MODULE:FACTORY",
    help="What netkit's layers serve instead of the echo: yours, which answers with the same bytes, in whatever case.",
)
@click.option("--no-netkit", is_flag=True, help="Only the servers that are named by --server-cmd or a scenario.")
@click.option(
    "--baseline",
    metavar="NAME",
    default="",
    help="What the others are held against.  [default: the first: streams-asyncio]",
)
@click.option(
    "--size",
    multiple=True,
    type=values.size,
    metavar="BYTES",
    help="Of a message, like 64, 16KiB, 1MiB. More than once: each of them.",
)
@click.option("--conns", multiple=True, type=int, metavar="N", help="Connections. More than once: each of them.")
@click.option(
    "--depth",
    multiple=True,
    type=int,
    metavar="N",
    help="Messages under way on each; in a chat, lines in one write. More than once: each of them.",
)
@click.option("--tls", is_flag=True, help="Over TLS, with a throw-away certificate.")
@click.option("--plain", is_flag=True, help="In the clear, which is the default; with --tls: both.")
@click.option("--rate", type=float, metavar="N", help="Messages a second in all, where the loop is open.")
@click.option(
    "--arrival", type=click.Choice(["constant", "poisson", "together"]), help="How they are spread over the second."
)
@click.option(
    "--p99", type=values.milliseconds, metavar="TIME", help="Of a capacity: the bound on the 99th percentile, like 5ms."
)
@click.option(
    "--rounds", type=click.IntRange(1, 1000), help="How many shall count.  [default: 10, more for a large matrix]"
)
@click.option(
    "--precision",
    type=values.share,
    metavar="SHARE",
    help="Stop early when every interval is within so much, like 2%; not before 6 rounds.",
)
@click.option("--seconds", type=float, help="Of each window.")
@click.option("--warmup", type=float, help="Seconds before each window.")
@click.option("--quick", is_flag=True, help="6 short rounds. Indicative only, and called so everywhere.")
@click.option("--pin/--no-pin", default=True, show_default=True, help="Keep server and load on cores of their own.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of every random choice.")
@click.option(
    "--json",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep everything there, after every round; - for standard output.",
)
@click.option("--hlog", type=click.Path(path_type=Path), metavar="FILE", help="Latencies for HdrHistogram's tools.")
@click.option("--pyperf", type=click.Path(path_type=Path), metavar="FILE", help="The ranked figure for `pyperf stats`.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A page of charts, see `netkit report`: .html, .md, .png or .svg.",
)
@click.option("--list", is_flag=True, help="Name the scenarios that come with netkit, and stop.")
def command(scenarios: tuple[str, ...], **asked: Any) -> None:
    """Which layer, and which loop? Measure them, and say what can be said.

    Every round starts each server afresh, in random order, with a load on another core. Progress goes to standard
    error; the table and the verdicts go to standard output, or with --json - to standard error too.
    """
    if sys.platform != "linux":
        raise BenchError("the bench needs Linux: its load is built on epoll, and its readings on /proc")
    # Here and not above: `netkit --help` shall not wait for them.
    try:
        import hdrh  # type: ignore[import-untyped]  # noqa: F401
        import psutil  # noqa: F401
        import rich  # noqa: F401
    except ImportError as lack:
        raise BenchError(f"the bench needs the package {lack.name}: pip install 'netkit[bench]'") from None
    from rich.console import Console

    from ..bench.summary import summarise

    if asked["list"]:
        _list()
        return
    plan = _plan(scenarios or ("echo",), asked)
    _check_outputs(asked)
    to_stdout = asked["json"] == Path("-")
    out = Console(stderr=to_stdout, highlight=False)
    if not out.is_terminal:
        from ..bench.table import WIDE

        out.width = WIDE
    result, interrupted = _measure(plan, Console(stderr=True, highlight=False), asked)
    summaries = summarise(result)
    _show(result, summaries, out, asked)
    if interrupted:
        raise BenchError("interrupted: what was measured until then is above")
    _fail_if_failed(result, summaries)


def _list() -> None:
    from ..bench import scenario

    for name in scenario.names():
        (found,) = scenario.load(name)
        click.echo(f"{name:14}  {found.workload.about}")


def _plan(scenarios: Iterable[str], asked: dict[str, Any]) -> Plan:
    from ..bench import arms, scenario
    from ..bench.run import Plan

    found = [each for name in scenarios for each in scenario.load(name)]
    given = _arms(asked)
    workloads: dict[str, tuple[Workload, list[Arm]]] = {}
    for each in found:
        for workload in _workloads(each.workload, asked):
            before, _ = workloads.setdefault(workload.key, (workload, arms.unique([*given, *_named(each.servers)])))
            if before != workload:
                raise click.UsageError(f"two scenarios are called {workload.scenario}: give one file another name.")
    return Plan(
        workloads=list(workloads.values()),
        baseline=asked["baseline"],
        rounds=asked["rounds"] or 0,
        precision=asked["precision"] or 0.0,
        seed=asked["seed"],
        quick=asked["quick"],
        pin=asked["pin"],
    )


def _arms(asked: dict[str, Any]) -> list[Arm]:
    """Netkit's own arms, unless only others are wanted; then those of the command line."""
    from ..bench import arms

    named = asked["layer"] or asked["loop"]
    if asked["no_netkit"] and named:
        raise click.UsageError("--no-netkit and --layer or --loop exclude each other.")
    if asked["service"] and (asked["no_netkit"] or ":" not in asked["service"]):
        raise click.UsageError("--service names a service of yours, MODULE:FACTORY, for netkit's own layers.")
    ours = not asked["no_netkit"] and (named or not asked["target"])
    found = arms.own(asked["layer"], asked["loop"], asked["service"]) if ours else []
    found += [arms.command(each) for each in asked["server_cmd"]]
    return [*found, arms.target(asked["target"])] if asked["target"] else found


def _named(servers: dict[str, str]) -> list[Arm]:
    from ..bench import arms

    return [arms.named(name, line) for name, line in servers.items()]


def _workloads(workload: Workload, asked: dict[str, Any]) -> list[Workload]:
    """What the options make of one scenario: single values first, then the axes."""
    from dataclasses import replace

    from ..bench import scenario

    single = {"rate": asked["rate"], "arrival": asked["arrival"], "p99": asked["p99"]}
    single |= {"seconds": asked["seconds"], "warmup": asked["warmup"]}
    if asked["quick"]:
        for name, value in (("seconds", QUICK_SECONDS), ("warmup", QUICK_WARMUP)):
            single[name] = value if single[name] is None else single[name]
    changed = replace(workload, **{name: value for name, value in single.items() if value is not None})
    encrypted = [value for value, wanted in ((False, asked["plain"]), (True, asked["tls"])) if wanted]
    axes = {"size": asked["size"], "conns": asked["conns"], "depth": asked["depth"], "tls": encrypted}
    return scenario.workloads(changed, axes)


def _check_outputs(asked: dict[str, Any]) -> None:
    """What cannot be written is better found before a run than after it."""
    from ..bench import report, results

    if asked["report"] is not None:
        report.form(asked["report"])
    for name in ("json", "hlog", "pyperf", "report"):
        if asked[name] is not None and asked[name] != Path("-"):
            results.writable(asked[name])


def _measure(plan: Plan, console: Console, asked: dict[str, Any]) -> tuple[Result, bool]:
    """What was measured, and whether somebody stopped it before its end."""
    from ..bench import live, results
    from ..bench.run import Run

    path: Path | None = asked["json"]

    def keep(result: Result) -> None:
        if path is not None and path != Path("-"):
            results.save(path, results.to_json(result))

    with (live.Screen if console.is_terminal else live.Lines)(console) as watch, terminable():
        run = Run(plan, watch, keep)
        try:
            run.go()
        except KeyboardInterrupt:
            return run.result, True
    return run.result, False


def _show(result: Result, summaries: list[Summary], console: Console, asked: dict[str, Any]) -> None:
    from ..bench import exports, report, results, summary, table

    table.show(result, summaries, console)
    if asked["json"] is not None:
        text = results.to_json(result, {"workloads": summary.to_dict(summaries)})
        if asked["json"] == Path("-"):
            click.echo(text, nl=False)
        else:
            results.save(asked["json"], text)
    if asked["hlog"] is not None:
        results.save(asked["hlog"], exports.hlog(result))
    if asked["pyperf"] is not None:
        results.save(asked["pyperf"], exports.pyperf(result))
    if asked["report"] is not None:
        report.write(result, summaries, asked["report"])


def _fail_if_failed(result: Result, summaries: list[Summary]) -> None:
    from ..bench import verdict

    failed = verdict.failed(summaries)
    if not failed and not any(series.kept for series in result.series):
        raise BenchError(f"no round counts, the machine is too busy: {result.series[-1].rounds[-1].spoilt}")
    if failed:
        raise BenchError(f"{len(failed)} failed: {'; '.join(failed)}")
