"""How a rule or a command says no."""

from __future__ import annotations


class Refusal(Exception):
    """What was asked is not done. The text is one line that says what to do instead, without its ``***``."""
