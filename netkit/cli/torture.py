"""``netkit torture``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import NetkitError, TortureError
from .terminal import terminable

if TYPE_CHECKING:
    from rich.console import Console

    from ..endpoints import Endpoint
    from ..torture.run import Plan
    from ..torture.verdict import Result

SERVICES = ("echo", "chat", "broadcast", "irc")

EPILOG = """\b
Services:
  echo       the same bytes come back (RFC 862)
  chat       netkit's chat
  broadcast  a plain line broadcast, such as ncat --chat
  irc        IRC with registration (RFC 2812)

\b
  netkit torture 8888 --service chat                      one that runs already
  netkit torture tcp://127.0.0.1:8888 --pid 4711          its memory, descriptors and CPU too
  netkit torture 0 --server-cmd './echo --port {port}'    one that is started, and started again
  netkit torture tls://localhost:0 --server-cmd './echo {port} {cert} {key}'
  netkit torture 8888 --only silent --only reset-at-once --repeat 10
  netkit torture --list

\b
Exit status: 0 all that was tried held, 1 something broke or nothing could be tried, 2 asked wrongly.
"""


@click.command("torture", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("endpoint", required=False)
@click.option(
    "--service", type=click.Choice(SERVICES), default="echo", show_default=True, help="What the server is to do."
)
@click.option(
    "--server-cmd",
    default="",
    metavar="COMMAND",
    help="Starts the server, and starts it again where a fault ends it. {port}, {path}, {endpoint}, {cert}, {key} and "
    "{python} are filled in.",
)
@click.option("--pid", type=click.IntRange(1), help="The process of a server that runs already.")
@click.option("--only", multiple=True, metavar="FAULT", help="Only these. More than once.")
@click.option("--skip", multiple=True, metavar="FAULT", help="Not these. More than once.")
@click.option("--list", "listing", is_flag=True, help="The catalogue: why, what must hold, and where it is known from.")
@click.option("--repeat", type=click.IntRange(1, 1000), default=1, show_default=True, help="Try all of it so often.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of every random choice.")
@click.option(
    "--connections",
    type=click.IntRange(10, 20_000),
    default=200,
    show_default=True,
    help="At most so many at the same time.",
)
@click.option(
    "--seconds", type=click.FloatRange(5, 600), default=20, show_default=True, help="At most so long for one fault."
)
@click.option(
    "--watch",
    type=click.FloatRange(0.1, 600),
    default=1,
    show_default=True,
    metavar="SECONDS",
    help="Each fault is watched at least so long, so that the bystanders have something to tell.",
)
@click.option(
    "--slower",
    type=click.FloatRange(1),
    default=500,
    show_default=True,
    metavar="MS",
    help="Milliseconds by which the bystanders' 99th percentile may rise meanwhile.",
)
@click.option(
    "--memory",
    type=click.FloatRange(0.1),
    default=16,
    show_default=True,
    metavar="MIB",
    help="Mebibytes by which the server may have grown after a fault.",
)
@click.option(
    "--json",
    "output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep everything there; - for standard output.",
)
@click.option(
    "--i-own-this-host",
    "foreign",
    is_flag=True,
    help="Try a server that is not on this machine. It is yours, and nobody else depends on it.",
)
def command(endpoint: str | None, **asked: Any) -> int:
    """Try every fault on a running server, and give a verdict.

    ENDPOINT is where it listens: 8888, tcp://127.0.0.1:8888, tls://localhost:8889, unix:///run/chat.sock, or
    udp://127.0.0.1:7777. Healthy bystanders talk meanwhile: each of their messages must come through once and in
    order, about as soon as before. Afterwards the server must let others in, and, where its process is known, hold no
    more memory and descriptors than before, and be at rest.
    """
    console = _console(asked["output"])
    if asked["listing"]:
        from ..torture import catalogue, table

        console.print(table.listing(catalogue.FAULTS))
        return 0
    plan = _plan(endpoint, asked)
    result, stopped = _try(plan, console)
    return _told(result, stopped, console, asked["output"])


def _console(output: Path | None) -> Console:
    try:
        from rich.console import Console

        from ..torture import table
    except ImportError:
        raise TortureError("netkit torture needs its own parts: pip install 'netkit[torture]'") from None
    # What is asked for on standard output is alone there.
    console = Console(stderr=output == Path("-"), highlight=False)
    return console if console.is_terminal else Console(stderr=output == Path("-"), highlight=False, width=table.WIDE)


def _plan(endpoint: str | None, asked: dict[str, Any]) -> Plan:
    """What the options ask for."""
    from ..endpoints import Endpoint
    from ..torture import catalogue
    from ..torture.run import Plan
    from ..torture.trial import Bounds

    if endpoint is None:
        raise click.UsageError("give the ENDPOINT of the server, like tcp://127.0.0.1:8888.")
    where = Endpoint.parse(endpoint)
    _check(where, asked)
    return Plan(
        endpoint=where,
        service=asked["service"],
        faults=catalogue.chosen(asked["only"], asked["skip"], asked["service"], where.scheme),
        seed=asked["seed"],
        repeat=asked["repeat"],
        bounds=Bounds(
            connections=asked["connections"],
            seconds=asked["seconds"],
            watched=asked["watch"],
            slower=asked["slower"] / 1000,
            memory=round(asked["memory"] * 1024 * 1024),
        ),
        command=asked["server_cmd"],
        pid=asked["pid"] or 0,
        foreign=asked["foreign"],
    )


def _check(where: Endpoint, asked: dict[str, Any]) -> None:
    """Refuse what contradicts itself or cannot be done: better before the run than after it."""
    import shlex

    from ..bench import results
    from ..torture.run import room_for

    try:
        if asked["server_cmd"] and not shlex.split(asked["server_cmd"]):
            raise ValueError("it is empty")
    except ValueError as wrong:
        raise click.UsageError(f"--server-cmd is no command: {wrong}.") from None
    if asked["server_cmd"] and asked["pid"]:
        raise click.UsageError("--server-cmd and --pid exclude each other: either it is started, or it runs already.")
    if not where.port and where.scheme in ("tcp", "tls", "udp") and not asked["server_cmd"]:
        raise click.UsageError("port 0 is any that is free: give --server-cmd, or the port that the server has.")
    if not room_for(asked["connections"]):
        raise click.UsageError(f"--connections {asked['connections']} is more than may be open here: see ulimit -n.")
    if asked["output"] not in (None, Path("-")):
        results.writable(asked["output"])


def _try(plan: Plan, console: Console) -> tuple[Result, str]:
    """What came of it, and why it was stopped before its end; empty if it was not.

    Raises:
        NetkitError: before anything was tried.
    """
    import asyncio

    from ..torture.run import Run
    from ..torture.table import Lines, Screen

    with (Screen if console.is_terminal else Lines)(console) as watch, terminable():
        run = Run(plan, watch)
        try:
            asyncio.run(run.go())
        except KeyboardInterrupt:
            return run.result, "interrupted"
        except NetkitError as why:
            if not run.result.verdicts:
                raise
            return run.result, str(why)
    return run.result, ""


def _told(result: Result, stopped: str, console: Console, output: Path | None) -> int:
    """Print it, write it, and say with which code we end."""
    import json

    from ..bench import results
    from ..torture import table
    from ..torture.verdict import BROKEN, HELD

    result.stopped = result.stopped or stopped
    if result.verdicts:
        table.show(result, console)
    if output is not None:
        text = json.dumps(result.to_dict(), indent=1) + "\n"
        if output == Path("-"):
            click.echo(text, nl=False)
        else:
            results.save(output, text)
    if stopped:
        raise TortureError(
            f"{stopped}: {'what is above is what' if result.verdicts else 'nothing'} was tried until then"
        )
    failed = any(each.failed for each in result.verdicts)
    return 1 if result.of(BROKEN) or failed or result.stopped or not result.of(HELD) else 0
