"""The addresses of all workers, taken by the supervisor, which makes the sockets of each worker too.

Made in one place a port has one owner: what cannot be had is told before anything is started, by the same line as
without workers, and a worker never waits for an address.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

from ..endpoints import Bound, Endpoint, bind, explain
from ..errors import ListenError


class Addresses:
    """Some addresses that are ours until ``close``.

    Attributes:
        endpoints: what is listened on, one for each address, with its real port.
    """

    def __init__(self, endpoints: Iterable[Endpoint], backlog: int) -> None:
        """Take them all, or none.

        Raises:
            ListenError: one cannot be had.
        """
        self.endpoints: list[Endpoint] = []
        self._first: list[Bound] = []
        self._kept: list[Bound] = []
        try:
            for endpoint in endpoints:
                for bound in bind(endpoint):
                    self._first.append(bound)
                    self._take(bound, backlog)
        except BaseException:
            self.close()
            raise

    def _take(self, bound: Bound, backlog: int) -> None:
        """Make sure that nobody else is there, and let others of ours join."""
        # Any program of the same user could join a port that is shared, and a server that is started twice would. So it
        # is first taken as by an only owner: that fails where anybody listens, and from then on for all who try it.
        if bound.endpoint.scheme != "udp":
            try:
                bound.sock.listen(backlog)
            except OSError as why:
                raise ListenError(explain(bound.endpoint, why)) from None
        bound.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if bound.endpoint.scheme != "udp":
            # Keeps a port that the system chose from being chosen again while no worker lives. It does not listen, so
            # that nobody is sent there. One of UDP cannot do that: being bound is all it takes to be sent datagrams.
            self._kept += bind(bound.endpoint, shared=True)
        self.endpoints.append(bound.endpoint)

    def sockets(self) -> list[Bound]:
        """The sockets of one more worker. Close them once it has them.

        Raises:
            ListenError: an address is no longer to be had.
        """
        if self._first:  # the very first have been ours all the time
            first, self._first = self._first, []
            return first
        found: list[Bound] = []
        try:
            for endpoint in self.endpoints:
                found += bind(endpoint, shared=True)
        except BaseException:
            _close(found)
            raise
        return found

    def close(self) -> None:
        """Give them up. Workers that are there keep theirs."""
        _close([*self._first, *self._kept])


def _close(bounds: Iterable[Bound]) -> None:
    for bound in bounds:
        bound.sock.close()
