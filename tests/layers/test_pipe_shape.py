"""The three layers have one shape for pipes too: that of a connection, without anybody who accepts it."""

from __future__ import annotations

import ast
from pathlib import Path

from netkit.layers import pipes
from tests.shape import methods, parse, undocumented

FOLDER = Path(pipes.__file__).parent

CONNECTION = [
    "__init__",
    "start",
    "opened",
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
    "close",
]

#: What one tier needs beyond that: how it hears that the input broke, or that the output was closed.
EXTRA = {"transports": {"broken"}, "protocols": {"broken"}, "streams": {"closed"}}

#: What the pipes must have that no object of ours is.
PRIVATE = {"transports": ["_Input", "_Output"], "protocols": ["_Output"], "streams": ["_Output"]}

#: Lines of a file that fits on two screens.
LINES = range(110, 161)


def connection(layer: str) -> ast.ClassDef:
    public, *private = (node for node in parse(FOLDER, layer).body if isinstance(node, ast.ClassDef))
    assert public.name == "Connection"
    assert [node.name for node in private] == PRIVATE[layer]
    return public


def test_the_same_methods_in_the_same_order(layer: str) -> None:
    names = [method.name for method in methods(connection(layer))]
    assert [name for name in names if name not in EXTRA[layer]] == CONNECTION
    assert EXTRA[layer] <= set(names)


def test_every_public_method_says_what_it_does(layer: str) -> None:
    assert undocumented(connection(layer)) == []


def test_no_layer_imports_another(layer: str) -> None:
    imported = {node.module for node in ast.walk(parse(FOLDER, layer)) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"__future__", "contextlib", "typing", "stdio", "delivery", "session"}


def test_it_is_read_at_a_glance(layer: str) -> None:
    assert len((FOLDER / f"{layer}.py").read_text().splitlines()) in LINES
