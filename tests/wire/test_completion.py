from __future__ import annotations

import pytest

from netkit.wire.completion import MAX_SHOWN, completed, listing, nothing
from tests.wire.terminal import LEFT, RIGHT, Person


@pytest.fixture
def ann() -> Person:
    return Person(words=["/help", "/history", "ann", "anna", "bob", "日本", "日本語"])


@pytest.mark.parametrize(
    ("word", "found", "first", "becomes"),
    [
        ("an", [], True, "an"),
        ("an", ["ann"], True, "ann: "),
        ("an", ["ann"], False, "ann "),
        ("AN", ["ann"], False, "ann "),
        ("ann", ["ann"], True, "ann: "),
        ("/h", ["/help"], True, "/help "),
        ("#t", ["#tea"], True, "#tea "),
        ("b", ["bobby", "bob"], True, "bob"),
        ("bob", ["bobby", "bob"], True, "bob"),
        ("BO", ["bobby", "bob"], True, "bob"),
        ("an", ["Ann", "anna"], True, "an"),
    ],
)
def test_what_a_word_becomes(word: str, found: list[str], first: bool, becomes: str) -> None:
    assert completed(word, found, first=first) == becomes


def test_names_are_shown_on_one_line_up_to_so_many() -> None:
    assert listing(["ann", "b\x1b[2Job"]) == "ann  b[2Job"
    names = [str(number) for number in range(MAX_SHOWN + 2)]
    assert listing(names) == "  ".join([*names[:MAX_SHOWN], "and 2 more"])


def test_without_words_there_is_nothing_to_find() -> None:
    assert not nothing("an")


# On a terminal.


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["bo", b"\t"], "bob: |"),
        (["hi bo", b"\t"], "hi bob |"),
        (["/hel", b"\t"], "/help |"),
        (["/h", b"\t"], "/h|"),
        (["/he", b"\t"], "/help |"),
        (["a", b"\t"], "ann|"),
        (["x", b"\t", b"\t"], "x|"),
        ([b"\t", b"\t"], "|"),
        (["hi ", b"\t", b"\t"], "hi |"),
        (["see bo, no", LEFT * 4, b"\t"], "see bob |, no"),
        (["日", b"\t"], "日本|"),
        (["日本語", b"\t"], "日本語: |"),
    ],
)
def test_tab_completes_what_is_clear(ann: Person, keys: list[bytes | str], line: str) -> None:
    assert ann.types(*keys) == []
    assert (ann.above, ann.line) == ([], f"> {line}")


def test_a_second_tab_shows_what_there_is(ann: Person) -> None:
    ann.types("hi a", b"\t")
    assert (ann.above, ann.line) == ([], "> hi ann|")
    ann.types(b"\t")
    assert (ann.above, ann.line) == (["ann  anna"], "> hi ann|")
    ann.types("a", b"\t")
    assert (ann.above, ann.line) == (["ann  anna"], "> hi anna |")
    ann.types(b"\x7f\x7f\t", LEFT, RIGHT, b"\t")
    assert ann.above == ["ann  anna"]


def test_a_tab_within_a_paste_is_a_blank(ann: Person) -> None:
    assert ann.types("\tbo\tan\r\tbo\t") == [b" bo an"]
    assert ann.line == ">  bob |"


def test_tabs_that_come_together_are_two_at_most(ann: Person) -> None:
    ann.types(b"hi ann" + b"\t" * 1000)
    assert (ann.above, ann.line) == (["ann  anna"], "> hi ann|")


def test_a_completion_does_not_make_a_line_too_long() -> None:
    ann = Person(limit=7, words=["bob"])
    assert ann.types("llo bo", b"\t") == []
    assert (ann.line, ann.sent) == ("> llo bo|", b"llo bo\a")
