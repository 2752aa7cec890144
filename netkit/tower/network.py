"""Tiers 7 to 9: what connects."""

from __future__ import annotations

from .tier import Api, Audience, Tier, Use

TRANSPORTS = Tier(
    number=7,
    name="transports",
    concept="a connection that takes bytes and never waits",
    paragraph="A transport is one channel to the outside, a socket, a pipe or a subprocess, with a buffer for what is "
    "still to be written. write never waits: what cannot be sent at once is kept, and sent when the "
    "operating system has room; what arrives is handed to the transport's protocol, tier 8. It rests on the "
    "event loop, which does the waiting for it, and needs no coroutine. The classes name what a channel can "
    "do: BaseTransport can be closed and asked about, ReadTransport can pause its reading, WriteTransport "
    "buffers what is written, Transport does all of that, DatagramTransport sends packets, and "
    "SubprocessTransport stands for a child process. Those who write frameworks hold one for every "
    "connection, and never make it themselves: functions such as loop.create_server make it together with "
    "its protocol.",
    api=(
        Api("asyncio.BaseTransport", "what all can do: close, is_closing, get_extra_info"),
        Api("asyncio.ReadTransport", "one that can be read from: pause_reading, resume_reading"),
        Api("asyncio.WriteTransport", "one that can be written to: write, write_eof, abort, and its buffer"),
        Api("asyncio.Transport", "both, such as a TCP connection"),
        Api("asyncio.DatagramTransport", "packets, such as UDP: sendto"),
        Api("asyncio.SubprocessTransport", "a child process and its pipes"),
        Api("WriteTransport.write", "send bytes, or keep them until they can be sent; never waits"),
        Api("WriteTransport.get_write_buffer_size", "bytes that are kept"),
        Api("WriteTransport.set_write_buffer_limits", "above and below which size the protocol is told"),
        Api("ReadTransport.pause_reading", "call data_received no more, until resume_reading"),
        Api("WriteTransport.write_eof", "end our side after what is kept: the other side can still send"),
        Api("WriteTransport.abort", "close at once; what is kept is lost"),
        Api("loop.connect_accepted_socket", "make a transport and its protocol of a socket that was accepted"),
        Api("loop.connect_write_pipe", "the same of a pipe that is written; connect_read_pipe of one that is read"),
    ),
    leading=6,
    audience=Audience.FRAMEWORKS,
    mistakes=(
        "Writing without a look at what is kept: to a peer that does not read, the buffer grows without bound.",
        "Taking close for the end: what is kept is sent first, and a peer that never reads holds that up for ever.",
        "write_eof without can_write_eof: over TLS there is none, and it raises NotImplementedError.",
        "Writing after the connection is lost: it raises nothing, and the bytes are gone.",
    ),
    example="tier7_transports.py",
    uses=(
        Use(
            "loop.connect_accepted_socket",
            "layers/transports.py",
            "Connection.opened",
            "sockets are accepted by hand here, and this makes a transport of each, with TLS where it is asked for",
        ),
        Use(
            "WriteTransport.get_write_buffer_size",
            "layers/transports.py",
            "Connection.write",
            "the look after each write that says whether the peer is slow",
        ),
        Use(
            "ReadTransport.pause_reading",
            "layers/transports.py",
            "Connection.hold",
            "reading stops, the kernel's buffers fill, and the peer is slowed by TCP itself",
        ),
        Use(
            "WriteTransport.set_write_buffer_limits",
            "layers/delivery.py",
            "Delivery.opened",
            "the bounds of --high and --low, on every layer: streams and protocols have a transport below as well",
        ),
        Use(
            "loop.connect_write_pipe",
            "layers/pipes/transports.py",
            "Connection.start",
            "standard input and output: a pipe goes one way, so each has a transport of its own",
        ),
        Use(
            "WriteTransport.abort",
            "layers/delivery.py",
            "Delivery.abort",
            "a peer that does not read in time is cut off, for close would wait for it",
        ),
    ),
)

PROTOCOLS = Tier(
    number=8,
    name="protocols",
    concept="the object that is called when something happens",
    paragraph="A protocol is an object whose methods its transport, tier 7, calls when something happens. Over TCP "
    "connection_made comes first and brings the transport, data_received comes with bytes as often as there "
    "are any, eof_received when the peer has finished sending, and connection_lost last, with the error if "
    "there was one; over UDP each packet is one call of datagram_received. pause_writing and resume_writing "
    "are the flow control: the transport calls them when its buffer has grown above its high mark, and when "
    "it has shrunk to the low one. All of these are plain functions: they cannot await, must return soon, "
    "and keep in attributes what they have to remember. Libraries and servers that speak a protocol of their "
    "own are written here, and what they give loop.create_server or loop.create_connection is a function "
    "that makes such an object for a connection.",
    api=(
        Api("asyncio.Protocol", "the base class for TCP, Unix sockets and pipes"),
        Api("asyncio.DatagramProtocol", "the base class for UDP: datagram_received, error_received"),
        Api("BaseProtocol.connection_made", "called first, with the transport"),
        Api("Protocol.data_received", "called with bytes: any number of them, cut anywhere"),
        Api("Protocol.eof_received", "the peer has finished sending; return true to go on writing"),
        Api("BaseProtocol.connection_lost", "called last, with the error or None"),
        Api("BaseProtocol.pause_writing", "the transport keeps more than its high mark: write no more"),
        Api("BaseProtocol.resume_writing", "enough of it was sent: go on"),
        Api("asyncio.BufferedProtocol", "a Protocol that brings its own memory to read into"),
        Api("BufferedProtocol.get_buffer", "called for the memory that the next read goes into"),
        Api("loop.create_server", "listen, and make a protocol for each connection"),
        Api("loop.create_connection", "connect, and make its protocol"),
        Api("loop.create_datagram_endpoint", "open a UDP socket, and make its protocol"),
    ),
    leading=8,
    audience=Audience.FRAMEWORKS,
    mistakes=(
        "Taking one data_received for one message: TCP is a stream of bytes, and may cut or join them anywhere.",
        "Writing async def data_received: it is called and never awaited, so nothing of it runs.",
        "Leaving out pause_writing: a peer that does not read then fills the memory.",
        "Expecting to answer after eof_received without returning true: the transport closes itself, and over TLS it "
        "does so in any case.",
    ),
    example="tier8_protocols.py",
    uses=(
        Use(
            "loop.create_server",
            "layers/protocols.py",
            "Listener.start",
            "the loop accepts, and asks for a protocol each time",
        ),
        Use(
            "asyncio.Protocol",
            "layers/protocols.py",
            "Connection",
            "the connection is the protocol: one object, called from outside",
        ),
        Use(
            "Protocol.data_received",
            "layers/protocols.py",
            "Connection",
            "bytes in, by the name that asyncio calls; the layers' own name for it is received",
        ),
        Use(
            "BaseProtocol.pause_writing",
            "layers/protocols.py",
            "Connection",
            "the peer is slow: the service hears of it, and stops queueing for it",
        ),
        Use(
            "asyncio.DatagramProtocol",
            "datagrams.py",
            "_Feed",
            "what comes over UDP, from whomever, goes into the queue of netkit's own stream of datagrams",
        ),
        Use(
            "BufferedProtocol.get_buffer",
            "layers/transports.py",
            "_Shim",
            "all connections are read into one buffer: no new bytes object of up to 256 KiB for each read",
        ),
    ),
)

STREAMS = Tier(
    number=9,
    name="streams",
    concept="a connection to read and write in order",
    paragraph="Streams are a connection as two objects: a StreamReader to read from and a StreamWriter to write to, "
    "which asyncio.open_connection returns for a client and asyncio.start_server gives to your function for "
    "each connection. They rest on the two tiers below: a protocol of asyncio's own puts what arrives into "
    "the reader's buffer, wakes the coroutine that waits for it, and pauses the transport while the buffer "
    "is too full; the writer is the transport with drain added. read, readline and readexactly wait for "
    "bytes. write does not wait, and await drain() does, while too much is still to be sent. So a "
    "conversation is written in the order in which it happens, and this is where most programs that speak to "
    "a network belong.",
    api=(
        Api("asyncio.open_connection", "connect: gives a reader and a writer"),
        Api("asyncio.start_server", "listen: calls a function with a reader and a writer for each connection"),
        Api("asyncio.StreamReader", "where what has arrived is read"),
        Api("asyncio.StreamWriter", "where what is to be sent is written"),
        Api("StreamReader.read", 'at most so many bytes, as soon as there are any; b"" at the end'),
        Api("StreamWriter.drain", "wait while too much is kept: flow control"),
        Api("StreamReader.readline", "up to the next newline; ValueError beyond the limit"),
        Api("StreamReader.readexactly", "so many bytes, or asyncio.IncompleteReadError"),
        Api("StreamWriter.write", "send bytes, or keep them until they can be sent; does not wait"),
        Api("StreamWriter.close", "close after what is kept"),
        Api("StreamWriter.wait_closed", "wait until it is closed"),
    ),
    leading=6,
    audience=Audience.APPLICATIONS,
    mistakes=(
        "write without await drain(): a peer that does not read fills the memory of the program.",
        'Forgetting b"": at the end of the stream read returns it at once, again and again, and a loop spins.',
        "Taking one read for one message: like data_received it gives whatever has arrived. readline and readexactly "
        "wait for the whole.",
        "Not closing the writer: the connection stays open, a client's until the object happens to be collected, with "
        "a ResourceWarning, and before Python 3.13 a server's until the peer ends it.",
    ),
    example="tier9_streams.py",
    uses=(
        Use(
            "asyncio.start_server",
            "layers/streams.py",
            "Listener.start",
            "asyncio accepts, and brings a reader and a writer",
        ),
        Use(
            "StreamReader.read",
            "layers/streams.py",
            "Connection.received",
            "chunks and not lines: in telnet a newline byte may stand within a command",
        ),
        Use(
            "StreamWriter.drain",
            "layers/streams.py",
            "Connection.resumed",
            "in a task of its own, so that a peer that is slow to read can still be heard",
        ),
        Use(
            "StreamWriter.wait_closed",
            "layers/streams.py",
            "Connection.opened",
            "the coroutine stays until the connection has really ended, for its place is given back then",
        ),
    ),
)
