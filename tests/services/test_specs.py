from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netkit.errors import ServiceError
from netkit.limits import Limits
from netkit.services import NAMES, make
from netkit.services.chat import Chat
from netkit.services.echo import Echo

MINE = """
import netkit.service

class Mine(netkit.service.Service):
    class Inner(netkit.service.Service):
        pass

    def __init__(self):
        pass

def broken():
    raise RuntimeError("no\\nluck")

def number():
    return 7

def silent():
    raise ValueError

seven = 7
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of a module in the current directory, which is not on the path; each test has its own."""
    name = "mine_" + "".join(char if char.isalnum() else "_" for char in request.node.name)
    (tmp_path / f"{name}.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    return name


def test_the_names_of_those_that_come_along() -> None:
    assert [type(make(name, Limits())) for name in NAMES] == [Echo, Chat]


def test_the_chat_keeps_to_the_limits() -> None:
    class Peer:
        peer = "stdio:"
        local = True
        host = ""
        waiting = 0
        ending = ""

    chat, peer = make("chat", Limits(line_length=5)), Peer()
    list(chat.opened(peer, 1.0))
    sends = chat.received(peer, b"123456\n", 1.0)
    assert "shorter than 6 bytes" in repr(list(sends))


def test_a_service_of_your_own(mine: str) -> None:
    assert type(make(f"{mine}:Mine", Limits())).__name__ == "Mine"
    assert type(make(f"{mine}:Mine.Inner", Limits())).__name__ == "Inner"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("ecko", "no service 'ecko': give echo, chat, or your own as MODULE:FACTORY"),
        ("", "no service '': give echo, chat, or your own as MODULE:FACTORY"),
        (":Mine", "cannot read the service ':Mine': write it as MODULE:FACTORY"),
        ("json:", "cannot read the service 'json:': write it as MODULE:FACTORY"),
        (".json:load", "cannot read the service '.json:load': write the full name of the module"),
        ("no_such:f", "no module no_such: install it, or start where it can be imported"),
        ("json.no_such:f", "no module json.no_such: install it, or start where it can be imported"),
        ("json:no_such", "module json has no no_such: check the name after the colon"),
        ("json:load.no_such", "module json has no load.no_such: check the name after the colon"),
        ("sys:path", "sys:path is not callable: name what makes a Service"),
        ("builtins:int", "builtins:int() gave a int: let it return an instance of netkit.Service"),
    ],
)
def test_what_cannot_be_made_says_what_to_do(spec: str, said: str) -> None:
    with pytest.raises(ServiceError) as caught:
        make(spec, Limits())
    assert str(caught.value) == said


def test_a_factory_that_fails(mine: str) -> None:
    with pytest.raises(ServiceError) as caught:
        make(f"{mine}:broken", Limits())
    assert str(caught.value) == f"{mine}:broken() failed, mend it first: RuntimeError: no luck"
    with pytest.raises(ServiceError) as caught:
        make(f"{mine}:silent", Limits())
    assert str(caught.value) == f"{mine}:silent() failed, mend it first: ValueError"


def test_a_module_that_fails(mine: str) -> None:
    Path(f"{mine}_b.py").write_text("1 / 0")
    with pytest.raises(ServiceError) as caught:
        make(f"{mine}_b:f", Limits())
    assert str(caught.value) == (
        f"module {mine}_b cannot be imported, mend it first: ZeroDivisionError: division by zero"
    )


def test_a_module_that_needs_another_one(mine: str) -> None:
    Path(f"{mine}_c.py").write_text("import no_such_thing")
    with pytest.raises(ServiceError) as caught:
        make(f"{mine}_c:f", Limits())
    assert str(caught.value) == (
        f"module {mine}_c cannot be imported: ModuleNotFoundError: No module named 'no_such_thing'"
    )


def test_the_chat_is_imported_only_when_asked_for() -> None:
    script = (
        "import sys, netkit.limits, netkit.services; netkit.services.make('echo', netkit.limits.Limits());"
        "sys.exit('netkit.services.chat' in sys.modules or 'asyncio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
