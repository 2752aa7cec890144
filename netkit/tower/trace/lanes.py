"""Where a step stands: on one of the nine tiers, below them or on top."""

from __future__ import annotations

from ..tiers import TIERS
from .model import CLIENT, KERNEL, SERVICE

#: From the top down.
LANES = (SERVICE, *(tier.number for tier in reversed(TIERS)), KERNEL, CLIENT)

NAMES = {tier.number: tier.name for tier in TIERS} | {SERVICE: "service", KERNEL: "kernel", CLIENT: "client"}
