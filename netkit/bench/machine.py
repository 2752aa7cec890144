"""Where it is measured: what the machine is, which of its cores are used, and how fast it is at this moment."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__

#: Steps of the fixed spin that tells how fast a core is now: about 10 ms.
SPIN = 200_000

#: A spin beside a busy neighbour that takes so much longer than one alone: the two cores are threads of one.
SHARED = 1.15

#: Libraries whose version may change a figure.
LIBRARIES = ("uvloop", "click", "trustme", "psutil", "hdrhistogram")


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core does what. None: nothing is pinned."""

    server: int | None
    load: int | None

    @classmethod
    def choose(cls, pin: bool) -> Cores:
        """The last core for the server and another one for the load, no thread of the same core if possible.

        Core 0 is left to the load: it often serves the machine's interrupts too.
        """
        allowed = _allowed()
        if not pin or len(allowed) < 2:
            return cls(None, None)
        server = allowed[-1]
        siblings = _siblings(server)
        apart = [core for core in allowed if core != server and core not in siblings]
        return cls(server, (apart or allowed)[0])


def _allowed() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _siblings(core: int) -> set[int]:
    """The hardware threads that share a core with this one, itself included."""
    found = {core}
    for part in _text(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").replace("\n", "").split(","):
        first, _, last = part.partition("-")
        if first.isdecimal():
            found.update(range(int(first), int(last or first) + 1))
    return found


def pin(core: int | None, pid: int = 0) -> None:
    """Keep a process, ours by default, on one core."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):
            os.sched_setaffinity(pid, {core})


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Keep us on one core for a while, and for good whatever is started meanwhile."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    pin(core)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def spin() -> float:
    """Microseconds of CPU time that a fixed amount of work takes now, on the core that we are on."""
    start = time.thread_time_ns()
    total = 0
    for step in range(SPIN):
        total ^= step
    return (time.thread_time_ns() - start) / 1000


def probe(core: int | None) -> float:
    """The same on a core, after which we may run anywhere again."""
    with pinned(core):
        return spin()


def shared(cores: Cores) -> float:
    """How much longer a spin on the server's core takes while the load's core spins too: 1.0 is no longer at all."""
    if cores.server is None or cores.load is None:
        return 1.0
    alone = min(probe(cores.server) for _ in range(3))
    code = f"import os\nos.sched_setaffinity(0, {{{cores.load}}})\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen((sys.executable, "-ISc", code), stdout=subprocess.PIPE) as neighbour:
        try:
            assert neighbour.stdout is not None
            neighbour.stdout.readline()
            return min(probe(cores.server) for _ in range(3)) / alone
        finally:
            neighbour.kill()


def raise_descriptors() -> int:
    """Raise the limit of open files to the hard limit, for us and our children, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return soft if soft != resource.RLIM_INFINITY else 2**31 - 1


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks of one core, or of all: what a hypervisor took, what interrupts took, all in which it worked, and all."""

    steal: int
    softirq: int
    busy: int
    total: int

    @classmethod
    def read(cls, core: int | None) -> Ticks:
        """Read them now; zeros where there is no ``/proc/stat``."""
        name = "cpu" if core is None else f"cpu{core}"
        for line in _text("/proc/stat").splitlines():
            if line.startswith(f"{name} "):
                user, nice, system, idle, iowait, irq, softirq, steal = (int(each) for each in line.split()[1:9])
                busy = user + nice + system + irq + softirq
                return cls(steal, softirq, busy, busy + idle + iowait + steal)
        return cls(0, 0, 0, 0)

    @staticmethod
    def shares(pairs: Iterable[tuple[Ticks, Ticks]]) -> dict[str, float]:
        """The shares of ``steal``, ``softirq`` and ``busy`` between the two readings of each pair, over all of them."""
        held = list(pairs)
        total = max(1, sum(after.total - before.total for before, after in held))
        return {
            name: sum(getattr(after, name) - getattr(before, name) for before, after in held) / total
            for name in ("steal", "softirq", "busy")
        }


def facts(cores: Cores) -> dict[str, Any]:
    """What a figure depends on, as it stands in a result file."""
    found: dict[str, Any] = {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "cores used": "not pinned" if cores.server is None else f"server {cores.server}, load {cores.load}",
        "core sharing": round(shared(cores), 3),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "hypervisor": "yes" if " hypervisor" in _text("/proc/cpuinfo") else "none seen",
        "governor": _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip() or "not told",
        "clock": _text("/sys/devices/system/clocksource/clocksource0/current_clocksource").strip() or "not told",
        "accounting": _accounting(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "netkit": __version__,
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "load average": " ".join(f"{each:.2f}" for each in os.getloadavg()),
    }
    return found | dict(_versions(LIBRARIES))


def _versions(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    from importlib import metadata  # here and not above: a load, which needs none, starts a sixth sooner

    for name in names:
        with suppress(metadata.PackageNotFoundError):
            yield name, metadata.version(name)


def _cpu_model() -> str:
    for line in _text("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _accounting() -> str:
    """How the kernel accounts CPU time: with interrupts accounted apart, a message looks cheaper than without."""
    text = ""
    with suppress(OSError, ImportError, EOFError):
        import gzip

        text = gzip.decompress(Path("/proc/config.gz").read_bytes()).decode()
    text = text or _text(f"/boot/config-{platform.release()}")
    if not text:
        return "not told"
    wanted = ("TICK_CPU_ACCOUNTING", "VIRT_CPU_ACCOUNTING_GEN", "IRQ_TIME_ACCOUNTING", "PARAVIRT_TIME_ACCOUNTING")
    return " ".join(name for name in wanted if f"CONFIG_{name}=y" in text) or "none of the known kinds"


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeError):
        return ""
