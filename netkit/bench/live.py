"""What a person sees while it runs: a live table on a terminal, plain lines elsewhere.

Nothing is drawn while something is measured: whoever watches is called between two measurements, draws, and returns.
"""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from . import metrics, numbers, stats, summary
from .arms import CONTROL
from .results import Result, Round, Sample, Series


class Clock(Protocol):
    """Seconds, from any start."""

    def __call__(self) -> float:
        """Now."""


class Progress:
    """How far a workload is, and how long it will still take."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.began = clock()
        self.done = 0

    def left(self, series: Series) -> float:
        """Seconds until the rounds of a workload are done, from what its cells took until now."""
        cells = len(series.arms) + 1
        missing = max(0, (series.planned - len(series.kept)) * cells - self.done % cells)
        each = (self.clock() - self.began) / self.done if self.done else series.workload.lasts
        return missing * each


class Lines:
    """Plain lines, one for each round, for a log or a pipe."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def _say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)

    def began(self, result: Result, series: Series) -> None:
        """See ``run.Watch``."""
        self.progress = Progress()
        quick = ", indicative only" if result.quick else ""
        left = _duration(self.progress.left(series))
        plan = f"{_count(series.planned, 'round')} of {_count(len(series.arms), 'server')}"
        self._say(f"{series.workload.title}: {plan}, about {left}{quick}")

    def measuring(self, what: str) -> None:
        """See ``run.Watch``. A line for each would be too many."""

    def measured(self, series: Series, current: Round, arm: str, sample: Sample) -> None:
        """See ``run.Watch``."""
        self.progress.done += 1
        if sample.failed:
            self._say(f"{arm} FAILED: {sample.failed}")

    def ended(self, series: Series, current: Round) -> None:
        """See ``run.Watch``."""
        if current.spoilt:
            self._say(f"round {current.number} does not count: {current.spoilt}")
            return
        left = _duration(self.progress.left(series))
        widest = max((interval.halfwidth for _, interval in _ratios(series)), default=None)
        sure = f", intervals within {numbers.share(widest)}" if widest is not None else ""
        self._say(f"{series.workload.scenario}: {len(series.kept)} of {series.planned} rounds, about {left} left{sure}")


class Screen:
    """A table that is drawn anew after every measurement."""

    def __init__(self, console: Console) -> None:
        self.live = Live(console=console, auto_refresh=False, transient=True)
        self.progress = Progress()
        self.now = ""
        self.quick = False
        self.series: Series | None = None
        self.current: Round | None = None

    def __enter__(self) -> Screen:
        self.live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.live.__exit__(None, None, None)

    def began(self, result: Result, series: Series) -> None:
        """See ``run.Watch``."""
        self.quick = result.quick
        self.series = series
        self.current = None
        self.progress = Progress()
        self.draw()

    def measuring(self, what: str) -> None:
        """See ``run.Watch``."""
        self.now = what
        self.draw()

    def measured(self, series: Series, current: Round, arm: str, sample: Sample) -> None:
        """See ``run.Watch``."""
        self.progress.done += 1
        self.current = current

    def ended(self, series: Series, current: Round) -> None:
        """See ``run.Watch``."""
        self.current = None
        self.draw()

    def draw(self) -> None:
        """Draw what is known now."""
        now = Text(f"measuring {self.now}", style="cyan")
        self.live.update(now if self.series is None else Group(self._table(self.series), now), refresh=True)

    def _table(self, series: Series) -> Table:
        metric = summary.ranked_by(series)
        spoilt = len(series.rounds) - len(series.kept)
        title = Text(f"{series.workload.title}{' (indicative)' if self.quick else ''}", style="bold")
        dropped = f", {spoilt} spoilt" if spoilt else ""
        left = _duration(self.progress.left(series))
        caption = Text(f"{len(series.kept)} of {series.planned} rounds{dropped}, about {left} left", style="dim")
        made = Table(
            title=title, caption=caption, title_justify="left", caption_justify="left", box=None, pad_edge=False
        )
        for name in ("server", metric.label, "of the baseline so far", "last"):
            made.add_column(name, justify="left" if name == "server" else "right", no_wrap=True)
        ratios = dict(_ratios(series))
        for arm in series.arms:
            held = summary.values(series, arm.name, metric.name)
            value = numbers.figure(metric, sorted(held)[len(held) // 2]) if held else ""
            ratio = numbers.times_with_interval(ratios[arm.name]) if arm.name in ratios else ""
            if arm.name == series.baseline:
                ratio = "baseline"
            made.add_row(*map(Text, (arm.label, value, ratio, self._last(series, arm.name, metric))))
        return made

    def _last(self, series: Series, arm: str, metric: metrics.Metric) -> str:
        """What an arm gave last: in this round, or in the one before."""
        rounds = [each for each in (*series.rounds, self.current) if each is not None and arm in each.samples]
        if not rounds:
            return ""
        sample = rounds[-1].samples[arm]
        if sample.failed:
            return "FAILED"
        return numbers.figure(metric, sample.figures[metric.name]) if metric.name in sample.figures else ""


def _ratios(series: Series) -> list[tuple[str, stats.Interval]]:
    """The ratio of each arm to the baseline until now, by Student's t: it is drawn often, and must be cheap."""
    metric = summary.ranked_by(series).name
    base = summary.values(series, series.baseline, metric)
    found = []
    for arm in series.arms:
        ours = summary.values(series, arm.name, metric)
        if arm.name not in (series.baseline, CONTROL) and len(ours) == len(base) > 1 and min(*ours, *base) > 0:
            found.append((arm.name, stats.t_ratio(ours, base)))
    return found


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
