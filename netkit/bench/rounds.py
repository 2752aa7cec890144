"""One cell: a fresh server and a fresh load, measured for a slice at a time, which give one sample."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Any, Self

from ..errors import BenchError
from ..processes.certificates import Certificates
from ..processes.guard import Guard
from ..processes.start import NotServing, undisturbed
from .arms import Arm
from .machine import Cores
from .results import Sample
from .scenario import Workload
from .serving import serving

#: Seconds that a load may take beyond what its workload lasts: to connect, to be checked, to wait for a stuck server.
PATIENCE = 60.0

#: Most bytes of padding in the environment of a server.
PADDING = 4096


class Cell:
    """One arm in one round. Use as a context manager: at its end both processes are gone.

    A server that does wrong is no error: the cell has failed, does nothing more, and its sample says why.
    """

    def __init__(self, bench: Bench, arm: Arm, workload: Workload) -> None:
        self.bench = bench
        self.arm = arm
        self.workload = workload
        self.failed = ""
        self.varied = {"hash_seed": bench.random.randrange(2**32), "padding": bench.random.randrange(PADDING)}
        self.seed = bench.random.randrange(2**32)

    def __enter__(self) -> Self:
        self.held = ExitStack()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.held.close()

    def start(self) -> None:
        """Start both, and warm up.

        Raises:
            BenchError: the load could not do its part; so with all that follows.
        """
        bench = self.bench
        certificates = bench.certificates if self.workload.tls else None
        self.load = self.held.enter_context(_load(bench.guard))  # it gets ready while the server does
        try:
            server = self.held.enter_context(
                serving(self.arm, self.workload, certificates, bench.cores.server, self.varied, bench.guard)
            )
        except NotServing as why:
            self.failed = str(why)
            return
        self._read(PATIENCE)  # "ready"
        self._ask(
            {
                "workload": self.workload.to_dict(),
                "caseless": bool(self.arm.service),
                "host": server.host,
                "port": server.port,
                "pid": server.pid,
                "ca": certificates.ca if certificates else "",
                "core": bench.cores.server,
                "load_core": bench.cores.load,
                "seed": self.seed,
            }
        )

    def slice(self, seconds: float) -> None:
        """Measure for so long."""
        self._ask({"slice": seconds})

    def end(self, keep: Collection[int]) -> Sample:
        """The sample that some slices give, by their numbers from 0. Nothing can be measured after it."""
        made = self._ask({"keep": sorted(keep)})
        return Sample(failed=self.failed, varied=self.varied, **made)

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Give the load an order, and wait for its answer; none where the cell has failed."""
        if self.failed:
            return {}
        assert self.load.stdin is not None
        with suppress(BrokenPipeError):  # its end is seen when it is read from
            self.load.stdin.write(json.dumps(order) + "\n")
            self.load.stdin.flush()
        answer: dict[str, Any] = self._read(self.workload.lasts + PATIENCE)
        if "unable" in answer:
            raise BenchError(f"{self.arm.label}: {answer['unable']}")
        self.failed = answer.pop("failed", "")
        return answer

    def _read(self, within: float) -> Any:
        stream = self.load.stdout
        assert stream is not None
        if not select.select([stream], [], [], within)[0]:
            raise BenchError(f"{self.arm.label}: the load gave no answer within {within:.0f} s")
        line = stream.readline()
        if not line:
            raise BenchError(f"{self.arm.label}: the load ended with {self.load.wait()}: its own words are above")
        return json.loads(line)


@dataclass(frozen=True, slots=True)
class Bench:
    """What all cells of a run share.

    Attributes:
        cores: which core does what.
        certificates: for TLS; None where nothing is encrypted.
        guard: ends the servers if we cannot.
        random: of what is varied from one process to the next.
    """

    cores: Cores
    certificates: Certificates | None
    guard: Guard
    random: Random

    def cell(self, arm: Arm, workload: Workload) -> Sample:
        """Measure one arm alone, once, for as long as the workload says.

        Raises:
            BenchError: the load could not do its part.
        """
        with Cell(self, arm, workload) as cell:
            cell.start()
            cell.slice(workload.seconds)
            return cell.end([0])


@contextmanager
def _load(guard: Guard) -> Iterator[subprocess.Popen[str]]:
    """A load that waits for its job."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    with undisturbed():
        process = subprocess.Popen(
            (sys.executable, "-m", "netkit.bench.load"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            start_new_session=True,  # a Ctrl-C is for the bench, which ends us
        )
        guard.tell(f"+{process.pid}")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        guard.tell(f"-{process.pid}")
