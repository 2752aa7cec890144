"""Write the tables of README.md from the results, so that no figure in it was typed by a hand.

usage: python benchmarks/claims.py [--check]

Everything between ``<!-- results -->`` and ``<!-- end of results -->`` is replaced; with ``--check`` nothing is, and
the exit status is 1 where something would be. Each result has its raw values beside it, and a page of charts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from netkit.bench import results, verdict
from netkit.bench.report import about, tables
from netkit.bench.summary import Cell, Summary, summarise

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"

#: In this order; each is a file of ``results`` and the command that made it.
MADE = {
    "echo": "netkit bench benchmarks/scenarios/echo-peers.toml",
    "tls": "netkit bench benchmarks/scenarios/tls-peers.toml",
    "chat": "netkit bench benchmarks/scenarios/chat-peers.toml",
    "churn": "netkit bench benchmarks/scenarios/churn-peers.toml",
    "idle": "netkit bench benchmarks/scenarios/idle-peers.toml",
}


def section(name: str, command: str) -> str:
    """One result: its command, its tables and its claims."""
    result = results.load(HERE / "results" / f"{name}.json")
    command = f"    {command} --json {name}.json --report {name}.html"
    parts = []
    for summary in summarise(result):
        parts += [f"### {summary.workload.title}", command, table(summary)]
        parts.append(
            f"{about.rounds(summary)}, {about.when(result)}; differences that cannot be told: {about.floor(summary)}."
        )
        parts.append("\n".join(f"- {line}" for line in verdict.sentences(summary)))
    links = f"[raw values](results/{name}.json), [page of charts](results/{name}.html)"
    return "\n\n".join([*parts, f"{links}. {about.machine_line(result)}."])


def table(summary: Summary) -> str:
    """A row for each server, as ranked."""
    beside = [each for each in tables.columns(summary)[1:] if each.name in ("p50", "p99", "used", "left", "last_p50")]
    heads = ["server", f"{summary.metric.label} (95 % CI)", "of the baseline (95 % CI)", "p (Holm)"]
    lines = [
        row([*heads, *(each.label for each in beside), "limit"]),
        row(["---", *["---:"] * (3 + len(beside)), "---"]),
    ]
    rows = (
        row([*_cells(summary, cell), *(tables.entry(cell, each).value for each in beside), _limit(cell)])
        for cell in tables.rows(summary)
    )
    return "\n".join([*lines, *rows])


def row(cells: list[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def _cells(summary: Summary, cell: Cell) -> list[str]:
    found = tables.entry(cell, summary.metric)
    ratio = "baseline" if cell is summary.baseline else found.ratio or tables.NOTHING
    value = f"{found.value} ({found.ends})" if found.ends else found.value
    return [cell.arm.label, value, ratio, tables.p_value(summary, cell)]


def _limit(cell: Cell) -> str:
    if cell.failed:
        return f"failed: {cell.failed}"
    return cell.limit.stamp if cell.ranked else f"{cell.limit.stamp}, not ranked"


def made() -> str:
    """README.md as it should be.

    Raises:
        SystemExit: it has no place for the results.
    """
    text = README.read_text()
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{README} has no {BEGIN} and {END}")
    before, _, rest = text.partition(BEGIN)
    sections = "\n\n".join(section(name, command) for name, command in MADE.items())
    return f"{before}{BEGIN}\n\n{sections}\n\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write it, or say whether it is as it should be."""
    wanted = made()
    if sys.argv[1:] == ["--check"]:
        return int(wanted != README.read_text())
    README.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
