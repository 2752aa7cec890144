"""A run: the faults one after another, what the bystanders say to each, and the recovery after it."""

from __future__ import annotations

import asyncio
import resource
import shlex
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Protocol

from .. import __version__
from ..endpoints import Endpoint
from ..errors import TortureError
from ..processes.certificates import Certificates
from ..processes.guard import Guard
from ..processes.start import NotServing, free_port
from .bystanders import Bystanders, Told
from .fault import Broken, Fault, Untried
from .peer import Peer
from .profiles import PROFILES
from .recovery import gives_back, lets_in
from .subject import Subject
from .target import Target, Unreachable
from .trial import Bounds, Trial, mebibytes
from .verdict import HELD, Repeat, Result, Verdict

#: Seconds for a process that ends to be gone, after its connections are.
DYING = 0.2

#: How often a fault is tried again at most, to see whether memory is lost each time.
AGAIN = 3

#: Descriptors that we need besides those of connections.
OTHERS = 64


def room_for(connections: int) -> bool:
    """Whether so many connections can be opened at the same time. The limit is raised where it must be and may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted and (hard == resource.RLIM_INFINITY or hard >= wanted):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return True
    return soft == resource.RLIM_INFINITY or soft >= wanted


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try, and where.

    Attributes:
        endpoint: of the server; port 0: any that is free, where we start it.
        service: the name of the profile.
        faults: what to try, in this order.
        seed: of every random choice.
        repeat: how often all of it is tried.
        bounds: what each fault may use.
        command: starts the server; empty for one that runs already.
        pid: of one that runs already; 0 where that is not known.
        foreign: whether it may be on another machine.
    """

    endpoint: Endpoint
    service: str
    faults: Sequence[Fault]
    seed: int = 1
    repeat: int = 1
    bounds: Bounds = Bounds()  # noqa: RUF009  it is frozen
    command: str = ""
    pid: int = 0
    foreign: bool = False


class Watch(Protocol):
    """Who is told how far a run is."""

    def trying(self, result: Result, fault: Fault, number: int, of: int) -> None:
        """A fault is about to be tried, the so manieth of so many."""

    def tried(self, result: Result, verdict: Verdict) -> None:
        """What came of it."""


class Run:
    """All faults of a plan, on one server. ``result`` has what is known until now, whenever it is looked at."""

    def __init__(self, plan: Plan, watch: Watch) -> None:
        port = plan.endpoint.port
        if plan.command and not port and plan.endpoint.scheme != "unix":
            port = free_port()
        self.plan = replace(plan, endpoint=replace(plan.endpoint, port=port))
        self.watch = watch
        self.profile = PROFILES[plan.service]
        self.target = Target(self.plan.endpoint, foreign=plan.foreign)
        self.subject: Subject | None = None
        self.calm: float | None = None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.result = Result(str(self.plan.endpoint), plan.service, plan.command, plan.seed, now, __version__)

    async def go(self) -> None:
        """Try all of them.

        Raises:
            TortureError: the server is not there, does not come up, or does not work even while nothing is wrong.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with AsyncExitStack() as held:
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="netkit-torture-")))
            await self._find_server(held, folder)
            mark = f"{Random(self.plan.seed).randrange(16**4):04x}"
            self.bystanders = await held.enter_async_context(Bystanders(self.target, self.plan.service, mark))
            await self._calm()
            numbered = [(each, fault) for each in range(1, self.plan.repeat + 1) for fault in self.plan.faults]
            for number, (repetition, fault) in enumerate(numbered, 1):
                self.watch.trying(self.result, fault, number, len(numbered))
                verdict = await self._verdict(fault, repetition)
                self.result.verdicts.append(verdict)
                self.result.seconds = loop.time() - began
                self.watch.tried(self.result, verdict)
                if not self.result.stopped and number < len(numbered):
                    self.result.stopped = await self._again(verdict)

    async def _find_server(self, held: AsyncExitStack, folder: Path) -> None:
        """Start the server, or see that one answers."""
        plan = self.plan
        if plan.command:
            guard = held.enter_context(Guard())
            self.subject = held.enter_context(Subject(plan.command, 0, self._given(folder), self.target, guard))
            try:
                await self.subject.start()
            except NotServing as why:
                raise TortureError(str(why)) from None
            return
        if plan.pid:
            self.subject = held.enter_context(Subject("", plan.pid, {}, self.target))
            if self.subject.gone():
                raise TortureError(f"no process has the number {plan.pid}: give that of the server")
        if not await self._answers():
            raise TortureError(f"nobody answers on {self.target.endpoint}: start it, or give --server-cmd")
        if self.subject is not None and not self.subject.listens():
            raise TortureError(f"process {plan.pid} does not listen on {self.target.endpoint}: give that of the server")

    def _given(self, folder: Path) -> dict[str, str]:
        """What is filled into the command."""
        made = Certificates.make(folder) if "{cert}" in self.plan.command else None
        endpoint = self.plan.endpoint
        return {
            "port": str(endpoint.port),
            "path": endpoint.path,
            "endpoint": str(endpoint),
            "cert": made.cert if made else "",
            "key": made.key if made else "",
            "python": sys.executable,
        }

    async def _answers(self) -> bool:
        """Whether somebody answers there now."""
        try:
            peer = await self.target.open(raw=True)
        except Unreachable:
            return False
        try:
            if self.target.scheme != "udp":
                return True
            await peer.send(self.profile.say(b"anybody there?"))
            return await peer.wait(lambda: peer.received > 0, 1.0)
        finally:
            peer.close()

    async def _calm(self) -> None:
        """See that all is well while nothing is wrong, and how quick it is then."""
        if unable := await self.bystanders.come():
            raise TortureError(
                f"{unable}: is it {self.profile.about}? --service says what it is: {', '.join(PROFILES)}"
            )
        await self.bystanders.talk()
        await asyncio.sleep(self.plan.bounds.calm)
        told = await self.bystanders.settle(self.plan.bounds.settling)
        if told.kinds:
            raise TortureError(f"it does not work even while nothing is wrong: {'; '.join(told.trouble)}")
        self.calm = told.p99

    def _trial(self, fault: Fault, repetition: int, what: str = "") -> Trial:
        # A seed of its own for each, so that it does the same when it is tried alone.
        random = Random(f"{self.plan.seed}/{fault.name}/{repetition}/{what}")
        return Trial(self.target, self.profile, random, self.plan.bounds, None if what else self.subject)

    async def _verdict(self, fault: Fault, repetition: int) -> Verdict:
        """Try one fault, and judge."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        verdict = Verdict(fault.name, repetition, fault.holds, self.calm)
        verdict.untried = self.result.stopped or self._cannot(fault)
        if verdict.untried:
            return verdict
        trial = self._trial(fault, repetition)
        await (self.bystanders.leave() if fault.restarts else self.bystanders.talk())
        culprit = await self._attempt(fault, trial, verdict)
        if not fault.restarts:
            watched = trial.bounds.watched if verdict.outcome == HELD else 0.0
            await asyncio.sleep(began + watched - loop.time())
            told = await self.bystanders.settle(self.plan.bounds.settling, fault.lossy)
            if not verdict.untried:
                verdict.bystanders = told
                verdict.broken += self._judged(told)
        await trial.close()
        if not verdict.untried:
            await self._recover(fault, trial, verdict)
        verdict.seconds = loop.time() - began
        if verdict.broken:
            verdict.repeat = self._repeat(verdict, culprit)
        return verdict

    async def _attempt(self, fault: Fault, trial: Trial, verdict: Verdict) -> Peer | None:
        """Let it do its worst. Who has broken something, where that is one connection."""
        try:
            async with asyncio.timeout(trial.bounds.seconds):
                verdict.seen = await fault.attempt(trial)
        except Broken as why:
            verdict.broken.append(str(why))
            return why.peer
        except Untried as why:
            verdict.untried = str(why)
        except TimeoutError:
            verdict.broken.append(f"no end within {trial.bounds.seconds:g} s: the server neither reads nor answers")
        except Exception as error:  # a slip of the fault says nothing of the server, and must hide no other verdict
            verdict.untried = f"the fault itself failed, which is a bug of netkit: {error!r}"
            verdict.failed = True
        return None

    def _cannot(self, fault: Fault) -> str:
        """Why a fault cannot be tried on this server; empty if it can."""
        if fault.process and self.subject is None:
            return "the process of the server is not known: --server-cmd or --pid"
        if fault.restarts and not (self.subject is not None and self.subject.ours):
            return "the server would have to be started again: --server-cmd"
        return ""

    def _judged(self, told: Told) -> list[str]:
        """What the bystanders have to complain of."""
        broken = [f"{each} (in all: {_counted(told)})" if not at else each for at, each in enumerate(told.trouble)]
        if told.p99 is not None and self.calm is not None and told.p99 > self.calm + self.plan.bounds.slower:
            broken.append(
                f"the bystanders' 99th percentile is {1000 * told.p99:.0f} ms, and was {1000 * self.calm:.1f} ms before"
            )
        return broken

    async def _recover(self, fault: Fault, trial: Trial, verdict: Verdict) -> None:
        """See what holds again after a fault."""
        if self.subject is not None and (gone := self.subject.gone()):
            verdict.broken.append(gone)
            return
        if broken := await lets_in(self._trial(fault, verdict.round, "afterwards")):
            await asyncio.sleep(DYING)
            gone = self.subject.gone() if self.subject is not None else ""
            verdict.broken += [*broken, gone] if gone else broken
        # One that is broken already, or was started anew, has no level to come back to.
        if self.subject is None or trial.before is None or fault.restarts or verdict.broken:
            return
        verdict.recovery, broken = await gives_back(self.subject, trial.before, self.plan.bounds)
        verdict.broken += broken
        if verdict.recovery is not None and verdict.recovery.grown > self.plan.bounds.memory:
            await self._grows_again(fault, self.subject, verdict)

    async def _grows_again(self, fault: Fault, subject: Subject, verdict: Verdict) -> None:
        """See whether memory is lost, or kept by an allocator that will use it again: by doing the same a few times.

        What is lost is lost each time, and the peak of what is needed at once is not higher each time.
        """
        first = verdict.recovery
        assert first is not None
        levels = [first.before.memory, first.after.memory]
        enough = max(self.plan.bounds.memory, first.grown) / 2
        level = first.after
        for _ in range(AGAIN):
            trial = self._trial(fault, verdict.round)
            await self.bystanders.talk()
            await self._attempt(fault, trial, verdict)
            await self.bystanders.settle(self.plan.bounds.settling, fault.lossy)
            await trial.close()
            again, _ = await gives_back(subject, level, self.plan.bounds)
            if again is None:
                verdict.broken.append(subject.gone() or "the server has ended")
                return
            levels.append(again.after.memory)
            level = again.after
            if again.grown <= enough:
                verdict.seen += f"; it held {' → '.join(map(mebibytes, levels))}, each time that this was done"
                return
        verdict.broken.append(
            f"it loses memory: it held {' → '.join(map(mebibytes, levels))}, each time that this was done"
        )

    def _repeat(self, verdict: Verdict, peer: Peer | None) -> Repeat:
        """How to see it again."""
        plan, usual = self.plan, Bounds()
        words = ["netkit", "torture", str(plan.endpoint), "--service", plan.service, "--only", verdict.fault]
        words += ["--seed", str(plan.seed)]
        words += ["--repeat", str(verdict.round)] if verdict.round > 1 else []  # each is a different one
        for option, given, default in (
            ("--connections", plan.bounds.connections, usual.connections),
            ("--seconds", plan.bounds.seconds, usual.seconds),
            ("--watch", plan.bounds.watched, usual.watched),
            ("--slower", plan.bounds.slower * 1000, usual.slower * 1000),
            ("--memory", plan.bounds.memory / 1024 / 1024, usual.memory / 1024 / 1024),
        ):
            words += [option, f"{given:g}"] if given != default else []
        words += ["--server-cmd", plan.command] if plan.command else ["--pid", str(plan.pid)] if plan.pid else []
        words += ["--i-own-this-host"] if plan.foreign else []
        command = shlex.join(words)
        if peer is None:
            return Repeat(command)
        return Repeat(command, peer.sent.bytes, peer.sent.hexdump(), peer.sent.literal())

    async def _again(self, verdict: Verdict) -> str:
        """Make all as it was for the next fault. Why that cannot be; empty if it can."""
        if verdict.untried:
            return ""
        subject = self.subject
        if subject is not None and subject.ours and (verdict.broken or subject.gone()):
            # A broken server gets a fresh start, so that one fault does not answer for another.
            await self.bystanders.leave()
            subject.stop()
            try:
                await subject.start()
            except NotServing as why:
                return str(why)
            return await self.bystanders.come()
        if subject is not None and (gone := subject.gone()):
            return gone
        left = verdict.bystanders is None or verdict.bystanders.kinds
        return await self.bystanders.come() if left else ""


def _counted(told: Told) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(told.kinds.items()))
