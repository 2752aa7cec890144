"""Write the tables of both READMEs from the results, so that no figure in them was typed by a hand.

usage: python benchmarks/claims.py [--check]

What stands between two marks, such as ``<!-- results -->`` and ``<!-- end of results -->``, is replaced; with
``--check`` nothing is, and the exit status is 1 where something would be. Each result has its raw values beside it, and
a page of charts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from netkit.bench import results, verdict
from netkit.bench.report import about, tables
from netkit.bench.summary import Cell, Summary, summarise

HERE = Path(__file__).resolve().parent

#: In this order; each is a file of ``results`` and the command that made it.
MADE = {
    name: f"netkit bench benchmarks/scenarios/{name}-peers.toml --baseline streams-uvloop"
    for name in ("echo", "tls", "chat", "churn", "idle")
}

#: What is told in the README of the project, which shows netkit's own servers.
FIRST = "echo"


def section(name: str, command: str) -> str:
    """One result: its command, its tables and its claims."""
    result = results.load(HERE / "results" / f"{name}.json")
    parts = []
    for summary in summarise(result):
        parts += [f"### {summary.workload.title}", f"    {command} --json {name}.json --report {name}.html"]
        parts.append(table(summary))
        parts.append(f"{about.rounds(summary)}. Differences that cannot be told: {about.floor(summary)}.")
        parts.append("\n".join(f"- {line}" for line in verdict.sentences(summary)))
    links = f"[raw values](results/{name}.json), [page of charts](results/{name}.html)"
    return "\n\n".join([*parts, f"{about.when(result)}: {links}. {about.machine_line(result)}."])


def table(summary: Summary) -> str:
    """A row for each server, as ranked."""
    beside = [each for each in tables.columns(summary)[1:] if each.name in ("p50", "p99", "used", "left", "last_p50")]
    heads = ["server", f"{summary.metric.label} (95 % CI)", "of the baseline (95 % CI)", "p (Holm)"]
    lines = [row([*heads, *(each.label for each in beside), "limit"])]
    lines.append(row(["---", *["---:"] * (3 + len(beside)), "---"]))
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


def first() -> str:
    """What the README of the project shows: the sentences on netkit's own servers, as the command prints them."""
    result = results.load(HERE / "results" / f"{FIRST}.json")
    (summary,) = summarise(result)
    own = [cell.arm.label for cell in summary.cells if cell.arm.layer]
    said = [line for line in verdict.sentences(summary) if _subject(line, own)]
    return "\n".join(["```", *said, "```", "", f"Measured on {about.machine_line(result)}, {about.when(result)}."])


def _subject(line: str, own: list[str]) -> bool:
    return any(line.startswith((f"{label} ", f"no difference could be told between {label} ")) for label in own)


def made() -> dict[Path, str]:
    """Both files as they should be.

    Raises:
        SystemExit: one has no place for the results.
    """
    sections = "\n\n".join(section(name, command) for name, command in MADE.items())
    return {
        path: put(path.read_text(), mark, text)
        for path, mark, text in (
            (HERE / "README.md", "results", sections),
            (HERE.parent / "README.md", "bench", first()),
        )
    }


def put(written: str, mark: str, text: str) -> str:
    """The text of a file, with another text between two marks.

    Raises:
        SystemExit: it has no such marks.
    """
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    before, found, rest = written.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"there is no {begin} and {end}")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def main() -> int:
    """Write them, or say whether they are as they should be."""
    wanted = made()
    if sys.argv[1:] == ["--check"]:
        return int(any(path.read_text() != text for path, text in wanted.items()))
    for path, text in wanted.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
