"""The wheel: what is in it, what it asks for, and that it works where nothing but it is installed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from netkit.tower.tiers import TIERS

ROOT = Path(__file__).parent.parent
PATIENCE = 20.0  # seconds until a wait for a process or a socket counts as failed

pytestmark = pytest.mark.timeout(120)  # pip may have to fetch click


def environment() -> dict[str, str]:
    """Ours, without what would show netkit's source to a Python that shall see only the wheel."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NETKIT"))}


def output(*command: str | Path, cwd: Path) -> str:
    """Standard output of a command that must succeed; what it says when it does not is part of the failure."""
    result = subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=100, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the source distribution, and the wheel made from it."""
    directory = tmp_path_factory.mktemp("dist")
    output(sys.executable, "-m", "build", "--no-isolation", "--outdir", directory, ROOT, cwd=directory)
    return directory


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("netkit-*-py3-none-any.whl")
    return path


@pytest.fixture(scope="module")
def members(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def metadata(wheel: Path, members: list[str]) -> Message:
    (path,) = [name for name in members if name.endswith(".dist-info/METADATA")]
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(path).decode())


@pytest.fixture(scope="module")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a venv that holds the wheel and what it asks for, and nothing else."""
    directory = tmp_path_factory.mktemp("venv")
    output(sys.executable, "-m", "venv", "--without-pip", directory, cwd=directory)
    pip = (sys.executable, "-m", "pip", "--python", directory / "bin" / "python")
    output(*pip, "install", "--quiet", "--disable-pip-version-check", wheel, cwd=directory)
    return directory / "bin"


@pytest.fixture
def serving(venv: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """An echo server of the installed netkit, and its port."""
    options = ("--service", "echo", "--loop", "asyncio", "--listen", "tcp://127.0.0.1:0")
    with subprocess.Popen(
        [venv / "netkit", "serve", *options],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            ready = re.fullmatch(r"listening on tcp://127\.0\.0\.1:(\d+)\n", process.stderr.readline())
            assert ready is not None
            assert process.stderr.readline() == "service echo, layer streams, loop asyncio\n"
            yield process, int(ready[1])
        finally:
            process.kill()


def test_the_wheel_holds_the_package_its_types_and_nothing_else(members: list[str]) -> None:
    tops = {name.partition("/")[0] for name in members}
    assert {top for top in tops if not re.fullmatch(r"netkit-[^/]+\.dist-info", top)} == {"netkit"}
    assert "netkit/py.typed" in members
    source = {str(path.relative_to(ROOT)) for path in (ROOT / "netkit").rglob("*.py")}
    examples = {f"netkit/tower/examples/{tier.example}" for tier in TIERS}
    assert {name for name in members if name.endswith(".py")} == source | examples


def test_the_wheel_holds_what_its_parts_read(members: list[str]) -> None:
    read = [
        *(ROOT / "netkit").rglob("*.toml"),
        *(ROOT / "netkit").glob("bench/report/page.*"),
        *(ROOT / "netkit").glob("tower/trace/page/page.*"),
    ]
    assert len(read) >= 16
    assert {str(path.relative_to(ROOT)) for path in read} <= set(members)


def test_the_licence_is_in_the_wheel(members: list[str]) -> None:
    assert [name for name in members if name.endswith(".dist-info/licenses/LICENSE")]


def test_the_source_distribution_can_be_tested(built: Path) -> None:
    (path,) = built.glob("netkit-*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "Makefile", "README.md", "tests/test_packaging.py"} <= inside
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "examples").glob("*.py")} <= inside


def test_only_click_is_required(metadata: Message) -> None:
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert [re.split(r"[^\w.-]", line)[0] for line in required] == ["click"]


def test_the_extras_are_those_that_are_documented(metadata: Message) -> None:
    extras = ["all", "bench", "chat", "connect", "tls-dev", "torture", "tower", "unicode-nicks", "uvloop"]
    assert sorted(metadata.get_all("Provides-Extra", [])) == extras


def test_an_install_brings_click_and_nothing_else(venv: Path, tmp_path: Path) -> None:
    program = "import importlib.metadata as m; print(*sorted(d.metadata['Name'].lower() for d in m.distributions()))"
    assert output(venv / "python", "-c", program, cwd=tmp_path).split() == ["click", "netkit"]


def test_the_installed_package_is_the_one_that_runs(venv: Path, tmp_path: Path) -> None:
    program = "import netkit; print(netkit.__file__)"
    found = output(venv / "python", "-c", program, cwd=tmp_path).strip()
    assert Path(found).is_relative_to(venv.parent)


def test_the_command_and_the_module_give_the_same_help(venv: Path, tmp_path: Path) -> None:
    help_text = output(venv / "netkit", "--help", cwd=tmp_path)
    assert help_text.startswith("Usage: netkit ")
    assert "serve" in help_text
    assert output(venv / "python", "-m", "netkit", "--help", cwd=tmp_path) == help_text


def test_the_bench_says_what_it_lacks(venv: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        (venv / "netkit", "bench"), cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "netkit: the bench needs the package hdrh: pip install 'netkit[bench]'\n"


def test_the_tower_is_whole(venv: Path, tmp_path: Path) -> None:
    shown = output(venv / "netkit", "tower", "3", cwd=tmp_path)
    assert "netkit/tower/trace/__main__.py:" in shown
    assert (ROOT / "examples" / "tier3_futures.py").read_text() in shown
    assert output(venv / "netkit", "tower", "1", "--run", cwd=tmp_path).count("\n") >= 5


def test_a_message_is_followed(venv: Path, tmp_path: Path) -> None:
    shown = output(venv / "netkit", "trace", cwd=tmp_path)
    assert shown.startswith("message, service echo: streams on asyncio\n")
    output(venv / "netkit", "trace", "-o", "trace.html", cwd=tmp_path)
    assert (tmp_path / "trace.html").read_text().startswith("<!doctype html>")


def test_the_command_tells_the_version_of_the_wheel(venv: Path, metadata: Message, tmp_path: Path) -> None:
    version = metadata["Version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", version)
    assert version in output(venv / "netkit", "--version", cwd=tmp_path).split()


def test_the_installed_command_serves_and_ends_on_sigterm(serving: tuple[subprocess.Popen[str], int]) -> None:
    process, port = serving
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
        sock.sendall(b"hello\n")
        sock.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: sock.recv(4096), b"")) == b"hello\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
