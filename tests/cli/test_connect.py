"""``netkit connect``: what is asked for is what is done, and one line for what was asked wrongly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from netkit.client import session
from netkit.client.session import Config
from netkit.endpoints import Endpoint
from netkit.errors import ConnectError, TimedOutError

Ask = Callable[..., Result]

TCP = Endpoint("tcp", "127.0.0.1", 8888)

WRITE = "write it like tcp://127.0.0.1:8888, tls://127.0.0.1:8889, udp://127.0.0.1:7777 or unix:///run/chat.sock"
HELP = "(netkit connect --help tells more)"


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """What was to be connected: nothing is."""
    configs: list[Config] = []
    monkeypatch.setattr(session, "run", lambda config, report: configs.append(config))
    return configs


def fails(monkeypatch: pytest.MonkeyPatch, why: BaseException) -> None:
    def run(config: Config, report: Callable[[str], None]) -> None:
        raise why

    monkeypatch.setattr(session, "run", run)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("8888", TCP),
        (":8888", TCP),
        ("127.0.0.1:8888", TCP),
        ("tcp://127.0.0.1:8888", TCP),
        ("localhost:8888", Endpoint("tcp", "localhost", 8888)),
        ("[::1]:8888", Endpoint("tcp", "::1", 8888)),
        ("tls://example.org:443", Endpoint("tls", "example.org", 443)),
        ("udp://[::1]:7", Endpoint("udp", "::1", 7)),
        ("unix:///run/chat.sock", Endpoint("unix", path="/run/chat.sock")),
    ],
)
def test_an_endpoint_is_what_was_meant(ask: Ask, connected: list[Config], text: str, endpoint: Endpoint) -> None:
    result = ask("connect", text)
    assert (result.exit_code, result.output) == (0, "")
    assert connected == [Config(endpoint=endpoint)]


def test_every_option_arrives(ask: Ask, connected: list[Config]) -> None:
    options = ("--layer", "transports", "--loop", "asyncio", "--cafile", "ca.pem", "--server-name", "example.org")
    asked = ask("connect", "tls://127.0.0.1:1", *options, "--crlf", "--telnet", "--hexdump", "--timeout", "0.5")
    assert (asked.exit_code, asked.output) == (0, "")
    assert connected.pop() == Config(
        endpoint=Endpoint("tls", "127.0.0.1", 1),
        layer="transports",
        loop="asyncio",
        cafile=Path("ca.pem"),
        server_name="example.org",
        crlf=True,
        telnet=True,
        hexdump=True,
        timeout=0.5,
    )
    assert ask("connect", "tls://127.0.0.1:1", "--insecure", "--raw").exit_code == 0
    assert connected.pop() == Config(endpoint=Endpoint("tls", "127.0.0.1", 1), insecure=True, telnet=False)


def test_the_environment_gives_options(ask: Ask, connected: list[Config]) -> None:
    assert ask("connect", "8888", NETKIT_CONNECT_LAYER="protocols", NETKIT_CONNECT_TIMEOUT="3").exit_code == 0
    assert connected == [Config(endpoint=TCP, layer="protocols", timeout=3.0)]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("", f"Missing argument 'ENDPOINT'. {HELP}"),
        ("chat", f"cannot read 'chat': {WRITE}"),
        ("tcp:8888", f"cannot read 'tcp:8888': {WRITE}"),
        ("::1", f"cannot read '::1': {WRITE}"),
        ("tcp://127.0.0.1", f"'tcp://127.0.0.1' needs a host and a port: {WRITE}"),
        ("0", "tcp://127.0.0.1:0 has no port that can be connected to: 0 is for servers"),
        ("unix:///s?mode=660", "unix:///s?mode=660: ?mode= is for servers, leave it out"),
        ("1 --insecure", f"--insecure: of use for tls://HOST:PORT only. {HELP}"),
        ("1 --cafile x --server-name y", f"--cafile and --server-name: of use for tls://HOST:PORT only. {HELP}"),
        ("tls://a:1 --insecure --cafile x", f"--insecure and --cafile exclude each other. {HELP}"),
        ("tls://a:1 --server-name .x", f"--server-name .x: not a host name. {HELP}"),
        ("tls://a:1 --server-name x..y", f"--server-name x..y: not a host name. {HELP}"),
        ("udp://a:1 --telnet", f"--telnet: telnet needs a connection, and UDP has none. {HELP}"),
        ("1 --timeout 0", f"Invalid value for '--timeout': 0.0 is not in the range x>0. {HELP}"),
    ],
)
def test_what_is_asked_wrongly_is_one_line(ask: Ask, connected: list[Config], arguments: str, line: str) -> None:
    asked = ask("connect", *arguments.split())
    assert (asked.exit_code, asked.stdout, asked.stderr) == (2, "", f"netkit: {line}\n")
    assert connected == []


@pytest.mark.parametrize(
    ("why", "code", "line"),
    [
        (ConnectError("cannot connect"), 1, "netkit: cannot connect\n"),
        (TimedOutError("too late"), 124, "netkit: too late\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
)
def test_how_it_ends_is_its_exit_status(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, why: BaseException, code: int, line: str
) -> None:
    fails(monkeypatch, why)
    asked = ask("connect", "8888")
    assert (asked.exit_code, asked.stdout, asked.stderr) == (code, "", line)


def test_the_help_tells_the_exit_status(ask: Ask) -> None:
    said = ask("connect", "--help").output
    assert "Exit status: 0 both sides have ended, 1 no connection" in said
    assert all(f" {code} " in said for code in (124, 130))
    assert "[default: streams]" in said
    assert "[default: auto]" in said
