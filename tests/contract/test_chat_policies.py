"""What the chat does about those who talk too fast, read too slowly or misbehave, over real connections."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from netkit.limits import Limits
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from collections.abc import Callable

    from netkit.service import Service
    from tests.conftest import Place
    from tests.contract.conftest import Client, Recorder, Serve, Site

KIB = 1024

TOKEN = "0123456789abcdef"

#: Lines that one sends at once: more than a paste and a burst.
LINES = 400

#: A thousand lines a second: what is slowed takes time, but not much of it.
PACED = Limits(line_rate=1000.0, byte_rate=0.0, room_rate=0.0)

#: Seconds that those lines take at least, of which a hundred are a paste; some are left out for a clock that rounds.
LEAST = (LINES - 120) / 1000.0


async def enter(site: Site, nick: bytes, number: int = 0) -> Client:
    """Come in, take a name, and read up to there."""
    client = await site.connect(number)
    await client.send(b"/nick " + nick + b"\n")
    await skip(client, b"*** you are " + nick + b" now")
    return client


async def skip(client: Client, start: bytes) -> bytes:
    """Read up to and with a line that begins so."""
    while not (line := await client.line()).startswith(start):
        assert line, f"the connection ended before {start!r}"
    return line


def numbered(count: int) -> bytes:
    """So many lines to send at once."""
    return b"".join(b"%d\n" % number for number in range(count))


async def test_a_flood_arrives_whole_and_late(serve: Serve) -> None:
    site = await serve(Chat(PACED), limits=PACED)
    ann, bob = await enter(site, b"ann"), await enter(site, b"bob")
    clock = asyncio.get_running_loop().time
    begun = clock()
    await ann.send(numbered(LINES))
    heard = await bob.lines(LINES)
    assert heard == [b"<ann> %d\n" % number for number in range(LINES)]
    assert clock() - begun > LEAST


async def test_a_pipe_that_ends_is_heard_to_its_end_and_gets_a_receipt(serve: Serve) -> None:
    site = await serve(Chat(PACED), limits=PACED)
    ann, bob = await enter(site, b"ann"), await enter(site, b"bob")
    await ann.send(numbered(LINES))
    ann.end()
    assert (await ann.rest()).endswith(b"*** ok #%d\n" % LINES)
    assert (await bob.lines(LINES + 1))[-2:] == [b"<ann> %d\n" % (LINES - 1), b"*** ann left\n"]


async def test_over_tls_a_pipe_is_heard_to_its_end_though_its_connection_is_gone(
    serve: Serve, all_places: list[Place]
) -> None:
    tls = all_places[2]
    site = await serve(Chat(PACED), tls, limits=PACED)
    ann, bob = await enter(site, b"ann"), await enter(site, b"bob")
    await ann.send(numbered(LINES))
    await bob.lines(1)
    ann.writer.close()
    await ann.rest()
    assert (await bob.lines(LINES))[-2:] == [b"<ann> %d\n" % (LINES - 1), b"*** ann left\n"]


async def test_who_reads_too_slowly_for_too_long_is_cut_off(
    serve: Serve, recorder: Callable[[Service], Recorder], tick: float
) -> None:
    limits = Limits(low=KIB, high=4 * KIB, slow=tick).without_rates()
    service = recorder(Chat(limits))
    site = await serve(service, limits=limits)
    bob = await enter(site, b"bob")
    await service.until("opened", 1)
    await site.connect(buffers=4 * KIB)
    await skip(bob, b"*** guest1 is here")
    while not service.told["lost"]:  # its own loop takes some, so that it may be slow more than once
        await bob.send(b"x" * 4000 + b"\n")
        await asyncio.sleep(0)
    assert await skip(bob, b"*** guest1 left") == b"*** guest1 left (too slow)\n"
    assert service.endings["too-slow"] == 1


async def test_operators_send_people_away_and_keep_them_away(serve: Serve) -> None:
    site = await serve(Chat(operator_token=TOKEN))
    ann, bob = await enter(site, b"ann"), await enter(site, b"bob")
    await ann.send(b"/op %b\n/kick bob rude\n" % TOKEN.encode())
    assert (await bob.rest()).endswith(b"*** an operator sends you away (rude): goodbye (kicked)\n")
    assert await skip(ann, b"*** bob left") == b"*** bob left (kicked)\n"
    await ann.send(b"/ban bob 1h\n")
    await skip(ann, b"*** bob is banned")
    eve = await site.connect()
    await eve.send(b"/nick bob\n")
    await skip(eve, b"*** bob is banned: choose another name")


async def test_an_operator_stops_the_server(serve: Serve) -> None:
    site = await serve(Chat(operator_token=TOKEN), limits=Limits(linger=0.1))
    ann, bob = await enter(site, b"ann"), await enter(site, b"bob")
    await ann.send(b"/op %b\n/shutdown\n" % TOKEN.encode())
    await site.server.wait()
    leaving = asyncio.create_task(site.stop())
    assert (await bob.rest()).endswith(b"*** the server is stopping: goodbye (shutdown)\n")
    assert (await ann.rest()).endswith(b"*** the server is stopping: goodbye (shutdown)\n")
    await leaving


async def test_what_was_said_is_given_again_by_its_number(serve: Serve) -> None:
    site = await serve(Chat())
    ann = await enter(site, b"ann")
    await ann.send(b"one\ntwo\n/me three\n/replay 2\n")
    assert await ann.lines(2) == [b"#2 <ann> two\n", b"#3 * ann three\n"]


async def test_programs_read_and_write_objects(serve: Serve) -> None:
    site = await serve(Chat())
    ann, bob = await enter(site, b"ann"), await enter(site, b"bob")
    await bob.send(b"/json\n")
    assert json.loads(await bob.line())["type"] == "notice"
    await bob.send(b'{"text": "/not a command"}\n')
    assert json.loads(await bob.line()) == {"type": "ok", "room": "#lobby", "number": 1}
    assert await skip(ann, b"<bob>") == b"<bob> /not a command\n"
    await ann.send(b"hello\n")
    said = {"type": "line", "room": "#lobby", "number": 2, "nick": "ann", "text": "hello"}
    assert json.loads(await bob.line()) == said
