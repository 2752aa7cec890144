"""``--state``: the storage is open before anything listens and closed after all, and the chat gets what was kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from netkit import server, services
from netkit.service import Service
from netkit.services.chat.records import Kept, KeptRoom, Topic
from netkit.storage import Worker

Ask = Callable[..., Result]


@pytest.fixture
def runs(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Kept | None, Worker | None]]:
    """For each run: what the service was made with, and the storage of the server, which gets a topic."""
    runs: list[tuple[Kept | None, Worker | None]] = []

    def run(config: dict[str, Any], report: object) -> None:
        storage = config.get("storage")
        if storage is not None:
            storage.put(Topic("#a", f"run {len(runs)}"))
        runs[-1] = (runs[-1][0], storage)

    def make(*_: object, kept: Kept | None = None, **__: object) -> Service:
        runs.append((kept, None))
        return Service()

    monkeypatch.setattr(server, "Config", lambda **options: options)
    monkeypatch.setattr(server, "run", run)
    monkeypatch.setattr(services, "make", make)
    return runs


def test_what_one_run_stores_the_next_one_gets(
    ask: Ask, runs: list[tuple[Kept | None, Worker | None]], tmp_path: Path
) -> None:
    for _ in range(2):
        result = ask("serve", "--state", str(tmp_path / "state"))
        assert (result.exit_code, result.output) == (0, "")
    (first, one), (second, other) = runs
    assert (first, second) == (Kept(), Kept(rooms=(KeptRoom("#a", "run 1", 0, ()),)))
    assert isinstance(one, Worker)
    assert isinstance(other, Worker)


def test_without_it_nothing_is_kept(ask: Ask, runs: list[tuple[Kept | None, Worker | None]]) -> None:
    assert ask("serve").exit_code == 0
    assert runs == [(None, None)]


def test_the_environment_gives_it(ask: Ask, runs: list[tuple[Kept | None, Worker | None]], tmp_path: Path) -> None:
    assert ask("serve", NETKIT_SERVE_STATE=str(tmp_path / "state")).exit_code == 0
    assert (tmp_path / "state" / "chat.db").exists()


def test_only_a_chat_has_something_to_keep(ask: Ask, served: list[server.Config], tmp_path: Path) -> None:
    result = ask("serve", "--service", "echo", "--state", str(tmp_path / "state"))
    assert (result.exit_code, result.stderr) == (
        2,
        "netkit: --state keeps what the chat knows: it is of no use without --service chat. "
        "(netkit serve --help tells more)\n",
    )
    assert not (tmp_path / "state").exists()


def test_a_state_that_cannot_be_had_is_told_in_a_line(ask: Ask, served: list[server.Config], tmp_path: Path) -> None:
    (tmp_path / "state").write_text("precious")
    result = ask("serve", "--state", str(tmp_path / "state"))
    expected = f"netkit: cannot keep state in {tmp_path / 'state'}: it is not a directory, give one\n"
    assert (result.exit_code, result.stderr) == (1, expected)
    assert served == []
