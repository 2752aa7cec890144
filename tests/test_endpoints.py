"""Addresses: read, printed, bound, and given back. Each refusal is one line that says what to do."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.endpoints import (
    TCP_NOTSENT_LOWAT,
    UNACKNOWLEDGED,
    UNIX_MODE,
    UNSENT,
    Bound,
    Endpoint,
    bind,
    host,
    keep_little,
    show,
)
from netkit.errors import EndpointError, ListenError

EXAMPLE = "write it like tcp://127.0.0.1:8888, tls://127.0.0.1:8889, udp://127.0.0.1:7777 or unix:///run/chat.sock"


# Read and printed.


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("tcp://127.0.0.1:8888", Endpoint("tcp", "127.0.0.1", 8888)),
        ("tcp://[::1]:8888", Endpoint("tcp", "::1", 8888)),
        ("tls://chat.example:0", Endpoint("tls", "chat.example", 0)),
        ("tcp://0.0.0.0:65535", Endpoint("tcp", "0.0.0.0", 65535)),
        ("udp://[::1]:7777", Endpoint("udp", "::1", 7777)),
        ("8888", Endpoint("tcp", "127.0.0.1", 8888)),
        (":8888", Endpoint("tcp", "127.0.0.1", 8888)),
        (" 0\n", Endpoint("tcp", "127.0.0.1", 0)),
        ("unix:///run/chat.sock", Endpoint("unix", path="/run/chat.sock")),
        ("unix://chat.sock", Endpoint("unix", path="chat.sock")),
        ("unix:///run/my%20chat", Endpoint("unix", path="/run/my chat")),
        ("unix:///run/chat.sock?mode=660", Endpoint("unix", path="/run/chat.sock", mode=0o660)),
        ("unix:///run/chat.sock?mode=0777", Endpoint("unix", path="/run/chat.sock", mode=0o777)),
        ("stdio:", Endpoint("stdio")),
        ("stdio", Endpoint("stdio")),
        ("stdio:?tls", Endpoint("stdio", wrapped=True)),
        ("fd://3", Endpoint("fd", name="3")),
        ("fd://3?tls", Endpoint("fd", name="3", wrapped=True)),
        ("systemd:", Endpoint("systemd")),
        ("systemd", Endpoint("systemd")),
        ("systemd://Web%20chat", Endpoint("systemd", name="Web chat")),
        ("systemd://web?tls", Endpoint("systemd", name="web", wrapped=True)),
        ("systemd:?tls", Endpoint("systemd", wrapped=True)),
    ],
)
def test_reading(text: str, endpoint: Endpoint) -> None:
    assert Endpoint.parse(text) == endpoint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", f"cannot read '': {EXAMPLE}"),
        ("localhost", f"cannot read 'localhost': {EXAMPLE}"),
        ("localhost:8888", f"cannot read 'localhost:8888': {EXAMPLE}"),
        ("sctp://127.0.0.1:8888", f"cannot read 'sctp://127.0.0.1:8888': {EXAMPLE}"),
        ("udp://127.0.0.1", f"'udp://127.0.0.1' needs a host and a port: {EXAMPLE}"),
        ("udp://h:1/x", f"'udp://h:1/x' has more than a host and a port: {EXAMPLE}"),
        ("tcp:127.0.0.1:8888", f"cannot read 'tcp:127.0.0.1:8888': {EXAMPLE}"),
        ("tcp://127.0.0.1", f"'tcp://127.0.0.1' needs a host and a port: {EXAMPLE}"),
        ("tcp://:8888", f"'tcp://:8888' needs a host and a port: {EXAMPLE}"),
        ("tcp://", f"'tcp://' needs a host and a port: {EXAMPLE}"),
        ("tcp://h:1/x", f"'tcp://h:1/x' has more than a host and a port: {EXAMPLE}"),
        ("tcp://h:1?x=1", f"'tcp://h:1?x=1' has more than a host and a port: {EXAMPLE}"),
        ("tcp://me@h:1", f"'tcp://me@h:1' has more than a host and a port: {EXAMPLE}"),
        ("unix://", f"'unix://' needs the path of a socket: {EXAMPLE}"),
        ("unix:///run/", f"'unix:///run/' needs the path of a socket: {EXAMPLE}"),
        ("unix:///s?mode=8", "'unix:///s?mode=8': only ?mode=660 and the like may follow a path"),
        ("unix:///s?mode=", "'unix:///s?mode=': only ?mode=660 and the like may follow a path"),
        ("unix:///s?mode=1777", "'unix:///s?mode=1777': only ?mode=660 and the like may follow a path"),
        ("stdio://x", "cannot read 'stdio://x': write it like stdio:"),
        ("stdio:x", "cannot read 'stdio:x': write it like stdio:"),
        ("fd:3", "cannot read 'fd:3': write it like fd://3 or fd://3?tls"),
        ("fd://", "cannot read 'fd://': write it like fd://3 or fd://3?tls"),
        ("fd://-1", "cannot read 'fd://-1': write it like fd://3 or fd://3?tls"),
        ("fd://٣", "cannot read 'fd://٣': write it like fd://3 or fd://3?tls"),
        ("fd://3?mode=660", "cannot read 'fd://3?mode=660': write it like fd://3 or fd://3?tls"),
        (
            "systemd:web",
            "cannot read 'systemd:web': write it like systemd:, systemd://NAME or systemd://NAME?tls",
        ),
        ("unix:///s?mod=660", "'unix:///s?mod=660': only ?mode=660 and the like may follow a path"),
    ],
)
def test_what_cannot_be_read(text: str, reason: str) -> None:
    with pytest.raises(EndpointError) as refused:
        Endpoint.parse(text)
    assert str(refused.value) == reason


@pytest.mark.parametrize("text", ["tcp://127.0.0.1:99999", "tcp://127.0.0.1:x", "tcp://[::1:8888", "99999"])
def test_what_python_cannot_read_either(text: str) -> None:
    with pytest.raises(EndpointError) as refused:
        Endpoint.parse(text)
    assert str(refused.value).startswith("cannot read 'tcp://")
    assert str(refused.value).endswith(EXAMPLE)


HOSTS = st.one_of(
    st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str), st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
)


@given(st.sampled_from(["tcp", "tls", "udp"]), HOSTS, st.integers(0, 65535))
def test_what_is_printed_can_be_read(scheme: str, host: str, port: int) -> None:
    endpoint = Endpoint(scheme, host, port)
    assert Endpoint.parse(str(endpoint)) == endpoint


@given(st.from_regex(r"/[a-zA-Z0-9 %?#ä_.-]{0,20}[a-z]", fullmatch=True), st.integers(0, 0o777))
def test_a_path_that_is_printed_can_be_read(path: str, mode: int) -> None:
    endpoint = Endpoint("unix", path=path, mode=mode)
    assert Endpoint.parse(str(endpoint)) == endpoint


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20), st.booleans())
def test_a_name_of_systemd_that_is_printed_can_be_read(name: str, wrapped: bool) -> None:
    endpoint = Endpoint("systemd", name=name, wrapped=wrapped)
    assert Endpoint.parse(str(endpoint)) == endpoint


def test_tls_is_spoken_where_it_is_asked_for() -> None:
    said = {text: Endpoint.parse(text).tls for text in ("tls://h:1", "fd://3?tls", "tcp://h:1", "fd://3", "stdio:")}
    assert said == {"tls://h:1": True, "fd://3?tls": True, "tcp://h:1": False, "fd://3": False, "stdio:": False}


@given(st.text())
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        said = str(Endpoint.parse(text))
    except EndpointError as refused:
        said = str(refused)
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("scheme", "address", "text"),
    [
        ("tcp", ("192.0.2.7", 50312), "tcp://192.0.2.7:50312"),
        ("tls", ("2001:db8::1", 50312, 0, 0), "tls://[2001:db8::1]:50312"),
        ("udp", ("192.0.2.7", 50312), "udp://192.0.2.7:50312"),
        ("tcp", "", "unix:"),
        ("tcp", b"\0x", "unix:"),
        ("tcp", None, "unix:"),
    ],
)
def test_a_peer(scheme: str, address: object, text: str) -> None:
    assert show(scheme, address) == text


# Bound and given back.


@pytest.fixture
def bound() -> Iterator[Callable[[str], list[Bound]]]:
    """Binds endpoints and gives them back at the end."""
    with ExitStack() as stack:

        def go(text: str) -> list[Bound]:
            found = bind(Endpoint.parse(text))
            for each in found:
                stack.callback(each.release)
                stack.callback(each.sock.close)
            return found

        yield go


Bind = Callable[[str], list[Bound]]


def refusal(text: str) -> str:
    with pytest.raises(ListenError) as refused:
        bind(Endpoint.parse(text))
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


def test_port_0_is_a_free_port_and_the_endpoint_says_which(bound: Bind) -> None:
    (each,) = bound("tcp://127.0.0.1:0")
    assert each.endpoint == Endpoint("tcp", *each.sock.getsockname())
    assert each.endpoint.port != 0
    assert not each.sock.getblocking()


@pytest.mark.parametrize("scheme", ["tcp", "udp"])
def test_a_name_with_two_addresses_has_one_port(bound: Bind, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As localhost is on most machines, though not in every container."""
    kind, number = {"tcp": (socket.SOCK_STREAM, 6), "udp": (socket.SOCK_DGRAM, 17)}[scheme]
    found = [
        (socket.AF_INET6, kind, number, "", ("::1", 0, 0, 0)),
        (socket.AF_INET, kind, number, "", ("127.0.0.1", 0)),
        (socket.AF_INET, kind, number, "", ("127.0.0.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, type, **kwargs: found if type == kind else [])
    pair = bound(f"{scheme}://localhost:0")
    assert [each.sock.type for each in pair] == [kind, kind]
    assert [each.endpoint.host for each in pair] == ["::1", "127.0.0.1"]
    assert len({each.endpoint.port for each in pair}) == 1


def test_what_is_accepted_inherits_the_options(bound: Bind) -> None:
    (each,) = bound("tcp://127.0.0.1:0")
    each.sock.setblocking(True)
    each.sock.listen()
    with socket.create_connection(each.sock.getsockname()):
        accepted, _ = each.sock.accept()
        with accepted:
            options = [
                accepted.getsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE),
                accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
                accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
            ]
    assert options == [1, 1, 1, 60, 10, 6]


def kept(sock: socket.socket) -> tuple[int, int]:
    """The bytes that the kernel keeps at most which are not sent, and in all."""
    return sock.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT), sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


@pytest.mark.parametrize("small", [True, False])
def test_the_kernel_keeps_little_where_that_is_asked_for(small: bool) -> None:
    (each,) = bind(Endpoint.parse("tcp://127.0.0.1:0"))
    with each.sock as sock, socket.socket() as other:
        if small:
            keep_little(sock)
        sock.setblocking(True)
        sock.listen()
        other.connect(sock.getsockname())
        accepted, _ = sock.accept()
        with accepted:
            # Linux sets aside twice as much as it is asked for (socket(7)).
            assert (kept(accepted) == (UNSENT, 2 * UNACKNOWLEDGED)) is small
            assert (kept(accepted)[0] == kept(other)[0]) is not small


@pytest.mark.parametrize(
    ("address", "name"),
    [(("192.0.2.7", 5), "192.0.2.7"), (("fe80::1%eth0", 5, 0, 2), "fe80::1"), ("", ""), (b"\0x", ""), (None, "")],
)
def test_the_host_of_a_peer(address: object, name: str) -> None:
    assert host(address) == name


def test_a_port_in_use(bound: Bind) -> None:
    (each,) = bound("tcp://127.0.0.1:0")
    each.sock.listen()
    text = str(each.endpoint)
    assert refusal(text) == f"{text} is in use: stop what listens there, or give another port (0 picks a free one)"


def test_a_port_is_not_shared_over_udp(bound: Bind) -> None:
    """Not by two servers, and not with whoever would like to: with SO_REUSEADDR the last one would hear all."""
    (each,) = bound("udp://127.0.0.1:0")
    assert each.endpoint == Endpoint("udp", *each.sock.getsockname())
    text = str(each.endpoint)
    assert refusal(text) == f"{text} is in use: stop what listens there, or give another port (0 picks a free one)"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            greedy.bind(each.sock.getsockname())


@pytest.mark.parametrize("scheme", ["tcp", "udp"])
def test_an_address_of_another_machine(scheme: str) -> None:
    text = f"{scheme}://192.0.2.7:8888"
    assert refusal(text) == f"{text} is not an address of this machine: give one that is, or 127.0.0.1"


def test_a_host_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = refusal("tcp://nowhere.invalid:1")
    assert said == "cannot find the host of tcp://nowhere.invalid:1 (Name or service not known): give an address"


def test_a_host_that_is_no_name() -> None:
    text = f"tcp://{'x' * 70}:1"
    assert refusal(text) == f"cannot find the host of {text} (not a host name): give an address"


# Unix sockets.


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("asked", "mode"), [("", UNIX_MODE), ("?mode=660", 0o660), ("?mode=777", 0o777)])
def test_who_may_connect(bound: Bind, short_path: Path, asked: str, mode: int) -> None:
    umask = os.umask(0o077)
    try:
        bound(f"unix://{short_path}/s{asked}")
    finally:
        os.umask(umask)
    assert mode_of(short_path / "s") == mode
    assert UNIX_MODE == 0o600


def test_it_is_never_open_to_others_not_for_an_instant(
    bound: Bind, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mode is right before it is set by name."""
    seen: list[int] = []
    monkeypatch.setattr(os, "chmod", lambda path, mode: seen.append(mode_of(Path(path))))
    umask = os.umask(0)
    try:
        bound(f"unix://{short_path}/s")
    finally:
        os.umask(umask)
    assert seen == [UNIX_MODE]


def test_the_file_is_removed_in_the_end(short_path: Path) -> None:
    path = short_path / "s"
    (each,) = bind(Endpoint.parse(f"unix://{path}"))
    each.sock.close()
    each.release()
    assert not path.exists()
    each.release()


def test_the_file_of_somebody_else_is_not(short_path: Path) -> None:
    path = short_path / "s"
    (each,) = bind(Endpoint.parse(f"unix://{path}"))
    each.sock.close()
    path.rename(short_path / "kept")  # or its number might be given to the next file
    path.write_text("somebody else's")
    each.release()
    assert path.read_text() == "somebody else's"


def test_what_a_dead_server_left_is_replaced(bound: Bind, short_path: Path) -> None:
    path = short_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.is_socket()
    (each,) = bound(f"unix://{path}")
    each.sock.listen()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


@pytest.mark.parametrize("busy", [False, True])
def test_a_live_server_is_not(short_path: Path, busy: bool) -> None:
    path = short_path / "s"
    with ExitStack() as stack:
        live = stack.enter_context(socket.socket(socket.AF_UNIX))
        live.bind(str(path))
        live.listen(0)
        if busy:  # its backlog is full
            for _ in range(2):
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect_ex(str(path))
        text = f"unix://{path}"
        assert refusal(text) == f"{text} is in use: a server answers there; stop it, or give another path"
        assert path.is_socket()


def test_a_file_that_is_no_socket_is_left_alone(short_path: Path) -> None:
    path = short_path / "s"
    path.write_text("dear diary")
    assert refusal(f"unix://{path}") == f"{path} is there and is not a socket: remove it, or give another path"
    assert path.read_text() == "dear diary"


def test_a_folder_that_is_not_there(short_path: Path) -> None:
    text = f"unix://{short_path}/no/s"
    assert refusal(text) == f"{text} cannot be made: its folder is not there"


def test_a_path_that_is_too_long(short_path: Path) -> None:
    text = f"unix://{short_path}/{'x' * 120}"
    assert refusal(text) == f"cannot listen on {text}: AF_UNIX path too long"
