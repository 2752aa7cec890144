"""What systemd passes, by variables of the environment, and what it is told, on a socket that the test holds."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from netkit import systemd
from netkit.endpoints import Endpoint
from netkit.errors import ListenError
from netkit.systemd import notify, resolve
from tests.process import PATIENCE, Server, environment

VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

ALL, WEB = Endpoint.parse("systemd:"), Endpoint.parse("systemd://web")


def passed(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    for name, value in zip(VARIABLES, values, strict=False):
        monkeypatch.setenv(name, value)


def own() -> str:
    return str(os.getpid())


# Sockets.


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("systemd:", ["fd://3", "fd://4", "fd://5"]),
        ("systemd:?tls", ["fd://3?tls", "fd://4?tls", "fd://5?tls"]),
        ("systemd://web", ["fd://3", "fd://5"]),
        ("systemd://old%20chat?tls", ["fd://4?tls"]),
    ],
)
def test_a_name_becomes_the_descriptors_of_that_name(
    monkeypatch: pytest.MonkeyPatch, asked: str, found: list[str]
) -> None:
    passed(monkeypatch, own(), "3", "web:old chat:web")
    other = Endpoint.parse("8888")
    assert list(map(str, resolve([Endpoint.parse(asked), other]))) == [*found, str(other)]
    assert not [name for name in VARIABLES if name in os.environ]


def test_without_names_all_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    passed(monkeypatch, own(), "2")
    assert list(map(str, resolve([Endpoint.parse("systemd://unknown")]))) == ["fd://3", "fd://4"]


def test_two_names_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    passed(monkeypatch, own(), "2", "web:chat")
    assert list(map(str, resolve([Endpoint.parse("systemd://chat"), WEB]))) == ["fd://4", "fd://3"]


def test_what_is_not_asked_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``Accept=yes`` a connection is passed as well as being standard input."""
    passed(monkeypatch, own(), "1", "connection")
    assert resolve([Endpoint.parse("stdio:")]) == [Endpoint.parse("stdio:")]
    assert os.environ["LISTEN_FDS"] == "1"


@pytest.mark.parametrize("values", [(), ("1", "1"), (own(), "0"), (own(), "-1"), (own(), "many"), (own(),)])
def test_nothing_was_passed(monkeypatch: pytest.MonkeyPatch, values: tuple[str, ...]) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    passed(monkeypatch, *values)
    with pytest.raises(ListenError) as refused:
        resolve([ALL])
    assert str(refused.value) == "systemd has passed no sockets: start netkit from a .socket unit"
    assert not [name for name in VARIABLES if name in os.environ]


def test_no_socket_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    passed(monkeypatch, own(), "3", "mail:chat:mail")
    with pytest.raises(ListenError) as refused:
        resolve([WEB])
    assert str(refused.value) == "no socket was passed for systemd://web, only for chat, mail: see FileDescriptorName="


# News.


@pytest.fixture(params=["path", "abstract"])
def place(request: pytest.FixtureRequest, short_path: Path) -> str:
    """Where systemd may listen, as it writes it."""
    return f"{short_path}/notify" if request.param == "path" else f"@netkit-test-{os.getpid()}"


@pytest.fixture
def listening(place: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(place.replace("@", "\0"))
        sock.settimeout(PATIENCE)
        yield sock


def test_news_are_one_datagram(monkeypatch: pytest.MonkeyPatch, place: str, listening: socket.socket) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", place)
    notify("READY=1", "STATUS=ä")
    assert listening.recv(100) == "READY=1\nSTATUS=ä".encode()


@pytest.mark.parametrize("place", [None, "", "relative", "vsock:2:1", "/nowhere/notify", "@nobody", "/" + "x" * 200])
def test_nobody_there_harms_nothing(monkeypatch: pytest.MonkeyPatch, place: str | None) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if place is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", place)
    notify("READY=1")


def test_a_socket_that_takes_nothing_harms_nothing(monkeypatch: pytest.MonkeyPatch, short_path: Path) -> None:
    monkeypatch.setattr(systemd, "PATIENCE", 0.01)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
        full.bind(f"{short_path}/full")
        monkeypatch.setenv("NOTIFY_SOCKET", f"{short_path}/full")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filling:
            filling.setblocking(False)
            filling.connect(f"{short_path}/full")
            with suppress(BlockingIOError):
                while True:
                    filling.send(b"x")
        notify("READY=1")


def test_a_server_tells_when_it_accepts_and_when_it_stops(place: str, listening: socket.socket) -> None:
    with Server("--listen", "0", env=environment(NOTIFY_SOCKET=place)) as server:
        ready, status = listening.recv(1000).decode().split("\n")
        assert (ready, status) == ("READY=1", f"STATUS=chat on {server.endpoints[0]}")
        socket.create_connection(("127.0.0.1", int(server.port())), PATIENCE).close()
        assert server.stop() == 0
        assert listening.recv(1000) == b"STOPPING=1"
        assert server.errors.rest() == b""
