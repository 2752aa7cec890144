"""The three layers have one shape, so that a diff of two of them shows how their tiers differ and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from netkit import layers
from tests.shape import methods, parse, undocumented

FOLDER = Path(layers.__file__).parent

LISTENER = ["__init__", "start", "accept", "close"]
CONNECTION = [
    "__init__",
    "opened",
    "begin",
    "received",
    "ended",
    "lost",
    "write",
    "paused",
    "resumed",
    "hold",
    "release",
    "idle",
    "finish",
]

#: What one tier needs beyond that: one timer for all; making the reader that asyncio makes where TLS is not asked for.
EXTRA = {"transports": {"sweep"}, "protocols": set(), "streams": {"shaken"}}

#: Lines of a file that is read in one sitting.
LINES = range(130, 181)


def classes(layer: str) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in parse(FOLDER, layer).body if isinstance(node, ast.ClassDef)}


def test_every_layer_is_a_file() -> None:
    assert all((FOLDER / f"{name}.py").is_file() for name in layers.NAMES)


def test_the_same_public_names(layer: str) -> None:
    assert [name for name in classes(layer) if not name.startswith("_")] == ["Listener", "Connection"]
    body = parse(FOLDER, layer).body
    assert not [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_the_same_methods_in_the_same_order(layer: str) -> None:
    found = classes(layer)
    listener = [method.name for method in methods(found["Listener"])]
    assert [name for name in listener if name not in EXTRA[layer]] == LISTENER
    assert EXTRA[layer] <= set(listener)
    assert [method.name for method in methods(found["Connection"])] == CONNECTION


def test_every_public_method_says_what_it_does(layer: str) -> None:
    found = classes(layer)
    for node in (found["Listener"], found["Connection"]):
        assert undocumented(node) == []


def test_no_layer_imports_another(layer: str) -> None:
    imported = {node.module for node in ast.walk(parse(FOLDER, layer)) if isinstance(node, ast.ImportFrom)}
    assert not imported & set(layers.NAMES)


def test_bases_come_from_asyncio_alone(layer: str) -> None:
    bases = [ast.unparse(base) for node in classes(layer).values() for base in node.bases]
    assert all(base.startswith("asyncio.") for base in bases)


def test_it_is_read_in_one_sitting(layer: str) -> None:
    assert len((FOLDER / f"{layer}.py").read_text().splitlines()) in LINES


def test_there_is_no_other_layer() -> None:
    with pytest.raises(ValueError, match="no layer is called 'sockets': choose one of transports, protocols, streams"):
        layers.load("sockets")
