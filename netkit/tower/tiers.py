"""The nine tiers, from the ground up, and how one is found."""

from __future__ import annotations

from difflib import get_close_matches

from ..errors import TierError
from .ground import COROUTINES, EVENT_LOOP, EXECUTORS, FUTURES, TASKS, TOOLS
from .network import PROTOCOLS, STREAMS, TRANSPORTS
from .tier import Tier

#: From the ground up.
TIERS = (COROUTINES, EVENT_LOOP, FUTURES, TASKS, EXECUTORS, TOOLS, TRANSPORTS, PROTOCOLS, STREAMS)


def find(asked: str) -> Tier:
    """The tier of a number or a name. Case does not matter, nor whether ``event loop`` is joined by a dash.

    Raises:
        TierError: there is none; the message names those there are, and the one that was probably meant.
    """
    plain = " ".join(asked.lower().replace("-", " ").replace("_", " ").split())
    by_name = {tier.name: tier for tier in TIERS}
    by_number = {str(tier.number): tier for tier in TIERS}
    # The asked text itself: as a name, `-1` must not become 1.
    found = by_number.get(asked) or by_name.get(plain)
    if found is not None:
        return found
    near = get_close_matches(plain, by_name, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    names = ", ".join(f"{tier.number} {tier.name}" for tier in TIERS)
    raise TierError(f"no tier {asked!r}: there are {names}{meant}")
