"""A fault: one thing that goes wrong on a public port, and what must hold meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .peer import Peer
    from .trial import Trial

#: What does the worst: it is given a trial, and says in a few words what was seen.
Attempt = Callable[["Trial"], Awaitable[str]]

ECHO, CHAT, BROADCAST, IRC = "echo", "chat", "broadcast", "irc"

#: The services that take lines, and pass them on to others.
LINES = frozenset({CHAT, BROADCAST, IRC})
#: Those in which people have names that they choose.
NAMES = frozenset({CHAT, IRC})
EVERY = LINES | {ECHO}

PLAIN, TLS, UDP = "tcp", "tls", "udp"
#: Endpoints with connections; a Unix socket has no reset, and no address to lie about, but all else.
STREAMS = frozenset({PLAIN, TLS, "unix"})
#: Those that are not encrypted: what is sent there is what the service sees.
CLEAR = frozenset({PLAIN, "unix"})


class Broken(Exception):
    """Something did not hold.

    Attributes:
        peer: who has sent what broke it, where that is one connection.
    """

    def __init__(self, what: str, peer: Peer | None = None) -> None:
        super().__init__(what)
        self.peer = peer


class Untried(Exception):
    """A fault that cannot be tried here, for want of something that the message names."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the catalogue.

    Attributes:
        name: what it is called on the command line.
        why: the reason to try it, in one line.
        source: where it is known from: an RFC, a CVE, a public issue.
        holds: what must hold.
        services: for which services it makes sense.
        schemes: on which kinds of endpoints.
        process: whether the process of the server must be known.
        restarts: whether it ends the server, so that the command to start it again must be known. No bystander stays.
        lossy: whether it is nobody's fault that messages of bystanders are lost meanwhile: datagrams are, where too
            many come.
        attempt: does it.
    """

    name: str
    why: str
    source: str
    holds: str
    attempt: Attempt
    services: frozenset[str] = EVERY
    schemes: frozenset[str] = STREAMS
    process: bool = False
    restarts: bool = False
    lossy: bool = False


def fault(
    name: str,
    *,
    why: str,
    source: str,
    holds: str,
    services: frozenset[str] = EVERY,
    schemes: frozenset[str] = STREAMS,
    process: bool = False,
    restarts: bool = False,
    lossy: bool = False,
) -> Callable[[Attempt], Fault]:
    """Make a fault of the function below, see ``Fault``."""

    def made(attempt: Attempt) -> Fault:
        return Fault(name, why, source, holds, attempt, services, schemes, process or restarts, restarts, lossy)

    return made
