"""What a second worker brings: the same server with one process and with several, in turns, under one load.

usage: python benchmarks/workers/measure.py [--rounds 6] [--workers 2] [--connections 128] [--size 64]
       python benchmarks/workers/measure.py --write         the table of the README, from the results that are kept

Each round starts every server afresh, in random order, once with one process and once with several. The two then take
turns, a fifth of a second each, while the other is silent: a machine that is shared changes its speed within seconds.
Nothing is pinned. A pass counts if the one process or its load was busy all the time, and if others left most of the
machine to the several and theirs: what they took makes the ratio smaller, and never larger. The raw values of all are
kept in ``results.json``. Needs Linux, a C compiler and psutil.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import psutil

from netkit.bench.machine import Cores, Ticks, facts

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
README = HERE.parent / "README.md"
MARKS = "<!-- workers -->", "<!-- end of workers -->"

PATIENCE = 60.0  # seconds for one load
LISTENING, READY = (
    "listening on tcp://127.0.0.1:",
    "service ",
)  # how the lines of a server begin that says that it serves

PYTHON = sys.executable
SERVE = (PYTHON, "-m", "netkit", "serve", "--listen", "0", "--workers", "{count}")
PAIR = (PYTHON, str(HERE / "pair.py"))

#: glibc asks the kernel for each buffer above 128 KiB, and gives it back, until it has freed one that was larger: with
#: asyncio's buffer of 256 KiB that doubles the cost of a message, in some processes and not in others. Here in none.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "2097152"}

#: What is measured, each with one process and with several.
ARMS: dict[str, tuple[str, ...]] = {
    "echo, streams on asyncio": (*SERVE, "--service", "echo", "--layer", "streams", "--loop", "asyncio"),
    "echo, streams on uvloop": (*SERVE, "--service", "echo", "--layer", "streams", "--loop", "uvloop"),
    "echo, protocols on uvloop": (*SERVE, "--service", "echo", "--layer", "protocols", "--loop", "uvloop"),
    "bare streams on asyncio": (*PAIR, "streams", "asyncio", "{count}"),
    "bare protocols on uvloop": (*PAIR, "protocols", "uvloop", "{count}"),
    "digest, streams on uvloop": (*SERVE, "--service", "digest:Digest", "--layer", "streams", "--loop", "uvloop"),
}

#: How busy one process or its load must be, so that its rate is the most that these two reach on two cores.
BUSY = 0.85

#: The share of the machine that others may take from several processes and their load. Generous, as it is against us.
OTHERS = 0.4

#: Passes that must be left of a round.
LEAST = 3

#: One slice: seconds, messages, CPU seconds of the load, and of each process that serves; and the share of the machine
#: that others had, or the hypervisor kept.
Slice: TypeAlias = dict[str, Any]


def rate(found: Slice) -> float:
    """Messages per second of wall clock."""
    return float(found["messages"] / found["seconds"])


def capacity(found: Slice) -> float:
    """The same if the busiest process had a core for itself all the time, and the load was elsewhere."""
    return float(found["messages"] / max(found["cpu"]))


def busy(found: Slice) -> float:
    """The share of the time in which the busiest process ran, or the load did."""
    return float(max(*found["cpu"], found["load_cpu"]) / found["seconds"])


def cost(found: Slice) -> float:
    """Microseconds of CPU of all that serve, for a message."""
    return float(sum(found["cpu"]) / found["messages"] * 1e6)


def load_cost(found: Slice) -> float:
    """The same of the load."""
    return float(found["load_cpu"] / found["messages"] * 1e6)


# Measuring.


@contextmanager
def running(command: Sequence[str]) -> Iterator[tuple[list[psutil.Process], int]]:
    """The processes that serve, once they do, and their port."""
    program = subprocess.Popen(
        command, cwd=HERE, env=os.environ | ALLOCATOR, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        assert program.stderr is not None
        where, ready = program.stderr.readline(), program.stderr.readline()
        if not (where.startswith(LISTENING) and ready.startswith(READY)):
            raise SystemExit(f"{' '.join(command)} did not start: {where}{ready}".rstrip())
        process = psutil.Process(program.pid)
        yield process.children() or [process], int(where.removeprefix(LISTENING))
    finally:
        program.terminate()
        program.wait(PATIENCE)
        if program.stderr is not None:
            program.stderr.close()


class Load:
    """The load on one server, which is silent until it is asked for a slice."""

    def __init__(self, binary: Path, servers: list[psutil.Process], port: int, asked: argparse.Namespace) -> None:
        arguments = (port, asked.connections, asked.size, asked.seconds, *(each.pid for each in servers))
        self.process = subprocess.Popen(
            [binary, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        # As clock_getcpuclockid(3) makes them: in nanoseconds, and of all threads.
        self.clocks = [(~pid << 3) | 2 for pid in (self.process.pid, *(each.pid for each in servers))]

    def slice(self) -> Slice:
        """Measure for a moment."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        before = Ticks.read(None), self._ours()
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().split()
        after = Ticks.read(None), self._ours()
        if not line:
            raise SystemExit("the load failed")
        seconds, messages, load_cpu, *cpu = map(float, line)
        ticks = after[0].total - before[0].total
        ours = (after[1] - before[1]) * os.sysconf("SC_CLK_TCK")
        others = after[0].busy - before[0].busy - ours + after[0].steal - before[0].steal
        return {
            "seconds": seconds,
            "messages": int(messages),
            "load_cpu": load_cpu,
            "cpu": cpu,
            "others": round(max(0.0, others / ticks), 3),
        }

    def _ours(self) -> float:
        """CPU seconds of the load and of what it is for."""
        return sum(time.clock_gettime(clock) for clock in self.clocks)

    def close(self) -> None:
        """Let it end."""
        self.process.communicate(timeout=PATIENCE)


def held(servers: list[psutil.Process]) -> list[int]:
    """How many connections each process has."""
    return [sum(each.status == "ESTABLISHED" for each in server.net_connections("tcp")) for server in servers]


def compare(arm: str, binary: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """One round of one server: once with one process, once with several, in turns."""
    counts = (1, asked.workers)
    with ExitStack() as stack:
        loads: dict[int, Load] = {}
        connections: dict[str, list[int]] = {}
        for count in counts:
            servers, port = stack.enter_context(running([part.format(count=count) for part in ARMS[arm]]))
            loads[count] = Load(binary, servers, port, asked)
            stack.callback(loads[count].close)
            loads[count].slice()  # a warm-up, after which all connections are there
            connections[str(count)] = held(servers)
        passes = []
        for _ in range(asked.passes):
            order = random.sample(counts, len(counts))
            passes.append({str(count): loads[count].slice() for count in order})
    return {"arm": arm, "connections": connections, "passes": passes, "load_average": os.getloadavg()[0]}


def build(folder: Path) -> Path:
    """The load, compiled."""
    made = folder / "load"
    command = ("cc", "-O2", "-Wall", "-Wextra", "-o", str(made), str(HERE / "load.c"))
    if subprocess.run(command, check=False).returncode:
        raise SystemExit("cannot build load.c")
    return made


def measure(asked: argparse.Namespace) -> None:
    """Every round, kept as soon as it is there."""
    result: dict[str, Any] = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", "benchmarks/workers/measure.py", *sys.argv[1:]]),
        "machine": facts(Cores(None, None)),
        "connections": asked.connections,
        "size": asked.size,
        "workers": asked.workers,
        "passes": asked.passes,
        "nice": os.nice(0),
        "rounds": [],
    }
    arms = asked.only or list(ARMS)
    with tempfile.TemporaryDirectory() as folder:
        binary = build(Path(folder))
        for number in range(asked.rounds):
            random.shuffle(arms)
            this = []
            for arm in arms:
                this.append(compare(arm, binary, asked))
                left = len(kept(this[-1]))
                said = f"{ratio(this[-1], rate):.2f} from {left} passes" if left >= LEAST else "spoilt"
                print(f"round {number + 1}, {arm}: {said}", file=sys.stderr)
                time.sleep(asked.pause)
            result["rounds"].append(this)
            asked.json.write_text(json.dumps(result, separators=(",", ":")) + "\n")


# Telling.


def ratio(found: dict[str, Any], figure: Callable[[Slice], float]) -> float:
    """Of several processes to one: the median over the passes of a round, each of which is a pair."""
    several = max(found["connections"], key=int)
    return median(figure(each[several]) / figure(each["1"]) for each in kept(found))


def kept(found: dict[str, Any]) -> list[dict[str, Slice]]:
    """The passes of a round that count."""
    several = max(found["connections"], key=int)
    return [each for each in found["passes"] if busy(each["1"]) >= BUSY and each[several]["others"] <= OTHERS]


def over(rounds: list[dict[str, Any]], count: int, figure: Callable[[Slice], float]) -> float:
    """The median of a figure over all slices."""
    return median(figure(each[str(count)]) for found in rounds for each in kept(found))


def ceiling(found: dict[str, Any], cores: int, count: int) -> float:
    """The ratio that these costs allow: one process is bound by its own core, several share all with their load."""
    several = str(count)
    return median(
        min(count, cores * cost(each["1"]) / (cost(each[several]) + load_cost(each[several]))) for each in kept(found)
    )


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median, and the least and the most of all rounds."""
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def row(result: dict[str, Any], arm: str) -> str:
    """What further processes brought to one server."""
    count = result["workers"]
    rounds = [found for this in result["rounds"] for found in this if found["arm"] == arm and len(kept(found)) >= LEAST]
    if not rounds:
        return f"| {arm} | nothing can be told: all rounds were spoilt |"
    fullest = [max(own) * len(own) / sum(own) for own in (found["connections"][str(count)] for found in rounds)]
    cells = (
        arm,
        f"{over(rounds, 1, rate):,.0f}",
        f"{over(rounds, count, rate):,.0f}",
        f"**{spread([ratio(found, rate) for found in rounds])}**",
        f"{median(ceiling(found, result['machine']['cores'], count) for found in rounds):.2f}",
        f"{over(rounds, 1, cost):.1f}, {over(rounds, count, cost):.1f}",
        f"{over(rounds, count, load_cost):.1f}",
        f"**{spread([ratio(found, capacity) for found in rounds])}**",
        spread(fullest),
        str(len(rounds)),
    )
    return f"| {' | '.join(cells)} |"


def table(result: dict[str, Any]) -> str:
    """All of it, for the README."""
    count, machine = result["workers"], result["machine"]
    heads = (
        "server",
        "messages/s, 1 process",
        f"{count} processes",
        "ratio",
        "at most here",
        f"CPU us/message, 1 and {count}",
        "load's",
        "ratio of capacities",
        "fullest process",
        "rounds",
    )
    when = datetime.fromisoformat(result["started"])
    everything = [found for this in result["rounds"] for found in this]
    passes = sum(len(found["passes"]) for found in everything)
    lost = passes - sum(len(kept(found)) for found in everything)
    averages = [found["load_average"] for found in everything]
    about = (
        f"{result['size']} B, {result['connections']} connections, one message under way on each. The median round, "
        f"and the least and the most; {lost} of {passes} passes left out.",
        f"{when.day} {when:%B %Y, %H:%M} UTC: [raw values](workers/results.json). {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['kernel']}, {machine['python']}, uvloop {machine['uvloop']}; load average "
        f"{min(averages):.1f} to {max(averages):.1f}, nice {result['nice']}.",
    )
    lines = [f"    {result['command']}", "", f"| {' | '.join(heads)} |", f"| --- {'| ---: ' * (len(heads) - 1)}|"]
    measured = {found["arm"] for found in everything}
    return "\n".join([*lines, *(row(result, arm) for arm in ARMS if arm in measured), "", *about])


def written() -> str:
    """The README as it should be."""
    before, _, rest = README.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n\n{table(json.loads(RESULTS.read_text()))}\n\n{MARKS[1]}{after}"


def main() -> None:
    """Measure, or write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--passes", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=0.2, help="of a slice")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two servers, for others")
    parser.add_argument("--only", choices=ARMS, action="append", help="servers, where not all")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the raw values are kept")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    if asked.write:
        README.write_text(written())
    else:
        measure(asked)
        print(table(json.loads(asked.json.read_text())))


if __name__ == "__main__":
    main()
