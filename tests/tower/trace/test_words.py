"""The words of a trace name functions that exist: in the asyncio of this Python, in the layers and in the services."""

from __future__ import annotations

import importlib
from itertools import chain

import pytest

from netkit import Service
from netkit.tower.trace import words
from netkit.tower.trace.words import Rule

MODULES = [
    *(f"asyncio.{name}" for name in ("base_events", "selector_events", "streams", "sslproto", "events")),
    *("_asyncio", "_socket", "ssl", "socket"),
    *("netkit.layers.delivery", "netkit.layers.outboxes", "netkit.layers.transports"),
]


def exists(name: str, modules: list[str]) -> bool:
    """Whether a module has a function of that qualified name, as the interpreter would tell it."""
    return any(_found(importlib.import_module(module), name) for module in modules)


def _found(module: object, name: str) -> bool:
    found = module
    for part in name.split("."):
        if (found := getattr(found, part, None)) is None:
            return False
    qualified = getattr(found, "__qualname__", name)
    return qualified == name or qualified.rpartition(".")[2] == name.rpartition(".")[2]


def rules() -> list[tuple[tuple[int, str], list[str]]]:
    """For each step of asyncio's, the names it may have: they differ between versions of Python."""
    names: dict[tuple[int, str], list[str]] = {}
    for name, rule in chain(words.RULES.items(), words.GOES_ON.items(), words.AT_ONCE.items()):
        names.setdefault((rule.tier, rule.text), []).append(name)
    return list(names.items())


@pytest.mark.parametrize(("step", "names"), rules(), ids=lambda value: str(value)[:60])
def test_a_step_is_told_by_a_function_that_is_there(step: tuple[int, str], names: list[str]) -> None:
    assert [name for name in names if exists(name, MODULES)]


@pytest.mark.parametrize("layer", words.LAYERS)
def test_a_step_of_a_layer_is_told_by_a_function_that_is_there(layer: str) -> None:
    for name in words.LAYERS[layer]:
        assert exists(name, [f"netkit.layers.{layer}"])


def test_a_service_is_told_by_methods_that_it_has() -> None:
    assert [name for name in words.TOLD if not callable(getattr(Service, name, None))] == []


def test_what_is_inside_of_something_names_something_that_is_there() -> None:
    whole = {rule.under for rule in words.RULES.values() if rule.under and not rule.under.endswith("__")}
    assert whole == {words.SET_RESULT}


def test_what_happens_inside_c_is_known_by_its_name() -> None:
    every: list[Rule] = [*words.RULES.values(), *chain(*(layer.values() for layer in words.LAYERS.values()))]
    assert {rule.in_c for rule in every if rule.in_c} | set(words.BEFORE.values()) | {"wake", "call"} == set(words.IN_C)
