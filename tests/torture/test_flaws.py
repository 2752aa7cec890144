"""Servers that are broken on purpose are found broken, each by the fault that was made for it."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace

import pytest

from netkit.endpoints import Endpoint
from netkit.torture import catalogue
from netkit.torture.fault import Fault
from netkit.torture.run import Plan, Run
from netkit.torture.trial import Bounds
from netkit.torture.verdict import BROKEN, HELD, Result, Verdict
from tests.process import SOURCE
from tests.torture.flaws import Flaw, flaws

#: Some do their worst several times, and each is tried several times.
pytestmark = [pytest.mark.torture, pytest.mark.timeout(200)]

FAULTS = {each.name: each for each in catalogue.FAULTS}

#: How often a flaw is tried. It may show for an instant alone, such as between two writes, and a busy machine takes
#: longer for these: who tries it again, as ``--repeat`` does, finds it.
TRIES = 3

#: Shorter than for people: what is broken here is thoroughly broken.
BOUNDS = Bounds(connections=100, calm=0.3, watched=0.3, settling=1.0, ending=3.0)

#: Where all must hold: a machine that tries many servers side by side is slow by itself.
HOLDING = replace(BOUNDS, slower=1.5, settling=5.0, ending=10.0)


class Nobody:
    """Nobody watches."""

    def trying(self, result: Result, fault: Fault, number: int, of: int) -> None:
        pass

    def tried(self, result: Result, verdict: Verdict) -> None:
        pass


def tried(faults: Sequence[Fault], service: str, scheme: str, bounds: Bounds, *options: str) -> list[Verdict]:
    """What comes of some faults on our own server."""
    host = "localhost" if scheme == "tls" else "127.0.0.1"
    kind = "udp" if scheme == "udp" else service
    words = [sys.executable, "-m", "tests.torture.server", "--service", kind, "--port", "{port}", *options]
    words += ["--cert", "{cert}", "--key", "{key}"] if scheme == "tls" else []
    plan = Plan(
        endpoint=Endpoint(scheme, host), service=service, faults=faults, bounds=bounds, command=shlex.join(words)
    )
    run = Run(plan, Nobody())
    asyncio.run(run.go())
    return run.result.verdicts


@pytest.fixture(autouse=True)
def _from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", SOURCE)


@pytest.mark.filterwarnings("default:found only")
@pytest.mark.parametrize("flaw", [*flaws()], ids=lambda flaw: f"{flaw.fault}-{flaw.name}")
def test_what_is_broken_is_found_broken(flaw: Flaw) -> None:
    words = []
    for _ in range(TRIES):
        (verdict,) = tried([FAULTS[flaw.fault]], flaw.service, flaw.scheme, BOUNDS, "--flaw", flaw.name)
        words.append(verdict.words)
        if verdict.outcome == BROKEN and re.search(flaw.said, verdict.words):
            break
    else:
        pytest.fail(f"{flaw.name} is not found: {' | '.join(words)}")
    if words[:-1]:
        warnings.warn(f"found only when tried again: {flaw.name}, {words[0]}", stacklevel=1)


@pytest.mark.parametrize(("service", "scheme"), sorted({(each.service, each.scheme) for each in flaws()}))
def test_the_same_server_without_a_flaw_holds_all(service: str, scheme: str) -> None:
    verdicts = tried(catalogue.chosen((), (), service, scheme), service, scheme, HOLDING)
    assert [(each.fault, each.words) for each in verdicts if each.outcome != HELD] == []


def test_every_fault_has_a_flaw_that_it_must_find() -> None:
    assert {each.fault for each in flaws()} == set(FAULTS)
