from __future__ import annotations

import re
import tracemalloc
from itertools import product

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from netkit.wire.options import MAX_ANSWERS
from netkit.wire.telnet import (
    MAX_DROPPED,
    MAX_MARKS,
    MAX_SUBNEGOTIATION,
    Command,
    Event,
    Flood,
    Marked,
    Negotiated,
    Option,
    Reply,
    Subnegotiation,
    Telnet,
    escape,
    window_size,
)
from tests.chunks import cut

IAC, SB, SE = b"\xff", b"\xff\xfa", b"\xff\xf0"
NOP = b"\xff\xf1"
WILL_WONT, DO_DONT = (b"\xfb", b"\xfc"), (b"\xfd", b"\xfe")

# Mostly what telnet is made of: an IAC now and then, verbs, options and a few letters.
pieces = st.sampled_from(
    [IAC, SB, SE, IAC + IAC, b"\xff\xfd\x06", b"\xff\xf4", *(IAC + bytes([verb]) for verb in range(251, 255))]
    + [bytes([byte]) for byte in (0, 1, 3, 6, 31, 65, 236, 239, 241, 247, 250)]
)
streams = st.lists(pieces | st.binary(max_size=3), max_size=30).map(b"".join)
sizes = st.lists(st.integers(1, 5), max_size=60)
option_sets = st.frozensets(st.sampled_from([0, 1, 3, 6, 31, 255]))


def fed(telnet: Telnet, chunks: list[bytes]) -> list[Event]:
    """The events of all chunks, with neighbours of data or of replies made one."""
    joined: list[Event] = []
    for event in (event for chunk in chunks for event in telnet.feed(chunk)):
        match joined[-1:], event:
            case [bytes(before)], bytes(data):
                joined[-1] = before + data
            case [Reply(before)], Reply(data):
                joined[-1] = Reply(before + data)
            case _:
                joined.append(event)
    return joined


def replies(events: list[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Reply))


@given(streams, sizes, option_sets, option_sets)
def test_any_chunks_give_the_same_events(
    data: bytes, at: list[int], local: frozenset[int], remote: frozenset[int]
) -> None:
    expected = Telnet(local=local, remote=remote).feed(data)
    for chunks in (cut(data, at), cut(data, [1] * len(data))):
        telnet = Telnet(local=local, remote=remote)
        assert fed(telnet, chunks) == expected
        assert telnet.seen == (IAC in data)


@given(streams)
def test_what_comes_of_one_feed_is_merged_and_never_empty(data: bytes) -> None:
    events = Telnet().feed(data)
    assert events == fed(Telnet(), [data])
    assert b"" not in events
    assert Reply(b"") not in events


@given(st.binary(max_size=200), sizes)
def test_what_is_escaped_comes_out_as_it_was(data: bytes, at: list[int]) -> None:
    assert fed(Telnet(), cut(escape(data), at)) == ([data] if data else [])


@given(st.text())
def test_text_needs_no_escape(text: str) -> None:
    data = text.encode(errors="replace")
    assert escape(data) == data


def test_data_without_an_iac_comes_out_as_the_same_object() -> None:
    telnet = Telnet()
    data = b"hello\r\n"
    (event,) = telnet.feed(data)
    assert event is data
    assert telnet.feed(b"") == []
    assert not telnet.seen


@pytest.mark.parametrize("code", ["EOF", "SUSP", "ABORT", "NOP", "DM", "BRK", "IP", "AO", "AYT", "EC", "EL", "GA"])
def test_a_command_stands_where_it_was_sent(code: str) -> None:
    command = Command[code]
    assert Telnet().feed(b"a" + IAC + bytes([command]) + b"b") == [b"a", command, b"b"]


def test_a_command_that_is_none_is_swallowed() -> None:
    for code in (*range(236), 239, Command.SE):
        assert Telnet().feed(b"a" + IAC + bytes([code]) + b"b") == [b"ab"]


# What real clients send, and the answers of one who supports nothing.
CLIENTS = {
    "inetutils on port 23": (
        "FFFD26 FFFB26 FFFD03 FFFB18 FFFB1F FFFB20 FFFB21 FFFB22 FFFB27 FFFD05",
        "FFFC26 FFFE26 FFFC03 FFFE18 FFFE1F FFFE20 FFFE21 FFFE22 FFFE27 FFFC05",
    ),
    "PuTTY": (
        "FFFB1F FFFB20 FFFB18 FFFB27 FFFD01 FFFB03 FFFD03",
        "FFFE1F FFFE20 FFFE18 FFFE27 FFFC01 FFFE03 FFFC03",
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_opens_is_refused_everything(client: str) -> None:
    sent, answer = (bytes.fromhex(text) for text in CLIENTS[client])
    telnet = Telnet()
    assert telnet.feed(sent + b"hello\r\n") == [Reply(answer), b"hello\r\n"]
    assert fed(Telnet(), cut(sent, [1] * len(sent))) == [Reply(answer)]
    assert telnet.feed(b"again\r\n") == [b"again\r\n"]


def test_a_client_that_opens_gets_what_is_supported() -> None:
    telnet = Telnet(local=frozenset({Option.SGA, Option.ECHO}), remote=frozenset({Option.NAWS}))
    sent = bytes.fromhex(CLIENTS["PuTTY"][0]) + SB + bytes([Option.NAWS, 0, 80, 0, 24]) + SE
    assert telnet.feed(sent) == [
        Reply(bytes.fromhex("FFFD1F")),
        Negotiated(Option.NAWS, by_peer=True, enabled=True),
        Reply(bytes.fromhex("FFFE20 FFFE18 FFFE27 FFFB01")),
        Negotiated(Option.ECHO, by_peer=False, enabled=True),
        Reply(bytes.fromhex("FFFE03 FFFB03")),
        Negotiated(Option.SGA, by_peer=False, enabled=True),
        Subnegotiation(Option.NAWS, bytes([0, 80, 0, 24])),
    ]


# Our offer to edit lines, WILL ECHO, WILL SGA and DO NAWS, and the answers of real clients.
OFFER = bytes.fromhex("FFFB01 FFFB03 FFFD1F")
ECHO_ON = Negotiated(Option.ECHO, by_peer=False, enabled=True)
SGA_ON = Negotiated(Option.SGA, by_peer=False, enabled=True)
NAWS_ON = Negotiated(Option.NAWS, by_peer=True, enabled=True)


def offered() -> tuple[Telnet, bytes]:
    """A telnet that has offered to edit lines, and what it said."""
    telnet = Telnet(local=frozenset({Option.ECHO, Option.SGA}), remote=frozenset({Option.NAWS}))
    return telnet, telnet.offer(Option.ECHO) + telnet.offer(Option.SGA) + telnet.request(Option.NAWS)


def test_a_client_that_was_silent_accepts() -> None:
    telnet, said = offered()
    assert said == OFFER
    assert telnet.feed(bytes.fromhex("FFFD01 FFFD03 FFFB1F FFFA1F0046000EFFF0") + b"h") == [
        ECHO_ON,
        SGA_ON,
        NAWS_ON,
        Subnegotiation(Option.NAWS, bytes.fromhex("0046000E")),
        b"h",
    ]


def test_a_client_that_goes_back_to_lines_says_so() -> None:
    telnet, _ = offered()
    telnet.feed(bytes.fromhex("FFFD01 FFFD03 FFFB1F"))
    assert telnet.feed(bytes.fromhex("FFFE03 FFFB22 FFFE01")) == [  # inetutils, told "mode line"
        Reply(bytes.fromhex("FFFC03")),
        Negotiated(Option.SGA, by_peer=False, enabled=False),
        Reply(bytes.fromhex("FFFE22 FFFC01")),
        Negotiated(Option.ECHO, by_peer=False, enabled=False),
    ]


def test_a_client_that_refuses_says_so() -> None:
    telnet, _ = offered()
    assert telnet.feed(bytes.fromhex("FFFE01 FFFD03 FFFC1F")) == [
        Negotiated(Option.ECHO, by_peer=False, enabled=False),
        SGA_ON,
        Negotiated(Option.NAWS, by_peer=True, enabled=False),
    ]
    assert telnet.offer(Option.SGA, False) == bytes.fromhex("FFFC03")


def test_what_is_refused_though_nobody_offered_it_is_no_news() -> None:
    assert Telnet().feed(bytes.fromhex("FFFE01 FFFC1F")) == []


@pytest.mark.parametrize(
    ("sent", "negotiates"),
    [
        ("", False),
        ("FFF4 FFFD06", False),  # Ctrl-C
        ("FFF6 FFFB06 FFFE06", False),
        ("FFFA1F00500018FFF0", False),
        ("FFFB18", True),
        ("FFFC18", True),
        ("FFFD03", True),
        ("FFFE03", True),
    ],
)
def test_who_speaks_of_an_option_negotiates(sent: str, negotiates: bool) -> None:
    telnet = Telnet()
    telnet.feed(bytes.fromhex(sent))
    assert telnet.negotiates == negotiates


@pytest.mark.parametrize(
    ("data", "size"),
    [
        ("00500018", (80, 24)),
        ("01000102", (256, 258)),
        ("FFFFFFFE", (65535, 65534)),
        ("00000018", (0, 24)),
        ("00000000", (0, 0)),
        ("", (0, 0)),
        ("005000", (0, 0)),
        ("0050001800", (0, 0)),
    ],
)
def test_window_size(data: str, size: tuple[int, int]) -> None:
    assert window_size(bytes.fromhex(data)) == size


def test_the_size_of_a_window_may_hold_an_iac() -> None:
    (event,) = Telnet().feed(bytes.fromhex("FFFA1F 00FFFF 0018 FFF0"))
    assert isinstance(event, Subnegotiation)
    assert window_size(event.data) == (255, 24)


@pytest.mark.parametrize(
    ("key", "command"),
    [("FFF4 FFFD06", Command.IP), ("FFED FFFD06", Command.SUSP), ("FFF3 FFFD06", Command.BRK)],
    ids=["Ctrl-C", "Ctrl-Z", "Ctrl-backslash"],
)
def test_an_interrupt_is_answered_every_time(key: str, command: Command) -> None:
    telnet = Telnet()
    will_timing_mark = Reply(bytes.fromhex("FFFB06"))
    for _ in range(2 * MAX_ANSWERS):
        assert telnet.feed(b"ab" + bytes.fromhex(key)) == [b"ab", command, will_timing_mark]


def test_the_answers_to_interrupts_are_not_counted() -> None:
    telnet = Telnet()
    telnet.feed(bytes.fromhex("FFFD06") * (2 * MAX_ANSWERS))
    assert telnet.feed(bytes.fromhex("FFFB1F")) == [Reply(bytes.fromhex("FFFE1F"))]


@pytest.mark.parametrize("verb", [Command.WILL, Command.WONT, Command.DONT])
def test_a_timing_mark_is_answered_only_if_asked_for(verb: Command) -> None:
    telnet = Telnet(local=frozenset({Option.TIMING_MARK}), remote=frozenset({Option.TIMING_MARK}))
    assert telnet.feed(bytes([Command.IAC, verb, Option.TIMING_MARK])) == []


@pytest.mark.parametrize("answer", ["FFFB06", "FFFC06"], ids=["WILL", "WONT"])
def test_a_mark_of_ours_comes_back_once(answer: str) -> None:
    telnet = Telnet()
    assert telnet.mark() == bytes.fromhex("FFFD06")
    assert telnet.feed(b"a" + bytes.fromhex(answer) + b"b") == [b"a", Marked(), b"b"]
    assert telnet.feed(bytes.fromhex(answer)) == []


def test_as_many_marks_come_back_as_were_sent() -> None:
    telnet = Telnet()
    assert [telnet.mark(), telnet.mark()] == [bytes.fromhex("FFFD06")] * 2
    assert telnet.feed(bytes.fromhex("FFFB06 FFFC06 FFFB06")) == [Marked(), Marked()]


def test_a_peer_that_answers_no_mark_is_sent_no_more() -> None:
    telnet = Telnet()
    assert [telnet.mark() for _ in range(MAX_MARKS + 2)] == [bytes.fromhex("FFFD06")] * MAX_MARKS + [b"", b""]
    assert telnet.feed(bytes.fromhex("FFFE06")) == []  # no answer
    assert telnet.feed(bytes.fromhex("FFFB06")) == [Marked()]
    assert telnet.mark() == bytes.fromhex("FFFD06")


def test_a_mark_does_not_hide_that_the_peer_asks_for_one() -> None:
    telnet = Telnet()
    telnet.mark()
    assert telnet.feed(bytes.fromhex("FFF4 FFFD06 FFFB06")) == [
        Command.IP,
        Reply(bytes.fromhex("FFFB06")),
        Marked(),
    ]


def test_a_flood_of_requests_is_left_unanswered_after_a_while() -> None:
    telnet = Telnet()
    assert telnet.feed(bytes.fromhex("FFFB1F") * 10_000 + b"still there") == [
        Reply(bytes.fromhex("FFFE1F") * MAX_ANSWERS),
        b"still there",
    ]


def test_every_option_is_refused_when_it_is_not_supported() -> None:
    codes = [bytes([number]) for number in range(256) if number != Option.TIMING_MARK]
    answered = {code: Telnet().feed(b"\xff\xfb" + code + b"\xff\xfd" + code + b"a") for code in codes}
    assert answered == {code: [Reply(b"\xff\xfe" + code + b"\xff\xfc" + code), b"a"] for code in codes}


def test_an_offer_is_on_when_the_peer_agrees() -> None:
    telnet = Telnet()
    assert telnet.offer(Option.ECHO) == b"\xff\xfb\x01"
    assert telnet.offer(Option.ECHO) == b""
    assert telnet.feed(b"\xff\xfd\x01") == [Negotiated(Option.ECHO, by_peer=False, enabled=True)]
    assert telnet.offer(Option.ECHO, False) == b"\xff\xfc\x01"
    assert telnet.feed(b"\xff\xfe\x01") == []


def test_a_request_is_on_when_the_peer_agrees_and_off_when_it_says_so() -> None:
    telnet = Telnet()
    assert telnet.request(Option.NAWS) == b"\xff\xfd\x1f"
    assert telnet.feed(b"\xff\xfb\x1f") == [Negotiated(Option.NAWS, by_peer=True, enabled=True)]
    assert telnet.feed(b"\xff\xfc\x1f") == [
        Reply(b"\xff\xfe\x1f"),
        Negotiated(Option.NAWS, by_peer=True, enabled=False),
    ]
    assert telnet.request(Option.NAWS, False) == b""


def test_a_change_of_mind_waits_for_the_answer() -> None:
    telnet = Telnet()
    assert telnet.request(Option.NAWS) == b"\xff\xfd\x1f"
    assert telnet.request(Option.NAWS, False) == b""
    assert telnet.feed(b"\xff\xfb\x1f") == [Reply(b"\xff\xfe\x1f")]


@pytest.mark.parametrize("option", [-1, 256, Option.TIMING_MARK])
def test_what_is_no_option_cannot_be_turned_on(option: int) -> None:
    telnet = Telnet()
    with pytest.raises(ValueError, match=rf"option {option} "):
        telnet.offer(option)
    with pytest.raises(ValueError, match=rf"option {option} "):
        telnet.request(option)


def test_a_subnegotiation_may_hold_newlines_and_iacs() -> None:
    data = b"a\r\nb\xff\x00c"
    assert Telnet().feed(b"x" + SB + b"\x18" + escape(data) + SE + b"y") == [
        b"x",
        Subnegotiation(24, data),
        b"y",
    ]


def test_the_option_of_a_subnegotiation_may_be_an_iac() -> None:
    assert Telnet().feed(SB + IAC + IAC + b"a" + SE) == [Subnegotiation(255, b"a")]


def test_an_empty_subnegotiation_is_none() -> None:
    assert Telnet().feed(b"a" + SB + SE + b"b") == [b"ab"]
    assert Telnet().feed(SB + b"\x18" + SE) == [Subnegotiation(24, b"")]


@pytest.mark.parametrize(
    ("within", "events"),
    [
        (b"\xff\xf4", [Command.IP, b"after"]),
        (b"\xff\xfb\x1f", [Reply(b"\xff\xfe\x1f"), b"after"]),
        (b"\xff\xfd\x06", [Reply(b"\xff\xfb\x06"), b"after"]),
        (b"\xff\x01", [b"after"]),
        (SB + b"\x1fnew" + SE, [Subnegotiation(31, b"new"), b"after"]),
    ],
)
def test_a_subnegotiation_is_broken_off_by_a_command(within: bytes, events: list[Event]) -> None:
    assert Telnet().feed(SB + b"\x18half" + within + b"after") == events


@pytest.mark.parametrize("byte", [b"a", b"\xff"])
def test_a_subnegotiation_is_kept_up_to_its_bound(byte: bytes) -> None:
    longest = byte * MAX_SUBNEGOTIATION
    telnet = Telnet()
    assert telnet.feed(SB + b"\x18" + escape(longest) + SE) == [Subnegotiation(24, longest)]
    assert telnet.feed(SB + b"\x18" + escape(longest + byte) + SE + b"after") == [b"after"]
    assert telnet.feed(SB + b"\x18" + escape(longest) + SE) == [Subnegotiation(24, longest)]


@pytest.mark.parametrize("byte", [b"a", b"\xff"])
def test_a_subnegotiation_far_beyond_its_bound_is_a_flood(byte: bytes) -> None:
    telnet = Telnet()
    flood = Flood(f"a telnet subnegotiation of more than {MAX_DROPPED} bytes")
    assert telnet.feed(SB + b"\x18" + escape(byte * MAX_DROPPED)) == []
    assert telnet.feed(escape(byte)) == [flood]
    assert telnet.feed(escape(byte) * MAX_DROPPED + SE + b"after") == [b"after"]


def test_ten_mebibytes_of_subnegotiation_take_no_memory() -> None:
    chunk = b"A" * 65536
    kept = []
    for _ in range(3):  # the least of them: another thread's memory is counted too, and what is made but once
        telnet = Telnet()
        telnet.feed(SB)
        tracemalloc.start()
        try:
            flooded = [event for _ in range(160) for event in telnet.feed(chunk)]
            kept.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert [type(event) for event in flooded] == [Flood]
    assert min(kept) < 4 * MAX_SUBNEGOTIATION


def test_refusals_take_no_memory() -> None:
    every_option = b"".join(bytes([255, verb, option]) for verb, option in product((251, 253), range(256)))
    kept = []
    for _ in range(5):  # the least of them: another thread's memory is counted too
        telnet = Telnet()
        tracemalloc.start()
        try:
            telnet.feed(every_option)
            kept.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert min(kept) < 1024


def contradicts(stream: bytes) -> bool:
    """Whether it says both WILL and WONT, or both DO and DONT, of one option."""
    said = {(option, verb) for verb, option in re.findall(rb"(?s)(?=\xff([\xfb-\xfe])(.))", stream)}
    return any({(option, yes), (option, no)} <= said for option, _ in said for yes, no in (WILL_WONT, DO_DONT))


@given(streams, streams, st.tuples(option_sets, option_sets, option_sets, option_sets), option_sets)
@example(b"\xff\xfb\x01", b"\xff\xfb\x01", (frozenset({1}),) * 4, frozenset())
def test_two_that_face_each_other_fall_silent(
    to_left: bytes,
    to_right: bytes,
    supported: tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[int]],
    wanted: frozenset[int],
) -> None:
    """What somebody else says at first wishes for nothing twice: two answers under way chase each other for ever."""
    to_left, to_right = to_left + NOP, to_right + NOP  # no command of it goes on in an answer
    assume(not contradicts(to_left) and not contradicts(to_right))
    left = Telnet(local=supported[0], remote=supported[1])
    right = Telnet(local=supported[2], remote=supported[3])
    for option in wanted - {Option.TIMING_MARK}:
        to_right += left.offer(option) + left.request(option)
    asked = len(to_left) + len(to_right)
    answered = 0
    while to_left or to_right:
        to_left, to_right = replies(right.feed(to_right)), replies(left.feed(to_left))
        answered += len(to_left) + len(to_right)
        assert answered <= 2 * asked


def test_what_is_wished_meanwhile_goes_for_the_rest_of_the_chunk() -> None:
    telnet = Telnet(local=frozenset({Option.ECHO}))
    sent = b""
    for event in telnet.events(b"\xff\xfd\x01off\xff\xfd\x01\xff\xfe\x01"):
        if isinstance(event, Reply):
            sent += event.data
        elif event == b"off":
            sent += telnet.offer(Option.ECHO, False)
    # The second DO comes too early to be an answer to WONT: it is none that is answered (RFC 1143).
    assert sent == b"\xff\xfb\x01\xff\xfc\x01"
    assert telnet.offer(Option.ECHO) == b"\xff\xfb\x01"
