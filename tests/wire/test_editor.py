"""The editor, seen on a terminal: what is sent to it is drawn, and what it shows is what was typed."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import pytest

from netkit.wire import typed
from netkit.wire.editor import Editor, Key, Show, available
from netkit.wire.history import LONGEST
from netkit.wire.lines import TooLong
from tests.wire.terminal import DELETE, DOWN, END, HOME, LEFT, LIMIT, RIGHT, UP, WORD_LEFT, WORD_RIGHT, Person, Terminal


@pytest.fixture
def ann() -> Person:
    return Person()


def test_it_begins_with_a_prompt(ann: Person) -> None:
    assert ann.line == "> |"
    assert Person().sent == Editor(LIMIT).redraw() == b"\r> \x1b[K"


def test_what_is_typed_at_the_end_is_shown_by_itself(ann: Person) -> None:
    for char in "héllo, 日本 👍🏽":
        assert ann.types(char) == []
        assert ann.sent == char.encode()
    assert ann.line == "> héllo, 日本 👍🏽|"


def test_enter_ends_the_line_and_leaves_it_on_the_screen(ann: Person) -> None:
    assert ann.types("hello\r") == [b"hello"]
    assert ann.sent == b"hello\r\n> \x1b[K"
    assert ann.types("\r\n") == [b""]
    assert (ann.above, ann.line) == (["> hello", ">"], "> |")


def test_a_paste_of_lines_is_lines(ann: Person) -> None:
    assert ann.types("one\ntwo\r\nthree\r\0fo") == [b"one", b"two", b"three"]
    assert (ann.above, ann.line) == (["> one", "> two", "> three"], "> fo|")


# Keys, one after another, and the line with its cursor afterwards.
KEYS: list[tuple[list[bytes | str], str]] = [
    (["abc", LEFT, "x"], "abx|c"),
    (["abc", LEFT, LEFT, RIGHT, "x"], "abx|c"),
    (["abc", LEFT * 5, "x", RIGHT * 5, "y"], "xabcy|"),
    (["abc", HOME, "x", END, "y"], "xabcy|"),
    (["abc", b"\x7f"], "ab|"),
    (["abc", LEFT, b"\x08"], "a|c"),
    ([b"\x7f", b"\x08", DELETE], "|"),
    (["abc", HOME, DELETE, DELETE], "|c"),
    (["abc", LEFT, b"\x04"], "ab|"),
    (["abc", b"\x04"], "abc|"),
    (["ab", b"\x15", "c"], "c|"),
    (["ab", LEFT, b"\x15"], "|"),
    (["one two  ", b"\x17"], "one |"),
    (["one two", LEFT, b"\x17"], "one |o"),
    (["one", b"\x17\x17"], "|"),
    (["one two", LEFT * 3, b"\x0b"], "one |"),
    (["one two", WORD_LEFT, "x"], "one x|two"),
    (["one two", WORD_LEFT, WORD_LEFT, WORD_LEFT, "x"], "x|one two"),
    (["one two", HOME, WORD_RIGHT, "x"], "onex| two"),
    (["one two", HOME, WORD_RIGHT, WORD_RIGHT, "x"], "one twox|"),
    (["日本", LEFT, "x"], "日x|本"),
    (["e\u0301", b"\x7f"], "|"),
    (["a👍🏽", b"\x7f"], "a|"),
    (["🇫🇷🇩🇪", LEFT], "🇫🇷|🇩🇪"),
    (["🇫🇷🇩🇪", b"\x7f"], "🇫🇷|"),
    (["ab", LEFT, "\u0301"], "a\u0301|b"),
    (["🇷", HOME, "🇫"], "🇫🇷|"),  # what was typed makes one with what follows: it is behind both of them
    (["🇷", HOME, "🇫", b"\x7f"], "|🇷"),  # until that is taken back,
    (["🇷", HOME, "🇫", "a"], "🇫a|🇷"),  # or more is typed
    (["🇫x🇷", LEFT, b"\x7f"], "🇫🇷|"),
    (["🇫x🇷", LEFT, b"\x7f", LEFT], "|🇫🇷"),
    (["❤", "\ufe0f"], "❤\ufe0f|"),
    (["\u0301a"], "a|"),  # a mark on nothing
    (["a" + "\u0301" * 20], "a" + "\u0301" * 8 + "|"),
    (["a\u202eb\u200bc\x85\ufeff"], "abc|"),
    (["a\x1b[15~b\x1bOPc\x00\x1c\x1a"], "abc|"),
    ([b"a\xffb\xe6\x97", b"\xa5c\xe6", "d"], "a\ufffdb日c\ufffdd|"),
]


@pytest.mark.parametrize(("keys", "line"), KEYS, ids=[repr(keys) for keys, _ in KEYS])
def test_keys(ann: Person, keys: list[bytes | str], line: str) -> None:
    assert ann.types(*keys) == []
    assert ann.line == f"> {line}"
    assert ann.editor.pending.decode() == line.replace("|", "")
    assert ann.above == []


def test_what_is_heard_goes_above_what_is_typed(ann: Person) -> None:
    ann.types("hel")
    ann.hears("<bob> one", "<bob> two")
    assert (ann.above, ann.line) == (["<bob> one", "<bob> two"], "> hel|")
    ann.types("lo", LEFT)
    ann.hears("<bob> three")
    assert ann.line == "> hell|o"
    assert ann.types("\r") == [b"hello"]
    assert ann.above == ["<bob> one", "<bob> two", "<bob> three", "> hello"]
    ann.hears()
    assert ann.sent == b""


@pytest.mark.parametrize("late", [False, True])
def test_an_answer_comes_before_what_was_typed_ahead(ann: Person, late: bool) -> None:
    events = ann.editor.feed(b"one\rtwo\rthr")
    for event in list(events) if late else events:
        if isinstance(event, Show):
            ann.see(event.data)
        else:
            assert isinstance(event, bytes)
            ann.hears(f"*** {event.decode()}?")
    assert (ann.above, ann.line) == (["> one", "*** one?", "> two", "*** two?"], "> thr|")


def test_all_who_have_typed_nothing_are_sent_the_same(ann: Person) -> None:
    bob = Person(columns=200)
    bob.types("hello\r")
    assert bob.editor.row == ann.editor.row
    assert bob.editor.above(b"x\r\n") == ann.editor.above(b"x\r\n")
    bob.types("a")
    assert bob.editor.row != ann.editor.row


def test_erased_the_row_leaves_nothing_behind(ann: Person) -> None:
    ann.types("hello", LEFT)
    ann.see(ann.editor.erase())
    assert ann.line == "|"


# A terminal of 20 columns: 2 of the prompt, 17 for the line, and one that stays free.


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["0123456789abcdefg"], "0123456789abcdefg|"),
        (["0123456789abcdefgh"], "89abcdefgh|"),
        (["0123456789abcdefgh", LEFT], "89abcdefg|h"),
        (["0123456789abcdefgh", HOME], "|0123456789abcdefg"),
        (["0123456789abcdefgh", HOME, RIGHT * 15], "0123456789abcde|fg"),
        (["0123456789abcdefgh", HOME, RIGHT * 16], "89abcdef|gh"),
        (["0123456789abcdefghij", HOME, END, "k"], "89abcdefghijk|"),
        (["0123456789abcdefghij", b"\x7f" * 4], "0123456789abcdef|"),
        (["日本語ですよねえ"], "日本語ですよねえ|"),
        (["日本語ですよねええ"], "すよねええ|"),
        (["a日本語ですよねええ"], "すよねええ|"),
        (["a日本語ですよねええ", HOME], "|a日本語ですよねえ"),
        (["ᄀ" * 8], "ᄀ" * 8 + "|"),
        (["ᄀ" * 9, "x"], "x|"),  # by the book these are one character, and it is wider than the row
    ],
)
def test_a_long_line_moves_sideways(keys: list[bytes | str], line: str) -> None:
    ann = Person(columns=20)
    ann.types(*keys)
    assert (ann.above, ann.line) == ([], f"> {line}")
    ann.hears("one")
    assert (ann.above, ann.line) == (["one"], f"> {line}")


def test_a_long_line_is_on_the_screen_as_a_whole_once_it_is_done() -> None:
    ann = Person(columns=20)
    assert ann.types("0123456789abcdefghijklmno", HOME, "\r") == [b"0123456789abcdefghijklmno"]
    assert (ann.above, ann.line) == (["> 0123456789abcdefgh", "ijklmno"], "> |")
    ann.types("0123456789abcdefghijklmno", b"\x03")
    assert (ann.above[2:], ann.line) == (["> 0123456789abcdefgh", "ijklmno^C"], "> |")


@pytest.mark.parametrize("columns", [0, 1, 9, 1001, 65535])
def test_a_width_that_cannot_be_is_80(columns: int) -> None:
    ann = Person()
    ann.editor.resize(20)
    ann.see(ann.editor.resize(columns))
    ann.types("a" * 77)
    assert ann.line == "> " + "a" * 77 + "|"
    ann.types("b")
    assert ann.line == "> " + "a" * 39 + "b|"


def test_another_width_shows_another_part(ann: Person) -> None:
    ann.types("0123456789abcdefghijklmno")
    assert ann.editor.resize(20) == b"\r> 89abcdefghijklmno\x1b[K"
    assert ann.editor.resize(10) == b"\r> ijklmno\x1b[K"
    assert ann.editor.resize(80) == b"\r> 0123456789abcdefghijklmno\x1b[K"


def test_ctrl_c_throws_the_line_away(ann: Person) -> None:
    ann.types("hello", LEFT)
    assert ann.types(b"\x03") == [Key.INTERRUPT]
    assert (ann.above, ann.line) == (["> hello^C"], "> |")
    assert ann.types(UP, "\r") == [b""]


def test_ctrl_d_ends_the_input_on_an_empty_line_only(ann: Person) -> None:
    assert ann.types("a", b"\x04", b"\x7f") == []
    assert ann.types(b"\x04") == [Key.END_OF_INPUT]


def test_ctrl_l_draws_the_row_again(ann: Person) -> None:
    ann.types("hello")
    ann.terminal = Terminal()
    ann.types(b"\x0c")
    assert ann.line == "> hello|"


def test_the_keys_of_telnet(ann: Person) -> None:
    ann.types("hello")
    ann.see(ann.editor.erase_character())
    assert ann.line == "> hell|"
    ann.see(ann.editor.erase_line())
    assert ann.line == "> |"
    ann.types("again")
    ann.see(ann.editor.interrupt())
    assert (ann.above, ann.line) == (["> again^C"], "> |")


def test_history_brings_lines_back(ann: Person) -> None:
    ann.types("one\r", "two\r", "two\r", "thr")
    assert (ann.types(UP), ann.line) == ([], "> two|")
    assert (ann.types(UP, UP, UP), ann.line) == ([], "> one|")
    assert ann.types("!\r") == [b"one!"]
    ann.types("thr", LEFT, UP)
    assert ann.line == "> one!|"
    ann.types(DOWN)
    assert ann.line == "> thr|"
    ann.types(DOWN, "ee")
    assert ann.line == "> three|"


def test_a_secret_is_neither_seen_nor_kept(ann: Person) -> None:
    ann.types("/op\r")
    ann.see(ann.editor.ask("token: "))
    assert ann.line == "token: |"
    ann.types("hunter3", b"\x7f", "2")
    ann.hears("<bob> hello")
    ann.types(UP, b"\t", b"\t")
    assert (ann.above, ann.line) == (["> /op", "<bob> hello"], "token: |")
    assert ann.types("\r") == [b"hunter2"]
    assert (ann.above[2:], ann.line) == (["token:"], "> |")
    ann.types("seen", b"\x15", UP)
    assert ann.line == "> /op|"


def test_a_secret_that_was_typed_ahead_is_not_seen_either(ann: Person) -> None:
    events = []
    for event in ann.editor.feed(b"/op\rhunter2\rhello"):
        if isinstance(event, Show):
            ann.see(event.data)
        elif event == b"/op":
            ann.see(ann.editor.ask("token: "))
        else:
            events.append(event)
    assert events == [b"hunter2"]
    assert (ann.above, ann.line) == (["> /op", "token:"], "> hello|")


def test_ctrl_c_leaves_the_question(ann: Person) -> None:
    ann.see(ann.editor.ask("to\x1bk\u202een: "))
    assert ann.types("secret", b"\x03") == [Key.INTERRUPT]
    assert (ann.above, ann.line) == (["token: ^C"], "> |")
    ann.types("seen")
    assert ann.line == "> seen|"


def test_a_question_fits_on_its_row() -> None:
    ann = Person(columns=20)
    ann.see(ann.editor.ask("an 日本語 question that is long"))
    assert ann.line == "an 日本語 question |"


def test_a_line_of_exactly_the_limit_is_fine_and_one_byte_more_is_not() -> None:
    ann = Person(limit=4)
    assert ann.types("abcd\r") == [b"abcd"]
    assert ann.types("ab日") == [TooLong(4)]
    assert (ann.above, ann.line) == (["> abcd"], "> |")


def test_a_line_that_is_too_long_is_dropped_up_to_its_end() -> None:
    ann = Person(limit=8)
    assert ann.types("A" * 9, "/quit", LEFT, UP, b"\t", b"\x04", b"\x7f") == [TooLong(8)]
    assert ann.sent.endswith(b"\a")
    assert (ann.above, ann.line) == ([], "> |")
    assert ann.types("/quit\rok\r") == [b"ok"]
    assert ann.types("A" * 20 + "\rok\r") == [TooLong(8), b"ok"]
    assert (ann.above, ann.line) == (["> ok", "> ok"], "> |")


def test_who_sees_that_the_line_was_dropped_can_begin_anew_at_once() -> None:
    ann = Person(limit=8)
    assert ann.types("A" * 9, b"\x15", "ok\r") == [TooLong(8), b"ok"]
    assert ann.types("A" * 9, b"\x03", "ok\r") == [TooLong(8), Key.INTERRUPT, b"ok"]


def test_a_secret_that_is_too_long_is_asked_for_again() -> None:
    ann = Person(limit=4)
    ann.see(ann.editor.ask("token: "))
    assert ann.types("abcde\r") == [TooLong(4)]
    assert ann.types("abcd\r") == [b"abcd"]
    assert ann.above == ["token:"]


# What it costs.


def test_a_flood_takes_the_memory_of_a_chunk() -> None:
    chunk = b"A" * 65536
    editor = Editor(4096)
    tracemalloc.start()
    try:
        events = [event for _ in range(32) for event in editor.feed(chunk)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [event for event in events if not isinstance(event, Show)] == [TooLong(4096)]
    assert peak < 4 * len(chunk)


def test_what_is_kept_of_a_person_is_bounded() -> None:
    kept = []
    for _ in range(3):  # the least of them: another thread's memory is counted too
        editor = Editor(4096)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for number in range(500):
                list(editor.feed(b"%0*d\r" % (LONGEST, number)))
            list(editor.feed(b"a" * 4096 + b"\x1b[" + b"1" * 10_000))
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        kept.append(after - before)
    assert min(kept) < 128 * 1024


def test_without_wcwidth_it_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available()
    typed._wcwidth.cache_clear()
    monkeypatch.setitem(sys.modules, "wcwidth", None)
    assert not available()


def test_with_an_old_wcwidth_it_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed, "_wcwidth", lambda: sys)
    assert not available()


def test_wcwidth_is_imported_only_when_it_is_needed() -> None:
    program = """
import sys
from netkit.wire.editor import Editor

list(Editor(9).feed(b"hello\\r"))
print("wcwidth" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"False\n"
