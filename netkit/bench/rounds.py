"""One cell: a fresh server, a fresh load, one sample."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from ..errors import BenchError
from .arms import Arm
from .machine import Cores
from .results import Sample
from .scenario import Workload
from .serving import Certificates, Guard, NotServing, serving, undisturbed

#: Seconds that a load may take beyond what its workload lasts: to connect, to be checked, to wait for a stuck server.
PATIENCE = 60.0

#: Most bytes of padding in the environment of a server.
PADDING = 4096


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
        """Measure one arm once. A server that does wrong is a sample that says so.

        Raises:
            BenchError: the load itself could not do its part.
        """
        varied = {"hash_seed": self.random.randrange(2**32), "padding": self.random.randrange(PADDING)}
        certificates = self.certificates if workload.tls else None
        with _load(self.guard) as load:  # it gets ready while the server does
            try:
                with serving(arm, workload, certificates, self.cores.server, varied, self.guard) as server:
                    job = {
                        "workload": workload.to_dict(),
                        "host": server.host,
                        "port": server.port,
                        "pid": server.pid,
                        "ca": certificates.ca if certificates else "",
                        "core": self.cores.server,
                        "load_core": self.cores.load,
                        "seed": self.random.randrange(2**32),
                    }
                    answer = _ask(load, job, workload.lasts + PATIENCE)
            except NotServing as why:
                return Sample(failed=str(why), varied=varied)
        if "unable" in answer:
            raise BenchError(f"{arm.label}: {answer['unable']}")
        return Sample(**answer, varied=varied)


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


def _ask(load: subprocess.Popen[str], job: dict[str, Any], within: float) -> dict[str, Any]:
    """Hand a job to a load, and wait for what it gives.

    Raises:
        BenchError: it ended or hung.
    """
    assert load.stdin is not None
    assert load.stdout is not None
    until = time.monotonic() + within
    try:
        load.stdin.write(json.dumps(job) + "\n")
        load.stdin.flush()
    except BrokenPipeError:
        raise BenchError("the load ended before it began") from None
    line = load.stdout.readline()  # "ready", which it says at once or never
    if line:
        if not select.select([load.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
            raise BenchError(f"the load did not end within {within:.0f} s")
        line = load.stdout.readline()
    if not line:
        raise BenchError(f"the load ended with {load.wait()} and no result: its own words are above")
    answer: dict[str, Any] = json.loads(line)
    return answer
