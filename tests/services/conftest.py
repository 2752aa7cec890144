"""A stage for services: a test reads as a dialogue between people, and every effect is checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pytest

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Abort, Close, Effects, Hold, Recall, Send, Service, Stop, Store, Wake
from netkit.services.chat import Chat


class Seat:
    """One connection, with what it got so far. Two seats are equal only if they are the same."""

    def __init__(self, stage: Stage, *, local: bool) -> None:
        self.stage = stage
        self.peer = "tcp://192.0.2.7:50312"
        self.host = "192.0.2.7"
        self.local = local
        #: Bytes that wait to be written to it: none but what a test says.
        self.waiting = 0
        self.got = bytearray()
        #: Why it is closed, once it is.
        self.closed = ""
        #: Seconds of its last Hold. It is carried out only where it puts off the closing, and then until it is let go.
        self.held = 0.0
        self.ended = False
        self.gone = False

    @property
    def ending(self) -> str:
        """Why it ends."""
        return self.closed or (Ending.LOST if self.gone else "")

    def says(self, *lines: str) -> None:
        """Send some lines, ended by LF, in one chunk."""
        self.sends("".join(f"{line}\n" for line in lines).encode())

    def sends(self, data: bytes) -> None:
        """Send bytes. As on a layer, nothing is read from who is closed, and no event is without bytes."""
        if data and not self.closed and not self.ended and not self.gone:
            self.stage.play(self.stage.service.received(self, data, self.stage.now))

    def ends(self) -> None:
        """Finish sending; the layer then closes the connection, unless the service holds it."""
        self.held = 0.0
        self.stage.play(self.stage.service.ended(self, self.stage.now))
        self.ended = True
        self.holds(self.held)

    def holds(self, seconds: float) -> None:
        """Be held, or let go and closed if all has been said."""
        self.held = seconds
        if self.ended and not seconds:
            self.closed = self.closed or Ending.EOF

    def vanishes(self) -> None:
        """The connection is gone."""
        self.gone = True
        self.stage.play(self.stage.service.lost(self, self.stage.now))

    def stalls(self) -> None:
        """Read too slowly."""
        self.stage.play(self.stage.service.paused(self, self.stage.now))

    def recovers(self) -> None:
        """Have read enough again."""
        self.stage.play(self.stage.service.resumed(self, self.stage.now))

    def reads(self) -> bytes:
        """What came since the last look, byte for byte."""
        data = bytes(self.got)
        self.got.clear()
        return data

    def lines(self) -> list[str]:
        """What came since the last look, as lines, all of which must be whole."""
        *lines, rest = re.split("\r?\n", self.reads().decode())
        assert rest == ""
        return lines

    def sees(self, *lines: str) -> None:
        """Compare what came since the last look: these lines and no others."""
        assert self.lines() == list(lines)


class Stage:
    """A service, everybody connected to it, and the time."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.now = 1000.0
        self.seats: list[Seat] = []
        self.wakes: list[float] = []
        self.stored: list[object] = []
        self.asked: list[object] = []
        self.stops = 0

    def seat(self, *, local: bool = True) -> Seat:
        """Somebody comes in."""
        seat = Seat(self, local=local)
        self.seats.append(seat)
        self.play(self.service.opened(seat, self.now))
        return seat

    def people(self, *names: str) -> list[Seat]:
        """Some people with names, who have read all that there was until now."""
        seats = []
        for name in names:
            seat = self.seat()
            seat.says(f"/nick {name}")
            seats.append(seat)
        self.hush()
        return seats

    def hush(self) -> None:
        """Everybody looks away from what they got until now."""
        for seat in self.seats:
            seat.reads()

    def wait(self, seconds: float) -> None:
        """Time passes, and the service is woken."""
        self.now += seconds
        self.play(self.service.woken(self.now))

    def play(self, effects: Effects) -> None:
        """Carry out what the service answers. Nothing may be sent to somebody who is closed or gone."""
        for effect in effects:
            if isinstance(effect, Send):
                self._send(effect.to, effect.data)
            elif isinstance(effect, Close | Abort):
                assert isinstance(effect.conn, Seat)
                assert not effect.conn.closed
                assert not effect.conn.gone
                effect.conn.closed = effect.reason
            elif isinstance(effect, Wake):
                self.wakes.append(effect.seconds)
            elif isinstance(effect, Hold):
                assert isinstance(effect.conn, Seat)
                effect.conn.holds(effect.seconds)
            elif isinstance(effect, Store):
                self.stored.append(effect.record)
            elif isinstance(effect, Recall):
                self.asked.append(effect.query)
            elif isinstance(effect, Stop):
                self.stops += 1
            else:
                raise AssertionError(f"an effect that no chat has: {effect!r}")

    def _send(self, to: Iterable[object], data: bytes) -> None:
        assert data
        told = list(to)
        assert told
        assert len(set(told)) == len(told)
        for seat in told:
            assert isinstance(seat, Seat)
            assert not seat.closed
            assert not seat.gone
            seat.got += data


@pytest.fixture
def stage() -> Stage:
    """An empty chat."""
    return Stage(Chat(Limits(line_length=100)))


@pytest.fixture(scope="session")
def new_stage() -> Callable[[Service], Stage]:
    """Makes stages, for tests that need many or another service."""
    return Stage
