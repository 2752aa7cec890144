from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from netkit.services.chat.phrases import WIDTH, count, listing, quote

names = st.text("abcdefgh", min_size=1, max_size=24)


def test_counts() -> None:
    assert [count(number, "line") for number in range(3)] == ["0 lines", "1 line", "2 lines"]


def test_quotes() -> None:
    assert [quote("x" * 32), quote("x" * 33)] == ["x" * 32, "x" * 32 + "..."]


def test_listings() -> None:
    assert listing("2 in #tea", ["ann", "bob"], 0) == ["2 in #tea: ann, bob"]
    assert listing("5 in #tea", ["ann", "bob"], 3) == ["5 in #tea: ann, bob, and 3 more"]
    assert listing("0 in #tea", [], 0) == ["0 in #tea:"]


@given(st.lists(names), st.integers(0, 99))
def test_a_listing_is_cut_only_between_names(some: list[str], left_out: int) -> None:
    lines = listing("head", some, left_out)
    assert max(map(len, lines)) <= WIDTH
    whole = ", ".join([*some, *([f"and {left_out} more"] if left_out else [])])
    assert " ".join(lines) == f"head: {whole}".strip()
    # No line could have held the first name of the next one.
    for line, following in pairwise(lines):
        assert len(line) + 1 + len(following.split()[0]) > WIDTH or following.startswith("and ")
