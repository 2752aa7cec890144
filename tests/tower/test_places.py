"""Places in the source: every one is where it is said to be, and one that is not is noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netkit.errors import TowerError
from netkit.tower import places
from netkit.tower.places import PACKAGE, SYNTAX
from netkit.tower.tier import Use
from netkit.tower.tiers import TIERS

USES = [use for tier in TIERS for use in tier.uses]

#: A module that speaks of much and uses little.
MADE = '''
"""loop.call_soon is what this is about."""

class Thing(asyncio.Protocol):
    """asyncio.Event."""

    task: asyncio.Task

    def connection_made(self, transport):
        self.transport = transport

    data_received = connection_made

    def go(self, event: asyncio.Event = None) -> asyncio.Queue:
        made: asyncio.Lock = None  # loop.call_later
        self.writer.write("loop.call_at")
        self.child.wait()
        loop = self
        loop.call_later
        (
            self
            .loop
            .call_soon(None)
        )

    def run(self):
        async def inner():
            await self.gate.wait()

class Plain:
    def data_received(self):
        pass

def again():
    asyncio.Lock()

def again():
    asyncio.Queue()
'''


@pytest.fixture(params=USES, ids=lambda use: f"{use.api}-{use.where}")
def use(request: pytest.FixtureRequest) -> Use:
    found = request.param
    assert isinstance(found, Use)
    return found


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "made.py").write_text(MADE)
    return tmp_path


def copied(use: Use, folder: Path, text: str) -> Path:
    """A package that has only the module of a use, with another text."""
    path = folder / use.module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder


def test_every_place_uses_what_it_is_named_for(use: Use) -> None:
    found = places.find(use)
    lines = (PACKAGE / use.module).read_text().splitlines()
    assert found.source == lines[found.line - 1].strip()
    # A keyword of the language begins the line or stands in it; of a name, the last part does.
    assert re.search(rf"\b{use.api if use.api in SYNTAX else use.api.rpartition('.')[2]}\b", found.source)


def test_a_place_that_no_longer_does_is_noticed(use: Use, tmp_path: Path) -> None:
    text, name = (PACKAGE / use.module).read_text(), use.api.rpartition(".")[2]
    if use.api in SYNTAX:
        changed = text.replace(f"{use.api} ", f"{use.api} ".partition(" ")[2])  # without `async` or `await`
    else:
        own = use.where.endswith(f".{name}")  # as Server.wait awaits Event.wait: the place itself stays
        changed = re.sub(rf"(?<=\.){name}\b" if own else rf"\b{name}\b", "renamed", text)
    with pytest.raises(TowerError, match=rf"^{use.where} in {use.module} does not use {use.api} any more$"):
        places.find(use, copied(use, tmp_path, changed))


def test_a_place_that_is_gone_is_noticed(use: Use, tmp_path: Path) -> None:
    last = use.where.rpartition(".")[2]
    text = re.sub(rf"\b(def|class) {last}\b", r"\1 moved", (PACKAGE / use.module).read_text())
    with pytest.raises(TowerError, match=rf"^{use.module} has no {use.where} any more, where {use.api} was used$"):
        places.find(use, copied(use, tmp_path, text))


def test_a_place_moves_with_its_source(tmp_path: Path) -> None:
    use = USES[0]
    text = (PACKAGE / use.module).read_text()
    moved = copied(use, tmp_path, text.replace("\n\n", "\n\n\n", 1))
    assert places.find(use, moved).line == places.find(use).line + 1


@pytest.mark.parametrize(
    ("api", "where", "source"),
    [
        ("asyncio.Protocol", "Thing", "class Thing(asyncio.Protocol):"),
        ("BaseProtocol.connection_made", "Thing", "def connection_made(self, transport):"),
        ("Protocol.data_received", "Thing", "data_received = connection_made"),
        ("StreamWriter.write", "Thing.go", 'self.writer.write("loop.call_at")'),
        ("loop.call_later", "Thing.go", "loop.call_later"),
        ("loop.call_soon", "Thing.go", ".call_soon(None)"),
        ("await", "Thing.run", "await self.gate.wait()"),
        ("async def", "Thing.run", "async def inner():"),
        ("asyncio.Queue", "again", "asyncio.Queue()"),
    ],
)
def test_what_uses_a_name(package: Path, api: str, where: str, source: str) -> None:
    assert places.find(Use(api, "made.py", where, ""), package).source == source


@pytest.mark.parametrize(
    ("api", "where", "why"),
    [
        ("asyncio.Event", "Thing.go", "the annotation of an argument"),
        ("asyncio.Queue", "Thing.go", "that of what is returned"),
        ("asyncio.Lock", "Thing.go", "that of a variable"),
        ("asyncio.Task", "Thing", "that of an attribute"),
        ("asyncio.Event", "Thing", "a docstring"),
        ("loop.call_at", "Thing.go", "a string"),
        ("Process.wait", "Thing.go", "a method of something else"),
        ("asyncio.DatagramProtocol", "Thing", "another base"),
        ("BaseProtocol.connection_lost", "Thing", "a method that is not there"),
        ("Protocol.data_received", "Plain", "a method of no protocol"),
        ("asyncio.Lock", "again", "a function that another one has replaced"),
        ("async for", "Thing.run", "another keyword"),
    ],
)
def test_what_does_not(package: Path, api: str, where: str, why: str) -> None:
    with pytest.raises(TowerError, match="any more"):
        places.find(Use(api, "made.py", where, ""), package)


@pytest.mark.parametrize("text", [None, "def broken(:"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "made.py").write_text(text)
    with pytest.raises(TowerError, match=r"^cannot read made\.py, where await is used: "):
        places.find(Use("await", "made.py", "go", ""), tmp_path)
