from __future__ import annotations

from netkit.wire.history import HISTORY_LINES, HISTORY_SIZE, LONGEST, History


def kept(history: History) -> list[bytes]:
    """All lines, the newest first."""
    lines = []
    while (line := history.older(b"")) is not None:
        lines.append(line)
    history.leave()
    return lines


def test_back_and_forth() -> None:
    history = History()
    assert history.older(b"new") is None
    assert history.newer() is None
    history.add(b"one")
    history.add(b"two")
    assert [history.older(b"new"), history.older(b"two"), history.older(b"one")] == [b"two", b"one", None]
    assert [history.newer(), history.newer(), history.newer()] == [b"two", b"new", None]


def test_a_new_line_begins_at_the_bottom() -> None:
    history = History()
    history.add(b"one")
    assert history.older(b"half") == b"one"
    history.leave()
    assert history.newer() is None
    assert history.older(b"") == b"one"
    assert history.newer() == b""


def test_empty_lines_are_not_kept_and_the_same_one_only_once_in_a_row() -> None:
    history = History()
    for line in (b"one", b"one", b"", b"two", b"one"):
        history.add(line)
    assert kept(history) == [b"one", b"two", b"one"]


def test_it_has_room_for_so_many_lines_and_so_many_bytes() -> None:
    many, long = History(), History()
    fit = HISTORY_SIZE // LONGEST
    for number in range(HISTORY_LINES + 2):
        many.add(b"%d" % number)
        long.add(b"%0*d" % (LONGEST, number))
    assert len(kept(many)) == HISTORY_LINES
    assert kept(long) == [b"%0*d" % (LONGEST, HISTORY_LINES + 1 - number) for number in range(fit)]


def test_a_very_long_line_is_not_kept() -> None:
    history = History()
    history.add(b"one")
    history.add(b"a" * (LONGEST + 1))
    assert kept(history) == [b"one"]
