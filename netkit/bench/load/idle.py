"""Connections that are open, and what each of them weighs: silent, after traffic, and after all have left.

Weight is resident memory, divided by the connections; it is read when the server has come to rest, since much of what
an allocator holds while there is work is given back after it.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from contextlib import ExitStack

from ...processes.reading import Server
from ..scenario import Workload
from .connect import Broken, Place, Unable, blamed, exactly
from .lines import Room
from .window import Outcome, Window

#: Seconds within which a server must come to rest.
REST = 10.0

#: Connections that are opened before any is weighed: code and tables that the first ones need are no weight of theirs.
FIRST = 8

MESSAGE = b"abcdefghijklmnopqrstuvwxyz"


class Measurement:
    """See ``window.Measurement``: one slice, which takes the time it needs."""

    def __init__(self, workload: Workload, place: Place, window: Window) -> None:
        if window.server is None:
            raise Unable("memory cannot be measured: the process of the server is not known")
        self.workload = workload
        self.place = place
        self.server = window.server
        self.made = Outcome()

    def warm(self) -> None:
        """Open a few connections, and close them."""
        for sock in _open(self.workload, self.place, FIRST):
            sock.close()

    def slice(self, seconds: float) -> None:
        """Open all of them, send one message on each, and close them, with a weighing after each step.

        Raises:
            Broken: the server did something wrong.
        """
        workload, server, made = self.workload, self.server, self.made
        empty = _weigh(server)
        with ExitStack() as held:
            conns = [held.enter_context(sock) for sock in _open(workload, self.place, workload.conns)]
            opened = _weigh(server)
            _talk(workload, conns)
            used = _weigh(server)
        left = _weigh(server)
        for name, weight in (("idle", opened), ("used", used), ("left", left)):
            made.figures[name] = (weight - empty) / 1024 / workload.conns
        made.figures["memory"] = used / 1024
        made.observed["messages"] = workload.conns

    def outcome(self, keep: Collection[int]) -> Outcome:
        """What it gave."""
        return self.made

    def close(self) -> None:
        """All are closed already."""


def _open(workload: Workload, place: Place, count: int) -> list[socket.socket]:
    conns = place.dial_all(count)
    if workload.lines:
        Room(workload, conns).settle()  # everybody is told of everybody
    return conns


def _talk(workload: Workload, conns: list[socket.socket]) -> None:
    """One message on each connection, and its answer."""
    message = (MESSAGE * (workload.size // len(MESSAGE) + 1))[: workload.size - 1] + b"\n"
    for sock in conns:
        with blamed("while it was written to"):
            sock.settimeout(REST)
            sock.sendall(message)
        if not workload.lines and exactly(sock, len(message)) != message:
            raise Broken("it echoed wrong bytes")
        sock.setblocking(False)
    if workload.lines:
        Room(workload, conns).settle()


def _weigh(server: Server) -> int:
    """Resident bytes, at rest."""
    server.find()
    if not server.rest(REST):
        raise Broken(f"it does not come to rest within {REST:g} s although nothing is asked of it")
    return server.memory()
