"""Text that does something to who reads it: bytes that are none, controls, escape sequences, what is not seen."""

from __future__ import annotations

from collections.abc import Sequence

from ..fault import LINES, Broken, fault
from ..overheard import SHOWN, comes_back, harmless, overhear
from ..trial import Trial

#: What is no UTF-8 (RFC 3629, sections 3 and 4).
INVALID = (
    *(b"\x80", b"\xbf", b"\x80" * 20),  # continuation bytes alone
    *(b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc0\x8a", b"\xc0\x9b"),  # overlong, LF and ESC
    *(b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80"),  # surrogates, alone and in pairs
    *(b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"),  # above U+10FFFF
    *(bytes([byte]) for byte in range(0xF5, 0xFF)),
)

#: Sequences that end too early.
TRUNCATED = (b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98")

#: A character of each length, to be cut between two writes.
CHARACTERS = tuple(char.encode() for char in "\u00e9\u20ac\U0001f600")

#: Telnet's IAC, which is a byte of data where it is doubled (RFC 854).
IAC = b"\xff"

#: NULs in a row, and how many such lines: each is short enough for IRC (RFC 2812, 2.3).
IN_A_ROW, ROWS = 300, 10

#: Lines end with LF and CR; telnet's Ctrl-D and the rest may do what they do at the start of a line, and not in one.
C0 = bytes(byte for byte in (*range(1, 0x20), 0x7F) if byte not in b"\n\r")
C1 = range(0x80, 0xA0)

#: All of a kind in one line, and each in a line of its own: a server may drop a line for one of them.
TOGETHER = (
    b"x" + b"".join(b"%c." % byte for byte in C0),
    b"x" + b"".join(chr(code).encode() + b"." for code in C1),
    b"x" + b"".join(b"%c." % code for code in C1),
)
ALONE = (*(b"x%cy" % byte for byte in C0), *(b"x%by" % chr(code).encode() for code in C1))

#: Sequences that a terminal obeys, after their introducers: ECMA-48 and xterm's ctlseqs.
SEQUENCES = (
    ("]", b"52;c;aGVsbG8=\x07"),  # OSC 52: writes the clipboard
    ("]", b"0;title\x07"),  # OSC 0: renames the window
    ("]", b"8;;http://192.0.2.1/\x1b\\link"),  # OSC 8: a link that says something else
    ("[", b"2J"),  # CSI: clears the screen
    ("[", b"1;1H"),  # goes to its upper left corner
    ("[", b"8m"),  # what follows is not seen
    ("[", b"6n"),  # asks where the cursor is: the answer is typed
    ("[", b"21t"),  # asks for the title: the answer is typed
    ("P", b'$q"p\x1b\\'),  # DCS: DECRQSS, the answer is typed
    ("_", b"Gi=1;AAAA\x1b\\"),  # APC
    ("X", b"hidden\x1b\\"),  # SOS
    ("^", b"hidden\x1b\\"),  # PM
)

#: What is not seen, or turns round what is: no orthography needs any of it.
HIDDEN = (
    *"\u202a\u202b\u202c\u202d\u202e",  # embeddings and overrides
    *"\u2066\u2067\u2068\u2069",  # isolates
    *"\u200b\u2060\ufeff",  # of no width
    *"\u2028\u2029\ufff9\ufffb",
    "".join(chr(0xE0000 + ord(char)) for char in "hidden"),  # tags
)

#: Combining marks on one letter.
HEAP = 100


@fault(
    "invalid-utf8",
    why="bytes that are no UTF-8 end the connection of who decodes them strictly, or reach others as they are",
    source="RFC 3629, sections 3 and 10; the echo of asyncio's documentation drops the client; ergo answers FAIL",
    holds="an echo gives each byte back; others get UTF-8 or nothing; what follows comes through, nobody is cut off",
)
async def invalid_utf8(trial: Trial) -> str:
    """Say what is no UTF-8 in each way that there is, whole and cut between writes."""
    iac = IAC * 2 if trial.profile.telnet else IAC
    texts = [b"x" + each + b"y" for each in (*INVALID, iac)] + [b"x" + each for each in TRUNCATED]
    if trial.profile.echoes:
        return await _comes_back(trial, texts, "what is no UTF-8")
    say = trial.profile.say
    for batch in (texts[: len(texts) // 2], texts[len(texts) // 2 :]):
        heard = await overhear(trial, *[b"".join(map(say, batch))])
        if heard.closed:
            raise Broken(f"who sent what is no UTF-8 was cut off: {heard.speaker.state}", heard.speaker)
        harmless(trial.profile, heard.others, heard.speaker)
    await _cut_characters(trial)
    return f"{len(texts)} lines that are no UTF-8 harmed nobody, and characters cut in two came through whole"


async def _cut_characters(trial: Trial) -> None:
    """See that a character is the same to others wherever it is cut between two writes."""
    for char in CHARACTERS:
        words = [trial.word() for _ in char]
        # The first one is not cut.
        pieces = [
            piece
            for cut, word in enumerate(words)
            for piece in (trial.profile.unended(word) + char[:cut], char[cut:] + trial.profile.newline)
        ]
        heard = await overhear(trial, b"".join(pieces[:2]), *pieces[2:])
        lines = heard.others.replace(b"\r", b"").split(b"\n")
        whole, *cuts = (next((line.partition(word)[2] for line in lines if word in line), b"") for word in words)
        for came in cuts:
            if came != whole:
                told = f"{char!r} came as {came[:SHOWN]!r} when it was cut in two, and as {whole[:SHOWN]!r} otherwise"
                raise Broken(told, heard.speaker)


@fault(
    "nul",
    why="a NUL ends a string in C, and is nothing that a terminal or a log should get",
    source="RFC 2812, 2.3.1: none in a message; RFC 854: nothing to a terminal; ergo closes the connection for one",
    holds="an echo gives it back; others get none; what follows comes through, or the sender is cut off",
)
async def nul(trial: Trial) -> str:
    """Send NULs: within lines, alone, and thousands of them."""
    texts = [b"x\0y", b"\0", b"\0x", b"x\0"] + [b"\0" * IN_A_ROW] * ROWS
    if trial.profile.echoes:
        return await _comes_back(trial, texts, "what has NULs in it")
    closed = 0
    for batch in (texts[:-ROWS], texts[-ROWS:]):
        heard = await overhear(trial, b"".join(map(trial.profile.say, batch)))
        harmless(trial.profile, heard.others, heard.speaker)
        closed += heard.closed
    return f"no NUL reached others{', and who sent them was cut off' if closed else ''}"


@fault(
    "control-characters",
    why="a terminal obeys control characters: BEL rings, BS writes over, and C1 does what ESC does, without an ESC",
    source="ECMA-48; ssh-chat lets U+0080 to U+009F through; ncat --chat shows octal",
    holds="an echo gives them back; others get none in lines and names, nor the sender in the answer to a mistake",
)
async def control_characters(trial: Trial) -> str:
    """Say every control there is: C0, DEL, and C1 in UTF-8 and as bytes."""
    profile = trial.profile
    if profile.echoes:
        return await _comes_back(trial, (*TOGETHER, *ALONE), "what has controls in it")
    for batch in (TOGETHER, ALONE):
        heard = await overhear(trial, b"".join(map(profile.say, batch)))
        harmless(profile, heard.others, heard.speaker)
    wrong = b"".join(way(text) for text in TOGETHER for way in (profile.rename, profile.wrong))
    if wrong:
        heard = await overhear(trial, wrong)
        harmless(profile, heard.others, heard.speaker)
        harmless(profile, heard.own, heard.speaker, "its sender, in an answer")
    return f"{len(C0) + len(C1)} controls, and none reached others" if profile.clean else "lines stayed lines"


@fault(
    "terminal-escapes",
    why="an escape sequence in a line writes the reader's clipboard, renames the window, or types an answer",
    source="CVE-2003-0063, CVE-2008-2383 (xterm); OSC 52; mpv: C2 9D is an OSC too (issue 17769)",
    holds="none reaches others, in seven bits or in eight, whole or cut between writes",
    services=LINES,
)
async def terminal_escapes(trial: Trial) -> str:
    """Say sequences that terminals obey, in each of their forms."""
    seven = [b"\x1b" + letter.encode() + rest for letter, rest in SEQUENCES]
    c1 = [(ord(letter) + 0x40, rest) for letter, rest in SEQUENCES]
    eight = [chr(code).encode() + rest for code, rest in c1]
    raw = [bytes([code]) + rest for code, rest in c1]
    say, newline = trial.profile.say, trial.profile.newline
    for batch in (seven, eight, raw):
        heard = await overhear(trial, b"".join(say(b"x" + each) for each in batch))
        harmless(trial.profile, heard.others, heard.speaker)
    for text in (seven[0], eight[0], raw[0]):
        line = trial.profile.unended(b"x" + text[:1])
        heard = await overhear(trial, line, text[1:] + newline)
        harmless(trial.profile, heard.others, heard.speaker)
    return f"{3 * len(SEQUENCES)} sequences, and none reached others" if trial.profile.clean else "lines stayed lines"


@fault(
    "hidden-text",
    why="what turns the order round or has no width makes people read something else than was said",
    source="CVE-2021-42574 (Trojan Source); UAX 15, section 13: no more than 30 combining marks in a row",
    holds="others get none of it, or see that it is there",
    services=LINES,
)
async def hidden_text(trial: Trial) -> str:
    """Say text with bidirectional overrides, characters of no width, tags, and a heap of marks."""
    texts = [f"x{each}y" for each in (*HIDDEN, "\u0301" * HEAP, "\u0489" * HEAP)]
    heard = await overhear(trial, b"".join(trial.profile.say(each.encode()) for each in texts))
    harmless(trial.profile, heard.others, heard.speaker)
    return f"{len(texts)} ways to hide text, and none reached others" if trial.profile.clean else "lines stayed lines"


async def _comes_back(trial: Trial, texts: Sequence[bytes], what: str) -> str:
    """See that an echo gives each byte back as it was."""
    sent = b"".join(map(trial.profile.say, texts))
    await comes_back(await trial.enter(), sent, what)
    return f"{len(sent)} bytes came back, each as it was"
