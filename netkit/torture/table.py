"""What a person sees: one row for each fault, while they are tried, and how to repeat what broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..wire.text import visible
from .fault import Fault
from .trial import mebibytes
from .verdict import BROKEN, HELD, UNTRIED, Result, Verdict

#: Columns of a pipe, which has none of its own, and of a terminal on which what was expected has room too.
WIDE, ROOM = 160, 110

#: Characters of a literal above which it fills a screen and shows nothing: ``--json`` has it whole.
LITERAL = 600

#: Lines of a screen that are not rows of the table: its head, what is being tried, and where the cursor is.
OTHERS = 3

STYLES = {HELD: "green", BROKEN: "bold red", UNTRIED: "dim"}


class Screen:
    """A table that grows, on a terminal: one line for each of the last ones, as many as there is room for."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Screen:
        self.live.__enter__()
        self._draw((), "the server is looked for, and the bystanders talk while nothing is wrong")
        return self

    def __exit__(self, *_: object) -> None:
        self.live.__exit__(None, None, None)

    def trying(self, result: Result, fault: Fault, number: int, of: int) -> None:
        """See ``run.Watch``."""
        self._draw(result.verdicts, f"{number} of {of}: {fault.name}: {fault.why}")

    def tried(self, result: Result, verdict: Verdict) -> None:
        """See ``run.Watch``. The next one is about to be drawn."""

    def _draw(self, verdicts: Sequence[Verdict], now: str) -> None:
        words = Text(now, style="cyan")
        # A terminal shows ^C where the cursor is, which must not make one line more of it.
        words.truncate(self.console.width - len("^C "), overflow="ellipsis")
        last = verdicts[-max(1, self.console.height - OTHERS) :]
        self.live.update(Group(table(last, expected=False, whole=False), words) if last else words, refresh=True)


class Lines:
    """A line for each fault, for a log or a pipe."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def trying(self, result: Result, fault: Fault, number: int, of: int) -> None:
        """See ``run.Watch``. A line for each would be one too many."""

    def tried(self, result: Result, verdict: Verdict) -> None:
        """See ``run.Watch``."""
        self.console.print(
            Text(f"{verdict.fault}: {verdict.outcome}: {visible(verdict.words)} ({verdict.seconds:.1f} s)"),
            soft_wrap=True,
        )


def show(result: Result, console: Console) -> None:
    """Print what came of all of them, and how to repeat each that is broken."""
    console.print(table(result.verdicts, expected=console.width >= ROOM))
    firsts = {each.fault: each for each in reversed(result.of(BROKEN))}
    for each in reversed(firsts.values()):
        console.print()
        for line in repeat(each):
            console.print(Text(line), soft_wrap=True)
    console.print()
    console.print(Text(summary(result), style=STYLES[BROKEN if result.of(BROKEN) else HELD]), soft_wrap=True)


def table(verdicts: Iterable[Verdict], *, expected: bool = True, whole: bool = True) -> Table:
    """Fault, held or broken, what was expected, what was seen, the bystanders meanwhile, and the memory after it.

    Args:
        verdicts: a row each.
        expected: whether there is room for what was.
        whole: all that was seen, on as many lines as that takes; otherwise what fits on one.
    """
    made = Table(box=None, pad_edge=False, show_edge=False, expand=True)
    made.add_column("fault", no_wrap=True)
    made.add_column("", no_wrap=True)
    if expected:
        made.add_column("expected", ratio=3)
    made.add_column("seen", ratio=4, no_wrap=not whole, overflow="fold" if whole else "ellipsis")
    made.add_column("p99, ms", justify="right", no_wrap=True)
    made.add_column("memory", justify="right", no_wrap=True)
    for each in verdicts:
        made.add_row(
            Text(each.fault),
            Text(each.outcome, style=STYLES[each.outcome]),
            *([Text(each.expected, style="dim")] if expected else []),
            Text(visible(each.words)),
            Text(_latency(each)),
            Text(_memory(each)),
        )
    return made


def repeat(verdict: Verdict) -> Iterable[str]:
    """How to see a broken case again, alone: the command, and the bytes in two forms."""
    assert verdict.repeat is not None
    yield f"{verdict.fault}: what must hold: {verdict.expected}"
    yield f"  again: {verdict.repeat.command}"
    if verdict.repeat.bytes:
        yield f"  the connection that broke it had sent {verdict.repeat.bytes:,} bytes:"
        yield from (f"  {line}" for line in verdict.repeat.hexdump.splitlines())
        literal = verdict.repeat.literal
        yield f"  in Python: {literal}" if len(literal) <= LITERAL else "  the same as a Python literal: --json FILE"


def summary(result: Result) -> str:
    """All of it in a sentence."""
    counts = Counter(each.outcome for each in result.verdicts)
    parts = [f"{counts[HELD]} held"]
    if counts[BROKEN]:
        names = dict.fromkeys(each.fault for each in result.of(BROKEN))
        parts.append(f"{counts[BROKEN]} broken ({', '.join(names)})")
    if counts[UNTRIED]:
        parts.append(f"{counts[UNTRIED]} not tried")
    return f"{result.service} on {result.endpoint}: {', '.join(parts)}, in {result.seconds:.0f} s"


def listing(faults: Iterable[Fault]) -> Group:
    """The catalogue: the name of each, for what it makes sense, and what there is to say of it."""
    parts: list[Text | Table] = []
    for each in faults:
        needs = "; needs --server-cmd" if each.restarts else "; needs --server-cmd or --pid" if each.process else ""
        places = f"{', '.join(sorted(each.services))} over {', '.join(sorted(each.schemes))}{needs}"
        about = Table.grid(padding=(0, 2))
        for label, text in (("why", each.why), ("holds", each.holds), ("from", each.source)):
            about.add_row(Text(f"  {label}", style="dim"), Text(text))
        parts += Text.assemble((each.name, "bold"), "  ", (places, "dim")), about
    return Group(*parts)


def _latency(verdict: Verdict) -> str:
    """The bystanders' 99th percentile: before, and meanwhile."""
    if verdict.bystanders is None or verdict.bystanders.p99 is None or verdict.calm is None:
        return ""
    return f"{1000 * verdict.calm:.1f} → {1000 * verdict.bystanders.p99:.1f}"


def _memory(verdict: Verdict) -> str:
    """By how much the server has grown."""
    if verdict.recovery is None:
        return ""
    grown = verdict.recovery.grown
    return f"{'+' if grown >= 0 else '-'}{mebibytes(abs(grown))}"
