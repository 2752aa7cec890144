"""Hold servers against each other under one load, by the CPU time that a message costs the server.

    compare.py echo [--conns 50 --size 1024 --depth 1]                       NAME='COMMAND {port}' ...
    compare.py fan  [--clients 100 --senders 20 --size 64 --window 4]        NAME='COMMAND {port}' ...
    compare.py idle [--conns 2000]                                           NAME='COMMAND {port}' ...

A round starts every server afresh, in an order that changes from round to round, and pins the server to one core and
the load to another. A figure is the median over the rounds, a ratio the median of the ratios to the first server within
each round. A server that drops, corrupts or stalls fails, and so does the run.

``idle`` opens connections, sends a line on each, waits until the server has come to rest, and gives the resident
memory that each one costs. The load programs are in C (``load/``): a C compiler, ``cc``, is needed, and Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOAD = Path(__file__).resolve().parent / "load"

#: Seconds for a server to listen, and for one round of load.
START = 10.0
ROUND = 60.0

#: The CPU clock of another process, see clock_getcpuclockid(3) on Linux.
CPU_CLOCK = 2


def built(name: str, folder: Path) -> str:
    """Compile a load program."""
    binary = folder / name
    if not binary.exists():
        subprocess.run(["cc", "-O2", "-w", "-o", str(binary), str(LOAD / f"{name}.c")], check=True)
    return str(binary)


def pinned(core: int) -> Callable[[], None] | None:
    """What pins a child to one of the cores we may use, counted from 0. None where there is but one."""
    cores = sorted(os.sched_getaffinity(0))
    return (lambda: os.sched_setaffinity(0, {cores[core % len(cores)]})) if len(cores) > 1 else None


@contextmanager
def serving(command: str) -> Iterator[tuple[int, int]]:
    """A server that listens: its process and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    server = subprocess.Popen(
        shlex.split(command.replace("{port}", str(port))),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=pinned(0),
        start_new_session=True,
    )
    try:
        until = time.monotonic() + START
        while True:
            if server.poll() is not None:
                raise RuntimeError(f"exited with {server.returncode} before it listened")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise RuntimeError(f"did not listen within {START:g} s") from None
                time.sleep(0.05)
        at_rest(server.pid)
        yield server.pid, port
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(server.pid, number)
                server.wait(5)
                break
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                break


def at_rest(pid: int) -> None:
    """Wait until a process has used no CPU for a quarter of a second."""
    before = -1
    while (used := time.clock_gettime_ns((~pid << 3) | CPU_CLOCK)) - before > 1_000_000:
        before = used
        time.sleep(0.25)


def resident_kib(pid: int) -> int:
    """The resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS in /proc")


def idle(args: argparse.Namespace, pid: int, port: int) -> float:
    """KiB for each connection."""
    conns: int = args.conns
    before = resident_kib(pid)
    with ExitStack() as held:
        for _ in range(conns):
            sock = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=START))
            sock.sendall(b"x\n")
        at_rest(pid)
        return (resident_kib(pid) - before) / conns


def load(args: argparse.Namespace, pid: int, port: int, folder: Path) -> float:
    """Microseconds of CPU for each message."""
    if args.load == "echo":
        parts = [port, args.conns, args.size, args.depth, args.seconds, pid]
    else:
        parts = [port, args.clients, args.senders, args.size, args.window, args.seconds, pid]
    command = [built(f"{args.load}_load", folder), *map(str, parts)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=ROUND, preexec_fn=pinned(1), check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"the load exited with {done.returncode}")
    return float(done.stdout.split()[1])


def measure(args: argparse.Namespace, folder: Path) -> dict[str, list[float | None]]:
    """A figure for each server and round; None where it failed."""
    figures: dict[str, list[float | None]] = {name: [] for name in args.servers}
    for number in range(args.rounds):
        order = list(args.servers)
        random.Random(number).shuffle(order)
        for name in order:
            figure = None
            try:
                with serving(args.servers[name]) as (pid, port):
                    figure = idle(args, pid, port) if args.load == "idle" else load(args, pid, port, folder)
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as why:
                print(f"round {number + 1}: {name} FAILED: {why}", file=sys.stderr)
            figures[name].append(figure)
    return figures


def table(figures: dict[str, list[float | None]], unit: str) -> str:
    """The medians, the least, and the ratios to the first server."""
    rows = [f"{'server':28} {unit:>11} {'least':>9} {'ratio':>7}"]
    base = next(iter(figures.values()))
    for name, values in figures.items():
        good = [value for value in values if value is not None]
        if len(good) < len(values):
            rows.append(f"{name:28} FAILED in {len(values) - len(good)} of {len(values)} rounds")
            continue
        ratios = [value / first for value, first in zip(good, base, strict=True) if first]
        ratio = f"{statistics.median(ratios):7.3f}" if ratios else f"{'-':>7}"
        rows.append(f"{name:28} {statistics.median(good):11.3f} {min(good):9.3f} {ratio}")
    return "\n".join(rows)


def parsed() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load", choices=["echo", "fan", "idle"])
    parser.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    for name, default in (("conns", 0), ("size", 0), ("depth", 1), ("clients", 100), ("senders", 20), ("window", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--raw", type=Path, help="keep every round's figure in this file, as JSON")
    args = parser.parse_args()
    args.conns = args.conns or {"echo": 50, "idle": 2000, "fan": 0}[args.load]
    args.size = args.size or {"echo": 1024, "idle": 0, "fan": 64}[args.load]
    args.servers = dict(each.split("=", 1) for each in args.servers)
    return args


def main() -> int:
    """Measure, print, and exit with 1 if a server failed."""
    args = parsed()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(args, Path(folder))
    print(table(figures, "KiB/conn" if args.load == "idle" else "cpu us/msg"))
    if args.raw:
        args.raw.write_text(json.dumps({"asked": vars(args), "figures": figures}, default=str, indent=1) + "\n")
    return int(any(value is None for values in figures.values() for value in values))


if __name__ == "__main__":
    sys.exit(main())
