"""The example of each tier: beside this module in an installed netkit, in ``examples/`` of a checkout."""

from __future__ import annotations

from pathlib import Path

from ..errors import TowerError
from .tier import Tier

#: Where the wheel has them.
INSTALLED = Path(__file__).parent / "examples"

#: Where a checkout has them.
CHECKOUT = Path(__file__).parent.parent.parent / "examples"


def path(tier: Tier) -> Path:
    """The file that shows a tier.

    Raises:
        TowerError: it is in neither place.
    """
    folder = INSTALLED if INSTALLED.is_dir() else CHECKOUT
    found = folder / tier.example
    if not found.is_file():
        raise TowerError(f"the example of tier {tier.number} is missing: there is no {found}; install netkit again")
    return found


def text(tier: Tier) -> str:
    """The whole of it.

    Raises:
        TowerError: it is missing, or cannot be read.
    """
    found = path(tier)
    try:
        return found.read_text(encoding="utf-8")
    except OSError as why:
        raise TowerError(f"cannot read {found}: {why.strerror}") from None
