"""A server process, from its start to its end, and what makes sure of the end."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from ..errors import BenchError, CertificateError
from ..wire.text import visible
from .arms import Arm
from .machine import pinned
from .scenario import Workload

#: Seconds for a server to listen, and to end by itself once it is asked to.
START, END = 10.0, 1.0

#: Seconds between two looks whether it listens.
LOOK = 0.01


class NotServing(Exception):
    """A server that did not come up. It is the result of that server, not an error of ours."""


class Guard:
    """Ends the servers of a run if we cannot, see ``guard``."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            (sys.executable, "-m", "netkit.bench.guard"), stdin=subprocess.PIPE, start_new_session=True, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()

    def tell(self, line: str) -> None:
        """``+GROUP``: a process group has started; ``-GROUP``: it has ended."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise BenchError("the process that guards the servers was killed: nothing more is started") from None


@contextmanager
def undisturbed() -> Iterator[None]:
    """A Ctrl-C waits until the end of the ``with`` block, so that no process is started of which the guard is not told.

    The handlers are ours and not the signals blocked: a child would inherit that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is ever interrupted
        return
    caught: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: caught.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for each in caught:
        signal.raise_signal(each)


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files of a throw-away authority and of a server certificate for localhost."""

    ca: str
    cert: str
    key: str

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        """Make them in a folder.

        Raises:
            CertificateError: trustme is not installed.
        """
        try:
            import trustme
        except ImportError:
            raise CertificateError("TLS needs certificates, and they need trustme: pip install 'netkit[all]'") from None
        authority = trustme.CA()
        leaf = authority.issue_cert("localhost", "127.0.0.1", "::1")
        made = cls(*(str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")))
        authority.cert_pem.write_to_path(made.ca)
        leaf.private_key_pem.write_to_path(made.key)
        for blob in leaf.cert_chain_pems:
            blob.write_to_path(made.cert, append=True)
        return made


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
    port = _free_port()
    argv = arm.argv(workload, port, certificates.cert if certificates else "", certificates.key if certificates else "")
    with tempfile.TemporaryFile() as errors:
        try:
            with undisturbed(), pinned(core):
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=_environment(varied),
                    start_new_session=True,
                )
                guard.tell(f"+{process.pid}")
        except OSError as why:
            raise NotServing(f"{shlex.quote(argv[0])} cannot be started: {why.strerror}") from None
        try:
            _await(process, port, errors.fileno())
            yield Running("127.0.0.1", port, process.pid)
        finally:
            _end(process)
            guard.tell(f"-{process.pid}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _environment(varied: Mapping[str, int]) -> dict[str, str]:
    """Ours, with what is varied; what would configure a netkit server is left out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NETKIT_")}
    kept["PYTHONHASHSEED"] = str(varied.get("hash_seed", 0))
    # Where the stack and the first allocations lie depends on how long the environment is (Mytkowicz et al., 2009).
    kept["NETKIT_BENCH_PADDING"] = "x" * varied.get("padding", 0)
    return kept


def _await(process: subprocess.Popen[bytes], port: int, errors: int) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until:
        if process.poll() is not None:
            said = _last_line(errors)
            raise NotServing(f"it exited with {process.returncode} before it listened{said}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(LOOK)
    raise NotServing(f"it did not listen on 127.0.0.1 port {port} within {START:g} s{_last_line(errors)}")


def _last_line(fd: int) -> str:
    """What it said last on standard error, to be put behind a sentence."""
    size = os.fstat(fd).st_size
    lines = os.pread(fd, 4096, max(0, size - 4096)).decode(errors="replace").strip().splitlines()
    return f": {visible(lines[-1])[:200]}" if lines else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and all that it started, kindly first."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        family = []
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for member in family:  # whoever left the group
        with suppress(psutil.Error):
            member.kill()
    process.wait()
