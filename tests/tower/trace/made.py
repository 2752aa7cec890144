"""Comparisons as the recorder would have made them, written by hand: what a page is tried with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from netkit.tower.trace.model import CLIENT, KERNEL, SERVICE, Comparison, Counts, Step, Trace

#: Turn, depth, tier, text, api, and where; what is inside C has the word instead of a file.
Row: TypeAlias = tuple[int, int, int, str, str, str]

IN_C = "in C"

LINE = len("hello, tower\n")

SENT: Row = (0, 0, CLIENT, "the client sends a line", "socket.sendall", "")
ANSWERED: Row = (0, 0, CLIENT, "the client has the answer", "socket.recv", "")
READY: Row = (1, 0, 2, "the loop finds the socket readable", "epoll.poll", "")
READS: Row = (1, 0, 7, "the transport reads", "_SelectorSocketTransport._read_ready", "asyncio/selector_events.py:972")
SERVES = "netkit/services/echo.py:61"

STREAMS: tuple[Row, ...] = (
    SENT,
    READY,
    READS,
    (1, 1, KERNEL, "the kernel hands over the bytes", "recv", ""),
    (1, 1, 8, "the protocol is called with them", "StreamReaderProtocol.data_received", "asyncio/streams.py:290"),
    (1, 2, 9, "the stream is fed", "StreamReader.feed_data", "asyncio/streams.py:494"),
    (1, 3, 3, "a future is resolved", "Future.set_result", ""),
    (1, 4, 2, "the loop queues who waits for it", "loop.call_soon", "asyncio/base_events.py:785"),
    (2, 0, 4, "the task is woken", "Task", ""),
    (2, 1, 1, "the coroutine goes on after its await", "Connection.opened", "netkit/layers/streams.py:87"),
    (2, 2, 9, "read() returns what was fed", "StreamReader.read", "asyncio/streams.py:691"),
    (2, 2, SERVICE, "the service answers", "EchoService.received", SERVES),
    (2, 3, SERVICE, "the answer waits for the end of the turn, in an outbox", "Outboxes.put", "netkit/out.py:40"),
    (3, 0, SERVICE, "the turn ends: one write for each connection", "Outboxes.flush", "netkit/out.py:71"),
    (3, 1, 9, "the writer writes", "StreamWriter.write", "asyncio/streams.py:346"),
    (3, 2, 7, "the transport sends at once what it can", "_SelectorSocketTransport.write", "asyncio/selector.py:1057"),
    (3, 3, KERNEL, "the kernel takes bytes", "send", ""),
    ANSWERED,
)  # fmt: skip

PROTOCOLS: tuple[Row, ...] = (
    SENT,
    READY,
    READS,
    (1, 1, KERNEL, "the kernel hands over the bytes", "recv", ""),
    (1, 1, 8, "the protocol is called with them", "data_received", "netkit/layers/protocols.py:101"),
    (1, 2, SERVICE, "the service answers", "EchoService.received", SERVES),
    (1, 3, SERVICE, "the answer waits for the end of the turn, in an outbox", "Outboxes.put", "netkit/out.py:40"),
    (2, 0, SERVICE, "the turn ends: one write for each connection", "Outboxes.flush", "netkit/out.py:71"),
    (2, 1, 8, "the protocol writes to its transport", "Connection.write", "netkit/layers/protocols.py:131"),
    (2, 2, 7, "the transport sends at once what it can", "_SelectorSocketTransport.write", "asyncio/selector.py:1057"),
    (2, 3, KERNEL, "the kernel takes bytes", "send", ""),
    ANSWERED,
)  # fmt: skip

TRANSPORTS: tuple[Row, ...] = (
    *PROTOCOLS[:3],
    (1, 1, 8, "the protocol lends its buffer", "_Shim.get_buffer", "netkit/layers/transports.py:190"),
    (1, 1, KERNEL, "the kernel hands over the bytes", "recv_into", ""),
    (1, 1, 8, "the protocol is told how many came", "_Shim.buffer_updated", "netkit/layers/transports.py:194"),
    (1, 2, 7, "the record of that transport takes a copy", "Connection.received", "netkit/layers/transports.py:128"),
    (1, 3, SERVICE, "the service answers", "EchoService.received", SERVES),
    (
        1,
        4,
        SERVICE,
        "the answer waits for the end of the turn, in an outbox",
        "Outboxes.put",
        "netkit/out.py:40",
    ),
    (2, 0, SERVICE, "the turn ends: one write for each connection", "Outboxes.flush", "netkit/out.py:71"),
    (2, 1, 7, "transport.write() is called", "Connection.write", "netkit/layers/transports.py:150"),
    *PROTOCOLS[-3:],
)

READ_IN_C: Row = (1, 0, 2, "inside C: the loop finds the socket readable, and the transport reads", "uvloop", IN_C)
SENT_IN_C = "inside C: the transport sends, now or at the end of the round"

STREAMS_UVLOOP: tuple[Row, ...] = (
    SENT,
    READ_IN_C,
    (1, 0, 8, "the protocol is called with them", "StreamReaderProtocol.data_received", "asyncio/streams.py:290"),
    *STREAMS[5:7],
    (2, 0, 2, "inside C: in the loop's next round the task is woken", "uvloop", IN_C),
    *STREAMS[8:15],
    (3, 2, 7, SENT_IN_C, "uvloop", IN_C),
    ANSWERED,
)

PROTOCOLS_UVLOOP: tuple[Row, ...] = (
    SENT,
    READ_IN_C,
    (1, 0, 8, "the protocol is called with them", "data_received", "netkit/layers/protocols.py:101"),
    *PROTOCOLS[5:9],
    (2, 2, 7, SENT_IN_C, "uvloop", IN_C),
    ANSWERED,
)

TRANSPORTS_UVLOOP: tuple[Row, ...] = (
    SENT,
    READ_IN_C,
    (1, 0, 8, "the protocol is told how many came", "_Shim.buffer_updated", "netkit/layers/transports.py:194"),
    (1, 1, 7, "the record of that transport takes a copy", "Connection.received", "netkit/layers/transports.py:128"),
    *TRANSPORTS[7:11],
    (2, 2, 7, SENT_IN_C, "uvloop", IN_C),
    ANSWERED,
)


def steps(rows: Iterable[Row]) -> tuple[Step, ...]:
    """Steps of rows, 9 µs after each other; what is inside of a step ends before it does."""
    made = []
    for number, (turn, depth, tier, text, api, where) in enumerate(rows):
        in_c = where == IN_C
        carries = tier in (CLIENT, KERNEL) or api.endswith(("write", "data_received", "feed_data"))
        made.append(
            Step(
                at=9.0 * number + 0.25,
                took=0.0 if in_c or not turn else 60.0 - 12.5 * depth,
                turn=turn,
                depth=depth,
                tier=tier,
                text=text,
                api=api,
                where="" if in_c else where,
                size=LINE if carries else None,
                in_c=in_c,
            )
        )
    return tuple(made)


def trace(layer: str, loop: str, rows: Iterable[Row], python: int, c: int) -> Trace:
    """A trace of rows; what can be counted in them is."""
    made = steps(rows)
    counts = Counts(
        callbacks=max(step.turn for step in made),
        python=python,
        c=c,
        system=None if loop == "uvloop" else sum(step.tier == KERNEL for step in made) + 1,
        futures=sum(step.tier == 3 for step in made),
        woken=sum(step.tier == 4 for step in made),
    )
    return Trace(layer=layer, loop=loop, steps=made, counts=counts)


def comparison(*traces: Trace, what: str = "message") -> Comparison:
    """One story."""
    return Comparison(
        what=what,
        service="echo",
        machine={"python": "CPython 3.13.1", "uvloop": "0.22.1", "platform": "Linux 6.1.0 x86_64", "netkit": "0.1.0"},
        when="2026-11-25T08:31:00+00:00",
        traces=traces,
    )


def one() -> Trace:
    """Streams on asyncio."""
    return trace("streams", "asyncio", STREAMS, 63, 88)


def six() -> Comparison:
    """Each layer on each loop."""
    return comparison(
        one(),
        trace("protocols", "asyncio", PROTOCOLS, 34, 52),
        trace("transports", "asyncio", TRANSPORTS, 38, 57),
        trace("streams", "uvloop", STREAMS_UVLOOP, 31, 40),
        trace("protocols", "uvloop", PROTOCOLS_UVLOOP, 16, 21),
        trace("transports", "uvloop", TRANSPORTS_UVLOOP, 19, 24),
    )


def long(count: int = 150) -> Comparison:
    """A story of so many steps: line after line, each in callbacks of its own."""
    rows: list[Row] = []
    while len(rows) < count:
        past = max((row[0] for row in rows), default=0)
        rows += [(row[0] + past if row[0] else 0, *row[1:]) for row in STREAMS]
    return comparison(trace("streams", "asyncio", rows[:count], 900, 1200), what="slow-reader")
