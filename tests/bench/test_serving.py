"""A server process from its start to its end, and what is said of one that does not come up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest

from netkit.bench import serving
from netkit.bench.arms import Arm
from netkit.bench.rounds import Bench
from netkit.bench.scenario import Workload
from netkit.bench.serving import Running
from netkit.errors import CertificateError
from netkit.processes import start
from netkit.processes.certificates import Certificates
from netkit.processes.start import NotServing
from tests.bench.conftest import arm, assert_gone

ECHO = Workload(scenario="small", kind="closed")
SECRET = Workload(scenario="small", kind="closed", tls=True)
VARIED = {"hash_seed": 12345, "padding": 678}


def served(bench: Bench, chosen: Arm, workload: Workload = ECHO) -> AbstractContextManager[Running]:
    certificates = bench.certificates if workload.tls else None
    return serving.serving(chosen, workload, certificates, bench.cores.server, VARIED, bench.guard)


def environ(pid: int | None) -> dict[str, str]:
    """What a process was started with."""
    words = Path(f"/proc/{pid}/environ").read_text().rstrip("\0").split("\0")
    return dict(word.split("=", 1) for word in words)


def test_a_server_listens_within_the_block_and_is_gone_after_it(bench: Bench) -> None:
    with served(bench, arm("echo")) as server:
        assert server.pid is not None
        with socket.create_connection((server.host, server.port)) as sock:
            sock.sendall(b"hello")
            assert sock.recv(5) == b"hello"
    assert not psutil.pid_exists(server.pid)
    with pytest.raises(ConnectionRefusedError), socket.create_connection((server.host, server.port)):
        pass


def test_a_server_is_gone_too_if_something_goes_wrong_within_the_block(bench: Bench) -> None:
    with pytest.raises(KeyboardInterrupt), served(bench, arm("echo")) as server:
        raise KeyboardInterrupt
    assert server.pid is not None
    assert not psutil.pid_exists(server.pid)


def test_all_of_it_is_gone_even_if_it_does_not_want_to(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "END", 0.1)
    with served(bench, arm("stubborn")) as server:
        assert server.pid is not None
        family = [server.pid, *(child.pid for child in psutil.Process(server.pid).children(recursive=True))]
        assert len(family) == 2
        assert os.getsid(family[0]) != os.getsid(family[1])
    assert_gone(family)


def test_what_is_varied_reaches_the_server_and_what_is_set_for_another_does_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETKIT_SERVE_LAYER", "streams")
    monkeypatch.setenv("NETKIT_BENCH_HANDICAP", "1")
    monkeypatch.setenv("ORDINARY", "yes")
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    with served(bench, arm("echo")) as server:
        found = environ(server.pid)
    assert found["PYTHONHASHSEED"] == "12345"
    assert found["NETKIT_BENCH_PADDING"] == "x" * 678
    assert found["ORDINARY"] == "yes"
    assert [name for name in found if name.startswith("NETKIT")] == ["NETKIT_BENCH_PADDING"]


def test_it_runs_on_its_core_and_leads_a_session_of_its_own(bench: Bench) -> None:
    with served(bench, arm("echo")) as server:
        assert server.pid is not None
        if bench.cores.server is not None:
            assert os.sched_getaffinity(server.pid) == {bench.cores.server}
        assert os.getsid(server.pid) == server.pid != os.getsid(0)


def test_a_server_of_netkit_serves_what_the_workload_asks_for(bench: Bench) -> None:
    with served(bench, Arm("ours", "ours", "protocols", "asyncio"), SECRET) as server:
        assert server.pid is not None
        line = psutil.Process(server.pid).cmdline()
    assert bench.certificates is not None
    assert line[line.index("--service") + 1] == "echo"
    assert line[line.index("--listen") + 1] == f"tls://127.0.0.1:{server.port}"
    assert line[line.index("--tls-key") + 1] == bench.certificates.key


def test_one_that_runs_already_is_taken_as_it_is(bench: Bench) -> None:
    for target, host in (("127.0.0.1:8888", "127.0.0.1"), ("[::1]:8888", "::1")):
        with served(bench, Arm("target", "it", target=target)) as server:
            assert server == Running(host, 8888, None)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/no/such/server {port}", "^/no/such/server cannot be started: No such file or directory$"),
        ("/ {port}", "^/ cannot be started: Permission denied$"),
        ("sh -c 'exit 4' {port}", "^it exited with 4 before it listened$"),
        ("sh -c 'kill -9 $$' {port}", "^it exited with -9 before it listened$"),
        ("sh -c 'echo first >&2; echo last >&2; exit 1' {port}", "^it exited with 1 before it listened: last$"),
    ],
)
def test_a_server_that_does_not_start_says_why(command: str, said: str, bench: Bench) -> None:
    with pytest.raises(NotServing, match=said), served(bench, Arm("bad", "bad", command=command)):
        raise AssertionError("it must not come up")


def test_a_server_that_never_listens_is_given_up_and_its_last_words_are_harmless(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "START", 0.5)
    with pytest.raises(NotServing) as raised, served(bench, arm("never")):
        raise AssertionError("it must not come up")
    said = str(raised.value)
    assert "it did not listen on 127.0.0.1 port " in said
    assert " within 0.5 s: waiting for " in said
    assert said.isprintable()


def test_certificates_are_for_localhost_and_need_trustme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Certificates.make(tmp_path)
    for path in (made.ca, made.cert, made.key):
        assert "-----BEGIN" in Path(path).read_text()
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(CertificateError, match=r"pip install 'netkit\[all\]'"):
        Certificates.make(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_guard_knows_a_server_that_was_started_while_somebody_pressed_ctrl_c(
    number: signal.Signals, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    told: list[str] = []
    popen = subprocess.Popen

    def interrupted(*given: Any, **named: Any) -> Any:
        started.append(popen(*given, **named))
        signal.raise_signal(number)
        return started[0]

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    monkeypatch.setattr(bench.guard, "tell", told.append)
    before = signal.signal(number, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt), served(bench, arm("echo")):
            raise AssertionError("it must not come up")
        assert signal.getsignal(number) is interrupt
    finally:
        signal.signal(number, before)
        started[0].kill()
        started[0].wait()
    assert told == [f"+{started[0].pid}"]
