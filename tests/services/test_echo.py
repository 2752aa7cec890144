from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from netkit.service import Hold
from netkit.services.echo import Echo


class Peer:
    peer = "tcp://192.0.2.7:50312"
    local = False
    host = "192.0.2.7"
    waiting = 0
    ending = ""


@given(st.binary(min_size=1))
def test_bytes_come_back_as_they_are(data: bytes) -> None:
    assert Echo().received(Peer(), data, 1.0) == (data,)


def test_a_peer_that_does_not_read_is_not_read_from() -> None:
    echo, peer = Echo(), Peer()
    assert echo.paused(peer, 1.0) == (Hold(peer, math.inf),)
    assert echo.resumed(peer, 2.0) == (Hold(peer, 0.0),)


def test_nothing_is_said_to_a_peer_that_says_nothing() -> None:
    echo, peer = Echo(), Peer()
    assert [echo.opened(peer, 1.0), echo.ended(peer, 1.0), echo.lost(peer, 1.0)] == [(), (), ()]
    assert [echo.woken(1.0), echo.stopping(1.0), echo.refused("full")] == [(), (), b""]


def test_a_silent_peer_is_given_five_minutes() -> None:
    assert Echo.idle == 300.0
