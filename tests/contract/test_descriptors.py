"""When a server has no descriptors left: those who are there are served, and it neither spins nor floods its log.

This needs a process of its own, whose limit can be lowered. So it runs ``netkit serve`` as its user would.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

import netkit

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit another process")

PATIENCE = 20.0

#: Connections that fit after the limit is lowered, and those that come.
PLACES = 4
CROWD = 12

#: Seconds for which the server is watched, the most of them it may compute, and the most lines it may log in them.
#: A server that spins computes for all of them, and logs tens of thousands of lines.
WATCHED = 1.5
BUSY = 0.5
LINES = 4


class Process:
    """A server that runs, with its log."""

    def __init__(self, running: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
        self.running = running
        self.port = port
        self.log = log

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.running.pid}/fd"))

    def cpu(self) -> float:
        """Seconds that it has computed, see proc(5)."""
        fields = Path(f"/proc/{self.running.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def logged(self) -> list[bytes]:
        self.log.seek(0)
        return self.log.read().splitlines()


@contextmanager
def started(layer: str, loop: str) -> Iterator[Process]:
    """The echo on a free port."""
    command = [sys.executable, "-m", "netkit", "serve", "--service", "echo", "--layer", layer, "--loop", loop]
    source = str(Path(netkit.__file__).parent.parent)
    reading, writing = os.pipe()
    with TemporaryFile() as log, open(reading, "rb") as said:
        running = subprocess.Popen(
            [*command, "--listen", "tcp://127.0.0.1:0"],
            stderr=writing,
            env=os.environ | {"PYTHONPATH": source},
        )
        os.close(writing)
        try:
            ready = re.fullmatch(rb"listening on tcp://127\.0\.0\.1:(\d+)\n", said.readline())
            assert ready is not None
            assert said.readline().startswith(b"service echo")
            yield Process(running, int(ready[1]), said)
        finally:
            running.kill()
            running.wait()
            log.close()


def echoes(sock: socket.socket) -> bool:
    """Whether a connection is served."""
    try:
        sock.sendall(b"?")
        return sock.recv(1) == b"?"
    except ConnectionError:
        return False
