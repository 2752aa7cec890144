"""The commands: what a line that starts with a slash does.

``table`` holds them and finds the one that is meant; ``talk``, ``rooms``, ``people``, ``edit``, ``about`` and
``operators`` are the commands themselves, by what they are about.
"""

from __future__ import annotations

from . import about, edit, operators, people, rooms, talk  # noqa: F401 - each enters its commands in the table
from .edit import terminal
from .table import obey

__all__ = ["obey", "terminal"]
