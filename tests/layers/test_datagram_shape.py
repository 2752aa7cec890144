"""The three layers have one shape for datagrams too, much smaller than that for connections."""

from __future__ import annotations

import ast
from pathlib import Path

from netkit.layers import datagrams
from tests.shape import methods, parse, public, undocumented

FOLDER = Path(datagrams.__file__).parent

LISTENER = ["__init__", "start", "opened", "received", "send", "failed", "lost", "close"]

#: What one tier needs beyond that: the calls with which the loop says when to stop and when to go on.
EXTRA = {"transports": set(), "protocols": {"paused", "resumed"}, "streams": set()}

#: Lines of a file that fits on one screen and a half.
LINES = range(60, 91)


def listener(layer: str) -> ast.ClassDef:
    (node,) = public(parse(FOLDER, layer))
    assert node.name == "Listener"
    return node


def test_the_same_methods_in_the_same_order(layer: str) -> None:
    names = [method.name for method in methods(listener(layer))]
    assert [name for name in names if name not in EXTRA[layer]] == LISTENER
    assert EXTRA[layer] <= set(names)


def test_every_public_method_says_what_it_does(layer: str) -> None:
    assert undocumented(listener(layer)) == []


def test_no_layer_imports_another(layer: str) -> None:
    imported = {node.module for node in ast.walk(parse(FOLDER, layer)) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"__future__", "typing", "datagrams", "exchange"}


def test_it_is_read_at_a_glance(layer: str) -> None:
    assert len((FOLDER / f"{layer}.py").read_text().splitlines()) in LINES
