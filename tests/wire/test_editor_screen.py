"""Whatever is typed and heard, and however it is cut: the lines and the screen are the same."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st
from wcwidth import iter_graphemes, width

from netkit.wire.editor import Editor, Key, Show
from netkit.wire.text import clean
from tests.wire.terminal import DELETE, DOWN, END, HOME, LEFT, RIGHT, UP, WORD_LEFT, WORD_RIGHT, Person, Terminal

TEXTS = ["a", "bc ", "é", "e\u0301", "\u0301", "日", "本語", "👍🏽", "🇫", "🇷", "❤\ufe0f", "ᄀ", " ", "\u200b"]
EDITS = [b"\x7f", b"\x17", b"\x0b", b"\x15", LEFT, LEFT * 3, RIGHT, HOME, END, DELETE, WORD_LEFT, WORD_RIGHT]
ODD = [b"\r", b"\n", b"\0", b"\x03", b"\x0c", UP, DOWN, b"\x1b", b"[", b"\xff", b"\xe6", b"\x97", b"x" * 30]

pieces = st.sampled_from([*(text.encode() for text in TEXTS), *EDITS, *ODD])
streams = st.lists(pieces, max_size=30).map(b"".join)
sizes = st.lists(st.integers(1, 9), max_size=40)


@given(streams, sizes)
@example(b"a" * 30 + b"\r" + b"b" * 18, [1] * 60)
def test_any_chunks_give_the_same_lines_and_the_same_screen(data: bytes, at: list[int]) -> None:
    chunks = []
    rest = data
    for size in at:
        chunks.append(rest[:size])
        rest = rest[size:]
    seen = []
    for way in ([data], [*chunks, rest], [bytes([byte]) for byte in data]):
        ann = Person(limit=60, columns=20)
        events = ann.types(*way)
        seen.append((events, ann.above, ann.line, ann.editor.pending))
    assert seen[1:] == seen[:-1]


@given(st.lists(st.binary(max_size=9) | pieces, max_size=30))
def test_no_bytes_are_too_much(data: list[bytes]) -> None:
    editor = Editor(20, complete=lambda word: [word + "a\x1b", word + "b"])
    editor.resize(12)
    for chunk in data:
        for event in editor.feed(chunk):
            if isinstance(event, Show):
                assert not re.search(r"[\x80-\x9f\u202e]|\x1b(?!\[K)", event.data.decode())
            elif isinstance(event, bytes):
                assert clean(event.decode()) == event.decode()
                assert len(event) <= 20
            editor.above(b"x\r\n")
        assert len(editor.pending) <= 20


class Sketch:
    """What an editor does, in a few lines without a thought for speed: what is before the cursor, and after it."""

    def __init__(self) -> None:
        self.before = self.after = ""
        #: A terminal that was sent each line when it was done.
        self.screen = Terminal(30)

    def settled(self) -> tuple[str, str]:
        """The line with the cursor between two cells, as they are now."""
        line, at = self.before + self.after, 0
        for cell in iter_graphemes(line):
            if at >= len(self.before):
                break
            at += len(cell)
        return line[:at], line[at:]

    def types(self, what: bytes) -> None:
        if what in (LEFT, RIGHT, HOME, END, WORD_LEFT):
            self.before, self.after = self.settled()
        before, after = list(iter_graphemes(self.before)), list(iter_graphemes(self.after))
        word = len(before)
        while word and before[word - 1] == " ":
            word -= 1
        while word and before[word - 1] != " ":
            word -= 1
        keys = {
            b"\x7f": (before[:-1], after),
            DELETE: (before, after[1:]),
            b"\x17": (before[:word], after),
            b"\x0b": (before, []),
            b"\x15": ([], []),
            LEFT: (before[:-1], before[-1:] + after),
            RIGHT: (before + after[:1], after[1:]),
            HOME: ([], before + after),
            END: (before + after, []),
            WORD_LEFT: (before[:word], before[word:] + after),
        }
        if what in keys:
            self.before, self.after = ("".join(cells) for cells in keys[what])
        else:
            self.before = clean(self.before + what.decode())

    def ends(self, mark: str) -> bytes:
        line = self.before + self.after
        self.screen.write(f"> {line}{mark}\r\n".encode())
        self.before = self.after = ""
        return line.encode()


steps = st.lists(
    st.sampled_from([text.encode() for text in TEXTS])
    | st.sampled_from([b"\x7f", b"\x17", b"\x0b", b"\x15", LEFT, RIGHT, HOME, END, DELETE, WORD_LEFT])
    | st.sampled_from([b"\r", b"\x03", b"above", b"a long word "]),
    max_size=40,
)


@given(steps)
def test_the_screen_shows_the_line_whatever_is_typed_and_heard(steps: list[bytes]) -> None:
    ann, sketch = Person(limit=10_000, columns=30), Sketch()
    for step in steps:
        if step == b"above":
            ann.hears("<bob> hello", "a line that is longer than the row of the terminal")
            sketch.screen.write(b"<bob> hello\r\na line that is longer than the row of the terminal\r\n")
        elif step == b"\r":
            assert ann.types(step) == [sketch.ends("")]
        elif step == b"\x03":
            assert ann.types(step) == [Key.INTERRUPT]
            sketch.ends("^C")
        else:
            assert ann.types(step) == []
            sketch.types(step)
        assert ann.editor.pending.decode() == sketch.before + sketch.after
        assert ann.above == sketch.screen.rows[:-1]
        shown, (before, after) = ann.terminal, sketch.settled()
        assert shown.before.startswith("> ")
        if sum(map(width, iter_graphemes(before + after))) <= 27:
            assert (shown.before, shown.after) == (f"> {before}", after.rstrip())
        else:
            assert before.endswith(shown.before[2:])
            assert after.startswith(shown.after)
            assert width(shown.before) + width(shown.after) < 30
            assert width(shown.before[2:]) >= min(10, width(before))
