"""The servers that are held against each other: netkit's layers and loops, anybody's command, or one that runs."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import loops
from ..errors import LoopError, ScenarioError
from .scenario import Workload

#: Netkit's own, by name: nothing that serves is imported here. The first on the first is the default baseline.
LAYERS = ("streams", "protocols", "transports")
LOOPS = ("asyncio", "uvloop")

#: Where the second copy of the baseline stands among the arms.
CONTROL = "A/A"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True, slots=True)
class Arm:
    """A server to measure.

    Attributes:
        name: what it is called on the command line and in a file.
        label: what it is called in a sentence.
        layer: of netkit; empty for a server that is not netkit's own.
        loop: of netkit.
        service: ``MODULE:FACTORY``, which netkit serves instead of its own echo; empty for that.
        command: what starts it, with ``{port}``, and where it needs them with ``{service}``, ``{cert}``, ``{key}`` and
            ``{python}``, the interpreter that runs the bench.
        target: ``HOST:PORT`` of one that runs already, which has no command.
    """

    name: str
    label: str
    layer: str = ""
    loop: str = ""
    service: str = ""
    command: str = ""
    target: str = ""

    def argv(self, workload: Workload, port: int, cert: str, key: str) -> list[str]:
        """The command for one workload; ``cert`` and ``key`` are PEM files, used where it is encrypted."""
        if self.layer:
            listen = f"{'tls' if workload.tls else 'tcp'}://127.0.0.1:{port}"
            service = self.service or workload.service
            argv = [sys.executable, "-m", "netkit", "serve", "--service", service, "--listen", listen]
            argv += ["--layer", self.layer, "--loop", self.loop]
            if service == "chat":  # a load talks faster than any person may
                argv.append("--no-rate-limit")
            return [*argv, "--tls-cert", cert, "--tls-key", key] if workload.tls else argv
        given = {"port": str(port), "service": workload.service, "cert": cert, "key": key, "python": sys.executable}
        # Not str.format: a command may well have braces of its own.
        return [
            re.sub(r"\{(port|service|cert|key|python)\}", lambda found: given[found[1]], word)
            for word in shlex.split(self.command)
        ]

    def check(self, workload: Workload) -> None:
        """Refuse a workload that this server cannot be asked for.

        Raises:
            ScenarioError: one line that says what to do.
        """
        if workload.tls and self.command and not {"{cert}", "{key}"} <= set(re.findall(r"\{\w+\}", self.command)):
            raise ScenarioError(f"server {self.name} cannot be asked for TLS: its command needs {{cert}} and {{key}}")
        if self.service and workload.service != "echo":
            raise ScenarioError(
                f"{workload.scenario} needs the chat, and --service {self.service} stands in for the echo: "
                "choose a scenario that is made of echoes"
            )
        if self.target and workload.kind in ("idle", "stalled"):
            raise ScenarioError(
                f"{workload.scenario} measures memory, and the process behind a --target is not known: "
                "start it with --server-cmd, or choose another scenario"
            )
        if self.target and workload.tls:
            raise ScenarioError("a --target cannot be measured over TLS, its authority is not known: use --server-cmd")

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a result file."""
        return {name: getattr(self, name) for name in self.__slots__}


def own(wanted_layers: Iterable[str] = (), wanted_loops: Iterable[str] = (), service: str = "") -> list[Arm]:
    """Netkit's own arms: each of the layers on each of the loops, all of them where nothing is named.

    Args:
        wanted_layers: some of ``LAYERS``.
        wanted_loops: some of ``LOOPS``.
        service: what they serve instead of netkit's own echo, as ``MODULE:FACTORY``.

    Raises:
        LoopError: a loop was named and is not installed.
    """
    asked = list(dict.fromkeys(wanted_loops))
    found = []
    for loop in asked or LOOPS:
        try:
            loops.factory(loop)
        except LoopError:
            if asked:
                raise
            continue
        found.append(loop)
    chosen = list(dict.fromkeys(wanted_layers)) or list(LAYERS)
    of = f"{service} on " if service else ""
    return [
        Arm(f"{layer}-{loop}", f"{of}{layer} on {loop}", layer, loop, service) for loop in found for layer in chosen
    ]


def command(text: str) -> Arm:
    """An arm from ``NAME='any command {port}'``.

    Raises:
        ScenarioError: it cannot be read; one line that says how to write it.
    """
    name, equals, line = text.partition("=")
    if not equals or not line.strip():
        raise ScenarioError(f"cannot read the server {text!r}: write it like go='./echo -p {{port}}'")
    return named(name, line)


def named(name: str, line: str) -> Arm:
    """An arm of a name and a command, see ``command``.

    Raises:
        ScenarioError: the name or the command cannot be used, or the command has no ``{port}``.
    """
    if not NAME.fullmatch(name):
        raise ScenarioError(f"no server can be called {name!r}: use letters, digits and . _ + -")
    if "{port}" not in line:
        raise ScenarioError(f"server {name} has no {{port}} in its command: it must listen on 127.0.0.1, port {{port}}")
    try:
        shlex.split(line)
    except ValueError as wrong:
        raise ScenarioError(f"cannot read the command of server {name}: {wrong}") from None
    return Arm(name, name, command=line)


def target(text: str) -> Arm:
    """An arm from ``HOST:PORT``.

    Raises:
        ScenarioError: it cannot be read.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ScenarioError(f"cannot read the target {text!r}: write it like 127.0.0.1:8888 or [::1]:8888")
    return Arm("target", f"the server at {text}", target=text)


def unique(found: Iterable[Arm]) -> list[Arm]:
    """The arms as they are.

    Raises:
        ScenarioError: two have the same name, or one has a name that is taken.
    """
    seen: dict[str, Arm] = {}
    for arm in found:
        if arm.name in seen or arm.name == CONTROL:
            raise ScenarioError(f"two servers are called {arm.name}: give each a name of its own")
        seen[arm.name] = arm
    return list(seen.values())
