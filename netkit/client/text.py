"""What may be shown on a terminal of what a peer sends."""

from __future__ import annotations

import codecs
import io

from ..wire.text import clean


class Text:
    """The text of one peer, however its bytes are cut."""

    def __init__(self) -> None:
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)

    def feed(self, data: bytes) -> str:
        r"""Take the next bytes, and return what they show.

        It is UTF-8, with U+FFFD for what is not. Each line ends in ``\n``, whether the peer ends it so, with CR LF or
        with CR. What else a terminal would obey is left out, see ``wire.text.clean``.
        """
        text: str = self._decoder.decode(data)
        return "\n".join(map(clean, text.split("\n")))
