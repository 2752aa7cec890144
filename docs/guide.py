"""Write what the guide shows of the code, of traces and of results, so that nothing in it was typed by a hand.

usage: python -m docs.guide [--check]

What stands between two marks in ``tower.md``, such as ``<!-- tiers -->`` and ``<!-- end of tiers -->``, is replaced,
``tower.svg`` is drawn, and the page of the trace written; with ``--check`` nothing is, and the exit status is 1 where
something would be. Traces are kept in ``traces``: ``netkit trace OPTIONS -o docs/traces/NAME.json``, options below.
"""

from __future__ import annotations

import ast
import re
import sys
from difflib import unified_diff
from itertools import pairwise
from pathlib import Path

from benchmarks import claims
from netkit.bench import results
from netkit.bench.report import about, tables
from netkit.bench.summary import Summary, summarise
from netkit.tower import picture, places
from netkit.tower.show import Look
from netkit.tower.tier import Tier
from netkit.tower.tiers import TIERS
from netkit.tower.trace import page, text
from netkit.tower.trace.model import Comparison

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

#: A trace of each story that the guide tells, by the options that make it anew.
TRACES = {
    "message": "--layer transports --layer protocols --layer streams --loop asyncio --loop uvloop",
    "slow-reader": "--what slow-reader --layer protocols",
}

#: What a connection is made of, in the order in which a message meets it.
METHODS = ("received", "write", "paused", "resumed", "hold", "release", "idle")

#: The results that the answer rests on, and what is counted there.
ANSWERED = {
    "echo": "CPU per echo of 1 KiB",
    "chat": "CPU per delivery in a chat",
    "churn": "CPU per connection, one echo and end",
    "idle": "memory per idle connection",
}

#: A name of an API within a sentence.
API = re.compile(r"\b((?:asyncio|concurrent\.futures|loop)\.[\w.]*\w)")

#: Columns of what is shown as on a terminal.
WIDTH = 100


def tiers() -> str:
    """A paragraph for each tier, from the ground up, with its example and where netkit uses it."""
    return "\n\n".join(_tier(tier) for tier in TIERS)


def _tier(tier: Tier) -> str:
    names = ", ".join(f"`{each.name}`" for each in tier.api[: tier.leading])
    used = {(place.module, place.where) for place in places.find_all(tier.uses)}
    links = ", ".join(f"[{where}](../netkit/{module})" for module, where in sorted(used))
    return "\n\n".join(
        (
            f"### {tier.number} {tier.name}: {tier.concept}",
            API.sub(r"`\1`", tier.paragraph),
            f"{names}. For {tier.audience.people}.  \n"
            f"Example: [{tier.example}](../examples/{tier.example}). In netkit: {links}.",
        )
    )


def layers() -> str:
    """How a connection differs from one layer to the next."""
    parts = []
    for one, other in pairwise(("transports", "protocols", "streams")):
        diff = unified_diff(_methods(one), _methods(other), f"layers/{one}.py", f"layers/{other}.py", lineterm="", n=2)
        shown = "\n".join(line for line in diff if not line.startswith("@@"))
        parts += [f"From {one} to {other}:", f"```diff\n{shown}\n```"]
    return "\n\n".join(parts)


def _methods(layer: str) -> list[str]:
    """The lines of ``METHODS`` in a layer, without what they say about themselves."""
    source = (ROOT / "netkit" / "layers" / f"{layer}.py").read_text()
    (connection,) = [
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Connection"
    ]
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    functions = {node.name: node for node in connection.body if isinstance(node, kinds)}
    lines: list[str] = []
    for name in METHODS:
        node = functions[name]
        node.body = node.body[1:]
        node.returns = None
        for argument in node.args.args:
            argument.annotation = None
        lines += [*ast.unparse(node).splitlines(), ""]
    return lines


def traces() -> str:
    """The way of one line through each layer on asyncio's own loop, and what all six have in counts."""
    found = trace("message")
    on_asyncio = [each for each in found.traces if each.loop == "asyncio"]
    parts = []
    for each in on_asyncio:
        parts += [f"On {each.layer}:", "```\n" + "\n".join(text.ladder(each, Look(width=WIDTH))) + "\n```"]
    counted = "\n".join(text.counts(found.traces, Look(width=WIDTH)))
    parts += ["And in numbers, with uvloop beside it:", f"```\n{counted}\n```"]
    machine = ", ".join(f"{name} {version}" for name, version in found.machine.items())
    parts.append(
        f"Made by `netkit trace {TRACES['message']}` ({machine}): [the page](traces/message.html), "
        "[the data](traces/message.json)."
    )
    return "\n\n".join(parts)


def slow() -> str:
    """What holds back a fast writer whose peer does not read."""
    (one,) = trace("slow-reader").traces
    return "```\n" + "\n".join(text.ladder(one, Look(width=WIDTH))) + "\n```"


def trace(name: str) -> Comparison:
    """A trace that is kept."""
    return Comparison.loads((HERE / "traces" / f"{name}.json").read_text())


def answer() -> str:
    """What netkit's own servers cost, in a table: the cheapest of each column stands out."""
    columns = {name: _column(name) for name in ANSWERED}
    labels = list(columns["echo"])
    rows = ["| | " + " | ".join(ANSWERED.values()) + " |", "|---|" + "---:|" * len(ANSWERED)]
    rows += [f"| {label} | " + " | ".join(column[label] for column in columns.values()) + " |" for label in labels]
    result = results.load(ROOT / "benchmarks" / "results" / "echo.json")
    return "\n".join([*rows, "", f"Measured on {about.machine_line(result)}, {about.when(result)}."])


def _column(name: str) -> dict[str, str]:
    """The ranked figure of each of netkit's own servers."""
    summary: Summary
    (summary,) = summarise(results.load(ROOT / "benchmarks" / "results" / f"{name}.json"))
    found = {cell.arm.label: tables.entry(cell, summary.metric) for cell in tables.rows(summary) if cell.arm.layer}
    cheapest = next(iter(found))
    said = {label: f"{entry.value} ({entry.ends})" if entry.ends else entry.value for label, entry in found.items()}
    return {label: f"**{value}**" if label == cheapest else value for label, value in said.items()}


def made() -> dict[Path, str]:
    """Each file as it should be."""
    guide = HERE / "tower.md"
    written = guide.read_text()
    for mark, part in (("tiers", tiers), ("layers", layers), ("traces", traces), ("slow", slow), ("answer", answer)):
        written = claims.put(written, mark, part())
    return {
        guide: written,
        HERE / "tower.svg": picture.svg(TIERS),
        HERE / "traces" / "message.html": page.write(trace("message")),
    }


def main() -> int:
    """Write them, or say whether they are as they should be."""
    wanted = made()
    if sys.argv[1:] == ["--check"]:
        return int(any(not path.exists() or path.read_text() != text for path, text in wanted.items()))
    for path, written in wanted.items():
        path.write_text(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
