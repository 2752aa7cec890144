"""The chat: people in rooms, over nothing but lines of text.

``service`` is told what happens. ``reader`` makes lines of bytes, no faster than ``pace`` lets it; ``commands`` is
what lines with a slash do, and ``objects`` what JSON asks for. ``house`` knows who is where, with ``person``,
``nicks``, ``rooms`` and ``bans``. ``history`` remembers what was said, ``archive`` shows it again, and ``records``
are what a storage is given of it. ``turn`` gathers ``messages`` into effects, ``notices`` those of who comes and goes.
``strangers`` are clients that came to the wrong port; ``phrases`` and ``refusal`` are how things are said.
"""

from __future__ import annotations

from .service import Chat

__all__ = ["Chat"]
