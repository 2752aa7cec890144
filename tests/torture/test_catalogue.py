"""The catalogue: what is in it, and which of it is chosen."""

from __future__ import annotations

import re

import pytest

from netkit.errors import FaultError
from netkit.torture.catalogue import FAULTS, PARTS, chosen
from netkit.torture.fault import EVERY, Fault
from netkit.torture.target import SCHEMES


def names(faults: list[Fault]) -> list[str]:
    return [each.name for each in faults]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.name)
def test_each_fault_says_in_one_line_each_what_it_is(fault: Fault) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", fault.name)
    for line in (fault.why, fault.source, fault.holds):
        assert line == " ".join(line.split())
        assert line
        assert not line.endswith(".")
        assert len(line) <= 160
    assert fault.services
    assert fault.services <= EVERY
    assert fault.schemes
    assert fault.schemes <= set(SCHEMES)
    assert fault.process or not fault.restarts
    assert not fault.lossy or fault.schemes == {"udp"}


def test_no_two_have_a_name_in_common() -> None:
    assert len({each.name for each in FAULTS}) == len(FAULTS)
    assert len({each.attempt for each in FAULTS}) == len(FAULTS)


def test_they_are_tried_in_the_order_in_which_they_are_written() -> None:
    lines = [(PARTS.index(part), each.attempt.__code__.co_firstlineno) for each, part in placed()]
    assert lines == sorted(lines)


def placed() -> list[tuple[Fault, object]]:
    """Each with its part."""
    by_name = {part.__name__: part for part in PARTS}
    return [(each, by_name[each.attempt.__module__]) for each in FAULTS]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("service", sorted(EVERY))
def test_all_that_make_sense_are_chosen(service: str, scheme: str) -> None:
    fitting = [each for each in FAULTS if service in each.services and scheme in each.schemes]
    if fitting:
        assert chosen([], [], service, scheme) == fitting
    else:
        with pytest.raises(FaultError, match=f"no fault is left to try on {service} over {scheme}"):
            chosen([], [], service, scheme)


def test_only_those_that_are_named_are_chosen_in_the_order_of_the_catalogue() -> None:
    assert names(chosen(["silent", "reader-stops", "silent"], [], "echo", "tcp")) == ["reader-stops", "silent"]


def test_those_that_are_skipped_are_not() -> None:
    every = names(chosen([], [], "echo", "tcp"))
    assert names(chosen([], ["silent"], "echo", "tcp")) == [each for each in every if each != "silent"]
    assert names(chosen(["silent", "reader-stops"], ["silent"], "echo", "tcp")) == ["reader-stops"]


def test_to_skip_what_makes_no_sense_there_anyway_is_no_mistake() -> None:
    assert names(chosen(["silent"], ["udp-flood"], "echo", "tcp")) == ["silent"]


@pytest.mark.parametrize(
    ("only", "skip", "service", "scheme", "said"),
    [
        (["sillent"], [], "echo", "tcp", "no fault is called 'sillent': netkit torture --list has them all"),
        ([], ["sillent"], "echo", "tcp", "no fault is called 'sillent'"),
        (["reader-stops"], [], "chat", "tcp", "reader-stops makes no sense for chat: it is for echo"),
        (["silent"], [], "echo", "udp", "silent makes no sense for udp: it is for tcp, tls, unix"),
        (["silent"], ["silent"], "echo", "tcp", "no fault is left to try"),
        ([], [], "chat", "udp", "no fault is left to try on chat over udp"),
    ],
)
def test_what_cannot_be_chosen_is_said(only: list[str], skip: list[str], service: str, scheme: str, said: str) -> None:
    with pytest.raises(FaultError, match=re.escape(said)):
        chosen(only, skip, service, scheme)
