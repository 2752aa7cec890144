"""Datagrams: anybody can forge where they come from, and any of them may be lost."""

from __future__ import annotations

import asyncio
import socket
import struct

from ..datagrams import DatagramPeer
from ..fault import ECHO, UDP, Broken, Untried, fault
from ..peer import PATIENCE
from ..trial import Trial

#: Bytes of datagrams: nothing, what fits into one packet of Ethernet and does not, what fits into a buffer of a round
#: number and does not, and the most that IPv4 can carry (65,535, less 20 of IP and 8 of UDP).
SIZES = (0, 1, 512, 1472, 1473, 4097, 8193, 32_769, 65_507)

#: Seconds for a datagram to be answered, where it may also be left unanswered, and to see that nothing more comes.
ANSWER, QUIET = 0.3, 0.2

#: Services that answer whatever comes, or much of it, at their ports: nobody else sends from there.
ANSWERERS = {7: "echo", 13: "daytime", 19: "chargen", 37: "time"}

#: Seconds after which the ports of these services are not waited for any more.
TAKEN = 10.0

#: Of a flood: from how many sources it comes, how many datagrams each sends, and bytes of them.
SOURCES, EACH, FLOOD_SIZES = 100, 50, (0, 1, 40, 40, 40, 200, 512, 512, 1200, 1472, 9000)

#: Seconds after which a datagram that comes from the server itself may not be seen any more, and seconds without it
#: after which it has stopped: a server that starts a process for each takes its time.
WATCHED, STOPPED = 1.0, 0.5

#: Where the checksum is in a header of UDP (RFC 768), in bytes.
CHECKSUM_AT = 6


@fault(
    "udp-sizes",
    why="an answer that is longer than what was asked multiplies what a forged source is hit with",
    source="RFC 862: the data of a datagram is sent back in one; RFC 5358: reflectors that answer with more",
    holds="a datagram comes back whole, once and as one, or not at all, up to 65,507 bytes",
    services=frozenset({ECHO}),
    schemes=frozenset({UDP}),
)
async def udp_sizes(trial: Trial) -> str:
    """Send a datagram of each size, each from a source of its own."""
    sent = []
    for size in SIZES:
        data = trial.random.randbytes(size)
        peer = await datagrams_from(trial)
        await peer.send(data)
        await peer.wait(lambda: len(peer.datagrams) > 0, ANSWER)  # noqa: B023  it is waited for at once
        sent.append((data, peer))
    await asyncio.sleep(QUIET)
    for data, peer in sent:
        see_whole(data, peer)
    unanswered = [f"{len(data):,}" for data, peer in sent if not peer.datagrams]
    left = f"; not answered: {', '.join(unanswered)} bytes" if unanswered else ""
    return f"{len(sent) - len(unanswered)} of {len(sent)} sizes came back whole{left}"


def see_whole(data: bytes, peer: DatagramPeer) -> None:
    """See that what came back for one datagram is the same one, or nothing."""
    if peer.received > len(data):
        raise Broken(f"{peer.received:,} bytes came back for {len(data):,}", peer)
    if list(peer.datagrams) not in ([], [data]):
        lengths = " + ".join(f"{len(each):,}" for each in peer.datagrams)
        how = f"as {lengths} bytes" if lengths != f"{len(data):,}" else "changed"
        raise Broken(f"a datagram of {len(data):,} bytes came back {how}", peer)


@fault(
    "udp-reflection",
    why="a server that answers another that answers never stops, and one forged datagram is enough to start it",
    source="CERT CA-1996-01, CVE-2024-2169 (names RFC 862); inetd's dg_badinput passes over such ports",
    holds="what comes from the port of echo, daytime, chargen or time is not answered",
    services=frozenset({ECHO}),
    schemes=frozenset({UDP}),
)
async def udp_reflection(trial: Trial) -> str:
    """Send from the ports of services that would answer the answer."""
    until = asyncio.get_running_loop().time() + TAKEN
    while not (socks := {port: sock for port in ANSWERERS if (sock := bound(trial, port)) is not None}):
        if asyncio.get_running_loop().time() > until:
            raise Untried("others have the ports 7, 13, 19 and 37 of this machine")
        await asyncio.sleep(QUIET)  # another run of this fault gives them back soon
    peers = {port: await trial.open(sock=sock) for port, sock in socks.items()}
    for peer in peers.values():
        await peer.send(trial.word())
    await trial.passes(await datagrams_from(trial))  # by then those before are answered too, if they are
    await asyncio.sleep(QUIET)
    for port, peer in peers.items():
        if peer.received:
            raise Broken(f"it answers port {port}, {ANSWERERS[port]}: two that answer each other never stop", peer)
    return f"nothing came back to {', '.join(f'port {port}' for port in peers)}"


def bound(trial: Trial, port: int) -> socket.socket | None:
    """A socket that sends from a port; None where somebody else has it.

    Raises:
        Untried: it is not permitted.
    """
    sock = trial.target.socket()
    try:
        sock.bind(("", port))
    except PermissionError:
        sock.close()
        raise Untried("to send from ports below 1024 is not permitted here: CAP_NET_BIND_SERVICE") from None
    except OSError:
        sock.close()
        return None
    return sock


@fault(
    "udp-flood",
    why="datagrams come from anybody as fast as the network carries them, and no one waits for an answer",
    source="RFC 8085, 3.1: UDP has no congestion control of its own",
    holds="what is answered goes to whom it came from, and others are answered again as soon as it is over",
    services=frozenset({ECHO}),
    schemes=frozenset({UDP}),
    lossy=True,
)
async def udp_flood(trial: Trial) -> str:
    """Send thousands of datagrams of all sizes from many sources, at once."""
    number = min(SOURCES, trial.bounds.connections)
    sources = {trial.word(): await datagrams_from(trial) for _ in range(number)}
    filling = trial.random.randbytes(max(FLOOD_SIZES))
    for _ in range(EACH):
        for word, peer in sources.items():
            size = trial.random.choice(FLOOD_SIZES)
            await peer.send((word + filling)[:size])
    await answers_again(trial)
    for word, peer in sources.items():
        see_own(word, peer)
    came = sum(len(peer.datagrams) for peer in sources.values())
    return f"{came:,} of {number * EACH:,} were answered, each to whom it came from"


async def answers_again(trial: Trial) -> None:
    """See that somebody new is answered, who asks again where that is lost."""
    peer = await datagrams_from(trial)
    word = trial.word()
    until = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < until:
        await peer.send(word)
        if await peer.hears(word, ANSWER):
            return
    raise Broken(f"nobody new is answered within {PATIENCE:g} s after a flood", peer)


def see_own(word: bytes, peer: DatagramPeer) -> None:
    """See that a source got no more than it sent, and nothing that others did."""
    for each in peer.datagrams:
        if each[: len(word)] != word[: len(each)]:
            raise Broken("what one source sent came back to another", peer)
    if peer.received > peer.sent.bytes:
        raise Broken(f"{peer.received:,} bytes came back for {peer.sent.bytes:,}", peer)


@fault(
    "udp-loop",
    why="a datagram that seems to come from the server itself is answered for ever, and needs no other server",
    source="CVE-1999-0103, CVE-2024-2169; the same with TCP is the LAND attack, CVE-1999-0016",
    holds="the server does not go on answering itself",
    services=frozenset({ECHO}),
    schemes=frozenset({UDP}),
)
async def udp_loop(trial: Trial) -> str:
    """Send a datagram with the server's own address and port as its source, and look on.

    The same between two servers is not tried: to the first one, another echo is a client who is quick.
    """
    if not trial.target.loopback:
        raise Untried("only on this machine can be seen what the server sends to itself")
    word = trial.word()
    with raw_socket(trial) as raw:
        port = trial.target.port
        raw.sendto(struct.pack("!HHHH", port, port, 8 + len(word), 0) + word, (trial.target.host, 0))
        times, stopped = await seen(raw, word)
    if not stopped:
        raise Broken(f"it answered itself {times - 1:,} times in {WATCHED:g} s, and goes on")
    return f"it answered itself {times - 1} times, and stopped" if times > 1 else "it did not answer itself"


def raw_socket(trial: Trial) -> socket.socket:
    """Sends UDP from the server's address, and is given a copy of whatever goes from there to there.

    Raises:
        Untried: it is not permitted.
    """
    try:
        raw = socket.socket(trial.target.family, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        raise Untried("to forge a source is not permitted here: CAP_NET_RAW") from None
    raw.setblocking(False)
    if raw.family == socket.AF_INET6:  # where there must be a checksum; IPv4 does without (RFC 768)
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_CHECKSUM, CHECKSUM_AT)
    raw.bind((trial.target.host, 0))  # and not connected: it would be told of every port that nobody has (raw(7))
    return raw


async def seen(raw: socket.socket, word: bytes) -> tuple[int, bool]:
    """How often a word was seen, and whether that has stopped."""
    loop = asyncio.get_running_loop()
    began = last = loop.time()
    times = 0
    while last < began + WATCHED:
        try:
            async with asyncio.timeout_at(last + STOPPED):
                packet = await loop.sock_recv(raw, 65_536)
        except TimeoutError:
            return times, True
        if word in packet:
            times, last = times + 1, loop.time()
        elif loop.time() > last + STOPPED:  # bystanders are seen too, and what is there already needs no waiting
            return times, True
    return times, False


async def datagrams_from(trial: Trial) -> DatagramPeer:
    """A source of its own."""
    peer = await trial.open()
    assert isinstance(peer, DatagramPeer)
    return peer
