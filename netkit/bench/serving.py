"""The server of an arm, for as long as it is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..processes.certificates import Certificates
from ..processes.guard import Guard
from ..processes.start import end, environment, free_port, launch, listening
from .arms import Arm
from .machine import pinned
from .scenario import Workload


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens. ``pid`` is None where we did not start it."""

    host: str
    port: int
    pid: int | None


@contextmanager
def serving(
    arm: Arm,
    workload: Workload,
    certificates: Certificates | None,
    core: int | None,
    varied: Mapping[str, int],
    guard: Guard,
) -> Iterator[Running]:
    """A server of this arm for as long as the ``with`` block lasts.

    Args:
        arm: what to start, or what runs already.
        workload: what it is to serve.
        certificates: for TLS.
        core: to pin it to.
        varied: the seed of its hashes and bytes of padding in its environment, see ``results.Sample``.
        guard: is told of it.

    Raises:
        NotServing: it ended, or did not listen in time.
    """
    if arm.target:
        host, _, number = arm.target.rpartition(":")
        yield Running(host.strip("[]"), int(number), None)
        return
    port = free_port()
    argv = arm.argv(workload, port, certificates.cert if certificates else "", certificates.key if certificates else "")
    with tempfile.TemporaryFile() as errors:
        with pinned(core):
            process = launch(argv, _environment(varied), errors, guard)
        try:
            listening(process, port, errors.fileno())
            yield Running("127.0.0.1", port, process.pid)
        finally:
            end(process)
            guard.tell(f"-{process.pid}")


def _environment(varied: Mapping[str, int]) -> dict[str, str]:
    """Ours, with what is varied; what would configure a netkit server is left out."""
    kept = environment()
    kept["PYTHONHASHSEED"] = str(varied.get("hash_seed", 0))
    # Where the stack and the first allocations lie depends on how long the environment is (Mytkowicz et al., 2009).
    kept["NETKIT_BENCH_PADDING"] = "x" * varied.get("padding", 0)
    return kept
