"""The command line, called in this process with its server replaced, or run as a process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from netkit import cli, server

Ask: TypeAlias = Callable[..., Result]


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """A suite started in the background ignores SIGINT, and its children would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options that the environment of the test run would give."""
    for name in [name for name in os.environ if name.startswith("NETKIT_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[server.Config]:
    """What was to be served: nothing is, it is only written down here. Logging stays as it is too."""
    configs: list[server.Config] = []
    monkeypatch.setattr(server, "run", lambda config, report: configs.append(config))
    monkeypatch.setattr("netkit.cli.logs.configure", lambda verbosity, style: None)
    return configs


@pytest.fixture
def ask(served: list[server.Config]) -> Ask:
    """Call netkit with some arguments and with variables of the environment."""

    def call(*arguments: str, **variables: str) -> Result:
        return CliRunner().invoke(cli.main, arguments, prog_name="netkit", env=variables)

    return call
