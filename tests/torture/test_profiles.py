"""How one talks to each service: to be let in, to say something, to have another name, to go."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from netkit.cli.torture import SERVICES
from netkit.torture.fault import EVERY
from netkit.torture.peer import Peer
from netkit.torture.profiles import PROFILES, Profile, Refused
from netkit.torture.target import Target
from tests.torture.conftest import Serve
from tests.torture.server import Datagrams, Echo, Line, Server

#: The torture itself runs on asyncio's own loop.
on_asyncio = pytest.mark.asyncio(loop_factories=["asyncio"])


class Irc(asyncio.Protocol):
    """As much of an IRC server as a client sees until it is in a channel."""

    def __init__(self, server: Server) -> None:
        self.heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"PING :are you there?\r\n")

    def data_received(self, data: bytes) -> None:
        self.heard += data
        lines = self.heard.split(b"\r\n")
        if b"PONG :are you there?" in lines and b"USER ann 0 * :ann" in lines and b"JOIN" not in self.heard:
            self.transport.write(b":here 001 ann :Welcome\r\n")
        if b"JOIN #torture" in lines:
            self.transport.write(b":ann JOIN #torture\r\n:here 366 ann #torture :End of NAMES\r\n")


class Silent(asyncio.Protocol):
    """It says nothing."""

    def __init__(self, server: Server) -> None:
        pass


class Closed(Silent):
    """It wants nobody."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def opened(target: Target, profile: Profile) -> Peer:
    return await target.open(answer=profile.answer)


def heard(*lines: bytes) -> Peer:
    """Somebody who got some lines."""
    peer = Peer()
    peer.data_received(b"".join(line + b"\r\n" for line in lines))
    return peer


WELCOME = b":here 001 t1 :Welcome"


def test_each_service_that_can_be_asked_for_has_a_profile() -> None:
    assert set(PROFILES) == set(SERVICES) == EVERY
    for name, profile in PROFILES.items():
        assert profile.name == name
        assert profile.about
        assert profile.bystanders >= 2


@on_asyncio
@pytest.mark.parametrize(
    ("service", "kind", "scheme"),
    [("echo", Echo, "tcp"), ("echo", Datagrams, "udp"), ("chat", Line, "tcp"), ("irc", Irc, "tcp")],
)
async def test_one_is_let_in(serve: Serve, service: str, kind: type, scheme: str) -> None:
    profile = PROFILES[service]
    peer = await opened(await serve(kind, scheme), profile)
    await profile.enter(peer, "ann", None)
    peer.close()


@on_asyncio
async def test_in_a_broadcast_one_is_in_once_a_listener_hears_it(serve: Serve) -> None:
    profile = PROFILES["broadcast"]
    target = await serve(Line)
    first, second = await opened(target, profile), await opened(target, profile)
    await profile.enter(first, "ann", None)
    await profile.enter(second, "bob", first)
    assert b"hello from bob" in first.heard
    first.close()
    second.close()


@on_asyncio
@pytest.mark.parametrize(
    ("service", "said"),
    [("echo", "no echo of b'hello from ann'"), ("chat", "no greeting"), ("irc", "not registered")],
)
@pytest.mark.parametrize(("kind", "state"), [(Silent, "open"), (Closed, "ended")])
async def test_one_who_is_not_let_in_is_told_what_came_instead(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tick: float, service: str, said: str, kind: type, state: str
) -> None:
    hears = Peer.hears

    async def soon(self: Peer, what: bytes, within: float = 0.0) -> bool:
        return await hears(self, what, tick)

    monkeypatch.setattr(Peer, "hears", soon)
    profile = PROFILES[service]
    peer = await opened(await serve(kind), profile)
    with pytest.raises(Refused, match=f"{said}.*the connection is {state}"):
        await profile.enter(peer, "ann", None)
    peer.close()


def test_what_is_said_is_a_line_as_the_service_wants_it() -> None:
    assert {name: profile.say(b"hi") for name, profile in PROFILES.items()} == {
        "echo": b"hi\n",
        "chat": b"hi\n",
        "broadcast": b"hi\n",
        "irc": b"PRIVMSG #torture :hi\r\n",
    }


def test_names_are_asked_for_where_there_are_any() -> None:
    assert {name: profile.rename(b"ann") for name, profile in PROFILES.items()} == {
        "echo": b"",
        "chat": b"/nick ann\n",
        "broadcast": b"",
        "irc": b"NICK ann\r\n",
    }
    assert {name: profile.leave() for name, profile in PROFILES.items()} == {
        "echo": b"",
        "chat": b"/quit\n",
        "broadcast": b"",
        "irc": b"QUIT\r\n",
    }


@pytest.mark.parametrize(
    ("line", "has"),
    [
        (b"*** you are ann now", True),
        (b"*** ann is taken: choose another name", False),
        (b"*** you are guest1 in #lobby", None),
        (b"<bob> *** you are ann now", None),
        (b"*** bob is here", None),
    ],
)
def test_the_chat_says_whether_one_has_a_name(line: bytes, has: bool | None) -> None:
    assert PROFILES["chat"].has_name(heard(line), b"ann") is has


@pytest.mark.parametrize(
    ("line", "has"),
    [
        (b":t1!~u@host NICK :ann", True),
        (b":t1!~u@host NICK ann", True),
        (b":here 433 t1 ann :Nickname already in use", False),
        (b":here 432 t1 a.n :Erroneous nickname", False),
        (b":bob!~b@host PRIVMSG #torture :NICK ann", None),
        (b":bob!~b@host NICK :ann", None),
    ],
)
def test_irc_says_whether_one_has_a_name(line: bytes, has: bool | None) -> None:
    assert PROFILES["irc"].has_name(heard(WELCOME, line), b"ann") is has


def test_a_ping_of_irc_is_answered_and_nothing_else_is() -> None:
    answer = PROFILES["irc"].answer
    assert answer is not None
    assert answer(b"PING :1234") == b"PONG :1234\r\n"
    assert answer(b":bob PRIVMSG #torture :PING") == b""
    assert [name for name, each in PROFILES.items() if each.answer] == ["irc"]
