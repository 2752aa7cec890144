"""What came of a fault, and of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .bystanders import Told
from .subject import Level

#: The version of the form of ``to_dict``.
FORM = 1

HELD, BROKEN, UNTRIED = "held", "broken", "untried"


@dataclass(frozen=True, slots=True)
class Repeat:
    """How to see a broken case again, alone.

    Attributes:
        command: does so.
        bytes: how many were sent by the connection that broke it; 0 where that is not one connection.
        hexdump: the last ones of these.
        literal: the same as a Python expression.
    """

    command: str
    bytes: int = 0
    hexdump: str = ""
    literal: str = ""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the server held before and after, where its process is known.

    Attributes:
        before: the fault.
        after: it, as soon as it had given back what it took, or did not.
        busy: the share of a core that it used when everybody was silent.
    """

    before: Level
    after: Level
    busy: float

    @property
    def grown(self) -> int:
        """Bytes by which it holds more than before."""
        return self.after.memory - self.before.memory


@dataclass(slots=True)
class Verdict:
    """What came of one fault, tried once.

    Attributes:
        fault: its name.
        round: which repetition, from 1.
        expected: what was to hold.
        calm: the bystanders' 99th percentile before all faults, in seconds.
        untried: why it was not tried; empty if it was.
        failed: whether that is a mistake of the fault's own.
        seen: what was seen.
        broken: everything that did not hold.
        seconds: that it took, with the recovery.
        bystanders: what came of their messages meanwhile; None where they had left.
        recovery: None where the process is not known.
        repeat: where it is broken.
    """

    fault: str
    round: int
    expected: str
    calm: float | None
    untried: str = ""
    failed: bool = False
    seen: str = ""
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0
    bystanders: Told | None = None
    recovery: Recovery | None = None
    repeat: Repeat | None = None

    @property
    def outcome(self) -> str:
        """``HELD``, ``BROKEN`` or ``UNTRIED``."""
        return UNTRIED if self.untried else BROKEN if self.broken else HELD

    @property
    def words(self) -> str:
        """What there is to say of it, in one line."""
        return self.untried or "; ".join(self.broken) or self.seen


@dataclass(slots=True)
class Result:
    """A whole run.

    Attributes:
        endpoint: of the server.
        service: the profile that was spoken.
        server: the command that started it, empty where it ran already.
        seed: of every random choice.
        started: when, in UTC, ISO 8601.
        netkit: the version that tried.
        seconds: that it took.
        verdicts: in the order in which the faults were tried.
        stopped: why it ended before all were tried; empty if it did not.
    """

    endpoint: str
    service: str
    server: str
    seed: int
    started: str
    netkit: str
    seconds: float = 0.0
    verdicts: list[Verdict] = field(default_factory=list)
    stopped: str = ""

    def of(self, outcome: str) -> Sequence[Verdict]:
        """Those with an outcome."""
        return [each for each in self.verdicts if each.outcome == outcome]

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        verdicts = [{"outcome": each.outcome, **asdict(each)} for each in self.verdicts]
        return {"form": FORM, **asdict(self), "verdicts": verdicts}
