"""Log lines: one event is one line in either format, and nothing in it can reach a terminal or forge another."""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netkit.cli.logs import JsonFormatter, TextFormatter, configure
from tests.process import PATIENCE, READ_SIZE, Server

EVIL = "quit\x1b[2J\n12:00:00 INFO forged\r\x9b\u202e\u2028"
SHOWN = r"quit\x1b[2J\n12:00:00 INFO forged\r\u009b\u202e\u2028"


def record(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    caught = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("netkit.layers", logging.INFO, __file__, 1, message, arguments, caught)


def raised() -> ValueError:
    """An error that quotes what a peer has sent."""
    try:
        raise ValueError(EVIL)
    except ValueError as error:
        return error


def test_text_is_one_line() -> None:
    line = TextFormatter().format(record("closed %s: %s", "tcp://192.0.2.7:1", EVIL))
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO closed tcp://192\.0\.2\.7:1: (.*)", line, re.DOTALL)
    assert line.endswith(SHOWN)
    assert line.isprintable()


def test_json_is_one_object() -> None:
    line = JsonFormatter().format(record("closed %s: %s", "tcp://192.0.2.7:1", EVIL))
    assert line.isprintable()
    entry = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", entry.pop("time"))
    assert entry == {"level": "info", "logger": "netkit.layers", "message": f"closed tcp://192.0.2.7:1: {SHOWN}"}


def test_a_traceback_stands_indented_under_its_line() -> None:
    first, second, *rest = TextFormatter().format(record("it failed", error=raised())).split("\n")
    assert first.endswith(" INFO it failed")
    assert second == "  Traceback (most recent call last):"
    assert all(line.startswith("  ") and line.isprintable() for line in rest)
    assert any(line.startswith("  ValueError: quit") for line in rest)


def test_a_traceback_is_part_of_the_object() -> None:
    line = JsonFormatter().format(record("it failed", error=raised()))
    assert line.isprintable()
    assert json.loads(line)["traceback"].startswith("Traceback (most recent call last):\n")


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    """``configure`` is for a process of its own."""
    root = logging.getLogger()
    before = root.level, root.handlers[:], logging.getLogger("asyncio").level
    root.handlers.clear()
    yield
    root.handlers[:] = before[1]
    root.setLevel(before[0])
    logging.getLogger("asyncio").setLevel(before[2])


@pytest.mark.usefixtures("_logging_as_before")
@pytest.mark.parametrize(
    ("verbosity", "ours", "theirs"),
    [
        (0, logging.WARNING, logging.WARNING),
        (1, logging.INFO, logging.WARNING),
        (2, logging.DEBUG, logging.DEBUG),
        (9, logging.DEBUG, logging.DEBUG),
    ],
)
def test_each_v_tells_more(verbosity: int, ours: int, theirs: int) -> None:
    configure(verbosity, "text")
    assert logging.getLogger("netkit").getEffectiveLevel() == ours
    assert logging.getLogger("asyncio").getEffectiveLevel() == theirs
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr


def quarrel(server: Server, logged: bytes = b"") -> list[str]:
    """Somebody comes, tries to forge log entries in every way there is, and quits. What is logged until the end.

    ``logged`` is how the log says that the connection is closed, where it does: the server is not stopped before.
    """
    evil = EVIL.replace("\n", "").replace("\r", "")
    with socket.create_connection(("127.0.0.1", int(server.port())), PATIENCE) as sock:
        for line in f"/nick {evil}", f"/{evil}", evil, f"/join #{evil}", f"/topic {evil}", f"/quit {evil}":
            sock.sendall(f"{line}\n".encode() + b"\xff\xf6\x1b[2J\x80\n")
        while sock.recv(READ_SIZE):
            pass
    said = server.errors.until(logged)
    assert server.stop() == 0
    return (said + server.errors.rest()).decode().splitlines()


def test_connections_are_logged_when_that_is_wanted() -> None:
    with Server("-v", "--listen", "0", "--layer", "protocols") as server:
        opened, closed, stopping, endings = quarrel(server, b": quit\n")
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO opened tcp://127\.0\.0\.1:\d+", opened)
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO closed tcp://127\.0\.0\.1:\d+: quit", closed)
    assert stopping.endswith(" INFO SIGTERM: stopping")
    assert endings.endswith(" INFO endings: quit 1")


def test_nothing_is_logged_when_it_is_not() -> None:
    with Server("--listen", "0") as server:
        assert quarrel(server) == []


def test_every_line_of_a_json_log_is_an_object() -> None:
    """The ready lines are none of the log: ``Server`` reads them as ever."""
    with Server("-vv", "--log-format", "json", "--listen", "0") as server:
        assert server.ready.startswith("service chat, layer streams, loop ")
        entries = [json.loads(line) for line in quarrel(server, b': quit"}\n')]
    messages = [entry["message"] for entry in entries if entry["logger"].startswith("netkit")]
    assert [message.split()[0] for message in messages] == ["opened", "closed", "SIGTERM:", "endings:"]
    assert {"time", "level", "logger", "message"} == set().union(*entries)


FAILING = """
import netkit

class Failing(netkit.Service):
    def received(self, conn, data, now):
        raise ValueError(data.decode())
"""


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_service_that_fails_lets_no_peer_write_the_log(tmp_path: Path, style: str) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    options = ("--service", "failing:Failing", "--listen", "0", "--log-format", style)
    with Server(*options, cwd=tmp_path) as server:
        with socket.create_connection(("127.0.0.1", int(server.port())), PATIENCE) as sock:
            sock.sendall(EVIL.encode())
            assert sock.recv(READ_SIZE) == b""
        assert server.stop() == 0
        lines = server.errors.rest().decode().split("\n")
    assert lines.pop() == ""
    assert all(line.isprintable() for line in lines)
    if style == "json":
        (entry,) = [json.loads(line) for line in lines]
        assert entry["message"].startswith("the service failed in received(")
    else:
        assert " ERROR the service failed in received(" in lines[0]
        assert all(line.startswith("  ") for line in lines[1:])
