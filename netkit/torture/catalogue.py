"""All faults, in the order in which they are tried: those of a client first, those of the process last."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from ..errors import FaultError
from .fault import Fault
from .faults import (
    datagrams,
    descriptors,
    floods,
    leaving,
    lines,
    nicks,
    readers,
    stops,
    strangers,
    telnet,
    text,
    tls,
    writers,
)

#: The parts of the catalogue.
PARTS: tuple[ModuleType, ...] = (
    readers,
    writers,
    lines,
    text,
    telnet,
    strangers,
    floods,
    nicks,
    leaving,
    tls,
    datagrams,
    descriptors,
    stops,
)

FAULTS: tuple[Fault, ...] = tuple(each for part in PARTS for each in vars(part).values() if isinstance(each, Fault))


def chosen(only: Iterable[str], skip: Iterable[str], service: str, scheme: str) -> list[Fault]:
    """The faults that make sense for a service on a kind of endpoint, in the order of the catalogue.

    Args:
        only: their names; all where there are none.
        skip: names of those that are left out.
        service: the name of the profile.
        scheme: of the endpoint.

    Raises:
        FaultError: there is no such fault, it makes no sense there, or none is left.
    """
    known = {each.name: each for each in FAULTS}
    only, skip = list(only), list(skip)
    for name in (*only, *skip):
        if name not in known:
            raise FaultError(f"no fault is called {name!r}: netkit torture --list has them all")
    for name in only:
        for what, fitting in ((service, known[name].services), (scheme, known[name].schemes)):
            if what not in fitting:
                raise FaultError(f"{name} makes no sense for {what}: it is for {', '.join(sorted(fitting))}")
    found = [
        each
        for each in FAULTS
        if service in each.services
        and scheme in each.schemes
        and (not only or each.name in only)
        and each.name not in skip
    ]
    if not found:
        raise FaultError(f"no fault is left to try on {service} over {scheme}: netkit torture --list has them all")
    return found
