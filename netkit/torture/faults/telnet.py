"""Those who speak telnet (RFC 854): every line server meets them, whether it speaks telnet or not.

What only a server that speaks it promises is asked of no other. An echo has to give each byte back, and no more.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress

from ..fault import LINES, PLAIN, Broken, fault
from ..overheard import comes_back, judge, line_after
from ..peer import OPEN, Peer
from ..trial import Trial

IAC, SE, NOP, DM, IP, SB = b"\xff", b"\xf0", b"\xf1", b"\xf2", b"\xf4", b"\xfa"
WILL, WONT, DO, DONT = b"\xfb", b"\xfc", b"\xfd", b"\xfe"
ECHO, SUPPRESS_GO_AHEAD, TIMING_MARK, TERMINAL_TYPE = b"\x01", b"\x03", b"\x06", b"\x18"

#: What Ctrl-C in telnet sends: Interrupt Process, and Do Timing-Mark.
INTERRUPT = IAC + IP + IAC + DO + TIMING_MARK

#: A negotiation in what a server sends: UTF-8 has no 0xFF in it, and no netcat client is sent one.
_NEGOTIATION = re.compile(rb"\xff([\xfb-\xfe])([\x00-\xff])")

#: How often each one of the storm says all that there is to say of all options: 6 KiB.
STORMS = 2

#: Answers above one to each request: a server has wishes of its own, and repeats one that was refused.
WISHES = 64

#: Bytes of a subnegotiation: to a server that speaks telnet, and to others, to whom it is text for everybody.
ENDLESS, AS_TEXT = 6 * 1024 * 1024, 64 * 1024

#: Parts that are sent at once; seconds in which they are taken by who reads on at all, and in which all are sent.
AT_ONCE, TAKING, SENDING = 64, 0.5, 5.0

#: By how many bytes a server may grow for all of them.
KEPT = 6 * 1024 * 1024

#: Seconds between two parts of a command, so that a server reads one before it gets the other.
APART = 0.01

#: Answers to a client that answers each refusal, and seconds without one after which there is an end to them.
REFUSALS, QUIET = 100, 0.5

#: How often a client is interrupted in a row.
INTERRUPTS = 5


def negotiated(heard: bytes | bytearray) -> list[tuple[bytes, bytes]]:
    """What a server has said of options, in order: the verb and the option."""
    return [(found[1], found[2]) for found in _NEGOTIATION.finditer(heard)]


def negotiations(trial: Trial, verbs: Iterable[bytes]) -> bytes:
    """All that there is to say with some verbs of the 256 options, in any order.

    To who takes no telnet out of it, three of them would end lines.
    """
    options = [each for each in range(256) if trial.profile.telnet or trial.profile.echoes or each not in b"\0\r\n"]
    said = [IAC + verb + bytes((option,)) for verb in verbs for option in options]
    trial.random.shuffle(said)
    return b"".join(said)


@fault(
    "telnet-option-storm",
    why="each telnet option costs an answer, and some costs a loop of them: 256 options, all of them again and again",
    source="RFC 1143 and RFC 854: no request is answered twice, and no refusal of what is off; contiki#2685",
    holds="no more answers than requests, none to refusals, and the next line comes through; or the flood is cut off",
)
async def telnet_option_storm(trial: Trial) -> str:
    """Negotiate everything, several times, with some who read the answers and one who does not."""
    storm = b"".join(negotiations(trial, (WILL, WONT, DO, DONT)) for _ in range(STORMS))
    refusals = negotiations(trial, (WONT, DONT)) * 2 * STORMS
    if trial.profile.echoes:
        await comes_back(await trial.enter(), storm + refusals, "telnet negotiations")
        return f"{len(storm + refusals):,} bytes of negotiations came back unchanged"
    listener = await trial.listener()
    deaf, refuser, *others = await trial.enter_all(4)
    if trial.profile.telnet:
        deaf.stop_reading()
        await deaf.send(storm)
    else:
        others.append(deaf)  # to who takes it for text, who reads no text is another fault
    await refuser.send(refusals)
    for peer in others:
        await peer.send(storm)
    await trial.idle("after a storm of telnet options", deaf)
    for peer in (refuser, *others):
        await line_after(trial, listener, peer, "a storm of telnet options", IAC + WONT + ECHO)
        judge(trial, listener, peer)
        requests, answers = peer.sent.bytes // 3, len(negotiated(peer.heard))
        if answers > requests + WISHES:
            raise Broken(f"{answers} answers came to {requests} telnet requests", peer)
    if trial.profile.telnet:
        _no_refusal_answered(refuser)
    trial.bounded(KEPT, "for a storm of telnet options", deaf)
    refused, *answered = [len(negotiated(peer.heard)) for peer in (refuser, *others)]
    return f"{max(answered)} answers to {len(storm) // 3:,} requests, {refused} to {len(refusals) // 3:,} refusals"


def _no_refusal_answered(peer: Peer) -> None:
    """See that a server has refused nothing of what was refused and what it has not asked for itself."""
    said = negotiated(peer.heard)
    wished = {option for verb, option in said if verb in (WILL, DO)}
    answers = [option for verb, option in said if verb in (WONT, DONT) and option not in wished]
    if answers:
        raise Broken(f"{len(answers)} refusals were answered with refusals: so two programs never end", peer)


@fault(
    "telnet-subnegotiation",
    why="a telnet subnegotiation that never ends is kept by a server that waits for its end",
    source="tinymux#1101, twisted#12706: no bound; SkerrySSH#315: none where IAC is doubled",
    holds="what is kept is bounded, and the server is at rest; closing is fine",
)
async def telnet_subnegotiation(trial: Trial) -> str:
    """Begin subnegotiations and never end them: with any bytes, with doubled IACs, and with new ones in them."""
    begun = IAC + SB + TERMINAL_TYPE + b"\1"
    # To begin anew is kept by nobody, and is costly to read.
    bodies = ((b"x" * 1024, ENDLESS), (IAC * 1024, ENDLESS), ((IAC + SB + TERMINAL_TYPE) * 341, AS_TEXT))
    if trial.profile.echoes:
        for body, _ in bodies:
            await comes_back(await trial.enter(), begun + body * 64, "a telnet subnegotiation")
        return f"{len(bodies)} subnegotiations came back unchanged"
    listener = await trial.listener()
    waiting, *endless = await trial.enter_all(1 + len(bodies))
    await waiting.send(begun + b"xterm")
    for peer in endless:
        await peer.send(begun)
    sending = (
        _send_slowed(peer, body, most if trial.profile.telnet else AS_TEXT)
        for peer, (body, most) in zip(endless, bodies, strict=True)
    )
    await asyncio.gather(*sending)
    await trial.idle("for telnet subnegotiations that do not end", endless[0])
    trial.bounded(KEPT, "for telnet subnegotiations", endless[0])  # by now it has read what was in the kernel
    for peer in (waiting, *(() if trial.profile.telnet else endless)):
        await peer.send(IAC + SE)
        await line_after(trial, listener, peer, "a telnet subnegotiation")
    judge(trial, listener, *endless)
    cut = sum(peer.state != OPEN for peer in endless)
    slowed = sum(peer.unsent > 0 for peer in endless)
    return f"{len(endless)} did not end: {cut} of them were cut off, {slowed} read more slowly"


async def _send_slowed(peer: Peer, body: bytes, most: int) -> None:
    """Send something again and again, so many bytes: that it is read more slowly is a good answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SENDING):
            for _ in range(most // len(body) // AT_ONCE):
                if not await peer.send(body, AT_ONCE, within=TAKING):
                    return


@fault(
    "telnet-iac-at-end",
    why="a telnet command may be cut anywhere between two reads, and end with the connection",
    source="RFC 854; TCP knows no messages (RFC 9293, 3.8)",
    holds="what is text comes through whole, wherever the commands in it are cut",
)
async def telnet_iac_at_end(trial: Trial) -> str:
    """Lines with commands in them, cut at each place, and connections that end within a command."""
    length = len(_laced(trial, b"x" * 16))
    # A text that is cut is another fault.
    cuts = range(1, length if trial.profile.telnet else length - 16)
    people = await trial.enter_all(-(-length // 4))
    shares = [cuts[one :: len(people)] for one in range(len(people))]
    if not trial.profile.echoes:
        await trial.listener()
    await asyncio.gather(*(_cut(trial, one, share) for one, share in zip(people, shares, strict=True)))
    ends = (IAC, IAC + WILL, IAC + SB, IAC + SB + TERMINAL_TYPE + IAC)
    await asyncio.gather(*(_end_within(trial, one, end) for one, end in zip(people, ends, strict=False)))
    return f"a line came through whole at each of {len(cuts)} cuts, and before each of {len(ends)} unfinished commands"


def _laced(trial: Trial, word: bytes) -> bytes:
    """A word to say, with commands in it where these are taken out of it, and before it elsewhere."""
    newline = b"\n" if trial.profile.telnet else b"*"  # a command is no line, whatever it has in it
    commands = (
        IAC + NOP,
        IAC + WONT + newline,
        IAC + SB + TERMINAL_TYPE + newline + IAC + IAC + SE + IAC + SE,
        IAC + DONT + IAC,
    )
    if not trial.profile.telnet:
        return b"".join(commands) + word
    return word[:4] + commands[0] + word[4:8] + commands[1] + word[8:12] + commands[2] + word[12:] + commands[3]


async def _cut(trial: Trial, peer: Peer, cuts: Iterable[int]) -> None:
    """Say a line for each cut."""
    hearer = await trial.hearer(peer)
    for cut in cuts:
        word = trial.word()
        laced = _laced(trial, word)
        line = trial.profile.say(laced)
        at = line.index(laced) + cut
        await peer.send(line[:at])
        await asyncio.sleep(APART)
        await peer.send(line[at:])
        if not await hearer.hears(laced if trial.profile.echoes else word):
            raise Broken(f"a line with telnet commands did not come through whole, cut after {at} bytes", peer)


async def _end_within(trial: Trial, peer: Peer, command: bytes) -> None:
    """Say a line that ends with an IAC, and end within a command."""
    word = trial.word()
    hearer = await trial.hearer(peer)
    # The first newline belongs to that IAC, where it is taken out.
    await peer.send(trial.profile.say(IAC + IAC + word + IAC) + trial.profile.newline)
    if not await hearer.hears(word):
        raise Broken("a line with an IAC at its end did not come through", peer)
    await peer.send(command)
    peer.finish()
    await peer.ends(APART)


@fault(
    "telnet-refusals",
    why="a client that answers each refusal meets a server that does so too, and they never end",
    source="ncat -t and OpenBSD nc -t are such clients: 110,150 answers in 0.5 s; robotframework#1908, conman#9",
    holds="the exchange ends by itself",
    # What an echo has to give back, such a client answers for ever: that loop is the client's alone.
    services=LINES,
)
async def telnet_refusals(trial: Trial) -> str:
    """Offer and ask for an option, and refuse whatever is said of any, as long as there is something to refuse."""
    peer = await trial.enter()
    refusing = {WILL: DONT, WONT: DONT, DO: WONT, DONT: WONT}
    refused = 0
    await peer.send(IAC + WILL + ECHO + IAC + DO + SUPPRESS_GO_AHEAD)
    while await _more(peer, refused):
        said = negotiated(peer.heard)[refused:]
        refused += len(said)
        if refused > REFUSALS:
            raise Broken(f"{refused} answers came to a client that refuses each of them, and there was no end", peer)
        await peer.send(b"".join(IAC + refusing[verb] + option for verb, option in said))
    await line_after(trial, await trial.listener(), peer, "telnet refusals")
    return f"it ended after {refused} answers"


async def _more(peer: Peer, number: int) -> bool:
    """Wait until a server has said more than so much of options. Whether it has, or is quiet."""
    return await peer.wait(lambda: len(negotiated(peer.heard)) > number, QUIET)


@fault(
    "telnet-interrupt",
    why="after Ctrl-C telnet throws away all that it is sent, until a mark is answered",
    source="RFC 860; zephyr#39985, mojozork#1, node-telnet#3: the same bug in each",
    holds="a server that speaks telnet answers each mark; the next line comes through",
)
async def telnet_interrupt(trial: Trial) -> str:
    """Interrupt several times in a row, cut at each place, and with urgent data."""
    peer = await trial.enter()
    if trial.profile.echoes:
        await comes_back(peer, INTERRUPT * INTERRUPTS, "what Ctrl-C in telnet sends")
        return "it came back unchanged"
    listener = await trial.listener()
    await peer.send(INTERRUPT * INTERRUPTS)
    await _marked(trial, peer, INTERRUPTS)
    for cut in range(1, len(INTERRUPT)):
        await peer.send(INTERRUPT[:cut])
        await asyncio.sleep(APART)
        await peer.send(INTERRUPT[cut:])
        await _marked(trial, peer, INTERRUPTS + cut)
    told = INTERRUPTS + len(INTERRUPT) - 1
    if trial.target.scheme == PLAIN:
        # RFC 854's Synch, as telnet sends it: the IAC of a Data Mark is the urgent byte.
        await peer.send(IAC + IP)
        peer.urge(IAC)
        await peer.send(DM + IAC + DO + TIMING_MARK)
        told += 1
        await _marked(trial, peer, told)
    word = trial.word()
    await peer.send((b"" if trial.profile.telnet else trial.profile.newline) + trial.profile.say(word))
    if not await listener.hears(word):
        raise Broken(f"a line after Ctrl-C did not come through: the connection is {peer.state}", peer)
    if trial.profile.telnet and "\ufffd".encode() + word in listener.heard:
        raise Broken("what is left of a Synch stands in the next line: its urgent byte was lost", peer)
    judge(trial, listener, peer)
    return f"{told} interrupts, each answered" if trial.profile.telnet else f"{told} interrupts"


async def _marked(trial: Trial, peer: Peer, number: int) -> None:
    """See that so many marks are answered, where that is promised."""
    if not trial.profile.telnet:
        return

    def answers() -> int:
        return sum(option == TIMING_MARK and verb in (WILL, WONT) for verb, option in negotiated(peer.heard))

    if not await peer.wait(lambda: answers() >= number):
        raise Broken(f"{answers()} of {number} timing marks were answered: telnet shows nothing any more", peer)
