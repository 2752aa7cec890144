"""``netkit compare``."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import values

if TYPE_CHECKING:
    from ..bench.compare import Change, Comparison, Control

EPILOG = """\b
Exit codes:
  0  no regression       2  wrong usage, or a file that cannot be read
  1  a regression        3  it cannot be told: too few rounds, too much noise, something missing or failed

\b
In a pipeline:
  netkit bench echo --json new.json && netkit compare old.json new.json --fail-over 5%
"""

#: The least that --fail-over may ask for, in per cent.
LEAST = 3

COLUMNS = ("arm", "old", "new", "change", "95 % CI", "floors", "verdict")


def _threshold(text: str) -> float:
    """A share that is not below ``LEAST``."""
    share = 0.0
    with suppress(click.BadParameter):
        share = values.share(text)
    if share < LEAST / 100:
        raise click.BadParameter(f"{text!r} is not from {LEAST}% to below 100%: write it like 5% or 7.5%.")
    return share


@click.command("compare", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--fail-over",
    type=_threshold,
    default=f"{LEAST}%",
    show_default=True,
    metavar="PERCENT",
    help="Share by which a figure must get worse to be a regression.",
)
@click.option("--json", "target", metavar="-|FILE", help="Write everything as JSON too; -: to standard output, alone.")
@click.option("--any-machine", is_flag=True, help="Compare even where the machines differ in what makes the figures.")
def command(old: Path, new: Path, fail_over: float, target: str | None, any_machine: bool) -> int:
    """Hold two result files of `netkit bench --json` against each other: OLD is taken for granted, NEW is judged.

    Each arm is held against its own run's baseline, and what is compared is how that ratio changed: the runs may be
    of different days, but not of different machines.
    """
    # Here and not above: `netkit --help` shall not wait for it.
    import json

    from ..bench import compare, results

    before, after = results.load(old), results.load(new)
    refused, warned = compare.machines(before, after)
    if refused and not any_machine:
        raise click.UsageError(f"the machines differ ({'; '.join(refused)}): --any-machine compares all the same.")
    found = compare.compare(before, after, fail_over)
    for line in (*refused, *warned):
        _say(f"warning: the two runs differ: {line}", err=True)
    for line in found.notes:
        _say(f"warning: {line}", err=True)
    for each in found.controls:
        if each.moved:
            _say(f"warning: {_control(each)}, and no ratio shows that", err=True)
    text = json.dumps(compare.to_dict(found), indent=1) + "\n" if target else ""
    if target == "-":
        click.echo(text, nl=False)
        return found.code
    if target:
        results.save(Path(target), text)
    for title, rows in _tables(found).items():
        _show(title, rows)
    for line in sentences(found):
        _say(line)
    return found.code


# In words.


def sentences(found: Comparison) -> list[str]:
    """What became of each arm, then of each baseline by itself, and the answer to it all."""
    from ..bench.verdict import INDICATIVE

    several = len({each.workload.key for each in found.changes}) > 1
    told = [(each.workload, _change(each, found.threshold)) for each in found.changes]
    told += [(each.workload, _control(each)) for each in found.controls]
    said = [f"{workload.title}: {line}" if several else line for workload, line in told]
    said.append(_answer(found))
    return [INDICATIVE + line for line in said] if found.quick else said


def _change(each: Change, threshold: float) -> str:
    from ..bench import compare as c

    name, sure = each.arm.label, _sure(each)
    match each.verdict:
        case c.UNKNOWN:
            return f"{name}: cannot tell: {each.why}{sure and f' ({sure})'}"
        case c.NONE:
            return f"{name}: no regression beyond {c.percent(threshold)} ({sure})"
    assert each.change is not None
    return f"{name} {_became(each, each.change.estimate)} ({sure.partition(', ')[2]}): {each.verdict}"


def _sure(each: Change) -> str:
    """``1.11, 95 % CI 1.08 to 1.14, noise floors 1 % and 2 %``; empty where there is no such thing."""
    from ..bench.compare import percent

    if each.change is None:
        return ""
    floors = " and ".join(percent(floor) for floor in each.floors)
    interval = f"95 % CI {each.change.low:.2f} to {each.change.high:.2f}"
    return f"{each.change.estimate:.2f}, {interval}, noise floors {floors}"


def _became(each: Change, ratio: float) -> str:
    """The middle of a sentence: ``got 1.11 times as dear per 1 KiB echo``."""
    from ..bench.verdict import one

    match each.metric.name:
        case "cpu":
            return f"got {ratio:.2f} times as dear per {one(each.workload)}"
        case "idle":
            return f"now holds {ratio:.2f} times the memory per idle connection"
        case "capacity":
            return f"now keeps its p99 within {each.workload.p99:g} ms up to {ratio:.2f} times the rate"
        case "during_p99":
            return f"now has {ratio:.2f} times the p99 while one client does not read"
    return f"now has {ratio:.2f} times the p99 per {one(each.workload)}"


def _control(each: Control) -> str:
    speed = "the speed of the machine taken out" if each.scaled else "whatever the speed of the machine"
    interval = f"95 % CI {each.change.low:.2f} to {each.change.high:.2f}"
    what = f"the {each.metric.label} of {each.arm.label}, the baseline, is {each.change.estimate:.2f} times the old one"
    return f"{what}, {speed} ({interval})"


def _answer(found: Comparison) -> str:
    from ..bench import compare as c

    count = sum(each.verdict == found.verdict for each in found.changes)
    of = f"{count} of {len(found.changes)}" if len(found.changes) > 1 else "the only one"
    match found.verdict:
        case c.NONE:
            return f"no regression beyond {c.percent(found.threshold)}"
        case c.REGRESSION:
            return f"regression: {of}"
    return f"it cannot be told whether there is a regression: {of}" if found.changes else "there is nothing to compare"


# As tables.


def _tables(found: Comparison) -> dict[str, list[tuple[str, ...]]]:
    """The rows of each workload, by its title. What a file may hold is made visible."""
    from ..wire.text import visible

    made: dict[str, list[tuple[str, ...]]] = {}
    for each in found.changes:
        title = f"{each.workload.title}: {each.metric.label}, as a ratio to the baseline"
        made.setdefault(visible(title), []).append(tuple(map(visible, _row(each))))
    return made


def _row(each: Change) -> tuple[str, ...]:
    if each.change is None:
        return (each.arm.name, *["-"] * (len(COLUMNS) - 2), each.verdict)
    ratios = [f"{ratio:.3f}" for ratio in (*each.ratios, each.change.estimate)]
    interval = f"{each.change.low:.2f} to {each.change.high:.2f}"
    floors = ", ".join(f"{floor:.1%}" for floor in each.floors)
    return (each.arm.name, *ratios, interval, floors, each.verdict)


def _show(title: str, rows: list[tuple[str, ...]]) -> None:
    """By rich where somebody looks and it is installed, else as plain text."""
    if sys.stdout.isatty():
        with suppress(ImportError):  # rich is an extra
            _rich(title, rows)
            return
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    click.echo(title)
    for row in (COLUMNS, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo()


def _rich(title: str, rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Without a box and with narrow gaps it fits 80 columns; only the name of an arm may be broken.
    table = Table(title=Text(title), title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        table.add_column(name, no_wrap=name != COLUMNS[0], overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table, Text())


def _say(line: str, err: bool = False) -> None:
    """One line, with whatever a file may hold made visible."""
    from ..wire.text import visible

    click.echo(visible(line), err=err)
