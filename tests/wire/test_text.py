from __future__ import annotations

import ast
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.wire.text import MAX_MARKS, clean, decode, visible

FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
MARKS = {"Mn", "Me"}
EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]

# Surrogates too: they can come out of a filter that somebody puts before this one.
anything = st.text(st.characters() | st.characters(categories=["Cs"]))
marked = st.text(st.sampled_from("ab \t\x1b\u0301\u0323\u20dd\u093f\u200d\u2022漢"), max_size=60)


def is_noncharacter(char: str) -> bool:
    return 0xFDD0 <= ord(char) <= 0xFDEF or ord(char) & 0xFFFE == 0xFFFE


@pytest.mark.parametrize(
    ("line", "text", "replaced"),
    [
        (b"", "", False),
        (b"plain", "plain", False),
        ("Grüße, 世界 😀".encode(), "Grüße, 世界 😀", False),
        (b"caf\xe9", "caf\ufffd", True),
        (b"\xff\xfe", "\ufffd\ufffd", True),
        (b"\xc0\xaf", "\ufffd\ufffd", True),  # an overlong slash
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", True),  # a surrogate
        ("a \ufffd sent as such".encode(), "a \ufffd sent as such", False),
    ],
)
def test_decode(line: bytes, text: str, replaced: bool) -> None:
    assert decode(line) == (text, replaced)


@given(st.binary())
def test_decode_takes_any_bytes(line: bytes) -> None:
    text, replaced = decode(line)
    assert replaced == (text.encode() != line)


def test_plain_text_is_the_same_object() -> None:
    text = "hello, world ~"
    assert clean(text) is text


def test_nothing_forbidden_passes() -> None:
    passed = clean("".join(EVERY_CHARACTER))
    assert {unicodedata.category(char) for char in passed} & FORBIDDEN == set()
    assert [char for char in passed if is_noncharacter(char)] == []


def test_everything_else_passes() -> None:
    allowed = [
        char
        for char in EVERY_CHARACTER
        if unicodedata.category(char) not in FORBIDDEN | {"Cn"} and not is_noncharacter(char)
    ]
    text = "".join("x" + char for char in allowed)
    assert clean(text) == text


@given(anything)
def test_clean_leaves_nothing_forbidden(text: str) -> None:
    assert {unicodedata.category(char) for char in clean(text)} & FORBIDDEN == set()


@given(anything | marked)
def test_clean_twice_is_clean_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(marked)
def test_clean_leaves_few_marks_in_a_row_and_none_in_front(text: str) -> None:
    kinds = ["m" if unicodedata.category(char) in MARKS else "." for char in clean(text)]
    assert not re.search(f"^m|m{{{MAX_MARKS + 1}}}", "".join(kinds))


@given(st.text(st.sampled_from("aé漢😀 \u0301"), max_size=MAX_MARKS))
def test_clean_leaves_honest_text_alone(text: str) -> None:
    assert clean("a" + text) == "a" + text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb", "a b"),
        ("\x1b[2J\x1b]52;c;aGk=\x07", "[2J]52;c;aGk="),
        ("\x9b2J\x9d0;title\x9c", "2J0;title"),  # the same with C1 controls
        ("one\r\ntwo\x0b\x0cthree\x85\u2028\u2029four", "onetwothreefour"),
        ("\x00\x7f\x08", ""),
        ("\u202emoc.live\u202c \u2066x\u2069 \u061c\u200e\u200f", "moc.live x "),
        ("a\u200bd\u200cm\u200di\u2060n\ufeff\xad\u180e", "admin"),
        ("flag\U000e0067\U000e0062\U000e007f", "flag"),
        ("\ufff9above\ufffabelow\ufffb", "abovebelow"),
        ("\ud800\udfff\ufffe\uffff\ufdd0\U0010ffff", ""),
        ("\u0301\u0301a\u0301", "a\u0301"),
        ("\u200b\u0301a", "a"),  # a mark that comes to the front when what hid it is gone
        ("a" + "\u0301" * 100 + "b", "a" + "\u0301" * MAX_MARKS + "b"),
        ("a" + "\u0301" * 9, "a" + "\u0301" * 8),
        ("कि" + "\u093f" * 20, "कि" + "\u093f" * 20),  # marks that stand beside their letter
        ("a" + "\u0301\u200b" * 100, "a" + "\u0301" * MAX_MARKS),
        ("\u0301" * 100, ""),
        ("no\xa0break, 漢字, ☺ ★", "no\xa0break, 漢字, ☺ ★"),
        ("•" * 20 + "\u0301" * 20 + "•" * 20, "•" * 20 + "\u0301" * MAX_MARKS + "•" * 20),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", ""),
        ("plain 'text'", "plain 'text'"),
        ("Grüße 漢字", "Grüße 漢字"),
        ("\x1b[2J\n\r\t\x00\x7f", r"\x1b[2J\n\r\t\x00\x7f"),
        ("\x9b\xa0\u202e\u2028", r"\u009b\u00a0\u202e\u2028"),
        ("\uffff\U00010000\U000e0041", r"\uffff𐀀\U000e0041"),
        ("\udc80", r"\udc80"),
        ("a\\x1b", r"a\\x1b"),
        (b"a\\x1b\x1b", r"a\\x1b\x1b"),
        (b"\xff\xf4\xff\xfd\x06", r"\xff\xf4\xff\xfd\x06"),
        ("Grüße\n".encode(), r"Grüße\n"),
        (b"\xc2\x9b\x9b", r"\u009b\x9b"),  # a C1 control, and a byte that is no UTF-8
    ],
)
def test_visible(data: bytes | str, expected: str) -> None:
    assert visible(data) == expected


@given(anything)
def test_visible_text_can_be_read_back(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert ast.literal_eval('"' + shown.replace('"', r"\"") + '"') == text


@given(st.binary() | anything.map(lambda text: text.encode(errors="replace")))
def test_visible_bytes_can_be_read_back(data: bytes) -> None:
    shown = visible(data)
    assert shown.isprintable()
    # A byte's escape becomes that byte; all other text is UTF-8.
    parts = re.split(r"(\\\\|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\[nrt])", shown)
    read = b""
    for part in parts:
        if part.startswith(r"\x"):
            read += bytes.fromhex(part[2:])
        elif part.startswith("\\"):
            read += str(ast.literal_eval(f'"{part}"')).encode()
        else:
            read += part.encode()
    assert read == data
