"""What goes over the wire, and what is shown of it: line ends, telnet, text for a terminal, and the hexdump."""

from __future__ import annotations

from itertools import product

import pytest

from netkit.client.dialect import Dialect
from netkit.client.hexdump import RECEIVED, SENT, Hexdump
from netkit.client.text import Text
from netkit.wire.telnet import Reply

#: All that can be said in five bytes that matter.
WHOLE = [bytes(each) for each in product(b"\r\na\xff", repeat=5)]

TIMING_MARK = bytes.fromhex("fffd06"), Reply(bytes.fromhex("fffb06"))


def test_bytes_go_as_they_are_unless_asked_otherwise() -> None:
    assert [Dialect().spoken(each) for each in WHOLE] == WHOLE
    assert [list(Dialect().heard(each)) for each in WHOLE] == [[each] for each in WHOLE]


@pytest.mark.parametrize("cut", range(6))
def test_every_line_ends_in_cr_lf_however_it_is_cut(cut: int) -> None:
    for whole in WHOLE:
        dialect = Dialect(crlf=True)
        sent = dialect.spoken(whole[:cut]) + dialect.spoken(whole[cut:])
        assert sent == whole.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_a_peer_is_no_telnet_until_it_has_shown_that_it_is() -> None:
    dialect = Dialect(telnet=True)
    assert dialect.spoken(b"\xff\n") == b"\xff\n"
    assert list(dialect.heard(b"text")) == [b"text"]
    assert list(dialect.heard(b"\xff\xf1")) == []  # NOP
    assert dialect.spoken(b"\xff\n") == b"\xff\xff\r\n"


def test_refusals_do_not_go_on_for_ever() -> None:
    dialect = Dialect(telnet=True)
    assert list(dialect.heard(b"\xff\xfb\x01")) == [Reply(b"\xff\xfe\x01")]
    assert list(dialect.heard(b"\xff\xfc\x01\xff\xfe\x03")) == []
    answers = [list(dialect.heard(b"\xff\xfb\x01")) for _ in range(1000)]
    assert answers.count([]) > 900


def test_each_timing_mark_is_answered_in_its_place() -> None:
    asked, answer = TIMING_MARK
    dialect = Dialect(telnet=True)
    assert list(dialect.heard(b"a" + asked + b"b" + asked)) == [b"a", answer, b"b", answer]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"one\r\ntwo\nthree\rfour\r\0", "one\ntwo\nthree\nfour\n"),
        (b"\x1b]0;title\x07\x1b[2J\x9bmm", "]0;title[2J\ufffdmm"),
        ("\u202eevil \x85 ü\t\U0001f600".encode(), "evil  ü \U0001f600"),
    ],
)
def test_a_terminal_is_shown_text_however_it_is_cut(sent: bytes, shown: str) -> None:
    text = Text()
    assert Text().feed(sent + b".") == shown + "."
    assert "".join(text.feed(bytes((byte,))) for byte in sent + b".") == shown + "."


def test_a_question_is_shown_before_its_line_ends() -> None:
    assert Text().feed(b"login: ") == "login: "


def test_the_dump_counts_each_direction_by_itself() -> None:
    dump = Hexdump()
    assert dump.lines(SENT, b"0123456789abcdefX\n") == (
        "> 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
        "> 00000010  58 0a                                             |X.|\n"
    )
    assert dump.lines(RECEIVED, b"\x7f\xff") == ("< 00000000  7f ff                                             |..|\n")
    assert dump.lines(SENT, b"more").startswith("> 00000012  6d")
    assert dump.lines(SENT, b"") == ""
