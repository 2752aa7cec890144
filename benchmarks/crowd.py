"""What a crowd costs a chat: processor time for each who comes in, and memory for each who is there and silent.

    python benchmarks/crowd.py                       # 10,000 on protocols with uvloop
    python benchmarks/crowd.py --people 5000 --layer streams --loop asyncio

Everybody comes as fast as they can connect, from this process, over loopback, and then says nothing. The server's
figures are its own: user and system time, and resident memory once it has come to rest, above the empty server.
"""

from __future__ import annotations

import argparse
import json
import resource
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

#: Seconds between two looks at the server, and how many of them without work mean that it rests.
LOOK = 0.25
RESTING = 4

READ_SIZE = 64 * 1024


@contextmanager
def serving(layer: str, loop: str, people: int) -> Iterator[tuple[psutil.Process, int]]:
    """A chat with room for so many, its process and its port."""
    command = [sys.executable, "-m", "netkit", "serve", "--layer", layer, "--loop", loop, "--listen", "0"]
    server = subprocess.Popen([*command, "--connections", str(people)], stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        yield psutil.Process(server.pid), int(server.stderr.readline().rpartition(":")[2])
    finally:
        server.terminate()
        server.communicate()


def used(process: psutil.Process) -> float:
    """Seconds of processor time so far."""
    times = process.cpu_times()
    return times.user + times.system


def rested(process: psutil.Process, poll: select.epoll, crowd: dict[int, socket.socket]) -> None:
    """Read all that comes, until the server has nothing to do any more."""
    quiet, before = 0, used(process)
    while quiet < RESTING:
        until = time.monotonic() + LOOK
        while (left := until - time.monotonic()) > 0:
            for fd, _ in poll.poll(left):
                crowd[fd].recv(READ_SIZE)
        now = used(process)
        quiet = quiet + 1 if now - before < 0.01 else 0
        before = now


def measure(layer: str, loop: str, people: int) -> tuple[float, float]:
    """One round: microseconds of processor time for each who comes in, and bytes for each who is there."""
    with serving(layer, loop, people) as (process, port), select.epoll() as poll:
        crowd: dict[int, socket.socket] = {}
        rested(process, poll, crowd)
        memory, begun = process.memory_info().rss, used(process)
        for _ in range(people):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.setblocking(False)
            crowd[sock.fileno()] = sock
            poll.register(sock, select.EPOLLIN)
        rested(process, poll, crowd)
        took, more = used(process) - begun, process.memory_info().rss - memory
        for sock in crowd.values():
            sock.close()
    return took / people * 1e6, more / people


def main() -> None:
    """Measure, and print each round and the medians as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--layer", default="protocols")
    parser.add_argument("--loop", default="uvloop")
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    rounds = [measure(asked.layer, asked.loop, asked.people) for _ in range(asked.rounds)]
    joins, sizes = zip(*rounds, strict=True)
    figures = {
        "people": asked.people,
        "server": f"{asked.layer} on {asked.loop}",
        "join_us": [round(each, 1) for each in joins],
        "join_us_median": round(statistics.median(joins), 1),
        "idle_bytes": [round(each) for each in sizes],
        "idle_mib_in_all_median": round(statistics.median(sizes) * asked.people / 2**20, 1),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
