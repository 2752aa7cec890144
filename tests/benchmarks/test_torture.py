"""The verdicts that are kept: of every server, of every fault there is today, and in the tables as they were made."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from benchmarks.torture import run, tables
from netkit.torture import catalogue

OWN, OTHERS = [*run.own()], run.others()


def result(server: run.Server) -> dict[str, Any]:
    found = tables.load(server.name)
    assert found is not None, f"python benchmarks/torture/run.py {server.name}"
    return found


@pytest.mark.parametrize("server", [*OWN, *OTHERS], ids=lambda server: server.name)
def test_every_fault_of_today_was_tried(server: run.Server) -> None:
    scheme = server.endpoint.partition(":")[0]
    wanted = [each.name for each in catalogue.chosen((), (), server.service, scheme)]
    found = result(server)
    assert [each["fault"] for each in found["verdicts"]] == wanted
    assert (found["service"], found["server"], found["stopped"]) == (server.service, server.command, "")


@pytest.mark.parametrize("server", OWN, ids=lambda server: server.name)
def test_netkit_holds_all_of_them_within_three_minutes(server: run.Server) -> None:
    found = result(server)
    assert {each["outcome"] for each in found["verdicts"]} == {"held"}
    assert found["seconds"] < 180


def test_the_tables_are_those_of_the_results() -> None:
    done = subprocess.run([sys.executable, tables.__file__, "--check"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
