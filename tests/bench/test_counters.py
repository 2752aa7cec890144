"""Instructions: counted where the machine counts them, and nothing at all where it does not."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netkit.bench.counters import Instructions

pytestmark = pytest.mark.alone  # it measures, and nothing else may run beside it

SPIN = "print(flush=True)\nfor line in iter(input, ''):\n    sum(range(1_000_000))\n    print(flush=True)"


@contextmanager
def spinning() -> Iterator[subprocess.Popen[str]]:
    """A process that adds up a million numbers for each line that it reads."""
    with subprocess.Popen(
        (sys.executable, "-ISc", SPIN), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            answer(process)
            yield process
        finally:
            process.kill()


def answer(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    process.stdout.readline()


class Kernel:
    """Stands for the C library: counts nothing, and keeps what it was asked. A pipe is each counter."""

    def __init__(self, counts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts = counts
        self.asked: list[tuple[int, bytes, int, int, int, int]] = []
        self.ours: list[int] = []
        monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: self)
        monkeypatch.setattr(platform, "machine", lambda: "x86_64")

    def syscall(self, *arguments: int) -> int:
        self.asked.append(arguments)  # type: ignore[arg-type]
        if len(self.asked) > len(self.counts):
            return -1
        reading, writing = os.pipe()
        os.write(writing, self.counts[len(self.asked) - 1].to_bytes(8, sys.byteorder))
        os.close(writing)
        self.ours.append(reading)
        return reading


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_instructions_of_a_process_grow_where_they_are_counted_at_all() -> None:
    with spinning() as process:
        counted = Instructions([process.pid])
        before = counted.read()
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        answer(process)
        after = counted.read()
        counted.close()
    if before is None or after is None:
        assert (before, after, counted.descriptors) == (None, None, [])
    else:
        assert after - before > 1_000_000


def test_the_kernel_is_asked_for_user_space_instructions_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with spinning() as process:
        kernel = Kernel([1234567], monkeypatch)
        counted = Instructions([process.pid])
        number, attributes, task, core, group, flags = kernel.asked[0]
        kind, size, config = struct.unpack_from("=IIQ", attributes)
        assert (number, task, core, group, flags) == (298, process.pid, -1, -1, 0)
        assert (kind, size, config) == (0, len(attributes), 1) == (0, 64, 1)
        assert counted.read() == 1234567
        counted.close()
    assert not is_open(kernel.ours[0])
    assert counted.read() is None


def test_with_one_thread_that_cannot_be_counted_there_is_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with spinning() as process:
        kernel = Kernel([], monkeypatch)
        counted = Instructions([process.pid])
        assert counted.read() is None
        assert len(kernel.asked) == 1


def test_another_machine_or_an_ended_process_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with spinning() as process:
        kernel = Kernel([1], monkeypatch)
        monkeypatch.setattr(platform, "machine", lambda: "m68k")
        assert Instructions([process.pid]).read() is None
        monkeypatch.setattr(platform, "machine", lambda: "x86_64")
        process.kill()
        process.wait()
        assert Instructions([process.pid]).read() is None
        assert kernel.asked == []
