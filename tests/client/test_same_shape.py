"""The three clients have one shape, so that a diff of two of them shows how their tiers differ and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from netkit import client
from tests.shape import methods, parse, public, undocumented

FOLDER = Path(client.__file__).parent

#: What the conversation calls.
CALLED = ["__init__", "open", "send", "receive", "finish", "abort", "close"]

#: The same with what the loop calls, where it stands. A stream hears of the rest by waiting.
EVENTS = {"opened", "paused", "resumed", "received", "ended", "lost", "failed"}
FULL = ["__init__", "open", "opened", "send", "paused", "resumed", "receive", "received", "ended", "lost"]
FULL += ["finish", "abort", "close"]
DATAGRAMS = [name if name != "ended" else "failed" for name in FULL]

#: Lines of a file, of connections and of datagrams, that is read in one sitting.
LINES = {"streams": (range(60, 100), range(45, 80)), "protocols": (range(100, 140), range(80, 115))}
LINES["transports"] = (range(120, 160), range(100, 130))

PLACES = ["", "datagrams"]


def connection(place: str, layer: str) -> ast.ClassDef:
    (node,) = public(parse(FOLDER / place, layer))
    assert node.name == "Connection"
    return node


@pytest.mark.parametrize("place", PLACES)
def test_the_same_methods_in_the_same_order(place: str, layer: str) -> None:
    names = [method.name for method in methods(connection(place, layer))]
    assert [name for name in names if name not in EVENTS] == CALLED
    full = DATAGRAMS if place else FULL
    if layer == "streams":
        assert names == [name for name in full if name in names]
    else:
        assert names == full


@pytest.mark.parametrize("place", PLACES)
def test_every_public_method_says_what_it_does(place: str, layer: str) -> None:
    assert undocumented(connection(place, layer)) == []


@pytest.mark.parametrize("place", PLACES)
def test_no_tier_imports_another(place: str, layer: str) -> None:
    imported = {node.module for node in ast.walk(parse(FOLDER / place, layer)) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"__future__", "collections", "contextlib", "typing", "datagrams", "route"}


@pytest.mark.parametrize("place", PLACES)
def test_bases_come_from_asyncio_alone(place: str, layer: str) -> None:
    nodes = [node for node in parse(FOLDER / place, layer).body if isinstance(node, ast.ClassDef)]
    assert all(ast.unparse(base).startswith("asyncio.") for node in nodes for base in node.bases)


@pytest.mark.parametrize("place", PLACES)
def test_it_is_read_in_one_sitting(place: str, layer: str) -> None:
    assert len((FOLDER / place / f"{layer}.py").read_text().splitlines()) in LINES[layer][place == "datagrams"]


def test_there_is_no_other() -> None:
    with pytest.raises(ValueError, match="no layer is called 'sockets': choose one of transports, protocols, streams"):
        client.load("sockets", "tcp")


def test_the_glossary_names_every_file() -> None:
    said = client.__doc__ or ""
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"} | {"datagrams"}
    assert [name for name in files if name not in said] == []
