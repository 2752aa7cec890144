"""Real servers, each followed through the tower: what their steps are on every layer and loop, and what ends badly."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest

from netkit import layers
from netkit.errors import ServiceError, TraceError
from netkit.tower.trace import run
from netkit.tower.trace.model import CLIENT, KERNEL, SERVICE, Comparison, Trace
from netkit.tower.trace.run import Plan
from netkit.tower.trace.stories import FLOOD, LINE, STORIES

LOOPS = ("asyncio", "uvloop")
CELLS = list(itertools.product(layers.NAMES, LOOPS))

ANSWERS = "the service is given the bytes, and may answer"

#: At once: each trace is one process, and mostly waits for the start of another Python.
AT_ONCE = 3

#: The service of a file that is made for it.
SERVICES = """
import os
import time
import netkit

class Silent(netkit.Service):
    def received(self, conn, data, now):
        return ()

class Blocked(netkit.Service):
    def received(self, conn, data, now):
        time.sleep(1000)

class Leaves(netkit.Service):
    def received(self, conn, data, now):
        return (netkit.Close(conn, "enough"),)

class Shout(netkit.Service):
    def received(self, conn, data, now):
        print("shouting")
        yield data.upper()

class Ends(netkit.Service):
    def received(self, conn, data, now):
        return (data,)

    def paused(self, conn, now):
        os._exit(1)
"""


def traced(*asked: tuple[Plan, str, str]) -> list[Trace]:
    """Some traces, a few at once."""

    async def all_of_them() -> list[Trace]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(plan: Plan, layer: str, loop: str) -> Trace:
            async with places:
                return await run.trace(plan, layer, loop)

        return await asyncio.gather(*(one(*each) for each in asked))

    return asyncio.run(all_of_them())


def servers_of_traces() -> list[psutil.Process]:
    """Those that are ours. A browser that other tests have open may be too."""
    return [each for each in psutil.Process().children(recursive=True) if "netkit.tower.trace" in each.cmdline()]


@pytest.fixture(autouse=True)
def _nothing_is_left_running() -> Iterator[None]:
    yield
    assert not servers_of_traces()


@pytest.fixture(autouse=True)
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made_up.py").write_text(SERVICES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(run.__file__).parents[3]))


@pytest.fixture(scope="module", autouse=True)
def _uvloop_is_there() -> None:
    pytest.importorskip("uvloop", reason="uvloop is not installed")


def tiers(trace: Trace) -> list[int]:
    """The server's steps, by tier, in their order."""
    return [step.tier for step in trace.steps if step.tier != CLIENT]


def texts(trace: Trace) -> list[str]:
    return [step.text for step in trace.steps]


#: A line there and its answer back: the way up, and down again. On uvloop what is inside C is one step: 2, or 7.
WAYS = {
    ("transports", "asyncio"): [2, 7, 8, KERNEL, 8, 7, SERVICE, 7, 7, KERNEL],
    ("protocols", "asyncio"): [2, 7, KERNEL, 8, SERVICE, 8, 7, KERNEL],
    ("streams", "asyncio"): [2, 7, KERNEL, 8, 9, 3, 2, 4, 1, 9, SERVICE, 9, 7, KERNEL, 9, 3],
    ("transports", "uvloop"): [2, 8, 7, 8, 7, SERVICE, 7, 7],
    ("protocols", "uvloop"): [2, 8, SERVICE, 8, 7],
    ("streams", "uvloop"): [2, 8, 9, 3, 2, 4, 1, 9, SERVICE, 9, 7, 9],
}


Messages: TypeAlias = dict[tuple[str, str], Trace]


@pytest.fixture(scope="module")
def messages() -> Messages:
    """A message on every layer and loop."""
    return dict(zip(CELLS, traced(*((Plan(), *cell) for cell in CELLS)), strict=True))


def test_a_message_takes_every_step_in_its_order(messages: Messages) -> None:
    found = messages
    assert {cell: tiers(trace) for cell, trace in found.items()} == WAYS
    for (layer, loop), trace in found.items():
        assert (trace.layer, trace.loop) == (layer, loop)
        assert [step.at for step in trace.steps] == sorted(step.at for step in trace.steps)
        assert (trace.steps[0].text, trace.steps[0].at) == ("the client sends a line", 0)
        (answer,) = [step for step in trace.steps if step.text == ANSWERS]
        assert (answer.size, answer.api) == (len(LINE), "Echo.received")
        assert answer.where.startswith("netkit/services/echo.py:")
        assert any(step.in_c for step in trace.steps) == (loop == "uvloop")
        assert (trace.counts.system is None) == (loop == "uvloop")
        woken = 1 if layer == "streams" else 0
        assert (trace.counts.woken, trace.counts.futures) == (woken, woken)
    on_asyncio = {layer: found[layer, "asyncio"].counts for layer in layers.NAMES}
    assert {layer: counts.callbacks for layer, counts in on_asyncio.items()} == {
        "transports": 1,
        "protocols": 1,
        "streams": 2,
    }
    # One wait, one read, one write; a coroutine costs one more look at the sockets.
    assert {layer: counts.system for layer, counts in on_asyncio.items()} == {
        "transports": 3,
        "protocols": 3,
        "streams": 4,
    }
    assert on_asyncio["streams"].python > 2 * on_asyncio["protocols"].python


def test_a_step_is_as_deep_as_the_steps_it_is_inside_of(messages: Messages) -> None:
    trace = messages["protocols", "asyncio"]
    assert [(step.tier, step.depth) for step in trace.steps if step.tier != CLIENT] == [
        *((2, 0), (7, 0), (KERNEL, 1), (8, 1), (SERVICE, 2), (8, 2), (7, 3), (KERNEL, 4))
    ]
    for outer, inner in itertools.pairwise(step for step in trace.steps if step.tier != CLIENT):
        if inner.depth > outer.depth:
            assert outer.at <= inner.at <= inner.at + inner.took <= outer.at + outer.took


def test_in_a_chat_it_waits_for_the_end_of_the_turn() -> None:
    for trace in traced(*((Plan(service="chat"), layer, "asyncio") for layer in layers.NAMES)):
        said = texts(trace)
        waits = said.index("the answer waits for the end of the turn, in an outbox")
        written = said.index("the turn ends, and with it what was put off")
        assert said.index(ANSWERS) < waits < written
        assert trace.steps[written].turn == trace.steps[waits].turn + 1
        assert trace.steps[-1].text == "the client has the answer" or trace.steps[-2].tier == KERNEL


def test_a_hundred_lines_at_once_cost_the_steps_of_one() -> None:
    for layer, trace in zip(
        layers.NAMES, traced(*((Plan(what="flood"), layer, "asyncio") for layer in layers.NAMES)), strict=True
    ):
        assert tiers(trace) == WAYS[layer, "asyncio"]
        assert {step.size for step in trace.steps if step.size} == {len(LINE) * FLOOD}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_is_accepted_and_becomes_a_transport_and_a_protocol(loop: str) -> None:
    for trace in traced(*((Plan(what="connect"), layer, loop) for layer in layers.NAMES)):
        assert trace.steps[0].text == "the client connects"
        said = texts(trace)
        assert "the service is told of the connection" in said
        made = [step for step in trace.steps if step.api.endswith("connection_made")]
        assert len(made) == 1
        assert made[0].tier == 8
        assert made[0].at < trace.steps[said.index("the service is told of the connection")].at
        assert ("a transport is made" in said) == (loop == "asyncio")
        # Protocols alone make no task of a connection.
        assert ("a task is made for it" in said) == (trace.layer != "protocols")


@pytest.mark.parametrize("loop", LOOPS)
def test_after_the_end_of_the_client_s_side_the_answer_still_comes(loop: str) -> None:
    for trace in traced(*((Plan(what="half-close"), layer, loop) for layer in layers.NAMES)):
        said = texts(trace)
        order = [ANSWERS, "the service is told of the end", "the service is told that the connection"]
        at = [next(index for index, text in enumerate(said) if text.startswith(each)) for each in order]
        assert at == sorted(at)
        assert "the client has the answer, and the end" in said
        assert trace.steps[said.index("the client has the answer, and the end")].size == len(LINE)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_slow_reader_holds_back_who_writes_to_it(loop: str) -> None:
    for trace in traced(*((Plan(what="slow-reader"), layer, loop) for layer in layers.NAMES)):
        said = texts(trace)
        slow = said.index("the service is told that the client is slow")
        reads = said.index("the service is told that the client reads again")
        assert slow < reads
        assert said.index("the client has sent so much, and begins to read") < reads
        stops = {"transports": "transport.pause_reading() is called", "protocols": "the protocol stops its transport"}
        assert slow < said.index(stops.get(trace.layer, "read() will not be called for now")) < reads


def test_over_tls_a_protocol_stands_between_the_transport_and_the_protocol() -> None:
    asked = [(Plan(what="tls"), layer, loop) for layer, loop in CELLS if (layer, loop) != ("transports", "uvloop")]
    for trace in traced(*asked):
        said = texts(trace)
        assert said[0] == "the client connects, and shakes hands"
        assert "the client has the answer" in said
        assert ANSWERS in said
        assert next(step for step in trace.steps if step.text == "the client has the answer").size == len(LINE)
        if trace.loop == "asyncio":
            assert said.index("TLS takes the handshake a step further") < said.index("the handshake is done")
            assert (
                said.index("the handshake is done")
                < said.index("TLS is asked for what it has decrypted")
                < said.index(ANSWERS)
            )
            assert said.index(ANSWERS) < said.index("TLS encrypts")


def test_over_tls_an_answer_in_a_chat_is_the_line() -> None:
    (trace,) = traced((Plan(what="tls", service="chat"), "protocols", "asyncio"))
    said = texts(trace)
    assert said.index("the client has the answer") > said.index("the client sends a line, encrypted")
    assert said.index("the turn ends, and with it what was put off", said.index(ANSWERS)) < len(said)
    assert (trace.steps[said.index("the client has the answer")].size or 0) > len(LINE)


def test_a_service_of_one_s_own_is_followed_too_even_if_it_prints(capfd: pytest.CaptureFixture[str]) -> None:
    (trace,) = traced((Plan(service="made_up:Shout"), "protocols", "asyncio"))
    (answer,) = [step for step in trace.steps if step.text == ANSWERS]
    assert answer.api == "Shout.received"
    assert capfd.readouterr() == ("", "shouting\n" * 2)
    assert answer.where.rpartition("/")[2].startswith("made_up.py:")


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ("Silent", "it did not answer within 0.5 s"),
        ("Blocked", "it did not answer within 0.5 s"),
        ("Leaves", "it closed the connection instead of an answer"),
    ],
)
def test_a_service_that_does_not_answer_is_given_up(service: str, why: str) -> None:
    with pytest.raises(TraceError) as failed:
        traced((Plan(service=f"made_up:{service}", patience=0.5), "streams", "asyncio"))
    assert str(failed.value) == f"no trace of message with made_up:{service} on streams, asyncio: {why}"


def test_every_story_gives_up_in_time() -> None:
    async def all_of_them() -> list[Trace | BaseException]:
        plans = [Plan(what=what, service="made_up:Silent", patience=0.3) for what in STORIES if what != "connect"]
        tries = (run.trace(plan, "protocols", "uvloop") for plan in plans)
        return await asyncio.gather(*tries, return_exceptions=True)

    given_up = asyncio.run(all_of_them())
    assert [type(each) for each in given_up] == [TraceError] * (len(STORIES) - 1)


def test_a_server_that_goes_away_is_given_up() -> None:
    with pytest.raises(TraceError, match="slow-reader with made_up:Ends on protocols, asyncio: "):
        traced((Plan(what="slow-reader", service="made_up:Ends", patience=20), "protocols", "asyncio"))


def test_a_service_that_cannot_be_had_is_told_as_serve_tells_it() -> None:
    with pytest.raises(ServiceError, match="no module nowhere: install it"):
        traced((Plan(service="nowhere:Service"), "streams", "asyncio"))


def test_the_server_of_a_trace_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    plan = Plan(service="made_up:Silent")
    command = (sys.executable, "-m", "netkit.tower.trace", plan.job("streams", "asyncio"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert b"listening" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_comparison_survives_its_json() -> None:
    comparison = asyncio.run(run.compare(Plan(), [("protocols", "uvloop")]))
    assert Comparison.loads(comparison.dumps()) == comparison
    assert set(comparison.machine) == {"netkit", "python", "platform", "uvloop"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "not a trace"),
        ('{"format": "netkit trace", "version": 99}', "a trace of version 99, and this netkit reads version 1"),
        ('{"format": "netkit trace", "version": 1}', "not a whole trace: 'traces'"),
        ("{", "Expecting property name"),
    ],
)
def test_what_is_no_trace_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Comparison.loads(text)
