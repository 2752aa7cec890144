"""The shape of files that are to be read side by side, from their source."""

from __future__ import annotations

import ast
from pathlib import Path


def parse(folder: Path, name: str) -> ast.Module:
    """The module of that name in a folder."""
    return ast.parse((folder / f"{name}.py").read_text())


def public(module: ast.Module) -> list[ast.ClassDef]:
    """The classes of a module that are for others."""
    return [node for node in module.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def methods(node: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The methods of a class, in their order."""
    return [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]


def undocumented(node: ast.ClassDef) -> list[str]:
    """What does not say what it does: the class, or methods of it."""
    return [each.name for each in (node, *methods(node)) if not ast.get_docstring(each)]
