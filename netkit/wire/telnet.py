"""Telnet's commands taken out of a stream of bytes (RFC 854).

The rules:

- Before its first IAC a peer is sent none: it may be no telnet at all, and would show one as text.
- Options are negotiated by the rules of ``options``. What the peer must be answered is part of the result and
  stands where the question stood, so that answers and other output go out in the order of what came in.
- Timing-Mark is a question rather than an option (RFC 860), and is answered every time: after Ctrl-C a telnet
  client throws away all it receives until it has seen the answer. We may ask it too: the time to the answer is
  the way there and back, and through all that the client has yet to read.
- A command that is not known is swallowed, never taken for data.
- The stream may be cut anywhere. The events are the same, but for where data is cut.
- What is kept between two chunks is never more than one subnegotiation, and that is bounded.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from .options import Option, Options

__all__ = [
    "Command",
    "Option",
    "Reply",
    "Subnegotiation",
    "Negotiated",
    "Marked",
    "Flood",
    "Event",
    "Telnet",
    "escape",
    "window_size",
]

#: Bytes of a subnegotiation's data that are kept; one with more is dropped. An honest one, such as the name
#: of a terminal or its environment, is far shorter: the client of inetutils keeps 256.
MAX_SUBNEGOTIATION = 1024

#: Bytes of a subnegotiation's data above which it is taken for an attack. Heimdal's telnetd keeps as many.
MAX_DROPPED = 64 * 1024

#: Timing-Marks that may wait for their answer. A peer that answers none is asked no more than so often.
MAX_MARKS = 8


class Command(enum.IntEnum):
    """What follows an IAC: RFC 854, and RFC 1184 for EOF, SUSP and ABORT."""

    EOF = 236
    SUSP = 237
    ABORT = 238
    SE = 240
    NOP = 241
    DM = 242
    BRK = 243
    IP = 244
    AO = 245
    AYT = 246
    EC = 247
    EL = 248
    GA = 249
    SB = 250
    WILL = 251
    WONT = 252
    DO = 253
    DONT = 254
    IAC = 255


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes to send to the peer as they are, before whatever the events after this one bring about."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Subnegotiation:
    """What stood between IAC SB and IAC SE: the option, and the bytes after it with IAC IAC undone."""

    option: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The peer has brought an option on or off, one of its own (``by_peer``) or one of ours.

    What it refuses to have on when we wish that is off, too. There is none for an option that we turn off
    ourselves: it is off once that has been said.
    """

    option: int
    by_peer: bool
    enabled: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """The peer has answered one of our Timing-Marks, the oldest: it has come to that point in what we sent."""


@dataclass(frozen=True, slots=True)
class Flood:
    """The peer sends what no honest one does, as ``reason`` says. It is time to close the connection."""

    reason: str


Event: TypeAlias = bytes | Command | Reply | Subnegotiation | Negotiated | Marked | Flood

# Data with its doubled IACs; a negotiation; another command; the start of one, at the end of the input only.
_TOKENS = re.compile(
    rb"(?P<data>(?:[^\xff]++|\xff\xff)++)"
    rb"|\xff(?P<verb>[\xfb-\xfe])(?P<option>[\x00-\xff])"
    rb"|\xff(?P<command>[^\xfb-\xff])"
    rb"|(?P<partial>\xff[\xfb-\xfe]?)"
)

# By whose option it is, the peer's or ours, and whether it is to be on.
_VERBS = {
    (True, True): Command.DO,
    (True, False): Command.DONT,
    (False, True): Command.WILL,
    (False, False): Command.WONT,
}

# The commands that are events. The others are part of something longer.
_EVENTS = {command.value: command for command in Command if command < Command.SB and command != Command.SE}


class Telnet:
    """The telnet of one connection. It sends nothing itself: what is to be sent comes out of its methods.

    Args:
        local: options that we turn on when the peer asks for it (DO).
        remote: options that the peer may turn on when it offers (WILL). All others are refused.
        wishes: options that are to be on as soon as the peer negotiates at all, and whether each is its own
            (``request``) or ours (``offer``).
    """

    __slots__ = ("_marks", "_options", "_partial", "_sub", "_sub_size", "_wishes", "negotiates", "seen")

    def __init__(
        self,
        *,
        local: frozenset[int] = frozenset(),
        remote: frozenset[int] = frozenset(),
        wishes: Sequence[tuple[int, bool]] = (),
    ) -> None:
        #: Whether the peer has sent an IAC. Before it has, send it nothing of telnet.
        self.seen = False
        #: Whether the peer has spoken of an option: a Ctrl-C alone is no sign that it wants any.
        self.negotiates = False
        self._options = Options(local, remote)
        self._wishes = wishes
        # The start of a command that the last chunk ended in: nothing, IAC, or IAC and a verb.
        self._partial = b""
        # The subnegotiation under way: its option, if that has come, and its data as far as it is kept.
        self._sub: bytearray | None = None
        # How many bytes it has had in all.
        self._sub_size = 0
        # Our Timing-Marks that are not answered yet.
        self._marks = 0

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes of the stream, and return what they hold, in order.

        Returns:
            Data with IAC IAC undone, as ``bytes``, never empty; the commands NOP, DM, BRK, IP, AO, AYT, EC,
            EL, GA, EOF, SUSP and ABORT; ``Reply``, which the caller must send; ``Negotiated``,
            ``Subnegotiation``, ``Marked`` and ``Flood``.
        """
        return _merged(self.events(data))

    def events(self, data: bytes) -> Iterator[Event]:
        """As ``feed``, but event by event, and neighbouring data and replies are not joined.

        Each stands for the moment it is given: what is wished for meanwhile goes for the bytes that follow.
        """
        if Command.IAC not in data and not self._partial and self._sub is None:
            if data:
                yield data
            return
        self.seen = True
        data, self._partial = self._partial + data, b""
        for token in _TOKENS.finditer(data):
            events: list[Event] = []
            self._take(token, events)
            yield from events

    def offer(self, option: int, enable: bool = True) -> bytes:
        """Turn an option of ours on or off.

        Returns:
            What to send, IAC WILL or IAC WONT; empty where nothing needs to be said, or not until an answer
            has come. The option is on once ``feed`` has returned ``Negotiated`` that says so; it is off at once.

        Raises:
            ValueError: the option is not within 0 to 255, or is TIMING_MARK, which is never on.
        """
        return self._wish(option, False, enable)

    def request(self, option: int, enable: bool = True) -> bytes:
        """Ask the peer to turn an option of its own on or off: as ``offer``, with IAC DO and IAC DONT."""
        return self._wish(option, True, enable)

    def begin(self) -> bytes:
        """Say what is wished for, without waiting for the peer to negotiate. Returns what to send."""
        return b"".join(self._wish(option, by_peer, True) for option, by_peer in self._wishes)

    def mark(self) -> bytes:
        """Ask for a sign that the peer has come to this point in what it is sent (RFC 860).

        Returns:
            What to send, IAC DO TIMING-MARK; empty where ``MAX_MARKS`` of them wait for an answer. Each answer
            comes out of ``feed`` as ``Marked``, in the order in which they were asked for.
        """
        if self._marks == MAX_MARKS:
            return b""
        self._marks += 1
        return _negotiation(Option.TIMING_MARK, True, True)

    def _wish(self, option: int, by_peer: bool, enable: bool) -> bytes:
        if not 0 <= option <= 255 or option == Option.TIMING_MARK:
            raise ValueError(f"telnet option {option} cannot be turned on or off")
        return _negotiation(option, by_peer, self._options.wish(option, by_peer, enable))

    def _take(self, token: re.Match[bytes], events: list[Event]) -> None:
        """Sort one token."""
        match token.lastgroup:
            case "data":
                self._content(token[0].replace(b"\xff\xff", b"\xff"), events)
            case "option":
                self._negotiate(token["verb"][0], token["option"][0], events)
            case "command":
                self._command(token["command"][0], events)
            case "partial":
                self._partial = token[0]

    def _content(self, data: bytes, events: list[Event]) -> None:
        """Data, for whoever uses this, or within a subnegotiation for that."""
        if self._sub is None:
            events.append(data)
            return
        room = 1 + MAX_SUBNEGOTIATION - len(self._sub)  # 1 for the option
        self._sub += data[:room]
        before = self._sub_size
        self._sub_size += len(data)
        if before <= 1 + MAX_DROPPED < self._sub_size:
            events.append(Flood(f"a telnet subnegotiation of more than {MAX_DROPPED} bytes"))

    def _command(self, code: int, events: list[Event]) -> None:
        """IAC and one more byte. Within a subnegotiation SE completes it, and anything else breaks it off."""
        sub, self._sub = self._sub, None
        if code == Command.SB:
            self._sub, self._sub_size = bytearray(), 0
        elif code == Command.SE:
            if sub and self._sub_size <= 1 + MAX_SUBNEGOTIATION:
                events.append(Subnegotiation(sub[0], bytes(sub[1:])))
        elif code in _EVENTS:
            events.append(_EVENTS[code])

    def _negotiate(self, verb: int, option: int, events: list[Event]) -> None:
        """WILL, WONT, DO or DONT from the peer. It breaks off a subnegotiation too."""
        self._sub = None
        if option == Option.TIMING_MARK:
            self._timing_mark(verb, events)
            return
        if not self.negotiates:
            self.negotiates = True
            if wished := self.begin():
                events.append(Reply(wished))
        by_peer = verb in (Command.WILL, Command.WONT)
        before = self._options.enabled(option, by_peer)
        awaited = self._options.awaited(option, by_peer)
        answer = self._options.heard(option, by_peer, verb in (Command.WILL, Command.DO))
        if answer is not None:
            events.append(Reply(_negotiation(option, by_peer, answer)))
        after = self._options.enabled(option, by_peer)
        if before != after or awaited:
            events.append(Negotiated(option, by_peer, after))

    def _timing_mark(self, verb: int, events: list[Event]) -> None:
        """A question of the peer's, or the answer to one of ours: to refuse is to answer too."""
        if verb == Command.DO:
            events.append(Reply(_negotiation(Option.TIMING_MARK, False, True)))
        elif verb in (Command.WILL, Command.WONT) and self._marks:
            self._marks -= 1
            events.append(Marked())


def window_size(data: bytes) -> tuple[int, int]:
    """The data of a NAWS subnegotiation as columns and rows (RFC 1073), each 0 where the peer does not know it.

    Both are 0 too where the data is not of four bytes.
    """
    if len(data) != 4:
        return 0, 0
    return int.from_bytes(data[:2]), int.from_bytes(data[2:])


def escape(data: bytes) -> bytes:
    """Data as it is sent to a telnet peer, with each byte FF doubled. There is none in valid UTF-8."""
    return data.replace(b"\xff", b"\xff\xff")


def _negotiation(option: int, by_peer: bool, on: bool | None) -> bytes:
    """What is said about an option: DO or DONT for the peer's, WILL or WONT for ours, or nothing."""
    return b"" if on is None else bytes((Command.IAC, _VERBS[by_peer, on], option))


def _merged(events: Iterable[Event]) -> list[Event]:
    """The same events, with neighbouring data made one, and neighbouring replies."""
    merged: list[Event] = []
    for kind, run in groupby(events, type):
        if kind is bytes:
            merged.append(b"".join(event for event in run if isinstance(event, bytes)))
        elif kind is Reply:
            merged.append(Reply(b"".join(event.data for event in run if isinstance(event, Reply))))
        else:
            merged.extend(run)
    return merged
