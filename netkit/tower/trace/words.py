"""The words of a trace: for each call that is a step, its tier and what happens in it.

A call that is not named here is not shown; it is counted. Names are those of asyncio from Python 3.11 to 3.14.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import KERNEL, SERVICE


@dataclass(frozen=True, slots=True)
class Rule:
    """What a call means.

    Attributes:
        tier: see ``model.Step``.
        text: what happens, in a few words.
        api: what is called, where its name is another one than the call's.
        under: only where something called it whose name begins like this.
        not_under: not where this called it.
        with_: only where one of these is called inside of it: otherwise it finds that there is nothing to do.
        idle: the text where none of them is called, if that is worth telling.
        in_c: what a loop that is written in C does next, unseen: one of ``IN_C``.
    """

    tier: int
    text: str
    api: str = ""
    under: str = ""
    not_under: str = ""
    with_: tuple[str, ...] = ()
    idle: str = ""
    in_c: str = ""


#: What a loop does that is written in C, where only its calls of Python are seen.
IN_C = {
    "accept": Rule(2, "inside C: the loop accepts the connection", "uvloop"),
    "made": Rule(2, "inside C: the loop makes a transport of the accepted connection", "uvloop"),
    "read": Rule(2, "inside C: the loop finds the socket readable, and the transport reads", "uvloop"),
    "ready": Rule(2, "inside C: the loop finds the socket readable", "uvloop"),
    "fill": Rule(7, "inside C: the transport reads into it", "uvloop"),
    "end": Rule(2, "inside C: the transport reads, and finds the end", "uvloop"),
    "wake": Rule(2, "inside C: in the loop's next round the task has its turn", "uvloop"),
    "call": Rule(2, "inside C: the loop calls back", "uvloop"),
    "lost": Rule(2, "inside C: the transport is closed", "uvloop"),
    "room": Rule(2, "inside C: the socket takes more, and the transport sends what waited", "uvloop"),
    "make": Rule(7, "inside C: the loop makes a transport of the socket", "uvloop"),
    "send": Rule(7, "inside C: the transport takes it: sends it, or keeps it", "uvloop"),
    "close": Rule(7, "inside C: the transport ends our side after what waits, unless it has ended", "uvloop"),
    "stop": Rule(7, "inside C: the transport reads no more", "uvloop"),
    "start": Rule(7, "inside C: the transport reads again, if it had stopped", "uvloop"),
}

#: Which of them comes before a callback, by what is called first, or by the method that it is.
BEFORE = {
    "accept": "ready",
    "Listener.accept": "accept",
    "connection_made": "made",
    "data_received": "read",
    "get_buffer": "ready",
    "buffer_updated": "fill",
    "eof_received": "end",
    "connection_lost": "lost",
    "resume_writing": "room",
}

#: Tasks and coroutines; the first two are found by how the loop calls them, the others by their flags.
TASK_BEGINS = Rule(4, "a task begins", "Task")
TASK_GOES_ON = Rule(4, "the task is woken", "Task")
COROUTINE_BEGINS = Rule(1, "the coroutine begins")
COROUTINE_GOES_ON = Rule(1, "the coroutine goes on after its await")

#: asyncio's own loop, when its look at the sockets has found one.
READY = Rule(2, "the loop finds a socket ready")

#: Coroutines of asyncio's own that had to wait, and those that had not to.
GOES_ON = {
    "StreamReader.read": Rule(9, 'read() returns: what was fed, or b"" at the end'),
    "StreamWriter.drain": Rule(9, "drain() returns: there is room again"),
}
AT_ONCE = {
    "StreamReader.read": Rule(9, 'read() returns at once: what is left, or b"" at the end'),
    "StreamWriter.drain": Rule(9, "drain() returns at once"),
}

#: How a future is resolved; written in C.
SET_RESULT = "Future.set_result"

#: What it takes to watch a socket for less: there was a callback for it.
_UNWATCHED = ("Handle.cancel",)

#: What it takes to send.
_SENT = ("socket.send", "socket.sendmsg")

RULES = {
    # Tier 1: coroutines of asyncio's own
    "BaseSelectorEventLoop._accept_connection2": Rule(1, "asyncio's own coroutine makes the transport"),
    # Tier 2: the event loop
    "BaseSelectorEventLoop._accept_connection": Rule(2, "the loop accepts who waits"),
    "BaseSelectorEventLoop._sock_accept": Rule(2, "the loop tries to accept", "loop.sock_accept"),
    "BaseEventLoop.call_soon": Rule(2, "the loop queues what waits for it", "loop.call_soon", under=SET_RESULT),
    "BaseSelectorEventLoop._add_reader": Rule(2, "the loop watches the socket from now on", "loop.add_reader"),
    "BaseSelectorEventLoop._remove_reader": Rule(
        2, "the loop watches it for reading no more", "loop.remove_reader", with_=_UNWATCHED
    ),
    "BaseSelectorEventLoop._add_writer": Rule(2, "the loop watches for room to write", "loop.add_writer"),
    "BaseSelectorEventLoop._remove_writer": Rule(
        2, "the loop watches for room no more", "loop.remove_writer", with_=_UNWATCHED
    ),
    "BaseEventLoop.connect_accepted_socket": Rule(2, "the loop makes a transport of it", in_c="make"),
    # Tier 3: futures
    SET_RESULT: Rule(3, "a future is resolved"),
    "BaseEventLoop.create_future": Rule(
        3, "a future is made, to wait for", "loop.create_future", not_under="StreamWriter.__init__"
    ),
    # Tier 4: tasks
    "Delivery.start": Rule(4, "a task is made for it", "loop.create_task"),
    # Tier 7: transports
    "_SelectorSocketTransport.__init__": Rule(7, "a transport is made"),
    "_SelectorSocketTransport._read_ready": Rule(7, "the transport reads"),
    "_SelectorSocketTransport._read_ready__on_eof": Rule(7, "nothing there: it is the end"),
    "_SelectorSocketTransport.write": Rule(
        7,
        "the transport sends what it can, at once",
        with_=_SENT,
        idle="the transport keeps it: something waits already",
    ),
    "_SelectorSocketTransport._write_ready": Rule(7, "the transport sends what waited"),
    "_SelectorSocketTransport._write_send": Rule(7, "the transport sends what waited"),
    "_SelectorSocketTransport._write_sendmsg": Rule(7, "the transport sends what waited"),
    "_SelectorSocketTransport.write_eof": Rule(7, "the transport ends our side after what waits"),
    "_SelectorTransport.close": Rule(7, "the transport closes", with_=("BaseSelectorEventLoop._remove_reader",)),
    "_SelectorSocketTransport._call_connection_lost": Rule(7, "the transport is done"),
    "_SelectorTransport.pause_reading": Rule(
        7, "the transport reads no more", with_=("BaseSelectorEventLoop._remove_reader",)
    ),
    "_SelectorSocketTransport.pause_reading": Rule(
        7, "the transport reads no more", with_=("BaseSelectorEventLoop._remove_reader",)
    ),
    "_SelectorTransport.resume_reading": Rule(
        7, "the transport reads again", with_=("BaseSelectorEventLoop._add_reader",)
    ),
    "_SelectorSocketTransport.resume_reading": Rule(
        7, "the transport reads again", with_=("BaseSelectorEventLoop._add_reader",)
    ),
    "_SSLProtocolTransport.write": Rule(7, "the TLS transport takes it"),
    "_SSLProtocolTransport.close": Rule(7, "the TLS transport closes"),
    # Tier 8: protocols
    "StreamReaderProtocol.connection_made": Rule(8, "the stream's protocol is given its transport"),
    "StreamReaderProtocol.data_received": Rule(8, "the protocol is called with the bytes"),
    "StreamReaderProtocol.eof_received": Rule(8, "the protocol is told of the end"),
    "StreamReaderProtocol.connection_lost": Rule(8, "the protocol is told that it is over"),
    "FlowControlMixin.pause_writing": Rule(8, "the protocol is told that too much waits"),
    "FlowControlMixin.resume_writing": Rule(8, "the protocol is told that there is room"),
    "_Shim.connection_made": Rule(8, "the protocol is given its transport"),
    "_Shim.get_buffer": Rule(8, "the protocol lends its buffer"),
    "_Shim.buffer_updated": Rule(8, "the protocol is told how many came"),
    "_Shim.eof_received": Rule(8, "the protocol is told of the end"),
    "_Shim.resume_writing": Rule(8, "the protocol is told that there is room"),
    "_Shim.connection_lost": Rule(8, "the protocol is told that it is over"),
    "SSLProtocol.connection_made": Rule(8, "TLS, a protocol itself, gets the transport"),
    "SSLProtocol.buffer_updated": Rule(8, "TLS is called with the records"),
    "SSLProtocol._start_handshake": Rule(8, "TLS waits for the client's first record"),
    "SSLProtocol._do_handshake": Rule(8, "TLS takes the handshake a step further"),
    "SSLProtocol._on_handshake_complete": Rule(8, "the handshake is done"),
    "SSLObject.read": Rule(8, "TLS is asked for what it has decrypted", under="SSLProtocol._do_read__"),
    "SSLObject.write": Rule(8, "TLS encrypts"),
    # Tier 9: streams
    "StreamReader.feed_data": Rule(9, "the stream is fed"),
    "StreamReader.feed_eof": Rule(9, "the stream is told of the end"),
    "StreamReader.read": Rule(9, "read() finds nothing yet, and waits"),
    "StreamWriter.write": Rule(9, "the writer writes", in_c="send"),
    "StreamWriter.write_eof": Rule(9, "the writer ends our side", in_c="close"),
    "StreamWriter.close": Rule(9, "writer.close() is called", in_c="close"),
    "StreamWriter.drain": Rule(9, "drain() waits: too much is still to be sent"),
    # Below: the operating system
    "socket._accept": Rule(KERNEL, "the kernel is asked for a connection", "accept"),
    "socket.recv": Rule(KERNEL, "the kernel is asked for what has come", "recv"),
    "socket.recv_into": Rule(KERNEL, "the kernel is asked for what has come", "recv_into"),
    "socket.send": Rule(KERNEL, "the kernel is given the bytes", "send"),
    "socket.sendmsg": Rule(KERNEL, "the kernel is given the bytes", "sendmsg"),
    "socket.shutdown": Rule(KERNEL, "the kernel is told to end our side", "shutdown"),
    # On top: what carries out the answers of a service
    "Outboxes.put": Rule(SERVICE, "the answer waits for the end of the turn, in an outbox"),
    "Outboxes.flush": Rule(SERVICE, "the turn ends, and with it what was put off"),
}

#: The files of the layers hold the same names, each on its own tier.
LAYERS = {
    "transports": {
        "Connection.begin": Rule(7, "the record of that transport begins"),
        "Connection.received": Rule(7, "the record of that transport takes a copy"),
        "Connection.ended": Rule(7, "the record of that transport notes the end"),
        "Connection.lost": Rule(7, "the record of that transport goes"),
        "Connection.write": Rule(7, "transport.write() is called", in_c="send"),
        "Connection.paused": Rule(7, "get_write_buffer_size(): too much waits"),
        "Connection.hold": Rule(7, "transport.pause_reading() is called", in_c="stop"),
        "Connection.release": Rule(7, "transport.resume_reading() is called", in_c="start"),
        "Connection.finish": Rule(7, "transport.write_eof() or close() is called", in_c="close"),
    },
    "protocols": {
        "Listener.accept": Rule(8, "the loop asks for a protocol"),
        "Connection.opened": Rule(8, "the protocol is given its transport", "connection_made"),
        "Connection.received": Rule(8, "the protocol is called with the bytes", "data_received"),
        "Connection.ended": Rule(8, "the protocol is told of the end", "eof_received"),
        "Connection.lost": Rule(8, "the protocol is told that it is over", "connection_lost"),
        "Connection.paused": Rule(8, "the protocol is told that too much waits", "pause_writing"),
        "Connection.resumed": Rule(8, "the protocol is told that there is room", "resume_writing"),
        "Connection.write": Rule(8, "the protocol writes to its transport", in_c="send"),
        "Connection.hold": Rule(8, "the protocol stops its transport", in_c="stop"),
        "Connection.release": Rule(8, "the protocol lets its transport go on", in_c="start"),
        "Connection.finish": Rule(8, "the protocol ends our side", in_c="close"),
    },
    "streams": {
        "Listener.accept": Rule(9, "the stream's callback is called"),
        "Connection.paused": Rule(9, "get_write_buffer_size(): too much waits"),
        "Connection.hold": Rule(9, "read() will not be called for now"),
        "Connection.release": Rule(9, "read() may be called again"),
    },
}

#: What a service is told, by the name of its method.
TOLD = {
    "opened": "the service is told of the connection",
    "received": "the service is given the bytes, and may answer",
    "ended": "the service is told of the end",
    "paused": "the service is told that the client is slow",
    "resumed": "the service is told that the client reads again",
    "lost": "the service is told that the connection is gone",
    "woken": "the service is woken, as it wished",
    "recalled": "the service is told what the storage has found",
}


def told(method: str) -> Rule:
    """A service that is told something by a method of its own."""
    return Rule(SERVICE, TOLD[method.rpartition(".")[2]])
