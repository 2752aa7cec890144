"""A stage for services: a test reads as a dialogue between people, and every effect is checked."""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Abort, Close, Effects, Hold, Recall, Send, Service, Stop, Store, Wake
from netkit.services.chat import Chat


class Seat:
    """One connection, with what it got so far. Two seats are equal only if they are the same."""

    def __init__(self, stage: Stage, *, local: bool, host: str) -> None:
        self.stage = stage
        self.host = host
        self.peer = f"tcp://{host}:50312"
        self.local = local
        #: Bytes that wait for it, as a test likes.
        self.waiting = 0
        self.got = bytearray()
        #: The reason of its Close or Abort, once there was one.
        self.closed = ""
        #: Whether that was an Abort.
        self.aborted = False
        self.gone = False
        #: Why it ends, as a layer says it.
        self.ending = ""
        #: Whether it is not read from, and what it has sent meanwhile.
        self.held = False
        self.unread = b""

    def says(self, *lines: str) -> None:
        """Send some lines, ended by LF, in one chunk."""
        self.sends("".join(f"{line}\n" for line in lines).encode())

    def sends(self, data: bytes) -> None:
        """Send bytes. As on a layer, nothing is read from who is closed or held, and no event is without bytes."""
        if self.held:
            self.unread += data
        elif data and not self.closed and not self.gone:
            self.stage.play(self.stage.service.received(self, data, self.stage.now))

    def ends(self) -> None:
        """Finish sending; the layer then closes the connection, unless it is held."""
        self.stage.play(self.stage.service.ended(self, self.stage.now))
        if not self.held:
            self.closed = self.closed or Ending.EOF

    def vanishes(self, ending: str = Ending.LOST) -> None:
        """The connection is gone."""
        self.gone = True
        self.ending = self.closed or ending
        self.stage.endings[self.ending] += 1
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
        #: When the service wants to be woken.
        self.wakes: list[float] = []
        #: What it stores, and what it asks the storage for.
        self.stored: list[object] = []
        self.queries: list[object] = []
        self.stopped = False
        #: How many connections have ended, by reason: counted as a server counts them.
        self.endings: Counter[str] = Counter()
        service.endings = self.endings

    def seat(self, *, local: bool = True, host: str = "192.0.2.7") -> Seat:
        """Somebody comes in."""
        seat = Seat(self, local=local, host=host)
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
        """Time passes, and the service is woken whenever it wants to be."""
        until = self.now + seconds
        while self.wakes and self.wakes[0] <= until:
            self.now = max(self.now, heapq.heappop(self.wakes))
            self.play(self.service.woken(self.now))
        self.now = until

    def play(self, effects: Effects) -> None:
        """Carry out what the service answers. Nothing may be sent to somebody who is closed or gone."""
        freed: list[Seat] = []
        for effect in effects:
            match effect:
                case Send(to, data):
                    self._send(to, data)
                case Close(Seat() as seat, reason) | Abort(Seat() as seat, reason):
                    assert not seat.closed
                    assert not seat.gone
                    seat.closed = reason
                    seat.aborted = isinstance(effect, Abort)
                case Hold(Seat() as seat, seconds):
                    self._hold(seat, seconds)
                    freed.append(seat)
                case Wake(seconds):
                    heapq.heappush(self.wakes, self.now + seconds)
                case Stop():
                    self.stopped = True
                case Store(record):
                    self.stored.append(record)
                case Recall(query):
                    self.queries.append(query)
                case _:
                    raise AssertionError(f"an effect that no chat has: {effect!r}")
        # What came meanwhile is read in the loop's next turn.
        for seat in freed:
            if not seat.held:
                data, seat.unread = seat.unread, b""
                seat.sends(data)

    def recalled(self, found: object) -> None:
        """The storage answers the oldest question."""
        self.play(self.service.recalled(self.queries.pop(0), found, self.now))

    def _hold(self, seat: Seat, seconds: float) -> None:
        assert not seat.closed
        assert not seat.gone
        assert seconds in (0.0, math.inf)
        seat.held = seconds > 0

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
    """An empty chat, in which people may talk as fast as they like."""
    return Stage(Chat(Limits(line_length=100, line_rate=0, byte_rate=0, room_rate=0)))


@pytest.fixture(scope="session")
def new_stage() -> Callable[[Service], Stage]:
    """Makes stages, for tests that need many or another service."""
    return Stage
