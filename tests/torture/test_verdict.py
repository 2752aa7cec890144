"""What came of it, as data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from netkit.torture.bystanders import Told
from netkit.torture.subject import Level
from netkit.torture.verdict import BROKEN, FORM, HELD, UNTRIED, Recovery, Repeat, Result, Verdict


def verdict(**given: Any) -> Verdict:
    return Verdict("silent", 1, "a newcomer is heard", 0.002, **given)


def result(*verdicts: Verdict, **given: Any) -> Result:
    return Result("tcp://127.0.0.1:7", "echo", "", 1, "2026-01-02T03:04:05+00:00", "1.0", 2.5, [*verdicts], **given)


@pytest.mark.parametrize(
    ("given", "outcome", "words"),
    [
        ({"seen": "200 said nothing"}, HELD, "200 said nothing"),
        ({"seen": "200 said nothing", "broken": ["one", "two"]}, BROKEN, "one; two"),
        ({"untried": "its process is not known"}, UNTRIED, "its process is not known"),
        ({"untried": "the server has exited", "broken": ["one"]}, UNTRIED, "the server has exited"),
    ],
)
def test_an_outcome_and_its_words(given: dict[str, Any], outcome: str, words: str) -> None:
    made = verdict(**given)
    assert (made.outcome, made.words) == (outcome, words)


def test_the_outcomes_are_counted_apart() -> None:
    held, broken = verdict(), verdict(broken=["it"])
    made = result(held, broken, held)
    assert made.of(HELD) == [held, held]
    assert made.of(BROKEN) == [broken]
    assert made.of(UNTRIED) == []


def test_all_of_it_goes_through_json_and_comes_back() -> None:
    told = Told(10, 10, 9, 0.001, 0.002, 0.003, ("bystander 1 has not heard ...",), {"lost": 1})
    recovery = Recovery(Level(10, 5), Level(12, 5), 0.01)
    repeat = Repeat("netkit torture 8888", 3, "00000000  61 ff 0a", r"b'a\xff\n'")
    made = result(verdict(broken=["it"], bystanders=told, recovery=recovery, repeat=repeat), verdict(), stopped="no")
    found = json.loads(json.dumps(made.to_dict()))
    assert found.pop("form") == FORM
    first, second = found.pop("verdicts")
    assert Result(**found, verdicts=made.verdicts) == made
    assert (first.pop("outcome"), second.pop("outcome")) == (BROKEN, HELD)
    assert Verdict(**second) == made.verdicts[1]
    bystanders, levels = first.pop("bystanders"), first.pop("recovery")
    assert Told(**bystanders | {"trouble": tuple(bystanders["trouble"])}) == told
    assert Recovery(Level(**levels["before"]), Level(**levels["after"]), levels["busy"]) == recovery
    assert Repeat(**first.pop("repeat")) == repeat
    assert Verdict(**first, bystanders=told, recovery=recovery, repeat=repeat) == made.verdicts[0]
