"""The three layers have one shape for datagrams too, much smaller than that for connections."""

from __future__ import annotations

import ast
from pathlib import Path

from netkit.layers import datagrams

FOLDER = Path(datagrams.__file__).parent

LISTENER = ["__init__", "start", "opened", "received", "send", "failed", "lost", "close"]

#: What one tier needs beyond that: the calls with which the loop says when to stop and when to go on.
EXTRA = {"transports": set(), "protocols": {"paused", "resumed"}, "streams": set()}

#: Lines of a file that fits on one screen and a half.
LINES = range(60, 91)


def parse(layer: str) -> ast.Module:
    return ast.parse((FOLDER / f"{layer}.py").read_text())


def listener(layer: str) -> ast.ClassDef:
    public = [node for node in parse(layer).body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    assert [node.name for node in public] == ["Listener"]
    return public[0]


def methods(layer: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [each for each in listener(layer).body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_the_same_methods_in_the_same_order(layer: str) -> None:
    names = [method.name for method in methods(layer)]
    assert [name for name in names if name not in EXTRA[layer]] == LISTENER
    assert EXTRA[layer] <= set(names)


def test_every_public_method_says_what_it_does(layer: str) -> None:
    assert ast.get_docstring(listener(layer))
    assert [each.name for each in methods(layer) if not ast.get_docstring(each)] == []


def test_no_layer_imports_another(layer: str) -> None:
    imported = {node.module for node in ast.walk(parse(layer)) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"__future__", "typing", "datagrams", "exchange"}


def test_it_is_read_at_a_glance(layer: str) -> None:
    assert len((FOLDER / f"{layer}.py").read_text().splitlines()) in LINES
