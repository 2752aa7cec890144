"""What was asked wrongly: exit status 2, nothing on standard output, and one line that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from netkit.server import Config

Ask = Callable[..., Result]

TLS = ("--listen", "tls://localhost:0")

#: Arguments, and words of the one line: what is wrong, and what to do about it.
WRONG = [
    ("nope", "No such command 'nope'", "netkit --help"),
    ("--nope", "No such option '--nope'", "netkit --help"),
    ("serve --nope", "No such option '--nope'", "netkit serve --help"),
    ("serve extra", "extra", "netkit serve --help"),
    ("serve --idle", "'--idle' requires an argument", "--help"),
    ("serve --layer sessions", "'sessions'", "'transports', 'protocols', 'streams'"),
    ("serve --loop twisted", "'twisted'", "'auto', 'asyncio', 'uvloop'"),
    ("serve --log-format xml", "'xml'", "'text', 'json'"),
    ("serve --high many", "'--high'", "'many' is not a valid integer"),
    ("serve --listen nowhere", "cannot read 'nowhere'", "write it like tcp://127.0.0.1:8888"),
    ("serve --listen http://localhost:80", "cannot read 'http://localhost:80'", "write it like"),
    ("serve --listen tcp://localhost", "needs a host and a port", "write it like"),
    ("serve --listen 65536", "0-65535", "write it like"),
    ("serve --listen unix:///", "needs the path of a socket", "write it like"),
    ("serve --listen unix:///s?mode=999", "only ?mode=660 and the like", "may follow"),
    ("serve --service gopher", "no service 'gopher'", "give echo, chat, or your own as MODULE:FACTORY"),
    ("serve --service :make", "cannot read the service ':make'", "write it as MODULE:FACTORY"),
    ("serve --service no_such_module:make", "no module no_such_module", "install it"),
    (
        "serve --service broken_service:make",
        "broken_service cannot be imported",
        "mend it first: ValueError: two lines",
    ),
    ("serve --service json:make", "module json has no make", "check the name"),
    ("serve --service json:__name__", "is not callable", "name what makes a Service"),
    ("serve --service json:JSONDecoder", "gave a JSONDecoder", "return an instance of netkit.Service"),
    ("serve --low 5 --high 5", "low < high < hard must hold", "not 5, 5, 262144"),
    ("serve --high 300000", "low < high < hard must hold", "not 16384, 300000, 262144"),
    ("serve --connections -1", "connections must be more than 0", "netkit serve --help"),
    ("serve --per-address 0", "per-address must be more than 0", "netkit serve --help"),
    ("serve --idle -0.5", "idle must not be negative", "netkit serve --help"),
    ("serve --idle nan", "idle must", "netkit serve --help"),
    ("serve --handshake nan", "handshake must", "netkit serve --help"),
    ("serve --grace inf", "grace must be at most 2147483647", "netkit serve --help"),
    ("serve --backlog 2147483648", "backlog must be at most 2147483647", "netkit serve --help"),
    ("serve --tls-key key.pem", "--tls-key needs --tls-cert", "beside it"),
    ("serve --listen tls://localhost:0", "needs --tls-cert and --tls-key", "or --tls-dev"),
    ("serve --listen tls://localhost:0 --tls-dev --tls-cert c.pem", "--tls-dev and --tls-cert", "exclude each other"),
    ("serve --tls-cert c.pem", "of no use without a tls:// endpoint", "add --listen tls://HOST:PORT"),
    ("serve --tls-dev", "of no use without a tls:// endpoint", "add --listen tls://HOST:PORT"),
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a module in it that cannot be imported, and whose error has two lines."""
    (tmp_path / "broken_service.py").write_text("raise ValueError('two\\nlines')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def refused(result: Result) -> str:
    """The one line."""
    assert result.exit_code == 2
    assert result.stdout == ""
    line, end = result.stderr.split("\n")
    assert end == ""
    assert line.startswith("netkit: ")
    return line


@pytest.mark.parametrize(("arguments", "wrong", "advice"), WRONG, ids=[each[0] for each in WRONG])
def test_one_line_says_what_to_do(ask: Ask, served: list[Config], arguments: str, wrong: str, advice: str) -> None:
    line = refused(ask(*arguments.split()))
    assert wrong in line
    assert advice in line
    assert served == []


def test_a_wrong_variable_is_refused_like_an_option(ask: Ask, served: list[Config]) -> None:
    assert "'sessions'" in refused(ask("serve", NETKIT_SERVE_LAYER="sessions"))
    assert served == []
