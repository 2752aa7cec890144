"""Where netkit uses a tier: the line of each place, found in the source that is installed.

Rule 1: a line is looked up and never typed in, so that none can be out of date.
Rule 2: a place that does not use what it is named for is an error, and not left out.
Rule 3: what counts is code that uses the name. An annotation, a comment or a string that mentions it does not.

Methods are known by what netkit calls the object, see ``CALLED``: the source is read, and nothing is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import TowerError
from .tier import Use

#: The package whose places these are.
PACKAGE = Path(__file__).parent.parent

#: What is not a name but a part of the language.
SYNTAX: dict[str, type[ast.expr | ast.stmt]] = {
    "async def": ast.AsyncFunctionDef,
    "await": ast.Await,
    "async for": ast.AsyncFor,
    "async with": ast.AsyncWith,
}

#: What netkit calls its objects of a class, where that is not the name in the documentation of asyncio.
CALLED = {
    "Event": {"_stop", "empty", "gate"},
    "Future": {"task"},
    "ReadTransport": {"transport"},
    "StreamReader": {"reader"},
    "StreamWriter": {"writer"},
    "Task": {"accepting", "drain", "handshake", "task"},
    "WriteTransport": {"transport"},
}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Place:
    """A use, and where it stands.

    Attributes:
        api: what is used.
        module: the file, relative to the package.
        where: the qualified name of the function or class.
        why: it is used there.
        line: counted from 1.
        source: that line, without its indentation.
    """

    api: str
    module: str
    where: str
    why: str
    line: int
    source: str


def find(use: Use, package: Path = PACKAGE) -> Place:
    """Look up the first line at which a place uses what it is named for.

    Raises:
        TowerError: it does not, or there is no such place.
    """
    try:
        text = (package / use.module).read_text(encoding="utf-8")
        definition = _definition(_parsed(text), use.where)
    except (OSError, SyntaxError) as why:
        raise TowerError(f"cannot read {use.module}, where {use.api} is used: {why}") from None
    if definition is None:
        raise TowerError(f"{use.module} has no {use.where} any more, where {use.api} was used")
    line = min(_lines(use.api, definition), default=None)
    if line is None:
        raise TowerError(f"{use.where} in {use.module} does not use {use.api} any more")
    source = text.splitlines()[line - 1].strip()
    return Place(use.api, use.module, use.where, use.why, line, source)


def find_all(uses: Iterable[Use], package: Path = PACKAGE) -> list[Place]:
    """Look up several.

    Raises:
        TowerError: one of them does not use what it is named for.
    """
    return [find(use, package) for use in uses]


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _definition(module: ast.Module, where: str) -> Definition | None:
    """The function or class of a qualified name."""
    found: ast.Module | Definition = module
    for name in where.split("."):
        inside = [each for each in found.body if isinstance(each, Definition) and each.name == name]
        if not inside:
            return None
        found = inside[-1]  # the last one is what the name stands for
    return found if isinstance(found, Definition) else None


def _lines(api: str, definition: Definition) -> Iterator[int]:
    """Every line at which a definition uses a name."""
    owner, _, name = api.rpartition(".")
    if api in SYNTAX:
        yield from (node.lineno for node in _code(definition) if isinstance(node, SYNTAX[api]))
    elif not isinstance(definition, ast.ClassDef):
        yield from (node.end_lineno or node.lineno for node in _code(definition) if _is(node, owner, name))
    elif owner == "asyncio":
        yield from (base.lineno for base in definition.bases if _is(base, owner, name))
    elif any(_is_protocol(base) for base in definition.bases):
        yield from (each.lineno for each in definition.body if name in _defines(each))


def _code(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """A definition and all that is in it, apart from annotations."""
    if isinstance(node, ast.expr | ast.stmt):
        yield node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    yield from _code(each)


def _is(node: ast.AST, owner: str, name: str) -> bool:
    """Whether it reads ``owner.name``, ``self.owner.name`` and the like."""
    return isinstance(node, ast.Attribute) and node.attr == name and _last(node.value) in CALLED.get(owner, {owner})


def _last(node: ast.expr) -> str:
    """The last name of ``a.b.c``."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return str(name)
    return ""


def _is_protocol(base: ast.expr) -> bool:
    return isinstance(base, ast.Attribute) and _last(base.value) == "asyncio" and base.attr.endswith("Protocol")


def _defines(node: ast.stmt) -> set[str]:
    """The names that a statement in a class gives a value to: a method, or another name for one."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {each.id for each in targets if isinstance(each, ast.Name)}
    return set()
