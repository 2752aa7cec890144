"""What can be measured: scenarios, read from TOML, and the workloads that they give.

A scenario comes with netkit and has a name, or is a file of one's own. Over the axes that a run asks for (TLS, sizes,
connections, depths) it gives one or more *workloads*, each with one value for everything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any

from ..errors import ScenarioError

KINDS = ("closed", "open", "chat", "stalled", "churn", "idle", "capacity")
SERVICES = ("echo", "chat")
ARRIVALS = ("constant", "poisson", "together")

#: A name that stands for more than one scenario.
GROUPS = {"capacity": ("capacity-echo", "capacity-chat")}

#: A line of the chat carries its number and the newline, see ``load.lines``; netkit's longest is 4096 bytes.
LEAST_LINE = 16
LONGEST_LINE = 4000

#: Seconds for which one server is measured before it is the turn of the next. Short, since a shared machine changes its
#: speed within seconds; long beside what it takes to get back to the pace.
SLICE = 0.15

#: What a message may have at most: it is kept in memory a few times over.
LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One thing to measure, with a value for everything.

    Attributes:
        scenario: the name of the scenario it comes from.
        kind: what the load does, one of ``KINDS``.
        about: the scenario in one line.
        service: what every server must serve, ``echo`` or ``chat``.
        tls: whether every connection is encrypted.
        size: bytes of a message; in a chat, of a line with its newline.
        conns: connections; in a chat, all of them receive.
        depth: messages under way on a connection; in a chat, lines in one write.
        rate: messages offered a second in all, where the loop is open. 0: half of what the slowest arm can do.
        arrival: how they are spread over the second, one of ``ARRIVALS``.
        senders: in a chat, how many of the connections write.
        p99: bound of a capacity, in milliseconds.
        warmup: seconds before the window.
        seconds: of the window; of one step, where a capacity is looked for.
        rounds: how many, where the run does not say.

    Raises:
        ScenarioError: a value is out of its range, or does not go with the kind.
    """

    scenario: str
    kind: str
    about: str = ""
    service: str = "echo"
    tls: bool = False
    size: int = 1024
    conns: int = 50
    depth: int = 1
    rate: float = 0.0
    arrival: str = "constant"
    senders: int = 0
    p99: float = 5.0
    warmup: float = 0.5
    seconds: float = 2.0
    rounds: int = 10

    def __post_init__(self) -> None:
        for name, value in (("kind", KINDS), ("service", SERVICES), ("arrival", ARRIVALS)):
            if getattr(self, name) not in value:
                self._refuse(f"{name} must be one of {', '.join(value)}, not {getattr(self, name)!r}")
        for name, least in (("size", 1), ("conns", 1), ("depth", 1), ("rounds", 1)):
            if not getattr(self, name) >= least:
                self._refuse(f"{name} must be at least {least}")
        for name in ("seconds", "p99"):
            if not 0 < getattr(self, name) < 3600:
                self._refuse(f"{name} must be more than 0 and less than 3600")
        for name, most in (("warmup", 3600.0), ("rate", 1e9)):
            if not 0 <= getattr(self, name) < most:
                self._refuse(f"{name} must not be negative, and be less than {most:g}")
        if self.size > LARGEST:
            self._refuse(f"size must be at most {LARGEST} bytes")
        if self.lines:
            self._check_lines()
        elif self.kind in ("chat", "stalled"):
            self._refuse(f"what is of kind {self.kind} needs the chat service")

    def _check_lines(self) -> None:
        if self.kind not in ("chat", "stalled", "capacity", "idle"):
            self._refuse(f"what is of kind {self.kind} needs the echo service")
        if not LEAST_LINE <= self.size <= LONGEST_LINE:
            self._refuse(f"size must be {LEAST_LINE} to {LONGEST_LINE}: it is a line of the chat")
        if self.kind != "idle" and not 1 <= self.senders <= self.conns:
            self._refuse("senders must be at least 1 and at most conns")
        if self.kind != "idle" and self.conns < 2:
            self._refuse("conns must be at least 2: a chat needs somebody to read")
        if self.kind in ("chat", "stalled") and not self.rate:
            self._refuse("rate must be given, in lines a second")

    def _refuse(self, what: str) -> None:
        raise ScenarioError(f"scenario {self.scenario}: {what}")

    @property
    def lines(self) -> bool:
        """Whether what is sent is lines for everybody, and not bytes to be echoed."""
        return self.service == "chat"

    @property
    def open(self) -> bool:
        """Whether the load sends by the clock and not by the answers."""
        return self.kind in ("open", "chat", "stalled", "capacity")

    @property
    def passes(self) -> int:
        """How many slices the window is cut into; what cannot be cut has one."""
        return max(1, round(self.seconds / SLICE)) if self.kind in ("closed", "open", "chat", "churn") else 1

    @property
    def unit(self) -> str:
        """What is counted: what one message is called."""
        if self.kind == "churn":
            return "connection"
        return "delivery" if self.lines else "echo"

    @property
    def title(self) -> str:
        """In words, such as ``1 KiB echo over TLS, 50 connections``."""
        what = {"churn": "connect, echo and close", "idle": f"idle {self.service}"}.get(self.kind, self.service)
        size = "" if self.kind == "idle" else f"{size_text(self.size)} "
        words = [f"{size}{what}{' over TLS' if self.tls else ''}", f"{self.conns} connections"]
        if self.lines and self.kind != "idle":
            together = " at the same moment" if self.arrival == "together" else ""
            words.append(f"{self.senders} senders{together}, {self.depth} lines a write")
        elif self.depth > 1 and self.kind == "closed":
            words.append(f"{self.depth} under way on each")
        if self.open and self.kind != "capacity" and self.rate:
            words.append(f"{self.rate:,.0f} a second")
        if self.kind == "capacity":
            words.append(f"p99 within {self.p99:g} ms")
        return ", ".join(words)

    @property
    def key(self) -> str:
        """What tells it from the other workloads of a run: the scenario and what the axes made of it."""
        parts = [self.scenario, f"{self.size}B", f"{self.conns}c", f"{self.depth}d"]
        return "-".join([*parts, "tls"] if self.tls else parts)

    @property
    def lasts(self) -> float:
        """Seconds for one arm in one round, about: what the time that is left is told from at first."""
        if self.kind == "idle":
            return 2.5 + self.conns / 1000
        return (12 if self.kind == "capacity" else 1) * (self.warmup + self.seconds) + 0.06 * self.passes + 0.6

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a result file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Workload:
        """Read what ``to_dict`` gave, or a table of TOML.

        Raises:
            ScenarioError: a key is unknown or a value is of the wrong type.
        """
        name = values.get("scenario", "?")
        types = {each.name: str(each.type) for each in fields(cls)}
        for key, value in values.items():
            if key not in types:
                raise ScenarioError(f"scenario {name}: there is no {key!r}: choose from {', '.join(types)}")
            wanted = {"str": str, "bool": bool, "int": int, "float": (int, float)}[types[key]]
            if not isinstance(value, wanted) or isinstance(value, bool) is not (types[key] == "bool"):  # type: ignore[arg-type]
                raise ScenarioError(f"scenario {name}: {key} must be of type {types[key]}, not {value!r}")
        if "kind" not in values:
            raise ScenarioError(f"scenario {name}: kind is missing: give one of {', '.join(KINDS)}")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, and the servers that its file puts beside netkit's own.

    Attributes:
        workload: with every value that the run does not change.
        servers: more arms, a name and a command each, see ``arms.Arm``.
    """

    workload: Workload
    servers: dict[str, str]


def names() -> list[str]:
    """The scenarios that come with netkit, the first one first."""
    found = sorted(each.name.removesuffix(".toml") for each in _folder().iterdir() if each.name.endswith(".toml"))
    return sorted(found, key=lambda name: name != "echo")


def _folder() -> Any:
    return resources.files(__package__) / "scenarios"


def load(name: str) -> list[Scenario]:
    """The scenarios of a name, of a group, or of a TOML file.

    Raises:
        ScenarioError: there is none, or it cannot be read.
    """
    if name in GROUPS:
        return [each for member in GROUPS[name] for each in load(member)]
    if name in names():
        return [_read(name, (_folder() / f"{name}.toml").read_text())]
    path = Path(name)
    if path.suffix != ".toml":
        choice = ", ".join((*names(), *GROUPS))
        raise ScenarioError(f"no scenario is called {name!r}: choose one of {choice}, or give a .toml file")
    try:
        return [_read(path.stem, path.read_text())]
    except (OSError, UnicodeError) as why:
        said = why.strerror if isinstance(why, OSError) else "it is not text"
        raise ScenarioError(f"cannot read the scenario {name}: {said}") from None


def _read(name: str, text: str) -> Scenario:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise ScenarioError(f"scenario {name} is not TOML: {wrong}") from None
    servers = values.pop("servers", {})
    if not isinstance(servers, dict) or not all(isinstance(command, str) for command in servers.values()):
        raise ScenarioError(f"scenario {name}: servers must be a table of names and commands")
    return Scenario(Workload.from_dict({"scenario": name, **values}), servers)


def workloads(workload: Workload, axes: Mapping[str, Sequence[Any]]) -> list[Workload]:
    """What a scenario gives over some axes.

    Args:
        workload: with its own values, which stay where an axis is not named or empty.
        axes: the values of some fields, such as ``{"size": [64, 1024], "tls": [False, True]}``.

    Raises:
        ScenarioError: a value does not go with the scenario.
    """
    given = {name: values for name, values in axes.items() if values}
    return [replace(workload, **dict(zip(given, values, strict=True))) for values in product(*given.values())]


def size_text(size: int) -> str:
    """Bytes in words: ``1 KiB``, ``64 B``."""
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} B"
