"""Who may import whom, and other rules that hold for every module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import netkit

ROOT = Path(netkit.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

#: For each part of the package, the parts that it may import. What a part is not listed with stands above it.
ALLOWED = {
    "errors": set[str](),
    "endings": set[str](),
    "limits": set[str](),
    "service": set[str](),
    "loops": {"errors"},
    "endpoints": {"errors"},
    "tls": {"errors"},
    "stdio": {"errors", "endpoints"},
    "inherited": {"errors", "endpoints", "stdio"},
    "systemd": {"errors", "endpoints"},
    "datagrams": set[str](),
    "wire": {"errors", "limits", "service"},
    "services": {"errors", "endings", "limits", "service", "wire"},
    "storage": {"errors", "services"},  # the records of the chat
    "layers": {"endings", "limits", "service", "endpoints", "datagrams", "stdio"},  # endpoints: to print a peer
    "server": {
        *("errors", "limits", "service", "layers", "endpoints", "tls", "loops"),
        *("stdio", "inherited", "systemd"),  # what is not bound but was there already
    },
    "testing": {"endings", "limits", "service", "layers"},  # a service on any layer, without a socket
    "client": {"__init__", "errors", "endpoints", "datagrams", "wire", "tls", "loops", "stdio"},
    # Each worker is a server in a process of its own.
    "workers": {"errors", "limits", "service", "services", "endpoints", "tls", "loops", "server"},
    # Servers are met over a socket, as processes: nothing of what serves is imported.
    "processes": {"errors", "wire"},
    "bench": {"__init__", "errors", "loops", "wire", "processes"},
    "torture": {"__init__", "errors", "endpoints", "datagrams", "wire", "processes"},
    # The trace runs a server to look into it; what the rest of the tower may import, see below.
    "tower": {"__init__", "errors", "limits", "service", "services", "tls", "loops", "server", "wire"},
    # Logs escape what a peer may have written, as the chat does.
    "cli": {
        "__init__",
        "errors",
        "limits",
        "wire",
        "services",
        "storage",
        "endpoints",
        "server",
        "workers",
        "client",
        "bench",
        "torture",
        "tower",
    },
    "__init__": {"errors", "endings", "limits", "service", "datagrams", "server"},
    "__main__": {"cli"},
}

#: Parts without input and output, and what they must do without.
PURE = ("errors", "endings", "limits", "service", "wire", "services")
IMPURE = {"asyncio", "socket", "ssl", "select", "selectors", "signal", "subprocess", "threading", "time", "datetime"}


def part(path: Path) -> str:
    """The part of the package that a module belongs to: a folder, or a module at the top."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


@dataclass(frozen=True)
class Module:
    """What the rules look at.

    Attributes:
        said: its docstring.
        everywhere: what it imports, inside functions too.
        at_once: what it imports when it is imported itself.
    """

    said: str | None
    everywhere: list[ast.Import | ast.ImportFrom]
    at_once: list[ast.Import | ast.ImportFrom]


@cache
def module(path: Path) -> Module:
    """A module, read once for all rules."""
    tree = ast.parse(path.read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    return Module(ast.get_docstring(tree), found, [node for node in found if id(node) not in inside])


def imports(path: Path, *, everywhere: bool = True) -> Iterator[str]:
    """The full names of what a module imports, inside functions too unless told otherwise."""
    package = ("netkit", *path.relative_to(ROOT).parent.parts)
    for node in module(path).everywhere if everywhere else module(path).at_once:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            above = package[: len(package) + 1 - node.level] if node.level else ()
            base = ".".join(filter(None, (*above, node.module)))
            # From the package itself, each name may be a module.
            yield from (f"{base}.{alias.name}" for alias in node.names) if base == "netkit" else (base,)


def test_downwards_only() -> None:
    for path in MODULES:
        own = part(path)
        used = set()
        for name in imports(path):
            top, *rest = name.split(".")
            if top == "netkit":
                used.add(rest[0] if rest and not rest[0].startswith("__version") else "__init__")
        assert used - {own} <= ALLOWED[own], path


def test_what_is_pure_stays_pure() -> None:
    for path in MODULES:
        if part(path) not in PURE:
            continue
        tops = {name.split(".")[0] for name in imports(path)}
        assert not tops & IMPURE, path
        # What names a module to import looks where the process was started.
        assert "os" not in tops or path == ROOT / "services" / "__init__.py"


def test_click_is_for_the_command_line() -> None:
    for path in MODULES:
        tops = {name.split(".")[0] for name in imports(path)}
        assert "click" not in tops or part(path) == "cli", path


def test_uvloop_is_optional() -> None:
    for path in MODULES:
        if "uvloop" in {name.split(".")[0] for name in imports(path)}:
            assert path == ROOT / "loops.py"
            assert "uvloop" not in set(imports(path, everywhere=False))


def test_the_tower_is_only_read_except_where_it_is_traced() -> None:
    for path in MODULES:
        if part(path) == "tower" and "trace" not in path.parts:
            names = set(imports(path))
            assert not {name.split(".")[0] for name in names} & IMPURE, path
            assert {name for name in names if name.startswith("netkit")} <= {"netkit.errors"} | {
                f"netkit.tower.{other.stem}" for other in path.parent.glob("*.py")
            }, path


def test_the_package_imports_itself_relatively() -> None:
    for path in MODULES:
        for node in module(path).everywhere:
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert not (node.module or "").startswith("netkit"), path
            elif isinstance(node, ast.Import):
                assert not [alias.name for alias in node.names if alias.name.startswith("netkit")], path


def test_a_module_says_what_it_is_and_leaves_nothing_for_later() -> None:
    for path in MODULES:
        assert module(path).said, path
        text = path.read_text()
        assert not [word for word in ("TODO", "FIXME", "XXX") if word in text], path


def test_every_part_has_its_rule() -> None:
    assert {part(path) for path in MODULES} == set(ALLOWED)
