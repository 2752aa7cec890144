"""The Makefile on machines that lack something: one line that says what to do, and nothing half made left behind.

No package index is needed: a shell script stands in for Python, and for the pip of the venv that it makes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")

#: A Python that runs what it is told with -c, makes venvs that hold itself, and only writes down what pip shall do.
STAND_IN = """\
#!/bin/sh
case "$1 $2" in
"-m venv")
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python" || exit 1
    printf '#!/bin/sh\\necho "netkit $*"\\n' >"$3/bin/netkit" && chmod +x "$3/bin/netkit"
    {venv} ;;
"-m pip")
    shift 2
    echo "$*" >>{log}
    {pip} ;;
*)
    exec {python} -c "import sys; {first}; exec(sys.argv[1])" "$2" ;;
esac
"""

NEEDS_A_VENV_MODULE = """\
echo 'The virtual environment was not created successfully because ensurepip is not'
echo 'available.'
echo 'Failing command: python3 -m ensurepip'
exit 1"""


@dataclass(frozen=True)
class Checkout:
    """A directory with the Makefile and what it reads, and a Python of our making."""

    path: Path

    @property
    def venv(self) -> Path:
        return self.path / ".venv"

    @property
    def installs(self) -> list[str]:
        """What pip was called with since the last look."""
        log = self.path / "pip.log"
        if not log.exists():
            return []
        calls = log.read_text().splitlines()
        log.unlink()
        return calls

    def python(self, *, version: str = "", prefix: str = "", venv: str = "", pip: str = "") -> None:
        """Put a Python in place that says it is this one, and whose venv and pip end with these lines."""
        first = []
        if version:
            first.append(f"sys.version_info = {tuple(map(int, version.split('.')))}; sys.version = '{version} (main)'")
        if prefix:
            first.append(f"sys.prefix = '{prefix}'")
        stand_in = self.path / "python"
        stand_in.write_text(
            STAND_IN.format(
                first="; ".join(first) or "pass",
                venv=venv,
                pip=pip,
                log=self.path / "pip.log",
                python=sys.executable,
            )
        )
        stand_in.chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Where make runs this test, what it was told is in the environment, and would reach the make under test.
        ours = {"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "VENV", "PYTHON", "ARGS"}
        return subprocess.run(
            ["make", f"PYTHON={self.path / 'python'}", *arguments],
            cwd=self.path,
            env={name: value for name, value in os.environ.items() if name not in ours},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def complaint(self, *arguments: str) -> str:
        """The one line that a failing make wrote, besides its own last word."""
        result = self.make(*arguments)
        assert result.returncode != 0
        ours = [line for line in result.stderr.splitlines() if not line.startswith("make: *** ")]
        assert len(ours) == 1, result.stderr
        return ours[0]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    made = Checkout(tmp_path)
    made.python()
    return made


def test_alone_it_lists_its_targets_and_needs_no_python(checkout: Checkout) -> None:
    result = checkout.make("PYTHON=./missing")
    assert (result.returncode, result.stderr) == (0, "")
    named = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("make ")]
    assert named == ["help", "serve", "bench", "test", "soak", "torture", "check", "clean"]


@pytest.mark.parametrize("target", ["serve", "bench", "test", "soak", "torture", "check"])
def test_an_old_python_is_refused(checkout: Checkout, target: str) -> None:
    checkout.python(version="3.10.13")
    complaint = checkout.complaint(target)
    assert "needs Python 3.11 or newer" in complaint
    assert "is 3.10.13" in complaint
    assert "make PYTHON=" in complaint
    assert not checkout.venv.exists()


def test_a_missing_python_is_refused(checkout: Checkout) -> None:
    complaint = checkout.complaint("serve", "PYTHON=./missing")
    assert "./missing is no Python that runs" in complaint
    assert "apt install python3 python3-venv" in complaint
    assert not checkout.venv.exists()


@pytest.mark.parametrize("target", ["serve", "bench", "test", "soak", "torture", "check"])
def test_a_missing_venv_module_is_told_and_leaves_nothing(checkout: Checkout, target: str) -> None:
    checkout.python(venv=NEEDS_A_VENV_MODULE)
    complaint = checkout.complaint(target)
    assert "Failing command: python3 -m ensurepip" in complaint
    assert "apt install python3-venv" in complaint
    assert not checkout.venv.exists()


def test_serve_installs_once_and_passes_arguments_on(checkout: Checkout) -> None:
    assert checkout.make("serve").returncode == 0
    assert [call for call in checkout.installs if "-e .[uvloop,tls-dev,chat,unicode-nicks]" in call]
    again = checkout.make("serve", "ARGS=--service echo")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == "netkit serve --layer streams --service echo\n"
    assert checkout.installs == []


def test_changed_dependencies_are_installed(checkout: Checkout) -> None:
    checkout.make("serve")
    assert checkout.installs
    later = (checkout.venv / "ready-to-serve").stat().st_mtime + 1
    os.utime(checkout.path / "pyproject.toml", (later, later))
    checkout.make("serve")
    assert [call for call in checkout.installs if "-e .[uvloop,tls-dev,chat,unicode-nicks]" in call]


def test_without_a_wheel_of_uvloop_it_serves_all_the_same(checkout: Checkout) -> None:
    checkout.python(pip="""case "$*" in *'[uvloop'*) echo 'no wheel' >&2; exit 1 ;; esac""")
    result = checkout.make("serve")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("netkit serve --layer streams\n")
    assert "-e .[tls-dev,chat]" in checkout.installs[-1]


def test_a_venv_from_an_interrupted_run_is_made_anew(checkout: Checkout) -> None:
    checkout.python(pip="kill -KILL $PPID")
    assert checkout.make("serve").returncode != 0
    remains = checkout.venv / "half"
    remains.touch()
    checkout.python()
    assert checkout.make("serve").returncode == 0
    assert not remains.exists()


def test_a_venv_whose_install_failed_is_made_anew(checkout: Checkout) -> None:
    checkout.python(pip="""case "$*" in *-e*) exit 1 ;; esac""")
    assert checkout.make("serve").returncode != 0
    remains = checkout.venv / "half"
    remains.touch()
    checkout.python()
    assert checkout.make("serve").returncode == 0
    assert not remains.exists()


def test_the_venv_of_another_python_is_made_anew(checkout: Checkout) -> None:
    checkout.python(version="3.11.2")
    assert checkout.make("serve").returncode == 0
    remains = checkout.venv / "old"
    remains.touch()
    checkout.python(version="3.13.0")
    assert checkout.make("serve").returncode == 0
    assert not remains.exists()


def test_an_activated_venv_is_kept(checkout: Checkout) -> None:
    """Its python3 is then the first on PATH, and has the venv as its prefix."""
    checkout.make("serve")
    assert checkout.installs
    checkout.python(prefix=str(checkout.venv))
    assert checkout.make("serve").returncode == 0
    assert checkout.installs == []


@pytest.mark.parametrize("name", ["", "netkit", "/", "../src"])
def test_a_directory_that_is_not_named_as_a_venv_is_never_removed(checkout: Checkout, name: str) -> None:
    assert "such as VENV=.venv-3.13" in checkout.complaint("clean", f"VENV={name}")
