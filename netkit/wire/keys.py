r"""Bytes from a terminal, made into text and keys.

The rules:

- Text is UTF-8, and what is not becomes U+FFFD. It may be cut anywhere.
- Enter is CR, LF, CR LF or CR NUL. It counts at the CR; what belongs to it is swallowed, even in the next chunk.
- A key without a character comes as an escape sequence: CSI (ESC ``[``) or SS3 (ESC ``O``), parameters, and one
  last character (ECMA-48, 5.4; xterm's "PC-style function keys"). A sequence that is not known is swallowed whole.
- A lone ESC is nothing, whatever comes next: there is no clock here to tell that it stays alone.
- All other controls are nothing.
- What is kept between two chunks is the start of a character and of a sequence, and both are bounded.
"""

from __future__ import annotations

import codecs
import enum
import re


class Key(enum.Enum):
    """What is pressed, by what it does."""

    ENTER = enum.auto()
    BACKSPACE = enum.auto()
    DELETE = enum.auto()
    LEFT = enum.auto()
    RIGHT = enum.auto()
    WORD_LEFT = enum.auto()
    WORD_RIGHT = enum.auto()
    HOME = enum.auto()
    END = enum.auto()
    UP = enum.auto()
    DOWN = enum.auto()
    TAB = enum.auto()
    KILL_LINE = enum.auto()
    KILL_WORD = enum.auto()
    KILL_REST = enum.auto()
    REDRAW = enum.auto()
    INTERRUPT = enum.auto()  # Ctrl-C
    END_OF_INPUT = enum.auto()  # Ctrl-D


#: Controls as the terminal driver and readline have them.
CONTROLS = {
    "\x01": Key.HOME,  # Ctrl-A
    "\x02": Key.LEFT,  # Ctrl-B
    "\x03": Key.INTERRUPT,  # Ctrl-C
    "\x04": Key.END_OF_INPUT,  # Ctrl-D
    "\x05": Key.END,  # Ctrl-E
    "\x06": Key.RIGHT,  # Ctrl-F
    "\x08": Key.BACKSPACE,  # Ctrl-H, and the backspace of some terminals
    "\t": Key.TAB,
    "\n": Key.ENTER,
    "\x0b": Key.KILL_REST,  # Ctrl-K
    "\x0c": Key.REDRAW,  # Ctrl-L
    "\r": Key.ENTER,
    "\x0e": Key.DOWN,  # Ctrl-N
    "\x10": Key.UP,  # Ctrl-P
    "\x15": Key.KILL_LINE,  # Ctrl-U
    "\x17": Key.KILL_WORD,  # Ctrl-W
    "\x7f": Key.BACKSPACE,
}

#: What follows the ESC, of xterm and of those that differ from it: the VT220, the Linux console and rxvt.
SEQUENCES = {
    **{intro + "A": Key.UP for intro in "[O"},
    **{intro + "B": Key.DOWN for intro in "[O"},
    **{intro + "C": Key.RIGHT for intro in "[O"},
    **{intro + "D": Key.LEFT for intro in "[O"},
    **{intro + "H": Key.HOME for intro in "[O"},
    **{intro + "F": Key.END for intro in "[O"},
    **{f"[{number}~": Key.HOME for number in (1, 7)},
    **{f"[{number}~": Key.END for number in (4, 8)},
    "[3~": Key.DELETE,
    **{f"[1;{modifier}C": Key.WORD_RIGHT for modifier in (3, 5)},  # with Alt, with Ctrl
    **{f"[1;{modifier}D": Key.WORD_LEFT for modifier in (3, 5)},
    "Oc": Key.WORD_RIGHT,
    "Od": Key.WORD_LEFT,
}

#: Characters in one run of text, even where more come together.
MAX_RUN = 1024

# A run of text; Enter; the start of a sequence, and its last character if that is there; another control. The
# Linux console sends ESC [ [ A for F1. The bounds are far above any real sequence: what is kept has to have some.
_TOKENS = re.compile(
    rf"(?P<text>[^\x00-\x1f\x7f]{{1,{MAX_RUN}}})"
    r"|(?P<enter>\r[\n\0]?|\n)"
    r"|\x1b(?P<sequence>(?:(?:\[\[?|O)[0-?]{0,32}[ -/]{0,4}(?P<last>[@-~])?)?)"
    r"|(?P<control>[\x00-\x1f\x7f])"
)


class Keys:
    """The keys of one terminal."""

    __slots__ = ("_after_cr", "_decoder", "_partial")

    def __init__(self) -> None:
        # There is one while a character is cut.
        self._decoder: codecs.IncrementalDecoder | None = None
        # The sequence that the last chunk ended in, as far as it had come.
        self._partial = ""
        # The last character was a CR. An LF or a NUL that comes next belongs to it.
        self._after_cr = False

    def feed(self, data: bytes) -> list[Key | str]:
        """Take the next bytes, and return the keys in them, and between them the text in runs, none of them empty.

        No control is in the text, of those below U+0020; what else must not reach a terminal still is.
        """
        text = self._partial + self._decode(data)
        if not text:
            return []
        if self._after_cr:
            self._after_cr = False
            text = text[1:] if text[0] in "\n\0" else text
        self._partial = ""
        if len(text) <= MAX_RUN and text.isprintable():
            return [text] if text else []  # one character, mostly
        keys: list[Key | str] = []
        for token in _TOKENS.finditer(text):
            kind = token.lastgroup
            if kind == "text":
                keys.append(token[0])
            elif kind == "enter":
                keys.append(Key.ENTER)
                self._after_cr = token[0] == "\r" and token.end() == len(text)
            elif kind == "control":
                if token[0] in CONTROLS:
                    keys.append(CONTROLS[token[0]])
            elif token["last"] is None and token.end() == len(text):
                self._partial = token[0]
            elif token["sequence"] in SEQUENCES:
                keys.append(SEQUENCES[token["sequence"]])
        return keys

    def _decode(self, data: bytes) -> str:
        if self._decoder is None:
            if data.isascii():
                return data.decode()
            self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = self._decoder.decode(data)
        if not self._decoder.getstate()[0]:
            self._decoder = None
        return text
