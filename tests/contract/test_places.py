"""Places: who gets none is told so where that is possible, and a place is free again when its holder has left."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.limits import Limits
from netkit.service import Service
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Recorder, Serve, Site

#: TLS says nothing to whom it has not shaken hands with.
FAREWELL = {"tls": b""}


class Polite(Echo):
    def refused(self, reason: str) -> bytes:
        return f"sorry: {reason}\n".encode()


async def turned_away(site: Site) -> bytes:
    """What somebody gets to read who is not let in."""
    try:
        client = await site.connect()
    except (ssl.SSLError, ConnectionError):
        return b""
    return await client.rest()


async def test_a_full_server(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "netkit")
    service = recorder(Polite())
    site = await serve(service, endpoint, limits=Limits(connections=2))
    first, second = await site.connect(), await site.connect()
    await service.until("opened", 2)
    for _ in range(3):
        assert await turned_away(site) == FAREWELL.get(endpoint.kind, b"sorry: server-full\n")
    # Who cannot be told anything is not asked about.
    assert (service.told["opened"], service.told["refused"]) == (2, 0 if endpoint.kind == "tls" else 3)
    assert service.endings == {"server-full": 3}
    (line,) = [line for line in caplog.messages if line.startswith("refused")]
    assert line.endswith(": server-full")
    await first.close()
    await service.until("lost")
    third = await site.connect()
    assert service.endings["server-full"] == 3
    for each in (second, third):
        await each.send(b"here")
        assert await each.read(4) == b"here"


async def test_loopback_has_no_limit_per_address(serve: Serve, endpoint: Place) -> None:
    site = await serve(Echo(), endpoint, limits=Limits(per_address=1))
    for client in [await site.connect() for _ in range(3)]:
        await client.send(b"here")
        assert await client.read(4) == b"here"


async def test_a_service_that_fails_in_its_farewell(serve: Serve, logged_errors: list[logging.LogRecord]) -> None:
    class Broken(Echo):
        def refused(self, reason: str) -> bytes:
            raise RuntimeError("no words")

    site = await serve(Broken(), limits=Limits(connections=1))
    first = await site.connect()
    await first.send(b"here")
    assert await first.read(4) == b"here"
    assert await turned_away(site) == b""
    await first.send(b"still here")
    assert await first.read(10) == b"still here"
    (record,) = logged_errors
    assert record.getMessage() == "the service failed in refused()"
    assert record.exc_info is not None
