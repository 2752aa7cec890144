"""The chat: people in rooms, over nothing but lines of text.

``service`` is told what happens; ``reader`` makes lines of bytes, and ``commands`` is what lines with a
slash do; ``house`` knows who is where, with ``person``, ``nicks`` and ``rooms``; ``strangers`` are clients
that came to the wrong port; ``turn`` gathers what is said into effects; ``phrases`` and ``refusal`` are how
it is said.
"""

from __future__ import annotations

from .service import Chat

__all__ = ["Chat"]
