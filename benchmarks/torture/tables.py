"""Write the verdict tables of the README from the results, so that no verdict in them was typed by a hand.

usage: python benchmarks/torture/tables.py [--check]

What stands between ``<!-- verdicts -->`` and ``<!-- end of verdicts -->`` is replaced; with ``--check`` nothing is, and
the exit status is 1 where something would be.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.torture.run import ENDPOINTS, HERE, LAYERS, LOOPS, RESULTS, SERVICES, Server, others

README = HERE / "README.md"
MARKS = "<!-- verdicts -->\n", "<!-- end of verdicts -->"

#: A result as ``netkit torture --json`` has it.
Result = dict[str, Any]

SIGNS = {"held": "held", "broken": "**broken**", "untried": "not tried"}


def load(name: str) -> Result | None:
    """The result of a server; None where it was not tried."""
    path = RESULTS / f"{name}.json"
    found: Result | None = json.loads(path.read_text()) if path.exists() else None
    return found


def row(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def counted(result: Result | None) -> str:
    """How many held of those that were tried, and how long all of it took."""
    if result is None:
        return ""
    counts = Counter(each["outcome"] for each in result["verdicts"])
    told = f"{counts['held']} of {counts['held'] + counts['broken']}"
    return f"{told}, {result['seconds']:.0f} s"


def own() -> Iterator[str]:
    """Netkit's: a row for each service and kind of endpoint, a column for each layer and loop."""
    cells = [(layer, loop) for loop in LOOPS for layer in LAYERS]
    yield row(["netkit", *(f"{layer}, {loop}" for layer, loop in cells)])
    yield row(["---", *("---" for _ in cells)])
    for service in SERVICES:
        for kind, endpoint in ENDPOINTS.items():
            found = [load(f"{layer}-{loop}-{service}{kind}") for layer, loop in cells]
            if any(found):
                scheme = endpoint.partition(":")[0].upper()
                yield row([f"{service}, {scheme}", *map(counted, found)])


def beside() -> Iterator[str]:
    """The others: a row for each fault, a column for each server; netkit's streams on asyncio among them."""
    servers = [
        Server("streams-asyncio-echo", "netkit, echo", "echo", "", ""),
        Server("streams-asyncio-chat", "netkit, chat", "chat", "", ""),
        *others(),
    ]
    found = {each.name: load(each.name) for each in servers}
    verdicts = {
        name: {each["fault"]: each["outcome"] for each in result["verdicts"]}
        for name, result in found.items()
        if result is not None
    }
    faults = dict.fromkeys(fault for each in verdicts.values() for fault in each)
    yield row(["fault", *(each.title for each in servers)])
    yield row(["---", *("---" for _ in servers)])
    for fault in faults:
        cells = (verdicts.get(each.name, {}).get(fault, "") for each in servers)
        yield row([f"`{fault}`", *(SIGNS.get(each, "") for each in cells)])
    yield row(["**held of those tried**", *(counted(found[each.name]) for each in servers)])


def reasons() -> Iterator[str]:
    """What broke, and why, in the tool's own words."""
    for server in others():
        result = load(server.name)
        broken = [each for each in result["verdicts"] if each["outcome"] == "broken"] if result else []
        if not broken:
            continue
        yield f"**{server.title}** (`{server.command}`)\n"
        yield from (f"- `{each['fault']}`: {plain('; '.join(each['broken']))}" for each in broken)
        yield ""


def plain(text: str) -> str:
    """As text in Markdown: nothing in it is markup."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]<>|#~" else char for char in text)


def section() -> str:
    """All that stands between the marks."""
    first = load("streams-asyncio-echo")
    when = f"Tried on {first['started'][:10]} with netkit {first['netkit']}, seed {first['seed']}." if first else ""
    return "\n".join([when, "", *own(), "", *beside(), "", "What broke:", "", *reasons()])


def main() -> None:
    """See the module."""
    text = README.read_text()
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    made = f"{before}{MARKS[0]}\n{section()}\n{MARKS[1]}{after}"
    if "--check" in sys.argv:
        sys.exit(made != text)
    README.write_text(made)


if __name__ == "__main__":
    main()
