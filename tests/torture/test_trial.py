"""What a fault may do, and how it says that something did not hold."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from netkit.torture import trial as module
from netkit.torture.fault import Broken, Untried
from netkit.torture.peer import OPEN, Peer
from netkit.torture.trial import Trial, mebibytes
from tests.torture.conftest import Serve, Try
from tests.torture.server import Datagrams, Echo, Line

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


class Deaf(Echo):
    """It lets everybody in, and answers only that."""

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"hello"):
            super().data_received(data)


class Full(Echo):
    """It has a place for three."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.taken = Full.taken = Full.taken + 1
        if self.taken > 3:
            cast(asyncio.Transport, transport).abort()


async def test_names_and_words_never_come_twice_and_are_the_same_in_every_run(serve: Serve, trying: Try) -> None:
    where = await serve(Echo)

    def made(trial: Trial) -> list[object]:
        return [each for _ in range(50) for each in (trial.name(), trial.word())]

    first = made(trying(where, "echo"))
    assert len(set(first)) == 100
    assert made(trying(where, "echo")) == first


@pytest.mark.parametrize(
    ("service", "kind", "scheme"),
    [("echo", Echo, "tcp"), ("echo", Datagrams, "udp"), ("chat", Line, "tcp"), ("broadcast", Line, "tcp")],
)
async def test_a_newcomer_is_let_in_and_comes_through(
    serve: Serve, trying: Try, service: str, kind: type, scheme: str
) -> None:
    trial = trying(await serve(kind, scheme), service)
    await trial.newcomer()
    one = await trial.enter()
    await trial.passes(one)
    assert one.state == OPEN


async def test_who_does_not_come_through_is_named_with_what_they_sent(serve: Serve, trying: Try, soon: float) -> None:
    trial = trying(await serve(Deaf), "echo")
    one = await trial.enter()
    with pytest.raises(Broken, match="did not come through within") as broken:
        await trial.passes(one, soon)
    assert broken.value.peer is one
    assert b"torture-1-" in one.sent.pieces[-1][0]


async def test_who_is_cut_off_does_not_come_through_either(serve: Serve, trying: Try) -> None:
    trial = trying(await serve(Echo), "echo")
    one = await trial.enter()
    one.reset()
    assert await one.ends()
    with pytest.raises(Broken, match="the connection of a healthy client is ended"):
        await trial.passes(one)


async def test_a_service_that_lets_nobody_in_is_broken(
    serve: Serve, trying: Try, monkeypatch: pytest.MonkeyPatch, tick: float
) -> None:
    trial = trying(await serve(Echo), "chat")
    hears = Peer.hears
    monkeypatch.setattr(Peer, "hears", lambda self, what, within=0.0: hears(self, what, tick))
    with pytest.raises(Broken, match="no greeting: the connection is open"):
        await trial.newcomer()


async def test_a_server_that_is_gone_is_broken(serve: Serve, trying: Try) -> None:
    trial = trying(await serve(Echo), "echo")
    sock = trial.target.socket()
    sock.bind(("127.0.0.1", 0))
    trial.target.address = sock.getsockname()  # nobody listens there
    with pytest.raises(Broken, match="no connection: "):
        await trial.open()
    sock.close()


async def test_a_crowd_is_as_large_as_the_bounds_allow(
    serve: Serve, trying: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 8)
    trial = trying(await serve(Echo), "echo")
    crowd = await trial.crowd(1000)
    assert len(crowd) == trial.bounds.connections
    assert {each.state for each in crowd} == {OPEN}
    assert len(await trial.enter_all(3)) == 3


async def test_of_several_who_come_at_once_one_that_fails_is_said_and_none_is_left_behind(
    serve: Serve, trying: Try
) -> None:
    trial = trying(await serve(Full), "echo")
    with pytest.raises(Broken, match=r"no echo of .*: the connection is (ended|reset)"):
        await trial.enter_all(6)
    await trial.close()  # a socket that stays open is found by every test


async def test_the_listener_is_the_same_one_until_it_is_gone(serve: Serve, trying: Try) -> None:
    trial = trying(await serve(Line), "chat")
    listener = await trial.listener()
    assert await trial.listener() is listener
    listener.reset()
    await listener.ends()
    assert await trial.listener() is not listener


async def test_without_a_process_there_is_nothing_to_say_of_it(serve: Serve, trying: Try) -> None:
    trial = trying(await serve(Echo), "echo")
    assert trial.memory() is None
    trial.bounded(0, "for nothing")
    await trial.idle("at rest", most=0, within=0)
    with pytest.raises(Untried, match="--server-cmd or --pid"):
        trial.process()


async def test_bytes_are_shown_as_mebibytes() -> None:
    assert mebibytes(3 * 1024 * 1024 // 2) == "1.5 MiB"
