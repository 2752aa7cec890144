"""Those who want something else: they took the port for another one, or look what it is, or lie about who they are.

To be closed is a good answer to all of them. An echo has nobody to refuse: it gives back whatever comes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

from ..fault import CLEAR, IRC, LINES, Broken, fault
from ..handshakes import hello, trusting
from ..overheard import comes_back, dealt_with, heard_or_gone, judge
from ..peer import OPEN, PATIENCE, Peer
from ..profiles.irc import CHANNEL
from ..trial import Trial, all_of

#: Bytes of what has no newline in it: more than a line may have anywhere, and than ngircd's buffer holds.
NO_LINE = 6 * 1024

#: Random bytes, on how many connections, and of how many in one piece at most.
RANDOM, CONNECTIONS, PIECE = 64 * 1024, 4, 1500

#: Random bytes before a word of ours that starts a line, and seconds for a server to take a piece.
APART, TAKING = 2048, 0.3

#: An address from a block for documentation (RFC 5737): nobody comes from there.
SPOOFED = b"203.0.113.77"

#: Seconds in which who we are must be told by others, if at all, where nothing can be asked.
TOLD = 0.3

#: Seconds for a line to come through after STARTTLS where it is text, and for each step of a handshake where it is not.
UPGRADING = 3.0


async def strange(trial: Trial, listener: Peer, parts: Sequence[bytes]) -> Peer:
    """Somebody who sends something strange, without a word before; what the server makes of it is waited for.

    Args:
        trial: to whose server.
        listener: who hears what others say.
        parts: what is sent, each by itself.
    """
    peer = await trial.open()
    for part in parts:
        await peer.send(part)
    await dealt_with(trial, listener, peer)
    return peer


async def strangers(trial: Trial, sent: Sequence[Sequence[bytes]]) -> str:
    """All of them at once: nothing of it may do harm, neither to others nor to the server. What came of it.

    Args:
        trial: to whose server.
        sent: what each of them sends, in parts.
    """
    if trial.profile.echoes:
        for parts in sent:
            await comes_back(await trial.enter(), b"".join(parts), "what a stranger sent")
        return f"what {len(sent)} strangers sent came back unchanged"
    listener = await trial.listener()
    peers = await all_of([strange(trial, listener, parts) for parts in sent])
    await trial.idle("for strangers who say nothing more", peers[0])
    for peer, parts in zip(peers, sent, strict=True):
        judge(trial, listener, peer, sent=b"".join(parts))
    closed = sum(peer.state != OPEN for peer in peers)
    return f"{closed} of {len(peers)} strangers were closed, the others taken for people"


@fault(
    "tls-on-plain",
    why="a client that wants TLS calls on the plain port: what it sends is no line, and may have no end",
    source="ngircd#343: a core spun at 100%, and this was the most common reason",
    holds="the server is at rest, and others see nothing of it; closing is fine",
    schemes=CLEAR,
)
async def tls_on_plain(trial: Trial) -> str:
    """Greet with a TLS handshake: whole, cut, and with data behind it that has no newline."""
    hellos = [hello(trusting(), f"{trial.word().decode()}.example") for _ in range(3)]
    encrypted = bytes(each for each in trial.random.randbytes(NO_LINE) if each not in b"\r\n")
    behind = b"\x17\x03\x03" + len(encrypted).to_bytes(2) + encrypted
    return await strangers(trial, [[hellos[0]], [hellos[1][:5], hellos[1][5:60], hellos[1][60:]], [hellos[2], behind]])


@fault(
    "http-request",
    why="a web page can make any browser send lines to any port: what it sends is then said by a stranger",
    source="ergo#2239; the HTML form protocol attack (Topf, 2001)",
    holds="what of it reaches others stands behind a mark of who said it; closing is fine",
    schemes=CLEAR,
)
async def http_request(trial: Trial) -> str:
    """GET, a POST with lines in its body, CONNECT, and HTTP/2."""
    words = [trial.word() for _ in range(8)]
    body = trial.profile.say(words[0]) + words[1] + b" says a web page" + trial.profile.newline
    if trial.profile.name == IRC:
        body = b"NICK web\r\nUSER web 0 * :web\r\nJOIN %b\r\n" % CHANNEL + body
    head = b"Host: %b.example\r\nUser-Agent: %b\r\n" % (words[2], words[3])
    get = b"GET /%b HTTP/1.1\r\n%bAccept: */*\r\n\r\n" % (words[4], head)
    post = b"POST /%b HTTP/1.1\r\n%bContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (
        words[5],
        head,
        len(body),
        body,
    )
    connect = b"CONNECT %b.example:6667 HTTP/1.1\r\n%b\r\n" % (words[6], head)
    # RFC 9113, 3.4: the preface, and an empty SETTINGS frame.
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
    return await strangers(trial, [[get], [post], [connect], [preface], [post[:40], post[40:]]])


@fault(
    "random-bytes",
    why="whatever may come does come: scanners send bytes that belong to no protocol",
    source="Miller et al., An Empirical Study of the Reliability of UNIX Utilities (1990): a quarter of them broke",
    holds="the server lives, and others get no more than it promises; closing is fine",
    schemes=CLEAR,
)
async def random_bytes(trial: Trial) -> str:
    """Random bytes in random pieces, on several connections: half of them before they are let in, half after."""
    each = RANDOM // CONNECTIONS
    if trial.profile.echoes:
        for _ in range(CONNECTIONS):
            await comes_back(await trial.enter(), trial.random.randbytes(each), "random bytes")
        return f"{RANDOM // 1024} KiB came back unchanged"
    listener = await trial.listener()
    peers = [await trial.open() if number % 2 else await trial.enter() for number in range(CONNECTIONS)]
    sent = [_littered(trial, each) for _ in peers]
    taken = await asyncio.gather(*(_in_pieces(trial, one, data) for one, data in zip(peers, sent, strict=True)))
    for peer, data in zip(peers, sent, strict=True):
        judge(trial, listener, peer, sent=data)
    closed = sum(peer.state != OPEN for peer in peers)
    return f"{sum(taken) // 1024} KiB on {len(peers)} connections, {closed} of them were closed"


def _littered(trial: Trial, number: int) -> bytes:
    """So many random bytes, with lines among them that start with a word of ours."""
    parts = [trial.random.randbytes(APART) for _ in range(number // APART)]
    return b"".join(part + trial.profile.newline + trial.word() for part in parts)


async def _in_pieces(trial: Trial, peer: Peer, data: bytes) -> int:
    """Send it in pieces of any length, as long as it is taken. How many bytes were."""
    at = 0
    while at < len(data):
        length = trial.random.randrange(1, PIECE)
        try:
            if not await peer.send(data[at : at + length], within=TAKING):
                break
        except TimeoutError:
            break  # it is read more slowly
        at += length
    await peer.ends(TAKING)
    return min(at, len(data))


@fault(
    "other-protocols",
    why="every public port is greeted in all protocols that a scanner knows",
    source="RFC 4253 (SSH), MS-SMB2, MS-RDPBCGR, and the protocols of Redis and memcached",
    holds="the server lives, and others get no more than it promises; closing is fine",
    schemes=CLEAR,
)
async def other_protocols(trial: Trial) -> str:
    """The first bytes of SSH, SMB, RDP, Redis and memcached, and zeros."""
    words = [trial.word() for _ in range(4)]
    negotiate = b"\xfeSMB" + bytes((64, 0)) + bytes(58) + b"\x24\0\x02\0" + bytes(32) + b"\x02\x02\x10\x02"
    return await strangers(
        trial,
        [
            [b"SSH-2.0-%b\r\n" % words[0], bytes((0, 0, 1, 0x34, 10, 20)) + trial.random.randbytes(302)],
            [len(negotiate).to_bytes(4) + negotiate],
            [b"\x03\0\0\x2f\x2a\xe0\0\0\0\0\0Cookie: mstshash=%b\r\n\x01\0\x08\0\x03\0\0\0" % words[1][:16]],
            [b"*2\r\n$4\r\nECHO\r\n$%d\r\n%b\r\n" % (len(words[2]), words[2])],
            [b"stats\r\nset %b 0 0 5\r\nhello\r\nget %b\r\n" % (words[3], words[3])],
            [bytes(NO_LINE)],
        ],
    )


@fault(
    "proxy-header",
    why="who is believed to be a proxy says where others come from: a ban on an address is worth nothing then",
    source="the PROXY protocol, section 2: a receiver must not believe just anybody; irctest ergo/proxy.py",
    holds="a header of somebody who is no proxy is text, or the connection is closed",
    services=LINES,
    schemes=CLEAR,
)
async def proxy_header(trial: Trial) -> str:
    """Claim to speak for somebody else, in both versions of the protocol, and see who others take us for."""
    octets = bytes(map(int, SPOOFED.split(b".")))
    ports = (56324).to_bytes(2) + (6667).to_bytes(2)
    second = b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11\0\x0c" + octets + bytes((203, 0, 113, 1)) + ports
    listener = await trial.listener()
    seen = []
    for header in (b"PROXY TCP4 %b 203.0.113.1 56324 6667\r\n" % SPOOFED, second):
        peer = await trial.open()
        await peer.send(header)
        if trial.profile.name == IRC:
            nick = trial.name().encode()
            await peer.send(b"NICK %b\r\nUSER %b 0 * :x\r\nJOIN %b\r\n" % (nick, nick, CHANNEL))
        await dealt_with(trial, listener, peer)
        answered = trial.word()
        for asked in trial.profile.commands[:2]:
            await listener.send(asked + trial.profile.newline)
        await listener.send(trial.profile.ask(answered))
        await listener.hears(answered, PATIENCE if trial.profile.commands else TOLD)
        if _believed(listener, peer):
            raise Broken(f"whoever says so comes from {SPOOFED.decode()}: a PROXY header is believed", peer)
        judge(trial, listener, peer)
        seen.append("closed" if peer.state != OPEN else "no more than text")
    return f"version 1: {seen[0]}; version 2: {seen[1]}"


def _believed(*peers: Peer) -> bool:
    """Whether a server has said that somebody is at the address, elsewhere than in the header itself."""
    return any(SPOOFED in line and b"PROXY" not in line for peer in peers for line in peer.lines())


@fault(
    "starttls-injection",
    why="what is sent before TLS, by whoever is in the middle, is obeyed as if it had come over TLS",
    source="CVE-2011-0411 (Postfix), CVE-2024-34083 (aiosmtpd)",
    holds="where there is no STARTTLS it is text; where there is, what came before the handshake is dropped",
    services=LINES,
    schemes=CLEAR,
)
async def starttls_injection(trial: Trial) -> str:
    """Ask for TLS and send lines in the same write; if that is answered with TLS, shake hands."""
    listener = await trial.listener()
    peer = await trial.enter()
    word = trial.word()
    await peer.send(b"STARTTLS\r\n" + trial.profile.say(word))
    if await heard_or_gone(listener, word, peer, UPGRADING):
        return "it is text" if word in listener.heard else "the connection was closed"
    if not await _shakes_hands(peer):
        await peer.ends(UPGRADING)
        raise Broken(f"after STARTTLS a line is neither text, nor does TLS come: the connection is {peer.state}", peer)
    if await listener.hears(word, UPGRADING):
        raise Broken("a line from before the TLS handshake was obeyed after it", peer)
    return "what came before the TLS handshake was dropped"


async def _shakes_hands(peer: Peer) -> bool:
    """Shake hands for TLS on a connection that was plain until now. Whether the other side does so too."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = trusting().wrap_bio(incoming, outgoing)
    at = peer.received
    while True:
        try:
            session.do_handshake()
            await peer.send(outgoing.read())
            return True
        except ssl.SSLWantReadError:
            before = at
            await peer.send(outgoing.read())
            if not await peer.wait(lambda: peer.received > before, UPGRADING):  # noqa: B023  it is over before the next
                return False
            incoming.write(bytes(peer.heard[at - peer.received :]))
            at = peer.received
        except ssl.SSLError:
            return False
