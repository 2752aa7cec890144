"""Instructions that a server executes, where the machine counts them: the figure that repeats best of all.

perf_event_open(2) by ctypes: it is no more than one call and a read, and there is no kept library for it. Virtual
machines often have no such counter, and the kernel may forbid it (``kernel.perf_event_paranoid``); then there is none.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

#: The number of the system call, by architecture.
SYSCALL = {"x86_64": 298, "aarch64": 241}

# struct perf_event_attr as of its first version, PERF_ATTR_SIZE_VER0.
ATTRIBUTES = struct.Struct("=IIQQQQQIIQ")
HARDWARE, INSTRUCTIONS = 0, 1

# Bits of the flags: children are counted too; neither the kernel nor a hypervisor is.
INHERIT, EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6


class Instructions:
    """User-space instructions of every thread that some processes have now and will have."""

    def __init__(self, pids: Iterable[int]) -> None:
        """Begin to count, if that is possible."""
        self.descriptors: list[int] = []
        call = SYSCALL.get(platform.machine())
        if platform.system() != "Linux" or call is None:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        flags = INHERIT | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR
        wanted = ATTRIBUTES.pack(HARDWARE, ATTRIBUTES.size, INSTRUCTIONS, 0, 0, 0, flags, 0, 0, 0)
        try:
            tasks = [int(each.name) for pid in pids for each in Path(f"/proc/{pid}/task").iterdir()]
        except OSError:
            return
        for task in tasks:
            descriptor = libc.syscall(call, wanted, task, -1, -1, 0)
            if descriptor < 0:
                self.close()
                return
            self.descriptors.append(descriptor)

    def read(self) -> int | None:
        """How many until now; None where they are not counted."""
        if not self.descriptors:
            return None
        return sum(int.from_bytes(os.read(descriptor, 8), sys.byteorder) for descriptor in self.descriptors)

    def close(self) -> None:
        """Count no longer."""
        while self.descriptors:
            os.close(self.descriptors.pop())
