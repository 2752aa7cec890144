"""The supervisor: starts the workers, replaces those that die, says once what is served, and ends them all.

It runs on asyncio's own loop, whatever the workers run on: it has nothing to do but to wait for processes.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

from .. import loops
from ..errors import EndpointError, NetkitError, ServiceError, WorkerError
from ..server import Config, certificates, check
from .addresses import Addresses
from .backoff import Backoff, Restarts
from .channel import FAILED, READY
from .process import Starter, Worker

log = logging.getLogger(__name__)

#: Kinds of endpoints that sockets of several processes can share. Unix sockets have no SO_REUSEPORT. If one socket were
#: handed to all instead, the first worker that stops would take it from the others: the layers that accept by hand stop
#: by a shutdown of the socket itself, and asyncio since Python 3.13 removes its file.
SHARED = ("tcp", "tls", "udp")

#: Seconds in which a worker ends that is told to end at once, or whose grace is over, before it is killed.
PATIENCE = 5.0


def run(
    config: Config,
    count: int,
    command: Sequence[str],
    report: Callable[[str], None],
    rules: Backoff | None = None,
) -> None:
    """Serve with some workers until SIGTERM or SIGINT; a second signal ends them at once.

    Args:
        config: what each of them serves, and how. Each makes a service of its own, from ``service_name`` as a spec.
        count: how many workers.
        command: what starts a worker: a program and its arguments, see ``Starter``.
        report: gets the ready lines, one at a time, once all workers serve.
        rules: how long to wait before one is replaced.

    Raises:
        NetkitError: what a server without workers would raise, or this one is not for several processes.
        WorkerError: workers end again and again before they serve.
    """
    _check(config)
    loop_name, _ = loops.factory(config.loop)
    with ExitStack() as stack:
        development, context = certificates(config)
        ready = [f"service {config.service_name}, layer {config.layer}, loop {loop_name}, {count} workers"]
        if development is not None:
            stack.callback(development.remove)
            ready.append(f"throw-away TLS authority, for development only: {development.ca}")
        for endpoint in config.listen:
            check(endpoint, config.service, context)
        addresses = stack.enter_context(closing(Addresses(config.listen, config.limits.backlog)))

        def announce() -> None:
            for line in [*(f"listening on {endpoint}" for endpoint in addresses.endpoints), *ready]:
                report(line)

        starter = Starter(config, command, addresses, None if development is None else development.pem)
        runner = stack.enter_context(asyncio.Runner(loop_factory=asyncio.new_event_loop))
        runner.run(Supervisor(starter, count, announce, rules or Backoff()).run())


def _check(config: Config) -> None:
    """Refuse what several processes cannot serve, or not here."""
    if sys.platform != "linux":
        raise NetkitError("workers need Linux, which alone shares a port out evenly: leave --workers out")
    if not config.service.workers:
        raise ServiceError(_unshared(config.service_name))
    for endpoint in config.listen:
        if endpoint.scheme not in SHARED:
            raise EndpointError(f"{endpoint} cannot be shared by workers: give tcp://, tls:// or udp://")


def _unshared(spec: str) -> str:
    if ":" not in spec:
        return f"{spec} needs one process: in several, people would not meet; leave --workers out"
    return (
        f"{spec} does not say that several processes may serve it: set workers = True in its class if no connection "
        "has to know of another, or leave --workers out"
    )


class Supervisor:
    """Keeps some workers running until it is told to stop."""

    def __init__(self, starter: Starter, count: int, announce: Callable[[], None], rules: Backoff) -> None:
        """Prepare; ``run`` begins.

        Args:
            starter: starts a worker.
            count: how many there shall be.
            announce: is called once, when all of them serve for the first time.
            rules: how long to wait before one is replaced.
        """
        self.starter = starter
        self.count = count
        self.announce = announce
        self.rules = rules
        # Every process that was started and has not ended.
        self.workers: set[Worker] = set()
        # Whether all have served at the same time once.
        self.announced = False
        # Why it gives up, if it does.
        self.failure = ""
        self.stopping = asyncio.Event()
        # When those that have not ended are killed.
        self.overdue: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Begin, and wait for the end of all workers.

        Raises:
            WorkerError: it had to give up.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.signalled, number)
        await asyncio.gather(*(self.keep() for _ in range(self.count)))
        if self.failure:
            raise WorkerError(self.failure)

    # The life of the workers.

    async def keep(self) -> None:
        """One worker's place: whoever dies there is replaced."""
        restarts = Restarts(self.rules)
        while not self.stopping.is_set():
            death = await self.live()
            if self.stopping.is_set():
                return
            wait = restarts.died(death.served)
            if not self.announced and restarts.deaths >= self.rules.attempts:
                self.failure = self.failure or death.reason or str(death)
                self.stop()
                return
            self.tell("%s; another starts in %g s", death, wait)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self.stopping.wait()

    async def live(self) -> Death:
        """Start a worker, and wait for its end."""
        clock = asyncio.get_running_loop().time
        try:
            worker = await self.starter.start()
        except (OSError, NetkitError) as why:
            return Death(f"a worker cannot be started: {why}")
        self.workers.add(worker)
        try:
            if self.stopping.is_set():
                worker.stop()
            said = await worker.said()
            if said == READY:
                worker.ready_at = clock()
                self.ready(worker)
            status = await worker.ended()
        finally:
            self.workers.discard(worker)
            await worker.close()
        reason = said.removeprefix(FAILED).decode().rstrip() if said.startswith(FAILED) else ""
        return Death(reason, worker.pid, status, None if worker.ready_at is None else clock() - worker.ready_at)

    def ready(self, worker: Worker) -> None:
        """A worker serves. Is it the last that was missing?"""
        if self.announced:
            self.tell("worker %d serves in its place", worker.pid)
        elif not self.stopping.is_set() and sum(each.ready_at is not None for each in self.workers) == self.count:
            self.announced = True
            self.announce()

    def tell(self, message: str, *arguments: object) -> None:
        """Log what became of a worker. Before the ready lines it ends well, or in one line that tells it all."""
        log.log(logging.WARNING if self.announced else logging.INFO, message, *arguments)

    # How it ends.

    def signalled(self, number: signal.Signals) -> None:
        """SIGTERM or SIGINT came in."""
        if self.stopping.is_set():
            log.info("%s again: ending at once", number.name)
            self.abort()
        else:
            log.info("%s: stopping", number.name)
            self.stop()

    def stop(self) -> None:
        """Let all workers write out what is queued, and end."""
        self.stopping.set()
        for worker in self.workers:
            worker.stop()
        self.kill_after(self.starter.config.limits.grace + PATIENCE)

    def abort(self) -> None:
        """Let all workers end at once."""
        for worker in self.workers:
            worker.abort()
        self.kill_after(PATIENCE)

    def kill_after(self, seconds: float) -> None:
        """Wait no longer than this for workers that are stuck."""
        loop = asyncio.get_running_loop()
        if self.overdue is not None:
            if self.overdue.when() <= loop.time() + seconds:
                return
            self.overdue.cancel()
        self.overdue = loop.call_later(seconds, self.kill)

    def kill(self) -> None:
        """End whoever is left."""
        for worker in self.workers:
            log.warning("worker %d does not end: it is killed", worker.pid)
            worker.kill()


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended. ``str()`` tells it in a line.

    Attributes:
        reason: in the worker's own words, if it had any, or why there was none.
        pid: its process id; 0 if there was none.
        status: its exit status, or the signal that killed it as a negative number.
        served: seconds since it was ready; None if it never was.
    """

    reason: str
    pid: int = 0
    status: int = 0
    served: float | None = None

    def __str__(self) -> str:
        if not self.pid:
            return self.reason
        if self.status < 0:
            return f"worker {self.pid} was killed by {_name(-self.status)}"
        before = "" if self.served is not None else " before it served"
        return f"worker {self.pid} ended with status {self.status}{before}" + (
            f" ({self.reason})" if self.reason else ""
        )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # those for real time have no names
        return f"signal {number}"
