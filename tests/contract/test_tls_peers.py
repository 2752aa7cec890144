"""Peers that do not, or not quite, speak TLS where it is spoken: they cost a place for a while, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from netkit.limits import Limits
from netkit.service import Service
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Client, Recorder, Serve, Site

#: With this, a test in which a connection is ended only because its handshake takes too long fails first.
PATIENT = Limits(handshake=600)


@pytest.fixture
def tls(new_place: Callable[[str, Path], Place], tmp_path: Path) -> Place:
    return new_place("tls", tmp_path)


@pytest_asyncio.fixture
async def quiet(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Nothing in here is worth more than INFO."""
    caplog.set_level(logging.INFO)
    return caplog


async def plain(site: Site) -> Client:
    """Connect without TLS."""
    sock, address = site.knock()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, address)
    return await site.talk(sock)


async def works(site: Site) -> None:
    client = await site.connect()
    await client.send(b"fine")
    assert await client.read(4) == b"fine"
    await client.close()


def loudest(caplog: pytest.LogCaptureFixture) -> int:
    return max((record.levelno for record in caplog.records), default=0)


async def test_a_stalled_handshake_holds_a_place_and_is_ended(
    serve: Serve, tls: Place, tick: float, quiet: pytest.LogCaptureFixture, recorder: Callable[[Service], Recorder]
) -> None:
    service = recorder(Echo())
    site = await serve(service, tls, limits=Limits(handshake=4 * tick, connections=3))
    silent = await plain(site)
    halfway = await plain(site)
    await halfway.send(b"\x16\x03\x01\x02\x00\x01\x00")
    # Those that came before are accepted by now.
    client = await site.connect()
    await service.until("opened")
    assert site.server.connections == 3
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await site.connect()
    await silent.cut()
    await halfway.cut()
    await client.close()
    await site.empty()
    assert service.told["opened"] == service.told["lost"] <= 2
    assert service.endings["server-full"] == 1
    assert sum(": handshake (" in line for line in quiet.messages) == 2
    assert loudest(quiet) == logging.INFO


async def test_what_a_failed_handshake_has_used_does_not_wait_for_the_garbage_collector(
    serve: Serve, tls: Place
) -> None:
    def used() -> int:
        return sum(type(each).__name__ == "SSLProtocol" for each in gc.get_objects())

    site = await serve(Echo(), tls, limits=PATIENT)
    gc.collect()
    gc.disable()
    try:
        before = used()
        silent = [await plain(site) for _ in range(5)]
        while used() < before + 5:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.001)
        for each in silent:
            await each.close()
        while used() > before:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="http"),
        pytest.param(bytes(range(256)) * 64, id="bytes"),
        pytest.param(b"\x16\x03\x01\xff\xff" + bytes(70_000), id="record"),
        pytest.param(b"\x80\x2e\x01\x00\x02" + bytes(50), id="ssl2"),
    ],
)
async def test_garbage(serve: Serve, tls: Place, garbage: bytes, quiet: pytest.LogCaptureFixture) -> None:
    site = await serve(Echo(), tls, limits=PATIENT)
    client = await plain(site)
    client.writer.write(garbage)
    await client.cut()
    await works(site)
    await site.empty()
    assert sum(": handshake (" in line for line in quiet.messages) == 1
    assert loudest(quiet) == logging.INFO


async def test_who_ends_during_the_handshake(serve: Serve, tls: Place, quiet: pytest.LogCaptureFixture) -> None:
    site = await serve(Echo(), tls, limits=PATIENT)
    for begun in (b"", b"\x16\x03\x01"):
        client = await plain(site)
        client.writer.write(begun)
        client.end()
        await client.cut()
    client = await plain(site)
    client.reset()
    await works(site)
    await site.empty()
    assert loudest(quiet) == logging.INFO


async def test_a_peer_that_does_not_trust_us(serve: Serve, tls: Place, quiet: pytest.LogCaptureFixture) -> None:
    site = await serve(Echo(), tls)
    sock, address = site.knock()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, address)
    with pytest.raises(ssl.SSLCertVerificationError):
        await site.talk(sock, ssl.create_default_context())
    await works(site)
    await site.empty()
    assert loudest(quiet) == logging.INFO


async def test_tls_to_a_plain_port(serve: Serve, tcp: Place, tls: Place, quiet: pytest.LogCaptureFixture) -> None:
    site = await serve(Echo(), tcp)
    sock, address = site.knock()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, address)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await site.talk(sock, tls.client_tls)
    await works(site)
    await site.empty()
    assert loudest(quiet) == logging.INFO


async def test_a_stop_does_not_wait_for_a_handshake(
    serve: Serve, tls: Place, recorder: Callable[[Service], Recorder]
) -> None:
    service = recorder(Echo())
    site = await serve(service, tls)
    silent = await plain(site)
    # It is accepted once somebody is who came later.
    await works(site)
    await service.until("lost")
    assert site.server.connections == 1
    assert await site.stop() < Limits().handshake / 2
    await silent.cut()
    assert service.told["opened"] == 1
