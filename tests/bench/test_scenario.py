"""What can be measured: the scenarios that come with netkit, a file of one's own, and what the axes make of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from netkit.bench import scenario
from netkit.bench.scenario import Workload
from netkit.errors import ScenarioError

ECHO = Workload(scenario="echo", kind="closed")
CHAT = Workload(scenario="chat", kind="chat", service="chat", size=64, conns=100, senders=20, depth=4, rate=800)

NAMES = [
    "echo",
    "bulk",
    "capacity-chat",
    "capacity-echo",
    "chat",
    "chat-burst",
    "churn",
    "echo-rate",
    "idle",
    "stalled",
]


def refused(text: str, folder: Path) -> str:
    """What is said about a file of one's own with this text."""
    path = folder / "own.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as why:
        scenario.load(str(path))
    return str(why.value)


# By name.


def test_the_scenarios_are_named_and_echo_is_the_first() -> None:
    assert scenario.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_can_be_loaded_and_says_what_it_is(name: str) -> None:
    (found,) = scenario.load(name)
    assert found.workload.scenario == name
    assert found.workload.about
    assert found.servers == {}


def test_echo_has_the_values_that_it_is_known_for() -> None:
    (found,) = scenario.load("echo")
    expected = Workload(
        scenario="echo",
        kind="closed",
        about="closed loop: a message goes out when an answer has come in",
        service="echo",
        tls=False,
        size=1024,
        conns=50,
        depth=1,
        warmup=0.5,
        seconds=1.5,
        rounds=10,
    )
    assert found.workload == expected


def test_a_group_stands_for_its_members_in_their_order() -> None:
    assert [each.workload.scenario for each in scenario.load("capacity")] == ["capacity-echo", "capacity-chat"]


def test_every_kind_of_load_has_a_scenario() -> None:
    assert {scenario.load(name)[0].workload.kind for name in NAMES} == set(scenario.KINDS)


def test_an_unknown_name_is_refused_with_all_that_could_be_meant() -> None:
    with pytest.raises(ScenarioError) as why:
        scenario.load("ecko")
    choice = ", ".join([*NAMES, "capacity"])
    assert str(why.value) == f"no scenario is called 'ecko': choose one of {choice}, or give a .toml file"


# From a file.


def test_a_file_is_called_by_its_name_and_may_bring_servers(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('kind = "open"\nrate = 500\nsize = 7\n[servers]\ngo = "./echo {port}"\nc = "./c {port}"\n')
    assert scenario.load(str(path)) == [
        scenario.Scenario(
            Workload(scenario="mine", kind="open", rate=500, size=7), {"go": "./echo {port}", "c": "./c {port}"}
        )
    ]


def test_a_file_that_is_missing_is_refused() -> None:
    with pytest.raises(ScenarioError) as why:
        scenario.load("none/such.toml")
    assert str(why.value) == "cannot read the scenario none/such.toml: No such file or directory"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError) as why:
        scenario.load(str(path))
    assert str(why.value) == f"cannot read the scenario {path}: it is not text"


def test_a_file_that_is_not_toml_is_refused_with_the_place(tmp_path: Path) -> None:
    said = refused("kind = closed\n", tmp_path)
    assert said.startswith("scenario own is not TOML: ")
    assert "line 1" in said
    assert "\n" not in said


FIELDS = "scenario, kind, about, service, tls, size, conns, depth, rate, arrival, senders, p99, warmup, seconds, rounds"

WRONG = [
    ("size = 5", "kind is missing: give one of closed, open, chat, stalled, churn, idle, capacity"),
    ("", "kind is missing: give one of closed, open, chat, stalled, churn, idle, capacity"),
    ('kind = "loud"', "kind must be one of closed, open, chat, stalled, churn, idle, capacity, not 'loud'"),
    ('kind = "closed"\ncolour = 1', f"there is no 'colour': choose from {FIELDS}"),
    ('kind = "closed"\nsize = "big"', "size must be of type int, not 'big'"),
    ('kind = "closed"\nsize = 1.5', "size must be of type int, not 1.5"),
    ('kind = "closed"\nsize = true', "size must be of type int, not True"),
    ('kind = "closed"\ntls = 1', "tls must be of type bool, not 1"),
    ('kind = "closed"\nrate = true', "rate must be of type float, not True"),
    ('kind = "closed"\nabout = 3', "about must be of type str, not 3"),
    ("kind = 3", "kind must be of type str, not 3"),
    ('kind = "closed"\nservers = "go"', "servers must be a table of names and commands"),
    ('kind = "closed"\n[servers]\ngo = 8888', "servers must be a table of names and commands"),
    ('kind = "closed"\nseconds = nan', "seconds must be more than 0 and less than 3600"),
    ('kind = "open"\nrate = inf', "rate must not be negative, and be less than 1e+09"),
]


@pytest.mark.parametrize(("text", "wrong"), WRONG, ids=[text.replace("\n", "; ") or "empty" for text, _ in WRONG])
def test_a_file_with_a_wrong_value_is_refused(tmp_path: Path, text: str, wrong: str) -> None:
    assert refused(text, tmp_path) == f"scenario own: {wrong}"


# Values that do not go together.

OUT_OF_RANGE: list[tuple[Workload, dict[str, Any], str]] = [
    (ECHO, {"kind": "fast"}, "kind must be one of closed, open, chat, stalled, churn, idle, capacity, not 'fast'"),
    (ECHO, {"service": "irc"}, "service must be one of echo, chat, not 'irc'"),
    (ECHO, {"arrival": "bursts"}, "arrival must be one of constant, poisson, together, not 'bursts'"),
    (ECHO, {"size": 0}, "size must be at least 1"),
    (ECHO, {"size": 64 * 1024 * 1024 + 1}, "size must be at most 67108864 bytes"),
    (ECHO, {"conns": 0}, "conns must be at least 1"),
    (ECHO, {"depth": -1}, "depth must be at least 1"),
    (ECHO, {"rounds": 0}, "rounds must be at least 1"),
    (ECHO, {"seconds": 0.0}, "seconds must be more than 0 and less than 3600"),
    (ECHO, {"seconds": float("nan")}, "seconds must be more than 0 and less than 3600"),
    (ECHO, {"p99": 3600.0}, "p99 must be more than 0 and less than 3600"),
    (ECHO, {"warmup": -0.1}, "warmup must not be negative, and be less than 3600"),
    (ECHO, {"rate": float("nan")}, "rate must not be negative, and be less than 1e+09"),
    (ECHO, {"kind": "chat"}, "what is of kind chat needs the chat service"),
    (ECHO, {"kind": "stalled"}, "what is of kind stalled needs the chat service"),
    (CHAT, {"kind": "closed"}, "what is of kind closed needs the echo service"),
    (CHAT, {"kind": "open"}, "what is of kind open needs the echo service"),
    (CHAT, {"kind": "churn"}, "what is of kind churn needs the echo service"),
    (CHAT, {"size": 15}, "size must be 16 to 4000: it is a line of the chat"),
    (CHAT, {"size": 4001}, "size must be 16 to 4000: it is a line of the chat"),
    (CHAT, {"senders": 0}, "senders must be at least 1 and at most conns"),
    (CHAT, {"senders": 101}, "senders must be at least 1 and at most conns"),
    (CHAT, {"conns": 1, "senders": 1}, "conns must be at least 2: a chat needs somebody to read"),
    (CHAT, {"rate": 0.0}, "rate must be given, in lines a second"),
]


@pytest.mark.parametrize(
    ("workload", "change", "wrong"), OUT_OF_RANGE, ids=[f"{each[0].kind}-{each[1]}" for each in OUT_OF_RANGE]
)
def test_a_value_out_of_its_range_is_refused(workload: Workload, change: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ScenarioError) as why:
        replace(workload, **change)
    assert str(why.value) == f"scenario {workload.scenario}: {wrong}"


@pytest.mark.parametrize(
    "change",
    [
        {"size": 16},
        {"size": 4000},
        {"senders": 100},
        {"conns": 2, "senders": 2},
        {"kind": "capacity", "rate": 0.0},
        {"kind": "idle", "rate": 0.0, "senders": 0, "conns": 1},
    ],
    ids=str,
)
def test_the_bounds_of_a_chat_are_allowed(change: dict[str, Any]) -> None:
    made = replace(CHAT, **change)
    assert {name: getattr(made, name) for name in change} == change


# Axes.


def test_axes_multiply_and_the_last_one_changes_fastest() -> None:
    found = scenario.workloads(ECHO, {"size": [64, 1024], "tls": [False, True]})
    assert [(each.size, each.tls) for each in found] == [(64, False), (64, True), (1024, False), (1024, True)]
    assert {replace(each, size=1024, tls=False) for each in found} == {ECHO}


def test_an_axis_that_is_empty_leaves_the_value_as_it_is() -> None:
    assert scenario.workloads(ECHO, {"size": (), "conns": [7], "tls": []}) == [replace(ECHO, conns=7)]
    assert scenario.workloads(ECHO, {}) == [ECHO]


def test_a_value_of_an_axis_that_does_not_go_with_the_scenario_is_refused() -> None:
    with pytest.raises(ScenarioError, match="it is a line of the chat"):
        scenario.workloads(CHAT, {"size": [64, 8]})


def test_the_workloads_of_all_axes_have_different_keys() -> None:
    axes: dict[str, list[Any]] = {"size": [64, 1024], "conns": [1, 50], "depth": [1, 8], "tls": [False, True]}
    keys = [each.key for each in scenario.workloads(ECHO, axes)]
    assert keys[:2] == ["echo-64B-1c-1d", "echo-64B-1c-1d-tls"]
    assert len(set(keys)) == 16


# In words, and as a table.

TITLES = [
    (ECHO, "1 KiB echo, 50 connections"),
    (replace(ECHO, tls=True, size=1000), "1000 B echo over TLS, 50 connections"),
    (replace(ECHO, depth=8, size=1 << 20), "1 MiB echo, 50 connections, 8 under way on each"),
    (replace(ECHO, kind="open", rate=12_000.0), "1 KiB echo, 50 connections, 12,000 a second"),
    (replace(ECHO, kind="open"), "1 KiB echo, 50 connections"),
    (replace(ECHO, kind="churn", size=64), "64 B connect, echo and close, 50 connections"),
    (replace(ECHO, kind="idle", conns=1000), "idle echo, 1000 connections"),
    (replace(ECHO, kind="capacity", p99=2.5), "1 KiB echo, 50 connections, p99 within 2.5 ms"),
    (CHAT, "64 B chat, 100 connections, 20 senders, 4 lines a write, 800 a second"),
    (replace(CHAT, kind="idle", depth=1), "idle chat, 100 connections"),
]


@pytest.mark.parametrize(("workload", "title"), TITLES, ids=[title for _, title in TITLES])
def test_a_title_says_what_is_measured(workload: Workload, title: str) -> None:
    assert workload.title == title


def test_nothing_is_said_to_be_under_way_on_what_is_idle() -> None:
    assert replace(ECHO, kind="idle", depth=4).title == "idle echo, 50 connections"


def test_what_is_counted_has_a_name() -> None:
    assert [each.unit for each in (ECHO, CHAT, replace(ECHO, kind="churn"))] == ["echo", "delivery", "connection"]


def test_only_some_kinds_send_by_the_clock() -> None:
    kinds = ("closed", "open", "churn", "idle", "capacity")
    assert [kind for kind in kinds if replace(ECHO, kind=kind).open] == ["open", "capacity"]
    assert [kind for kind in ("chat", "stalled", "idle") if replace(CHAT, kind=kind).open] == ["chat", "stalled"]


def test_a_title_says_that_all_write_at_once() -> None:
    title = replace(CHAT, arrival="together").title
    assert f"{CHAT.senders} senders at the same moment, {CHAT.depth} lines a write" in title


def test_a_size_in_words_has_the_largest_unit_that_is_exact() -> None:
    texts = [scenario.size_text(size) for size in (1, 1000, 1024, 1536, 1 << 20, 3 << 20, (1 << 20) + 1024)]
    assert texts == ["1 B", "1000 B", "1 KiB", "1536 B", "1 MiB", "3 MiB", "1025 KiB"]


def test_a_window_is_cut_into_slices_where_that_can_be() -> None:
    assert [replace(ECHO, seconds=seconds).passes for seconds in (0.05, 0.2, 0.6, 1.5)] == [1, 1, 4, 10]
    assert [replace(CHAT, kind=kind, seconds=1.5).passes for kind in ("chat", "stalled", "idle")] == [10, 1, 1]
    assert replace(ECHO, kind="capacity", seconds=1.5).passes == 1


def test_a_longer_window_and_more_connections_last_longer() -> None:
    assert replace(ECHO, seconds=4.0).lasts > ECHO.lasts + 2.0
    idle = replace(ECHO, kind="idle")
    assert replace(idle, conns=1050).lasts == idle.lasts + 1.0
    assert replace(ECHO, kind="capacity").lasts > 4 * ECHO.lasts


@pytest.mark.parametrize("workload", [ECHO, CHAT, replace(ECHO, tls=True, kind="open", arrival="poisson", rate=2.5)])
def test_a_workload_comes_back_from_its_table(workload: Workload) -> None:
    assert Workload.from_dict(workload.to_dict()) == workload
