"""``netkit torture`` at the front door: what it refuses, what it says, what it leaves behind, and its exit status."""

from __future__ import annotations

import ast
import json
import re
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from click.testing import Result

from netkit.processes.start import free_port
from netkit.torture.catalogue import FAULTS
from tests.process import NETKIT, PATIENCE, Program

Ask = Callable[..., Result]

#: An echo, which lets in only so many in all where a second number is given; with "exits" behind it, it ends then.
ECHO = """\
import asyncio, os, sys
port, places, what = int(sys.argv[1]), int([*sys.argv, 0][2]), sys.argv[3:]
class Echo(asyncio.Protocol):
    came = 0
    def connection_made(self, transport):
        self.transport = transport
        Echo.came += 1
        if 0 < places < Echo.came:
            os._exit(3) if what else transport.close()
    def data_received(self, data):
        self.transport.write(data)
async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)
    print("listening", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

#: What is tried, which takes the least time; and bystanders who may be late, since others use this machine too.
QUICK = ("--only", "silent", "--connections", "10", "--slower", "20000")

#: Bystanders, and the connections of ``silent``: whoever comes next is the newcomer.
FULL = 4 + 10

#: Whoever asks whether somebody answers, all of these, two newcomers, and half of the connections of a second time.
HALF_OF_THE_NEXT = 1 + FULL + 2 + 5


@dataclass
class Done:
    """What one run said, and its exit status."""

    code: int
    output: str
    errors: str

    @classmethod
    def of(cls, program: Program) -> Done:
        output, errors = program.output.rest(), program.errors.rest()
        return cls(program.wait(), output.decode(), errors.decode())


@dataclass
class Runs:
    """The runs that are looked at, which go on side by side."""

    folder: Path
    pid: int
    held: Program
    broken: Program
    wrong: Program
    gone: Program
    terminal: Program
    killed: Program

    @property
    def command(self) -> str:
        """What starts the one that has few places."""
        return f"{{python}} {shlex.quote(str(self.folder / 'echo.py'))} {{port}} {FULL}"


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("torture") / "echo.py"
    path.write_text(ECHO)
    return path


def running(echo: Path, *options: str) -> tuple[Program, str]:
    """An echo that listens, and its port."""
    port = str(free_port())
    program = Program(sys.executable, echo, port, *options)
    program.output.until(b"listening\n")
    return program, port


@pytest.fixture(scope="module", autouse=True)
def runs(echo: Path) -> Iterator[Runs]:
    def torture(*options: str, terminal: bool = False) -> Program:
        return Program(*NETKIT, "torture", *options, cwd=echo.parent, terminal=terminal)

    plain = f"{{python}} {shlex.quote(str(echo))} {{port}}"
    few = f"{plain} {FULL}"
    right, port = running(echo)
    leaving, other = running(echo, str(HALF_OF_THE_NEXT), "exits")
    programs = [
        torture("0", *QUICK, "--server-cmd", plain, "--json", "-"),
        torture("0", *QUICK, "--server-cmd", few, "--seed", "7", "--json", "kept.json"),
        torture(port, *QUICK, "--service", "chat"),
        torture(other, *QUICK, "--repeat", "3", "--pid", str(leaving.process.pid)),
        torture("0", *QUICK, "--repeat", "99", "--server-cmd", plain, terminal=True),
        torture("0", *QUICK, "--repeat", "99", "--server-cmd", plain),
    ]
    try:
        yield Runs(echo.parent, leaving.process.pid, *programs)
    finally:
        for program in (*programs, right, leaving):
            program.close()


@pytest.fixture(scope="module")
def broken(runs: Runs) -> Done:
    return Done.of(runs.broken)


# What it refuses.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give the ENDPOINT of the server"),
        (("0",), "port 0 is any that is free: give --server-cmd"),
        (("udp://127.0.0.1:0", "--pid", "1"), "port 0 is any that is free"),
        (("8888", "--pid", "1", "--server-cmd", "./echo"), "--server-cmd and --pid exclude each other"),
        (("0", "--server-cmd", "./echo '"), "--server-cmd is no command: No closing quotation"),
        (("0", "--server-cmd", " "), "--server-cmd is no command: it is empty"),
        (("8888", "--only", "sillent"), "no fault is called 'sillent': netkit torture --list has them all"),
        (("8888", "--skip", "sillent"), "no fault is called 'sillent'"),
        (("8888", "--only", "reader-stops", "--service", "chat"), "reader-stops makes no sense for chat"),
        (("8888", "--only", "silent", "--skip", "silent"), "no fault is left to try on echo over tcp"),
        (("udp://127.0.0.1:7", "--service", "chat"), "no fault is left to try on chat over udp"),
        (("fd://3",), "no fault is left to try on echo over fd"),
        (("tcp://192.0.2.1:80",), "tcp://192.0.2.1:80 is not on this machine"),
        (("tcp//here",), "cannot read 'tcp//here': write it like tcp://127.0.0.1:8888"),
        (("8888", "--service", "finger"), "'finger' is not one of"),
        (("8888", "--json", "/no/such/folder/file"), "cannot write /no/such/folder/file: No such file"),
        (("8888", "--json", "/"), "cannot write /: it is a folder"),
        (("8888", "--connections", "1"), "1 is not in the range"),
    ],
)
def test_what_is_asked_wrongly_is_one_line_that_says_so(ask: Ask, arguments: tuple[str, ...], said: str) -> None:
    result = ask("torture", *arguments)
    assert said in result.stderr
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("netkit: ")


def test_more_connections_than_can_be_opened_are_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netkit.torture.run.room_for", lambda connections: connections < 1000)
    result = ask("torture", "8888", "--connections", "1000")
    assert (result.exit_code, "ulimit -n" in result.stderr) == (2, True)


def test_the_process_that_is_named_must_be_the_one_that_listens(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Program("sleep", "60") as other:
        port = listener.getsockname()[1]
        result = ask("torture", str(port), "--pid", str(other.process.pid))
    assert (result.exit_code, f"does not listen on tcp://127.0.0.1:{port}" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("PORT",), "nobody answers on tcp://127.0.0.1:PORT: start it, or give --server-cmd"),
        (("udp://127.0.0.1:PORT",), "nobody answers on udp://127.0.0.1:PORT"),
        (("unix:///no/such/socket",), "nobody answers on unix:///no/such/socket"),
        (("PORT", "--pid", "999999999"), "no process has the number 999999999"),
        (("tcp://no-such-host.invalid:80",), "cannot find the host of tcp://no-such-host.invalid:80"),
        (("0", "--server-cmd", "no-such-program"), "no-such-program cannot be started: No such file"),
        (
            ("0", "--server-cmd", "{python} -ISc \"import sys; sys.exit('the port \\x1b[2J is mine')\""),
            r"the server exited with 1 before it listened: the port \x1b[2J is mine",
        ),
    ],
)
def test_a_server_that_cannot_be_tried_is_one_line_that_says_so(
    ask: Ask, arguments: tuple[str, ...], said: str
) -> None:
    port = str(free_port())
    result = ask("torture", *(each.replace("PORT", port) for each in arguments))
    assert said.replace("PORT", port) in result.stderr
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)


def test_the_catalogue_is_listed(ask: Ask) -> None:
    result = ask("torture", "--list")
    assert (result.exit_code, result.stderr) == (0, "")
    names = [line.split()[0] for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert names == [each.name for each in FAULTS]


# What holds.


def test_all_that_holds_is_success_and_json_on_standard_output_is_alone_there(runs: Runs) -> None:
    done = Done.of(runs.held)
    assert done.code == 0, done.errors
    found = json.loads(done.output)
    (verdict,) = found["verdicts"]
    assert (verdict["fault"], verdict["outcome"], verdict["broken"]) == ("silent", "held", [])
    assert (found["service"], found["stopped"]) == ("echo", "")
    assert verdict["bystanders"]["due"] == verdict["bystanders"]["came"] > 0
    assert verdict["recovery"]["after"]["descriptors"] <= verdict["recovery"]["before"]["descriptors"]
    assert "silent: held: 10 said nothing, and a newcomer was heard" in done.errors
    assert re.search(rf"echo on {re.escape(found['endpoint'])}: 1 held, in \d+ s\n\Z", done.errors)


# What is broken.


def test_what_is_broken_ends_with_one_and_says_what_was_expected_and_seen(broken: Done) -> None:
    assert (broken.code, broken.errors) == (1, "")
    assert "silent: broken: no echo of b'hello from t" in broken.output
    assert re.search(r": 0 held, 1 broken \(silent\), in \d+ s\n\Z", broken.output)


def test_what_is_broken_can_be_repeated_from_what_is_printed(broken: Done, runs: Runs) -> None:
    (command,) = re.findall(r"^  again: (.*)$", broken.output, re.MULTILINE)
    netkit, torture, endpoint, *words = shlex.split(command)
    assert (netkit, torture) == ("netkit", "torture")
    assert re.fullmatch(r"tcp://127\.0\.0\.1:\d+", endpoint)
    asked = "--service echo --only silent --seed 7 --connections 10 --slower 20000 --server-cmd"
    assert words == [*asked.split(), runs.command]


def test_the_bytes_that_broke_it_are_printed_in_both_forms(broken: Done) -> None:
    (number,) = re.findall(r"had sent (\d+) bytes:", broken.output)
    (literal,) = re.findall(r"^  in Python: (.*)$", broken.output, re.MULTILINE)
    data = ast.literal_eval(literal)
    assert re.fullmatch(rb"hello from t[0-9a-f]{8}\n", data)
    assert len(data) == int(number)
    dumped = re.findall(r"^  [0-9a-f]{8}  ((?:[0-9a-f]{2} {1,2})+)", broken.output, re.MULTILINE)
    assert bytes.fromhex("".join(dumped)) == data


def test_everything_is_kept_in_a_file_that_is_asked_for(broken: Done, runs: Runs) -> None:
    found = json.loads((runs.folder / "kept.json").read_text())
    (verdict,) = found["verdicts"]
    assert (found["seed"], found["server"], verdict["outcome"]) == (7, runs.command, "broken")
    assert f"  again: {verdict['repeat']['command']}\n" in broken.output
    assert f"  in Python: {verdict['repeat']['literal']}\n" in broken.output


def test_a_server_that_is_something_else_is_said_to_be(runs: Runs) -> None:
    done = Done.of(runs.wrong)
    assert (done.code, done.output, done.errors.count("\n")) == (1, "", 1)
    assert "no greeting" in done.errors
    assert "is it netkit's chat? --service says what it is: echo, chat, broadcast, irc" in done.errors


def test_what_can_not_be_tried_any_more_says_why(runs: Runs) -> None:
    done = Done.of(runs.gone)
    assert (done.code, done.errors) == (1, "")
    gone = f"the server, process {runs.pid}, has ended"
    first, second, third = (line for line in done.output.splitlines() if line.endswith(" s)"))
    assert first.startswith("silent: held: ")
    assert second.startswith("silent: broken: ")
    assert gone in second
    assert third == f"silent: untried: {gone} (0.0 s)"
    assert re.search(r": 1 held, 1 broken \(silent\), 1 not tried, in \d+ s\n\Z", done.output)


# How it ends before its end.


def family(program: Program, number: int) -> list[psutil.Process]:
    """Whom it has started, once there are so many."""
    deadline = time.monotonic() + PATIENCE
    while len(found := psutil.Process(program.process.pid).children(recursive=True)) < number:
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found


def assert_gone(started: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(started, PATIENCE)
    assert not left


def test_ctrl_c_shows_what_was_tried_and_leaves_nobody_behind(runs: Runs) -> None:
    runs.terminal.output.until(b"2 of 99")
    started = family(runs.terminal, 3)  # the guard, the server, the bystanders
    runs.terminal.types(b"\x03")
    rest = runs.terminal.output.rest().decode()
    assert runs.terminal.wait() == 1
    assert_gone(started)
    assert "\x1b[?25h" in rest  # the cursor is back
    assert re.search(r"echo on tcp://127\.0\.0\.1:\d+: \d+ held, in \d+ s", rest)
    assert rest.endswith("netkit: interrupted: what is above is what was tried until then\r\n")


def test_if_it_is_killed_the_others_go_by_themselves(runs: Runs) -> None:
    started = family(runs.killed, 3)
    runs.killed.signal(signal.SIGKILL)
    assert runs.killed.wait() == -signal.SIGKILL
    assert_gone(started)


def test_sigterm_ends_it_as_well_also_before_anything_was_tried(echo: Path) -> None:
    with Program(*NETKIT, "torture", "0", *QUICK, "--server-cmd", f"{{python}} {echo} {{port}}") as program:
        started = family(program, 3)
        program.signal(signal.SIGTERM)
        done = Done.of(program)
    assert_gone(started)
    assert (done.code, done.output) == (1, "")
    assert done.errors == "netkit: interrupted: nothing was tried until then\n"
