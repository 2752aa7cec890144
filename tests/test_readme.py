"""The README is held to what it shows: its Python runs, its limits are the real ones, its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netkit.limits import Limits

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("limit", Limits.table(), ids=lambda limit: limit[0])
def test_every_limit_is_told_with_its_default_and_source(limit: tuple[str, str, str, str]) -> None:
    name, unit, about, source = limit
    (row,) = re.findall(rf"^\| `--{name.replace('_', '-')}` \|.*$", README, re.MULTILINE)
    _, _, default, told, origin, _ = (cell.strip() for cell in row.split("|"))
    assert (told, origin) == (about, source)
    value = getattr(Limits(), name)
    if name == "connections":
        assert default == "descriptors - 64, at most 10,000"
    elif value is None:
        assert default == "as the service says"
    else:
        assert default == f"{value:,g} {unit}" if isinstance(value, float) else default == f"{value:,} {unit}"


def test_no_limit_is_told_that_is_not_there() -> None:
    told = re.findall(r"^\| `--([a-z-]+)` \| [^|]* \| [^|]* \| [^|]* \|$", README, re.MULTILINE)
    assert sorted(told) == sorted(name.replace("_", "-") for name, *_ in Limits.table())


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_its_python_is_whole(code: str) -> None:
    """It is run in tests of ``netkit.serve``; here it must compile and name only what there is."""
    names: dict[str, object] = {}
    exec(compile(code.replace("asyncio.run(main())", ""), "README.md", "exec"), names)
    assert callable(names["main"])


def test_its_units_are_what_systemd_reads(program: Callable[[str], str], tmp_path: Path) -> None:
    units = dict(re.findall(r"```ini\n# (\S+)\n(.*?)```", README, re.DOTALL))
    assert sorted(units) == ["chat.service", "chat.socket", "echo.socket", "echo@.service"]
    for name, unit in units.items():
        (tmp_path / name).write_text(unit.replace("/usr/local/bin/netkit", f"{sys.executable} -m netkit"))
    command = [program("systemd-analyze"), "verify", *(str(tmp_path / name) for name in units)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
