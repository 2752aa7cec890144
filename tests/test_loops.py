"""The loops by their names."""

from __future__ import annotations

import asyncio
import sys
from importlib.util import find_spec

import pytest

from netkit import loops
from netkit.errors import LoopError


def module_of(name: str) -> tuple[str, str]:
    """The real name of a loop, and the module that one is made of."""
    real, factory = loops.factory(name)
    loop = factory()
    try:
        return real, type(loop).__module__.partition(".")[0]
    finally:
        loop.close()


def test_asyncio_is_always_there() -> None:
    assert module_of("asyncio") == ("asyncio", "asyncio")


@pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")
@pytest.mark.parametrize("name", ["auto", "uvloop"])
def test_uvloop_where_it_is_installed(name: str) -> None:
    assert module_of(name) == ("uvloop", "uvloop")


def test_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert module_of("auto") == ("asyncio", "asyncio")
    with pytest.raises(LoopError, match=r"^uvloop is not installed: pip install 'netkit\[uvloop\]', or use --loop"):
        loops.factory("uvloop")


def test_there_is_no_other_loop() -> None:
    with pytest.raises(ValueError, match=r"^no loop is called 'trio': choose one of auto, asyncio, uvloop$"):
        loops.factory("trio")


def test_one_runs_where_a_runner_takes_it() -> None:
    async def running() -> str:
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]

    name, factory = loops.factory("auto")
    with asyncio.Runner(loop_factory=factory) as runner:
        assert runner.run(running()) == name
