from __future__ import annotations

import pytest

from netkit.wire.completion import MAX_SHOWN, completed, nothing, shown


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
    assert shown(["ann", "b\x1b[2Job"]) == "ann  b[2Job"
    names = [str(number) for number in range(MAX_SHOWN + 2)]
    assert shown(names) == "  ".join([*names[:MAX_SHOWN], "and 2 more"])


def test_without_words_there_is_nothing_to_find() -> None:
    assert not nothing("an")
