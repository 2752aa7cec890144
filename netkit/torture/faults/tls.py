"""Handshakes that are not finished, records that are none, and what is better not encrypted at all."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import warnings

from ..fault import TLS, Broken, Untried, fault
from ..handshakes import hello, trusting
from ..peer import OPEN, Peer
from ..trial import Trial

#: Connections that stall in their handshake, at most. asyncio has 256 KiB for each, until its garbage is collected.
STALLED = 40

#: Connections that are cut, and how many renegotiations are asked for on one.
CUT, RENEGOTIATIONS = 10, 100

#: The first byte of a record with a part of a handshake (RFC 8446, 5.1), the bytes before what it holds, and the first
#: one of these where a hello was accepted (4).
HANDSHAKE, HEAD_SIZE, SERVER_HELLO = b"\x16", 5, b"\x02"

#: The head of a record of data that announces so many bytes: it looks like TLS 1.2 in all versions since (5.2).
HEAD = b"\x17\x03\x03"

#: What is no TLS from its first bytes on, and which no server has to wait for the end of.
GARBAGE = {
    "a line of text": b"hello, is anybody there?\r\n",
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a record of version 9.9": b"\x16\x09\x09\x00\x05\x01\x00\x00\x01\x00",
    "a record of an unknown type": b"\x63\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    "a record of 65,535 bytes": b"\x16\x03\x01\xff\xff\x01\x00\xff\xfb" + bytes(65_531),
    "data before a handshake": HEAD + b"\x00\x20" + bytes(32),
    "nothing but zeros": bytes(1000),
}


@fault(
    "tls-stall",
    why="a handshake that is not finished keeps a place, and holds up everybody where handshakes are done in turn",
    source="OpenSSH's LoginGraceTime and MaxStartups; asyncio tells of a connection only after its handshake",
    holds="others still shake hands, and are heard",
    schemes=frozenset({TLS}),
)
async def tls_stall(trial: Trial) -> str:
    """Half a ClientHello, or nothing, on many connections."""
    crowd = await trial.crowd(min(STALLED, trial.bounds.connections), raw=True)
    whole = hello(trusting(), trial.target.endpoint.host)
    for peer in crowd[::2]:
        await peer.send(whole[: len(whole) // 2])
    began = asyncio.get_running_loop().time()
    await trial.newcomer()
    took = asyncio.get_running_loop().time() - began
    closed = sum(peer.state != OPEN for peer in crowd)
    return f"a newcomer was heard after {took:.2f} s, beside {len(crowd)} stalled handshakes; {closed} were closed"


@fault(
    "tls-garbage",
    why="scanners and lost clients speak anything to a TLS port, and a record may be damaged on its way",
    source="RFC 8446, 5.1, 5.2 and 6.2: unexpected_message, record_overflow and bad_record_mac are fatal",
    holds="the connection is closed within 10 s, an alert before it is fine; others are not held up",
    schemes=frozenset({TLS}),
)
async def tls_garbage(trial: Trial) -> str:
    """No TLS at all, damaged heads of records, and a damaged record after a good handshake."""
    tried: list[tuple[str, Peer]] = []
    for what, data in (GARBAGE | {"random bytes": b"\x80" + trial.random.randbytes(1000)}).items():
        peer = await trial.open(raw=True)
        await peer.send(data)
        tried.append((what, peer))
    for what, data in {
        "a damaged record after the handshake": HEAD + b"\x00\x40" + trial.random.randbytes(64),
        "a record of an unknown type after the handshake": b"\x63\x03\x03\x00\x05" + trial.random.randbytes(5),
        "a record of 65,535 bytes after the handshake": HEAD + b"\xff\xff" + trial.random.randbytes(65_535),
    }.items():
        peer = await trial.enter()
        slip(peer, data)
        tried.append((what, peer))
    began = asyncio.get_running_loop().time()
    for what, peer in tried:
        left = began + trial.bounds.ending - asyncio.get_running_loop().time()
        if not await peer.ends(max(0.0, left)):
            raise Broken(f"{what} is not answered by closing within {trial.bounds.ending:g} s", peer)
        trial.alive(peer, what)
    took = asyncio.get_running_loop().time() - began
    return f"each of {len(tried)} was closed, the last after {took:.2f} s"


def slip(peer: Peer, data: bytes) -> None:
    """Put bytes into a connection below its TLS, after what it has written."""
    peer.sent.note(data)
    # A small one always has room; of a large one the head alone is enough.
    os.write(peer.transport.get_extra_info("socket").fileno(), data)


@fault(
    "tls-renegotiation",
    why="each renegotiation costs a server many times what it costs the client that asks for it",
    source="CVE-2011-1473, CVE-2009-3555; TLS 1.3 forbids it (RFC 8446, 4.1.2)",
    holds="it is refused, or the connection is closed",
    schemes=frozenset({TLS}),
)
async def tls_renegotiation(trial: Trial) -> str:
    """Ask for a hundred in a row, on one connection of TLS 1.2."""
    try:
        from ..renegotiation import Refused, Renegotiating
    except ImportError:
        raise Untried("needs pyOpenSSL: pip install 'netkit[torture]'") from None
    peer = await trial.open(raw=True)
    tls = Renegotiating(peer)
    try:
        if not await tls.shake():
            raise Broken("a client of TLS 1.2 gets no answer to its hello", peer)
    except Refused as why:
        return f"it speaks no TLS 1.2, and TLS 1.3 has no renegotiation: {why}"
    for number in range(RENEGOTIATIONS):
        try:
            if not await tls.again():
                await trial.idle("after a renegotiation that it does not answer", peer, most=0.5, within=0.0)
                return f"renegotiation {number + 1} was not answered"
        except Refused as why:
            return f"renegotiation {number + 1} was refused: {why}"
    raise Broken(f"a client has renegotiated {RENEGOTIATIONS} times on one connection, and may go on")


@fault(
    "tls-cut",
    why="most clients go without close_notify, and a connection that breaks may do so within a record",
    source="RFC 8446, 6.1: truncation",
    holds="what was whole before comes through, and the connection is given back",
    schemes=frozenset({TLS}),
)
async def tls_cut(trial: Trial) -> str:
    """Say something, begin a record, and end the connection below TLS: half of them kindly, half by a reset."""
    peers = await trial.enter_all(CUT)
    words = [trial.word() for _ in peers]
    for peer, word in zip(peers, words, strict=True):
        await trial.say(peer, word)
        slip(peer, HEAD + b"\x40\x00" + trial.random.randbytes(100))
    for peer in peers[::2]:
        peer.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)
    for at, (peer, word) in enumerate(zip(peers, words, strict=True)):
        if trial.profile.echoes and at % 2 == 0:
            continue  # whoever has gone like that is owed no answer
        if not await (await trial.hearer(peer)).hears(word):
            raise Broken(f"what was whole before the cut did not come through: {word!r}", peer)
    for peer in peers[1::2]:
        peer.reset()
    for peer in peers[::2]:
        if not await peer.ends():
            raise Broken("a connection that was ended in the middle of a record is not closed", peer)
    return f"{len(peers)} connections were cut in the middle of a record, and all that was owed came through"


@fault(
    "tls-old-versions",
    why="TLS 1.0 and 1.1, and connections without encryption or without a certificate, can be read and altered",
    source="RFC 8996; RFC 9325, 3.1.1 and 4.1",
    holds="a client that offers nothing better is refused, by an alert or by closing",
    schemes=frozenset({TLS}),
)
async def tls_old_versions(trial: Trial) -> str:
    """Offer what is too old or too weak, and nothing else."""
    offers = {
        "TLS 1.0": weak(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1, "ALL"),
        "TLS 1.1": weak(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, "ALL"),
        "no encryption": weak(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "eNULL"),
        "no certificate": weak(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "aNULL"),
    }
    tried = []
    for what, context in offers.items():
        try:
            offer = hello(context, trial.target.endpoint.host)
        except ssl.SSLError:
            continue  # our own OpenSSL was built without it
        await refused(trial, what, offer)
        tried.append(what)
    if not tried:
        raise Untried("the OpenSSL of this Python can offer neither old versions nor weak ciphers")
    return f"refused: {', '.join(tried)}"


async def refused(trial: Trial, what: str, offer: bytes) -> None:
    """See that a hello is answered by anything but a hello.

    Raises:
        Broken: it is, or not at all.
    """
    peer = await trial.open(raw=True)
    await peer.send(offer)
    if not await peer.wait(lambda: len(peer.heard) > HEAD_SIZE, trial.bounds.ending) and peer.state == OPEN:
        raise Broken(f"a client that offers {what} alone is neither refused nor let in", peer)
    if peer.heard.startswith(HANDSHAKE) and peer.heard[HEAD_SIZE:].startswith(SERVER_HELLO):
        raise Broken(f"a client that offers {what} alone is let in", peer)


def weak(least: ssl.TLSVersion, most: ssl.TLSVersion, ciphers: str) -> ssl.SSLContext:
    """One that offers what is deprecated, and nothing else."""
    context = trusting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = least, most
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    return context
