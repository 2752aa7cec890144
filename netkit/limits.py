"""Every bound of a server in one frozen value: its unit, its default, and where the default comes from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

KIB = 1024

#: Descriptors that are kept back for listeners, the loop, log files and the standard streams.
RESERVED_DESCRIPTORS = 64

#: The bounds on how fast people may come and talk, which ``--no-rate-limit`` takes away: 0 is no bound in each.
RATES = ("line_rate", "byte_rate", "room_rate", "notice_rate", "renames", "new_connections")

#: The largest value of any bound: listen(2) takes a C int, and a timer cannot wait for ever.
LARGEST = 2**31 - 1


def _places() -> int:
    """How many connections the process has descriptors for, at most 10,000."""
    try:
        import resource
    except ImportError:  # not on Windows, where the C runtime has no such limit on sockets
        return 10_000
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 10_000
    return max(1, min(soft - RESERVED_DESCRIPTORS, 10_000))


def _bound(default: Any, unit: str, about: str, source: str) -> Any:
    meta = {"unit": unit, "about": about, "source": source}
    if callable(default):
        return field(default_factory=default, metadata=meta)
    return field(default=default, metadata=meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of a server. Every field is an option of ``netkit serve`` with the same name.

    Raises:
        ValueError: a bound is negative, zero where it may not be or above ``LARGEST``, or ``low < high < hard``
            does not hold.
    """

    connections: int = _bound(
        _places,
        "connections",
        "Connections in all, from accept on.",
        "the descriptor limit less 64, at most 10,000",
    )
    per_address: int = _bound(
        16,
        "connections",
        "Connections from one IPv4 address or IPv6 /64; loopback and Unix sockets are exempt.",
        "ergo's 16 per /32 and /64",
    )
    line_length: int = _bound(
        4096,
        "bytes",
        "Longest line; a longer one is dropped up to its newline and its sender told.",
        "the terminal's own canonical-mode limit (N_TTY_BUF_SIZE)",
    )
    idle: float | None = _bound(
        None,
        "seconds",
        "Silence from a peer before it is closed; 0: never.",
        "echo 300 s as in Postfix's smtpd_timeout; chat never, keepalive finds the dead",
    )
    first_line: float = _bound(
        60.0,
        "seconds",
        "Time for a stranger's first line in the chat; 0: no bound. Loopback and Unix are exempt.",
        "ergo's registration timeout",
    )
    high: int = _bound(
        64 * KIB,
        "bytes",
        "Bytes waiting for one peer above which it counts as slow.",
        "asyncio's own high-water mark",
    )
    low: int = _bound(
        16 * KIB,
        "bytes",
        "Bytes waiting for one peer below which it no longer counts as slow.",
        "asyncio's own low-water mark",
    )
    hard: int = _bound(
        256 * KIB,
        "bytes",
        "Bytes waiting for one peer above which it is cut off.",
        "four times high; ergo cuts off at 96 KiB, ngircd at 32 KiB",
    )
    slow: float = _bound(
        30.0,
        "seconds",
        "Chat: time that a peer may count as slow before it is cut off; 0: no bound.",
        "between the 10 s that NATS gives a write and the 60 s of Redis's soft limit for its clients' output",
    )
    budget: int = _bound(
        256 * KIB * KIB,
        "bytes",
        "Bytes waiting for all peers, above which those are cut off for whom the most waits.",
        "a thousand peers at hard; 10,000 at high would be 640 MiB",
    )
    line_rate: float = _bound(
        2.0,
        "lines/s",
        "Chat: lines from one person above which it is read more slowly; 0: no bound. A paste of up to 100 lines or "
        "4 KiB counts as one, once in ten seconds.",
        "ergo's fakelag",
    )
    line_burst: int = _bound(
        5,
        "lines",
        "Chat: lines from one person that may come at once.",
        "ergo's fakelag",
    )
    byte_rate: float = _bound(
        8.0 * KIB,
        "bytes/s",
        "Chat: bytes from one person above which it is read more slowly; 0: no bound.",
        "line-rate times a paste of 4 KiB",
    )
    room_rate: float = _bound(
        50.0,
        "lines/s",
        "Chat: lines in one room above which everybody in it is read more slowly; 0: no bound.",
        "twice what fits on a terminal of 24 lines",
    )
    notice_rate: float = _bound(
        5.0,
        "notices/s",
        "Chat: notices of who comes and goes in a room of more than 50, which are gathered above it; 0: no bound.",
        "about what can be read as it passes",
    )
    renames: int = _bound(
        3,
        "names/min",
        "Chat: times a minute that somebody may change their name; 0: no bound.",
        "each time, the whole room is told",
    )
    new_connections: int = _bound(
        32,
        "connections",
        "New connections from one address in ten minutes; 0: no bound. Loopback and Unix sockets are exempt.",
        "ergo's throttle: 32 in 10 minutes per /32 and /64",
    )
    grace: float = _bound(
        8.0,
        "seconds",
        "Time to write out what is queued when the server stops, or when one peer is closed.",
        "below the 10 s that container runtimes and service managers give",
    )
    linger: float = _bound(
        1.0,
        "seconds",
        "After our last byte, time for the peer to close its side before the socket goes.",
        "a close with unread input is a reset, which destroys what the peer has not read (RFC 1122, 4.2.2.13)",
    )
    handshake: float = _bound(
        10.0,
        "seconds",
        "Time for a TLS handshake.",
        "python-websockets' open_timeout; asyncio's own 60 s holds a place for a minute",
    )
    backlog: int = _bound(
        1024,
        "connections",
        "Connections the kernel holds for us before they are accepted.",
        "Linux caps it at net.core.somaxconn, 4096",
    )
    datagram_rate: float = _bound(
        100.0,
        "datagrams/s",
        "UDP: replies to one IPv4 address or IPv6 /64; 0: no bound. Loopback is exempt.",
        "twice the 50 of a telephone call, which sends one every 20 ms (RFC 3551)",
    )
    datagram_burst: int = _bound(
        200,
        "datagrams",
        "UDP: replies to one address that may come at once.",
        "two seconds of datagram-rate",
    )
    datagram_sources: int = _bound(
        4096,
        "addresses",
        "UDP: addresses that are told apart; beyond, whoever was silent longest is forgotten.",
        "about a megabyte of memory",
    )

    def __post_init__(self) -> None:
        for name in (
            *("connections", "per_address", "line_length", "low", "handshake", "backlog", "budget", "line_burst"),
            *("datagram_burst", "datagram_sources"),
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        for name in ("idle", "first_line", "slow", "grace", "linger", "datagram_rate", *RATES):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ValueError(f"{name} must not be negative")
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and not value <= LARGEST:  # not a number is neither
                raise ValueError(f"{each.name} must be at most {LARGEST}")
        if not self.low < self.high < self.hard:
            raise ValueError(f"low < high < hard must hold, not {self.low}, {self.high}, {self.hard}")

    def without_rates(self) -> Limits:
        """The same bounds, but for those on how fast people may come and talk, and speak first: for a load test."""
        return replace(self, first_line=0.0, **dict.fromkeys(RATES, 0))

    @classmethod
    def table(cls) -> list[tuple[str, str, str, str]]:
        """Name, unit, what it bounds and the source of its default, for ``--help`` and the documentation."""
        return [(f.name, f.metadata["unit"], f.metadata["about"], f.metadata["source"]) for f in fields(cls)]
