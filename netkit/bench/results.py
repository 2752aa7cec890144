"""What was measured, as a file: JSON with every round's raw values, written after every round.

Version history:
    1: the first.

Everything that can be computed from the raw values is, each time a file is read: medians, ratios, verdicts. They
stand in the file too, under ``summary``, for programs that want no arithmetic.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ResultError, ScenarioError
from .arms import Arm
from .scenario import Workload

FORMAT = "netkit-bench"
VERSION = 1


@dataclass(slots=True)
class Sample:
    """One arm in one round.

    Attributes:
        failed: why there are no figures; empty if there are.
        figures: by the names of ``metrics.ALL``.
        observed: what verdicts on the figures stand on, such as ``server_busy`` (a share of one core), ``load_busy``,
            ``queue_wait`` (a share of the running time), ``messages``, ``seconds``.
        histograms: ``response``, ``service`` and ``lateness`` in nanoseconds, each in HdrHistogram's own V2 compressed
            form and base64.
        varied: what was different about this process on purpose: ``hash_seed`` and ``padding`` (bytes of environment).
    """

    failed: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    observed: dict[str, float] = field(default_factory=dict)
    histograms: dict[str, str] = field(default_factory=dict)
    varied: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Round:
    """Every arm afresh, started in random order. They are measured in turns, a slice each, in one pass after another.

    Attributes:
        number: from 1, those counted that were spoilt.
        order: the names of the arms as they were started.
        samples: by the name of the arm.
        probe: microseconds of a fixed spin on the server's core, before each pass and after the last one.
        steady: the numbers of the passes that count, from 0: those in which the speed of the machine did not change.
        spoilt: why the whole round does not count; empty if it does.
    """

    number: int
    order: list[str]
    samples: dict[str, Sample] = field(default_factory=dict)
    probe: list[float] = field(default_factory=list)
    steady: list[int] = field(default_factory=list)
    spoilt: str = ""


@dataclass(slots=True)
class Series:
    """The rounds of one workload.

    Attributes:
        workload: what was measured, with the rate that was offered in the end.
        arms: the servers, the second copy of the baseline not among them.
        baseline: the name of the arm that the others are held against.
        rounds: all of them, those spoilt too.
        planned: how many were to count.
        ceiling: what the load itself reached against a server that does nothing but echo: ``rate`` and ``load_busy``.
            Empty where it does not apply.
    """

    workload: Workload
    arms: list[Arm]
    baseline: str
    rounds: list[Round] = field(default_factory=list)
    planned: int = 0
    ceiling: dict[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> list[Round]:
        """The rounds that count."""
        return [each for each in self.rounds if not each.spoilt]


@dataclass(slots=True)
class Result:
    """One run.

    Attributes:
        netkit: its version.
        started: when, ISO 8601 with the offset from UTC.
        seed: of every random choice.
        quick: whether the figures are only indicative.
        machine: see ``machine.facts``.
        series: one for each workload.
        finished: whether the run came to its end.
    """

    netkit: str
    started: str
    seed: int
    quick: bool
    machine: dict[str, Any]
    series: list[Series] = field(default_factory=list)
    finished: bool = False


def to_json(result: Result, summary: Mapping[str, Any] | None = None) -> str:
    """A result as text, with what was computed from it."""
    made = asdict(result)
    for each, series in zip(made["series"], result.series, strict=True):
        each["workload"] = series.workload.to_dict()
        each["arms"] = [arm.to_dict() for arm in series.arms]
    extra = {"summary": summary} if summary is not None else {}
    return json.dumps({"format": FORMAT, "version": VERSION, **made, **extra}, indent=1) + "\n"


def save(path: Path, made: str | bytes) -> None:
    """Write a file whole or not at all: whoever reads it meanwhile, or after a crash, finds the one before.

    Raises:
        ResultError: it cannot be written.
    """
    try:
        fd, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(made.encode() if isinstance(made, str) else made)
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(draft, 0o666 & ~mask)  # as open() would have made it
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as why:
        raise ResultError(f"cannot write {path}: {why.strerror}") from None


def writable(path: Path) -> None:
    """See that a file can be written, and leave it as it is.

    Raises:
        ResultError: it cannot.
    """
    if path.is_dir():
        raise ResultError(f"cannot write {path}: it is a folder")
    try:
        fd, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as why:
        raise ResultError(f"cannot write {path}: {why.strerror}") from None
    os.close(fd)
    os.unlink(made)


def load(path: Path) -> Result:
    """Read a result file.

    Raises:
        ResultError: it cannot be read, is no result of this bench, is cut short, or is of another version.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeError) as why:
        said = why.strerror if isinstance(why, OSError) else "it is not text"
        raise ResultError(f"cannot read {path}: {said}") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ResultError(f"{path} is not JSON, or was cut short: give a file that netkit bench --json wrote") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ResultError(f"{path} is no result of netkit bench: give a file that netkit bench --json wrote")
    if found.get("version") != VERSION:
        said = found.get("version")
        raise ResultError(f"{path} is of version {said}, and this netkit reads version {VERSION}: measure again")
    try:
        return _result(found)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ScenarioError) as wrong:
        raise ResultError(f"{path} is damaged ({type(wrong).__name__}: {wrong}): measure again") from None


def _result(found: Mapping[str, Any]) -> Result:
    return Result(
        netkit=str(found["netkit"]),
        started=str(found["started"]),
        seed=int(found["seed"]),
        quick=bool(found["quick"]),
        machine=dict(found["machine"]),
        series=[_series(each) for each in found["series"]],
        finished=bool(found["finished"]),
    )


def _series(found: Mapping[str, Any]) -> Series:
    made = Series(
        workload=Workload.from_dict(found["workload"]),
        arms=[Arm(**{str(name): str(value) for name, value in each.items()}) for each in found["arms"]],
        baseline=str(found["baseline"]),
        rounds=[_round(each) for each in found["rounds"]],
        planned=int(found["planned"]),
        ceiling={str(name): float(value) for name, value in found["ceiling"].items()},
    )
    if made.baseline not in {arm.name for arm in made.arms}:
        raise ValueError(f"the baseline {made.baseline} is not among its arms")
    return made


def _round(found: Mapping[str, Any]) -> Round:
    samples = {str(name): Sample(**each) for name, each in found["samples"].items()}
    for sample in samples.values():
        if not isinstance(sample.failed, str):
            raise TypeError(f"{sample.failed!r} is no reason")
        for value in (*sample.figures.values(), *sample.observed.values()):
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise TypeError(f"{value!r} is no figure")
    return Round(
        number=int(found["number"]),
        order=[str(each) for each in found["order"]],
        samples=samples,
        probe=[float(each) for each in found["probe"]],
        steady=[int(each) for each in found["steady"]],
        spoilt=str(found["spoilt"]),
    )
