"""What a person sees: one row for each fault, while they are tried, and how to repeat what broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
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
        rows = brief(last, figures=self.console.width >= ROOM)
        self.live.update(Group(rows, words) if last else words, refresh=True)


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
    console.print(table(result.verdicts) if console.width >= ROOM else stacked(result.verdicts))
    firsts = {each.fault: each for each in reversed(result.of(BROKEN))}
    for each in reversed(firsts.values()):
        console.print()
        for line in repeat(each):
            console.print(Text(line), soft_wrap=True)
    console.print()
    console.print(Text(summary(result), style=STYLES[BROKEN if result.of(BROKEN) else HELD]), soft_wrap=True)


def table(verdicts: Iterable[Verdict]) -> Table:
    """Fault, held or broken, what was expected, what was seen, the bystanders meanwhile, and the memory after it."""
    made = _columns("expected", "seen", "p99, ms", "memory")
    for each in verdicts:
        made.add_row(*_head(each), Text(each.expected, style="dim"), _seen(each), _latency(each), _memory(each))
    return made


def stacked(verdicts: Sequence[Verdict]) -> Group:
    """The same where there is no room for columns of words: what was seen stands below the figures."""
    longest = max(len(each.fault) for each in verdicts)
    parts: list[Text | Padding] = []
    for each in verdicts:
        latency, memory = _latency(each), _memory(each)
        figures = ", ".join(filter(None, (f"p99 {latency} ms" if latency else "", memory)))
        outcome = (f"{each.outcome:9}", STYLES[each.outcome])
        parts.append(Text.assemble(f"{each.fault:{longest}}  ", outcome, (figures, "dim")))
        parts.append(Padding(_seen(each), (0, 0, 0, 2), expand=False))
    return Group(*parts)


def brief(verdicts: Iterable[Verdict], *, figures: bool) -> Table:
    """One line each: as much of what was seen as fits there, beside the figures where there is room for these."""
    made = _columns("seen", *(("p99, ms", "memory") if figures else ()))
    made.columns[2].no_wrap, made.columns[2].overflow = True, "ellipsis"
    for each in verdicts:
        made.add_row(*_head(each), _seen(each), *((_latency(each), _memory(each)) if figures else ()))
    return made


def _columns(*names: str) -> Table:
    made = Table(box=None, pad_edge=False, show_edge=False, expand=True)
    made.add_column("fault", no_wrap=True)
    made.add_column("", no_wrap=True)
    for name in names:
        if name in ("expected", "seen"):
            made.add_column(name, ratio=3 if name == "expected" else 4)
        else:
            made.add_column(name, justify="right", no_wrap=True)
    return made


def _head(verdict: Verdict) -> tuple[Text, Text]:
    return Text(verdict.fault), Text(verdict.outcome, style=STYLES[verdict.outcome])


def _seen(verdict: Verdict) -> Text:
    return Text(visible(verdict.words))


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
