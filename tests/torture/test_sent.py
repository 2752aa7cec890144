"""What was sent is shown so that it can be sent again."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from netkit.torture.sent import LONG, MOST_LINES, MOST_PIECES, Sent
from netkit.wire.hexdump import WIDTH

PIECES = st.lists(st.tuples(st.binary(max_size=40), st.integers(1, 300)), max_size=MOST_PIECES)

DUMPED = re.compile(r"([0-9a-f]{8})  ((?:[0-9a-f]{2} ?| ){1,49}) +\|(.{1,16})\|")


def sent(*pieces: tuple[bytes, int]) -> Sent:
    made = Sent()
    for data, times in pieces:
        made.note(data, times)
    return made


def evaluated(literal: str) -> bytes:
    found = eval(literal, {"__builtins__": {}})
    assert isinstance(found, bytes)
    return found


@given(PIECES)
def test_the_literal_is_what_was_sent(pieces: list[tuple[bytes, int]]) -> None:
    made = sent(*pieces)
    whole = b"".join(data * times for data, times in pieces)
    assert made.bytes == len(whole)
    assert evaluated(made.literal()) == whole


@given(PIECES)
def test_the_hexdump_is_the_end_of_what_was_sent(pieces: list[tuple[bytes, int]]) -> None:
    made = sent(*pieces)
    whole = b"".join(data * times for data, times in pieces)
    at, found = max(0, len(whole) - WIDTH * MOST_LINES), b""
    lines = made.hexdump().splitlines()
    assert (lines[:1] == [f"(after {at:,} bytes)"]) is (at > 0)
    for line in lines[at > 0 :]:
        match = DUMPED.fullmatch(line)
        assert match, line
        assert int(match[1], 16) == at + len(found)
        data = bytes.fromhex(match[2])
        assert match[3] == "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
        found += data
    assert found == whole[at:]


def test_what_is_sent_over_and_over_is_one_term() -> None:
    assert sent((b"A", 5000), (b"\n", 1)).literal() == r"b'A' * 5000 + b'\n'"
    again = Sent()
    for _ in range(100_000):
        again.note(b"x")
    assert (again.literal(), len(again.pieces)) == ("b'x' * 100000", 1)


def test_pieces_in_a_row_are_one_term() -> None:
    assert sent((b"ab", 1), (b"c", 1), (b"\xff", 2)).literal() == r"b'abc' + b'\xff' * 2"


def test_nothing_is_a_literal_too() -> None:
    assert (Sent().literal(), Sent().hexdump()) == ("b''", "")


def test_of_a_long_piece_both_ends_are_shown_and_the_middle_is_said_to_be_left_out() -> None:
    data = bytes(range(256)) * 40
    literal = sent((b"first\n", 1), (data, 1)).literal()
    assert literal.endswith("  # the middle of long pieces is left out")
    assert evaluated(literal) == b"first\n" + data[: LONG // 2] + data[-LONG // 2 :]


def test_of_many_pieces_the_last_are_kept_and_the_others_counted() -> None:
    made = sent(*((b"%d;" % number, 2) for number in range(1000)))
    kept = b"".join(b"%d;" % number * 2 for number in range(1000 - MOST_PIECES, 1000))
    assert made.left_out == made.bytes - len(kept)
    assert made.literal().endswith(f"  # after {made.left_out:,} bytes")
    assert evaluated(made.literal()) == kept


def test_the_dump_looks_as_that_of_hexdump() -> None:
    assert sent((b"GET / HTTP/1.1\r\n\r\n", 1)).hexdump().splitlines() == [
        "00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|",
        "00000010  0d 0a                                             |..|",
    ]
