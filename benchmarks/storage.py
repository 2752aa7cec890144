"""What ``--state`` costs and can lose, measured here.

usage: python benchmarks/storage.py [--kills N]

Four figures: what a line costs the event loop, and the thread that writes; whether that one keeps up with a steady rate
beside a thread that computes all the time; how long a large state takes to open; and how old a line was at most that
``kill -9`` took. The disk is the one that temporary files are on.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from netkit import storage
from netkit.services.chat.records import Lines, Reserved, Said

TEXT = "a line of some sixty characters, as people write them by hand"
RATE, SECONDS = 50_000, 4.0
ROOMS, LINES = 1000, 200

#: Run until it is killed: puts a line every half a millisecond, and prints the time of each once that is done.
TALKER = f"""
import sys, time
from pathlib import Path
from netkit import storage
from netkit.services.chat.records import Reserved, Said
kept, _ = storage.open(Path(sys.argv[1]))
reserved = 0
for number in range(1, 1000000):
    kept.put(Said("#room", number, "ann", {TEXT!r}))
    if reserved - number < 512:
        reserved = number + 1024
        kept.put(Reserved("#room", reserved))
    print(number, time.monotonic(), flush=True)
    time.sleep(0.0005)
"""

#: A line that was written to its end.
WHOLE = re.compile(r"[0-9]+ [0-9.]+\n").fullmatch


def main() -> None:
    """Measure, and print a line for each figure."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--kills", type=int, default=10, metavar="N", help="how often a server is killed (10)")
    kills = options.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        print(putting(Path(folder) / "putting"))
        print(keeping_up(Path(folder) / "busy"))
        print(opening(Path(folder) / "large"))
        print(killing(Path(folder) / "killed", kills))


def putting(directory: Path) -> str:
    """What a line costs who puts it, while the thread that writes is at work."""
    kept, _ = storage.open(directory)
    lines = [Said("#room", number, "ann", TEXT) for number in range(50_000)]
    with kept:
        began, used, before = time.perf_counter(), time.thread_time(), time.process_time()
        for line in lines:
            kept.put(line)
        put = time.thread_time() - used
        kept.recall(Lines("#room", 0, 1)).result()
        written = time.process_time() - before - put
        took = time.perf_counter() - began
    each = 1e6 / len(lines)
    return (
        f"a line takes {put * each:.1f} us of processor to be put, and {written * each:.1f} us to be written; "
        f"{len(lines):,} at once are written after {took:.2f} s, {kept.dropped} left out"
    )


def keeping_up(directory: Path) -> str:
    """Lines at a steady rate, put by a thread that never rests, as a loop that is busy all the time."""
    kept, _ = storage.open(directory)
    with kept:
        began = time.monotonic()
        put = 0
        while (now := time.monotonic() - began) < SECONDS:
            while put < now * RATE:
                kept.put(Said(f"#room{put % 50}", put // 50 + 1, "ann", TEXT))
                put += 1
        rate, ended = put / now, time.monotonic()
        kept.recall(Lines("#room", 0, 1)).result()
        behind = time.monotonic() - ended
    return f"a busy loop: {rate:,.0f} lines/s for {SECONDS:g} s, {kept.dropped} left out, {behind * 1e3:.0f} ms behind"


def opening(directory: Path) -> str:
    """A large state."""
    kept, _ = storage.open(directory, bound=1 << 30)
    with kept:
        for room in range(ROOMS):
            kept.put(Reserved(f"#room{room}", LINES))
            for number in range(1, LINES + 1):
                kept.put(Said(f"#room{room}", number, "ann", TEXT))
    size = kept.path.stat().st_size >> 20
    began = time.perf_counter()
    kept, found = storage.open(directory)
    took = time.perf_counter() - began
    kept.close()
    given = sum(len(room.lines) for room in found.rooms)
    return f"opening {ROOMS:,} rooms with {ROOMS * LINES:,} lines, {size} MiB: {took:.2f} s, {given:,} lines given"


def killing(directory: Path, kills: int) -> str:
    """Kill servers in the middle of a talk, and tell how old the oldest line was that is gone."""
    oldest, again = 0.0, 0
    for kill in range(kills):
        state = directory / str(kill)
        with subprocess.Popen([sys.executable, "-c", TALKER, state], stdout=subprocess.PIPE, text=True) as talker:
            assert talker.stdout is not None
            said = [talker.stdout.readline() for _ in range(500 + 17 * kill)]
            talker.kill()
            killed = time.monotonic()
            said += talker.stdout
        kept, found = storage.open(state)
        kept.close()
        (room,) = found.rooms
        last = room.lines[-1].number
        times = {int(number): float(when) for number, when in map(str.split, filter(WHOLE, said))}
        lost = [when for number, when in times.items() if number > last]
        oldest = max(oldest, killed - min(lost, default=killed))
        again += max(times) > room.number
    return f"kill -9, {kills} times: the oldest line lost was {oldest * 1e3:.0f} ms old, numbers in use again: {again}"


if __name__ == "__main__":
    main()
