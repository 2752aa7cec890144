"""The chat over real connections: whoever is on TCP, a Unix socket or TLS of one server is in the same room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest_asyncio

from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Client, Recorder, Serve, Site

LINES = 200


@pytest_asyncio.fixture
async def site(serve: Serve, all_places: list[Place]) -> Site:
    return await serve(Chat(Limits(line_length=50).without_rates()), *all_places)


async def enter(site: Site, number: int, nick: bytes, ending: bytes = b"\n") -> Client:
    """Come in on the address of that number, with a name, and read up to where it is known."""
    client = await site.connect(number)
    await client.send(b"/nick " + nick + ending)
    while not (await client.line()).startswith(b"*** you are " + nick + b" now"):
        pass
    return client


async def skip(client: Client, until: bytes) -> None:
    """Read up to and with a line that ends so."""
    while not (line := await client.line()).endswith(until):
        assert line, f"the connection ended before {until!r}"


async def three(site: Site) -> tuple[Client, Client, Client]:
    """Ann on TCP, Bob on a Unix socket and Cat on TLS, who know of one another."""
    ann = await enter(site, 0, b"ann")
    bob = await enter(site, 1, b"bob", b"\r\n")
    cat = await enter(site, 2, b"cat")
    await skip(ann, b" is cat now\n")
    await skip(bob, b" is cat now\r\n")
    return ann, bob, cat


async def test_everybody_but_the_sender_gets_a_line_with_its_own_ending(site: Site) -> None:
    ann, bob, cat = await three(site)
    await ann.send(b"from tcp\n")
    assert (await bob.line(), await cat.line()) == (b"<ann> from tcp\r\n", b"<ann> from tcp\n")
    await bob.send(b"from unix\r\n")
    assert (await ann.line(), await cat.line()) == (b"<bob> from unix\n", b"<bob> from unix\n")
    await cat.send(b"from tls\n")
    assert (await ann.line(), await bob.line()) == (b"<cat> from tls\n", b"<cat> from tls\r\n")


async def test_the_lines_of_one_sender_stay_in_order(site: Site) -> None:
    people = await three(site)
    names = (b"ann", b"bob", b"cat")

    async def talk(client: Client, ending: bytes) -> None:
        for number in range(LINES):
            await client.send(b"%d%s" % (number, ending))

    talking = [asyncio.create_task(talk(client, b"\n")) for client in people]
    for listener, own in zip(people, names, strict=True):
        heard: dict[bytes, list[int]] = {name: [] for name in names}
        for line in await listener.lines(2 * LINES):
            name, _, number = line.partition(b"> ")
            heard[name.removeprefix(b"<")].append(int(number))
        assert heard == {name: [] if name == own else list(range(LINES)) for name in names}
    await asyncio.gather(*talking)


async def test_who_comes_and_goes_is_announced(site: Site) -> None:
    ann, bob, _ = await three(site)
    dan = await enter(site, 0, b"dan")
    assert await ann.lines(2) == [b"*** guest1 is here\n", b"*** guest1 is dan now\n"]
    await dan.send(b"/quit\n")
    assert await dan.rest() == b"*** goodbye (quit)\n"
    assert await ann.line() == b"*** dan left\n"
    bob.reset()
    assert await ann.line() == b"*** bob left\n"


async def test_text_without_an_end_is_said_when_its_sender_ends(site: Site) -> None:
    ann, bob, cat = await three(site)
    await bob.send(b"half a li")
    bob.end()
    assert await bob.rest() == b"*** ok #1\r\n"
    assert await ann.lines(2) == [b"<bob> half a li\n", b"*** bob left\n"]
    await cat.send(b"the other ha")
    cat.writer.close()
    assert await ann.lines(2) == [b"<cat> the other ha\n", b"*** cat left\n"]


async def test_a_line_that_is_too_long_is_told_of_once(site: Site) -> None:
    ann, bob, _ = await three(site)
    for _ in range(10):
        await ann.send(b"x" * 40)
    await ann.send(b"\nshort\n")
    assert await bob.line() == b"<ann> short\r\n"
    assert await ann.line() == b"*** your line was dropped: make it shorter than 51 bytes\n"
    await bob.send(b"yes\r\n")
    assert await ann.line() == b"<bob> yes\n"


async def test_nobody_is_kept_after_leaving(serve: Serve, recorder: Callable[[Service], Recorder]) -> None:
    service = recorder(Chat())
    site = await serve(service)
    for number in range(30):
        client = await site.connect()
        await client.send(b"hello\n" if number % 2 else b"hel")
        (client.reset if number % 3 else client.end)()
    await service.until("lost", 30)
    last = await site.connect()
    await last.send(b"/who\n")
    await skip(last, b"*** nobody else is here yet\r\n")
