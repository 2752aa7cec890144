from __future__ import annotations

import tracemalloc
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netkit.wire.lines import LineSplitter, TooLong
from tests.chunks import cut

LIMIT = 3

# Endings of all kinds, and lines below, at and above the limit.
streams = st.lists(st.sampled_from([b"a", b"bc", b"abc", b"\r", b"\n", b"\r\n", b"\0"]), max_size=20).map(b"".join)
sizes = st.lists(st.integers(1, 7), max_size=40)


def one_by_one(data: bytes, limit: int) -> list[bytes | TooLong]:
    """The rules of the module, followed byte by byte with nothing else in mind."""
    lines: list[bytes | TooLong] = []
    line = b""
    too_long = after_cr = False
    for byte in data:
        swallow = after_cr and byte in b"\n\0"
        after_cr = byte in b"\r"
        if swallow:
            continue
        if byte in b"\r\n":
            if not too_long:
                lines.append(line)
            line, too_long = b"", False
        elif byte and not too_long:
            line += bytes([byte])
            if len(line) > limit:
                lines.append(TooLong(limit))
                too_long = True
    return lines if too_long or not line else [*lines, line]


def fed(splitter: LineSplitter, chunks: list[bytes]) -> list[bytes | TooLong]:
    return [line for chunk in chunks for line in splitter.feed(chunk)]


@given(streams, sizes)
@example(b"a\r\r\n\r\0\0\n", [])
@example(b"abca\n", [3])
def test_any_chunks_give_the_lines_of_the_rules(data: bytes, at: list[int]) -> None:
    for chunks in (cut(data, at), cut(data, [1] * len(data)), [data]):
        splitter = LineSplitter(LIMIT)
        assert fed(splitter, chunks) + splitter.finish() == one_by_one(data, LIMIT)


@given(streams, sizes)
def test_any_chunks_teach_the_same_ending(data: bytes, at: list[int]) -> None:
    whole, chunked = LineSplitter(LIMIT), LineSplitter(LIMIT)
    whole.feed(data)
    fed(chunked, cut(data, at))
    assert chunked.ending == whole.ending


@given(streams, sizes)
def test_what_is_kept_is_never_longer_than_the_limit(data: bytes, at: list[int]) -> None:
    splitter = LineSplitter(LIMIT)
    for chunk in cut(data, at):
        splitter.feed(chunk)
        assert len(splitter.pending) <= LIMIT


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r\0", b"\r"])
def test_every_ending_ends_a_line(ending: bytes) -> None:
    splitter = LineSplitter(4096)
    assert splitter.feed(b"one" + ending + ending + b"three" + ending) == [b"one", b"", b"three"]
    assert splitter.pending == b""
    assert splitter.finish() == []


def test_a_cr_ends_the_line_at_once_and_swallows_what_belongs_to_it() -> None:
    splitter = LineSplitter(4096)
    assert splitter.feed(b"a\r") == [b"a"]
    assert splitter.feed(b"\nb\r") == [b"b"]
    assert splitter.feed(b"") == []
    assert splitter.feed(b"\0c\r") == [b"c"]
    assert splitter.feed(b"d\r") == [b"d"]
    assert splitter.feed(b"") == []
    assert splitter.feed(b"\ne") == []
    assert splitter.feed(b"\n") == [b"e"]
    assert splitter.feed(b"\r\r") == [b"", b""]
    assert splitter.feed(b"\n\n") == [b""]


def test_a_nul_within_a_line_is_left_out() -> None:
    splitter = LineSplitter(4)
    assert splitter.feed(b"\0a\0b\0\0cd\n") == [b"abcd"]


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (b"", None),
        (b"text", None),
        (b"a\nb\r\n", b"\n"),
        (b"a\r\nb\n", b"\r\n"),
        (b"a\r\0b\n", b"\r\n"),
        (b"a\rb\n", b"\r\n"),
        (b"a\r", b"\r\n"),
        (b"too long a line\n\r", b"\n"),
    ],
)
def test_the_first_line_tells_the_ending(data: bytes, ending: bytes | None) -> None:
    splitter = LineSplitter(LIMIT)
    splitter.feed(data)
    assert splitter.ending == ending
    splitter.feed(b"\nanother\r\n")
    assert splitter.ending == (ending or b"\n")


def test_a_line_of_exactly_the_limit_is_fine_and_one_byte_more_is_not() -> None:
    splitter = LineSplitter(4)
    assert splitter.feed(b"abcd\nabcde\nok\nabcd") == [b"abcd", TooLong(4), b"ok"]
    assert splitter.feed(b"\nabc") == [b"abcd"]
    assert splitter.feed(b"d") == []
    assert splitter.feed(b"e") == [TooLong(4)]
    assert splitter.feed(b"f\nabcd\r\n") == [b"abcd"]
    assert splitter.feed(b"ab") == []
    assert splitter.feed(b"cde\nok\n") == [TooLong(4), b"ok"]


def test_the_tail_of_a_long_line_is_never_a_line() -> None:
    splitter = LineSplitter(4096)
    assert splitter.feed(b"A" * 5000) == [TooLong(4096)]
    assert splitter.feed(b"/quit\n") == []
    assert splitter.feed(b"/help\n") == [b"/help"]
    assert splitter.feed(b"A" * 5000 + b"/quit\n") == [TooLong(4096)]


def test_half_a_line_is_a_line_at_the_end_of_the_stream() -> None:
    splitter = LineSplitter(4)
    assert splitter.feed(b"a\nbc") == [b"a"]
    assert splitter.pending == b"bc"
    assert splitter.finish() == [b"bc"]
    assert splitter.finish() == []


def test_a_line_reported_as_too_long_is_not_reported_again_at_the_end() -> None:
    splitter = LineSplitter(4)
    assert splitter.feed(b"abcdef") == [TooLong(4)]
    assert splitter.finish() == []


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("", ""),
        ("a", ""),
        ("ab", "a"),
        ("aé", "a"),
        ("ae\u0301\u0323", "a"),  # an e with two marks
        ("a❤\ufe0f", "a"),  # with a variation selector
        ("a😀", "a"),
        ("कि", ""),  # a consonant with a vowel sign beside it
        ("ab\u200d", "a"),  # with a zero-width joiner
        ("\u0301", ""),  # a mark on nothing
        ("one\ntwo", "tw"),
        ("one\n", ""),
    ],
)
def test_erasing_a_character(typed: str, left: str) -> None:
    splitter = LineSplitter(4096)
    splitter.feed(typed.encode())
    splitter.erase_character()
    assert splitter.pending == left.encode()


@given(st.text(st.sampled_from("aé€😀")), st.binary(min_size=1, max_size=8))
def test_erasing_takes_one_character_of_what_is_shown(text: str, rest: bytes) -> None:
    typed = text.encode() + bytes(byte for byte in rest if byte not in b"\0\r\n")
    shown = typed.decode(errors="replace")
    while shown and unicodedata.category(shown[-1]) in {"Mn", "Mc", "Me", "Cf"}:
        shown = shown[:-1]
    splitter = LineSplitter(4096)
    splitter.feed(typed)
    splitter.erase_character()
    assert splitter.pending.decode(errors="replace") == shown[:-1]


def test_erasing_the_line() -> None:
    splitter = LineSplitter(4096)
    assert splitter.feed(b"one\ntwo") == [b"one"]
    splitter.erase_line()
    assert splitter.pending == b""
    assert splitter.feed(b"three\n") == [b"three"]


def test_erasing_does_not_make_the_tail_of_a_long_line_a_line() -> None:
    splitter = LineSplitter(4)
    assert splitter.feed(b"abcdef") == [TooLong(4)]
    splitter.erase_line()
    splitter.erase_character()
    assert splitter.feed(b"/quit\nok\n") == [b"ok"]


def test_ten_mebibytes_without_an_ending_take_the_memory_of_a_chunk() -> None:
    chunk = b"A" * 65536
    splitter = LineSplitter(4096)
    tracemalloc.start()
    try:
        assert fed(splitter, [chunk] * 160) == [TooLong(4096)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(chunk)


def test_an_idle_splitter_is_small() -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        splitters = [LineSplitter(4096) for _ in range(1000)]
        for splitter in splitters:
            splitter.feed(b"a line that comes in two parts,")
            splitter.feed(b" and is then complete\r\n")
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / len(splitters) < 250
