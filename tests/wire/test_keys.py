from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netkit.wire.keys import SEQUENCES, Key, Keys
from tests.chunks import cut

# Text, what ends a line, and whole, broken, unknown and overlong sequences.
pieces = st.sampled_from(
    ["a", "bc", "é", "日", "\r", "\n", "\r\n", "\r\0", "\x03", "\x7f", "\x1b", "\x1b[", "\x1bO", "[A", "A", "~", "5;"]
).map(str.encode) | st.sampled_from([b"\x1b[1;5C", b"\x1b[[A", b"\x1b[200~", b"\x1b[" + b"1" * 50])
streams = st.lists(pieces | st.binary(max_size=3), max_size=20).map(b"".join)
sizes = st.lists(st.integers(1, 4), max_size=40)


def fed(keys: Keys, chunks: list[bytes]) -> list[Key | str]:
    """The keys of all chunks, with neighbouring text made one."""
    joined: list[Key | str] = []
    for key in (key for chunk in chunks for key in keys.feed(chunk)):
        if isinstance(key, str) and joined and isinstance(joined[-1], str):
            joined[-1] += key
        else:
            joined.append(key)
    return joined


@given(streams, sizes)
@example(b"\x1b[" + b"1" * 50 + b"A", [34])
def test_any_chunks_give_the_same_keys(data: bytes, at: list[int]) -> None:
    whole = fed(Keys(), [data])
    assert fed(Keys(), cut(data, at)) == whole
    assert fed(Keys(), cut(data, [1] * len(data))) == whole


@given(streams)
def test_no_control_is_text_and_no_text_is_empty(data: bytes) -> None:
    for key in Keys().feed(data):
        if isinstance(key, str):
            assert key
            assert min(key) >= " "
            assert "\x7f" not in key


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"\r", [Key.ENTER]),
        (b"\n", [Key.ENTER]),
        (b"\r\n", [Key.ENTER]),
        (b"\r\0", [Key.ENTER]),
        (b"\r\0\n", [Key.ENTER, Key.ENTER]),
        (b"\n\r", [Key.ENTER, Key.ENTER]),
        (b"\0\x1c\x1a", []),
        (b"\x7f\x08", [Key.BACKSPACE, Key.BACKSPACE]),
        (b"\x01\x05\x15\x17\x0b", [Key.HOME, Key.END, Key.KILL_LINE, Key.KILL_WORD, Key.KILL_REST]),
        (b"a\x1b[Ab\x1bOBc", ["a", Key.UP, "b", Key.DOWN, "c"]),
        (b"\x1b[H\x1b[1~\x1b[7~\x1bOH", [Key.HOME] * 4),
        (b"\x1b[F\x1b[4~\x1b[8~\x1bOF", [Key.END] * 4),
        (b"\x1b[1;5C\x1b[1;3D\x1b[3~", [Key.WORD_RIGHT, Key.WORD_LEFT, Key.DELETE]),
        (b"a\x1b[15~b\x1b[[Ac\x1bOPd\x1b[1;2Ae\x1b[?1;2cf", ["a", "b", "c", "d", "e", "f"]),  # not known
        (b"\x1b[12\ra", [Key.ENTER, "a"]),  # broken off
        (b"\x1b\x1b[A\x1ba", [Key.UP, "a"]),  # a lone ESC, twice
        ("é\u2028".encode(), ["é\u2028"]),
        (b"a\xff\xe2\x82b", ["a\ufffd\ufffdb"]),
        (b"\xe2\x82\r", ["\ufffd", Key.ENTER]),
    ],
)
def test_keys(data: bytes, keys: list[Key | str]) -> None:
    assert Keys().feed(data) == keys


def test_enter_counts_at_the_cr() -> None:
    keys = Keys()
    assert keys.feed(b"a\r") == ["a", Key.ENTER]
    assert keys.feed(b"") == []
    assert keys.feed(b"\nb\r") == ["b", Key.ENTER]
    assert keys.feed(b"\0\n") == [Key.ENTER]


def test_what_is_cut_waits_for_its_end() -> None:
    keys = Keys()
    assert keys.feed(b"\xe6\x97") == []
    assert keys.feed(b"\xa5\x1b") == ["日"]
    assert keys.feed(b"[1") == []
    assert keys.feed(b"~x") == [Key.HOME, "x"]


def test_a_lone_esc_takes_nothing_with_it() -> None:
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.feed(b"hello\r") == ["hello", Key.ENTER]


def test_a_sequence_without_an_end_is_given_up() -> None:
    keys = Keys()
    assert keys.feed(b"\x1b[" + b"1" * 1_000_000) != []
    assert keys.feed(b"\r") == [Key.ENTER]


def test_every_known_sequence_is_one() -> None:
    for sequence, key in SEQUENCES.items():
        assert Keys().feed(b"a\x1b" + sequence.encode() + b"b") == ["a", key, "b"]
