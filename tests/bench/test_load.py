"""The loads against servers that are known: good ones give figures that hold together, bad ones are found out.

Nothing here asks how fast this machine is. Others may use it at the same time, so times have wide bounds; what must
be equal, such as counts, must be so however busy it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest

from netkit.bench.histograms import decode
from netkit.bench.load.paced import schedule
from netkit.bench.results import Sample
from netkit.errors import BenchError
from tests.bench import servers
from tests.bench.conftest import Measure

pytestmark = pytest.mark.alone  # it measures, and nothing else may run beside it

#: Cells of which nothing is asked that depends on time are measured so many at once, beside those that only wait.
AT_ONCE = 6

#: A share by which a mean read from a histogram of 3 digits may be off.
DIGITS = 0.002

#: Each bad server with what shall be measured on it, and what must be said of it.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "closes": ({"kind": "closed"}, r"(ended|reset|closed) a connection"),
    "closes, churn": ({"kind": "churn"}, r"(ended|reset|closed) a connection"),
    "wrong": ({"kind": "closed"}, r"it echoed wrong bytes, somewhere in \d+ after the first \d+"),
    "wrong, open": ({"kind": "open", "rate": 500.0}, r"it echoed wrong bytes"),
    "wrong, churn": ({"kind": "churn"}, r"it echoed wrong bytes on a new connection"),
    "wrong, tls": ({"kind": "closed", "tls": True}, r"it echoed wrong bytes"),
    "swaps": ({"kind": "closed", "depth": 8}, r"it echoed wrong bytes"),
    "short": ({"kind": "closed", "conns": 1}, r"1 of 1 connections got no answer for 5 s"),
    "short, one of two": ({"kind": "closed"}, r"1 of 2 connections got no answer for 5 s"),
    "short, depth": ({"kind": "closed", "depth": 8}, r"it echoed wrong bytes"),
    "short, open": ({"kind": "open", "rate": 500.0}, r"it echoed wrong bytes|got no answer for 5 s"),
    "short, churn": ({"kind": "churn"}, r"1 new connections got no answer for 5 s"),
    "extra": ({"kind": "closed"}, r"it sent more than it got: b'm"),
    "extra, open": ({"kind": "open", "rate": 500.0}, r"it sent more than it got|it echoed wrong bytes"),
    "extra, churn": ({"kind": "churn"}, r"it echoed wrong bytes on a new connection"),
    "resets": ({"kind": "closed"}, r"it reset a connection"),
    "resets, open": ({"kind": "open", "rate": 500.0}, r"it reset a connection"),
    "resets, churn": ({"kind": "churn"}, r"it reset a connection that was new"),
    "silent": ({"kind": "closed"}, r"nothing came for 5 s while it was read from"),
    "garbage": ({"kind": "closed", "tls": True}, r"TLS failed while connecting: WRONG_VERSION_NUMBER"),
    "exits": ({"kind": "closed"}, r"it exited with 3 before it listened: there is no such database"),
    "chat, no echo": ({"kind": "closed"}, r"nothing came for 5 s while it was read from"),
    "echo, no chat": ({"kind": "chat", "service": "chat"}, r"it is no chat: what one client wrote did not reach"),
    "loses": ({"kind": "chat", "service": "chat"}, r"client 4 got line \d+ of sender [12] and not line \d+, which was"),
    "doubles": ({"kind": "chat", "service": "chat"}, r"client \d got line \d+ of sender [12] again"),
    "swaps-lines": ({"kind": "chat", "service": "chat"}, r"client \d got line \d+ of sender [12] and not line \d+"),
    "wrong-lines": ({"kind": "chat", "service": "chat"}, r"client \d got a line with wrong bytes: b'@\d{8} abc"),
    "deaf": (
        {"kind": "chat", "service": "chat", "size": 4000, "depth": 16, "rate": 16000.0},
        r"it does not read: a client could not write its lines|clients lack lines",
    ),
    # It blocks in a write to the one that does not read, and then nobody gets anything.
    "chat, stalled": (
        {"kind": "stalled", "service": "chat", "size": 4000, "depth": 8, "rate": 4000.0, "seconds": 0.9},
        r"clients lack lines: client \d got \d+ of \d+, and nothing more for 5 s|it does not read",
    ),
    "wrong, capacity": ({"kind": "capacity"}, r"it echoed wrong bytes"),
    "doubles, capacity": ({"kind": "capacity", "service": "chat"}, r"client \d got line \d+ of sender [12] again"),
    "wrong, idle": ({"kind": "idle", "conns": 60}, r"it echoed wrong bytes"),
}


#: Good servers with what shall be measured on each.
CLOSED: dict[str, dict[str, Any]] = {
    "closed": {"seconds": 0.4, "conns": 8},
    "closed, one byte, depth 8": {"size": 1, "depth": 8},
    "closed, 1 MiB": {"size": 1 << 20},
    "closed, tls": {"tls": True},
    "closed, 1 MiB, depth 8, tls": {"size": 1 << 20, "depth": 8, "conns": 1, "tls": True},
}
OPEN: dict[str, dict[str, Any]] = {
    "open": {"rate": 500.0},
    "open, poisson, one byte": {"rate": 500.0, "arrival": "poisson", "conns": 8, "size": 1},
    "open, 1 MiB, tls": {"rate": 50.0, "size": 1 << 20, "tls": True},
}
CHATS: dict[str, dict[str, Any]] = {"chat": {}, "chat, tls": {"tls": True}}
CHURNS: dict[str, dict[str, Any]] = {"churn": {}, "churn, tls": {"tls": True}}

GOOD = (
    {name: ("echo", {"kind": "closed"} | special) for name, special in CLOSED.items()}
    | {name: ("echo", {"kind": "open"} | special) for name, special in OPEN.items()}
    | {name: ("chat", {"kind": "chat", "service": "chat"} | special) for name, special in CHATS.items()}
    | {name: ("echo", {"kind": "churn"} | special) for name, special in CHURNS.items()}
    | {name: (name, {"kind": "closed"}) for name in ("late", "forks")}
    | {name: (name, {"kind": "idle", "conns": 40}) for name in ("leaks",)}
    | {"idle": ("echo", {"kind": "idle", "conns": 40})}
)


#: What is asked of more closely, two at a time: first those that keep the cores busy beside those that do not.
CLOSELY: dict[str, tuple[tuple[str | int, ...], dict[str, Any]]] = {
    "capacity": (("echo", "--us", 250), {"kind": "capacity", "seconds": 0.12, "p99": 50.0}),
    "stalls, open": (("stalls",), {"kind": "open", "rate": 300.0, "seconds": 1.1}),
    "paced": (("echo",), {"kind": "open", "rate": 1000.0, "seconds": 0.3}),
    "too large": (("echo",), {"kind": "churn", "conns": 1, "size": 16 << 20}),
    "stalls, closed": (("stalls",), {"kind": "closed", "conns": 1, "seconds": 1.1}),
    "capacity of a chat": (
        ("chat", "--us", 2000),
        {"kind": "capacity", "service": "chat", "depth": 1, "seconds": 0.12, "p99": 50.0},
    ),
    "overload": (("echo",), {"kind": "open", "rate": 200_000.0, "size": 5000, "tls": True}),
    "costs": (("echo", "--us", 400), {"kind": "closed", "seconds": 0.4}),
}


@pytest.fixture(scope="module")
def cells(measure: Measure) -> Iterator[dict[str, Future[Sample]]]:
    """What comes out of each of ``FAULTS`` and of ``GOOD``."""
    wanted = {name: (name.partition(",")[0], special) for name, (special, _) in FAULTS.items()}
    wanted = {f"{name}, bad": found for name, found in wanted.items()} | GOOD
    # Those that wait for a stuck server do so all together, and beside the others.
    stuck = [f"{name}, bad" for name, (_, said) in FAULTS.items() if re.search("5 s|no chat|does not read", said)]
    with ThreadPoolExecutor(len(stuck)) as waiting, ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            name: (waiting if name in stuck else pool).submit(measure, server, **special)
            for name, (server, special) in wanted.items()
        }


@pytest.fixture(scope="module")
def closely(measure: Measure, cells: dict[str, Future[Sample]]) -> Iterator[dict[str, Future[Sample]]]:
    """What comes out of each of ``CLOSELY``, with none of the others beside them."""
    wait(cells.values())
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(measure, *server, **special) for name, (server, special) in CLOSELY.items()}


@pytest.mark.parametrize("name", FAULTS)
def test_a_server_that_does_wrong_is_a_failure_that_says_what(name: str, cells: dict[str, Future[Sample]]) -> None:
    sample = cells[f"{name}, bad"].result()
    assert re.search(FAULTS[name][1], sample.failed), sample
    assert not sample.figures


# Good ones.


def counts(sample: Sample) -> dict[str, int]:
    """How many samples each histogram has."""
    return {name: decode(text).get_total_count() for name, text in sample.histograms.items()}


def mean(sample: Sample, name: str) -> float:
    """Of a histogram, in nanoseconds."""
    return float(decode(sample.histograms[name]).get_mean_value())


def longest(sample: Sample, name: str = "response") -> float:
    """Of a histogram, in seconds."""
    return float(decode(sample.histograms[name]).get_max_value()) / 1e9


def assert_plausible(sample: Sample) -> None:
    assert sample.failed == ""
    assert sample.figures["rate"] > 0
    assert 0 < sample.figures["cpu"] < 1e6 / sample.figures["rate"], "no thread can use more than the time there is"
    assert sample.figures["memory"] > 1000
    assert 0 < sample.figures["p50"] <= sample.figures["p99"]
    assert 0 < sample.observed["server_busy"] <= 1.02
    assert 0 < sample.observed["load_busy"] <= 1.02


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_loop_gives_figures_that_hold_together(name: str, cells: dict[str, Future[Sample]]) -> None:
    sample = cells[name].result()
    assert_plausible(sample)
    assert counts(sample) == {"response": sample.observed["messages"]}
    # Little's law, but for the messages that the edges of the window cut through.
    cut = longest(sample) / sample.observed["seconds"]
    assert sample.observed["little"] == pytest.approx(1, abs=0.05 + cut)


@pytest.mark.parametrize("name", OPEN)
def test_an_open_loop_counts_every_message_that_was_due(name: str, cells: dict[str, Future[Sample]]) -> None:
    sample, special = cells[name].result(), OPEN[name]
    assert_plausible(sample)
    counted = counts(sample)
    assert counted["response"] == counted["service"] == counted["lateness"]
    assert sample.observed["achieved"] == 1
    offered = special["rate"] * 0.2
    spread = 5 * offered**0.5 if "arrival" in special else 2
    assert counted["response"] == pytest.approx(offered, abs=spread + 1)


@pytest.mark.parametrize("name", CHATS)
def test_a_chat_reaches_everybody(name: str, cells: dict[str, Future[Sample]]) -> None:
    sample = cells[name].result()
    assert_plausible(sample)
    assert sample.figures["reach"] == 1
    counted = counts(sample)
    assert counted["response"] == 3 * counted["first"] == 3 * counted["last"], "three of four hear of it"
    assert counted["first"] == 4 * counted["lateness"], "four lines in one write"
    assert counted["first"] == pytest.approx(800 * 0.2, abs=2 * 4)
    assert sample.figures["first_p50"] <= sample.figures["last_p50"]


@pytest.mark.parametrize("name", CHURNS)
def test_connections_that_come_and_go_are_counted(name: str, cells: dict[str, Future[Sample]]) -> None:
    sample = cells[name].result()
    assert_plausible(sample)
    assert counts(sample) == {"response": sample.observed["messages"]}


@pytest.mark.parametrize("name", ["late", "forks"])
def test_a_server_may_listen_late_or_leave_the_work_to_a_child(name: str, cells: dict[str, Future[Sample]]) -> None:
    assert_plausible(cells[name].result())


def test_memory_that_is_left_behind_is_found(cells: dict[str, Future[Sample]]) -> None:
    good, bad = (cells[name].result() for name in ("idle", "leaks"))
    kept = servers.LEAK / 1024
    for name in ("idle", "used", "left"):
        assert good.figures[name] < kept / 4
        assert bad.figures[name] - good.figures[name] == pytest.approx(kept, rel=0.1)


def test_a_load_that_cannot_keep_up_blames_itself(closely: dict[str, Future[Sample]]) -> None:
    """Over TLS, where what a full connection has begun to take must be written to its end, and is not answered yet."""
    sample = closely["overload"].result()
    assert sample.failed == ""
    assert sample.observed["achieved"] < 0.995
    assert sample.figures["rate"] > 0, "it reads all the same"
    assert sample.figures["p99"] > 10_000, "what never went out waits too"
    counted = counts(sample)
    assert counted["response"] > counted.get("service", 0)


def test_response_is_service_and_lateness(closely: dict[str, Future[Sample]]) -> None:
    sample = closely["paced"].result()
    parts = mean(sample, "service") + mean(sample, "lateness")
    assert mean(sample, "response") == pytest.approx(parts, rel=DIGITS)
    assert sample.figures["service_p99"] <= sample.figures["p99"]


def test_a_stall_shows_in_an_open_loop_and_hides_in_a_closed_one(closely: dict[str, Future[Sample]]) -> None:
    """The p99 of both, of a server that stands still for 200 ms in each second.

    A fifth of what the clock sends falls into the stall and waits for 0 to 200 ms: 1 % of all for more than 190 ms. A
    closed loop of one connection sends nothing while it waits: the stall is one message of some thousands, and 1 %
    is reached with more than 100 of them in a second. A window of more than a second has the end of a stall in it.
    """
    opened = closely["stalls, open"].result()
    closed = closely["stalls, closed"].result()
    assert opened.figures["p99"] >= 100_000
    assert opened.figures["service_p99"] >= 100_000
    assert closed.figures["p99"] < 50_000
    assert longest(closed) > 0.15, "it was there, once"
    assert closed.observed["messages"] > 250


def test_a_message_too_large_for_one_write_is_not_the_fault_of_the_server(closely: dict[str, Future[Sample]]) -> None:
    with pytest.raises(BenchError, match="ask for a smaller --size"):
        closely["too large"].result()


def test_what_a_message_costs_is_what_is_measured(closely: dict[str, Future[Sample]]) -> None:
    sample = closely["costs"].result()
    assert sample.figures["cpu"] == pytest.approx(400, rel=0.05)


def test_the_capacity_of_an_echo_is_found(closely: dict[str, Future[Sample]]) -> None:
    """250 us for each are 4000 a second and no more; a quarter of that is no trouble anywhere."""
    sample = closely["capacity"].result()
    assert 1000 <= sample.figures["capacity"] <= 5200
    assert sample.observed["p99"] > 50_000


def test_the_capacity_of_a_chat_is_found_in_deliveries(closely: dict[str, Future[Sample]]) -> None:
    """2 ms for each line are 500 a second at most, and each is delivered three times."""
    sample = closely["capacity of a chat"].result()
    assert 3 * 100 <= sample.figures["capacity"] <= 3 * 650


def test_all_send_at_the_same_moment_where_that_is_asked_for() -> None:
    due = list(schedule(40.0, 0.2, 4, "together", 1))
    assert due == [0] * 4 + [100_000_000] * 4
