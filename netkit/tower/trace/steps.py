"""From calls to steps: which of them mean something to a reader, and what no call shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from . import words
from .model import CLIENT, KERNEL, Call, Counts, Step
from .turns import WAITS, Callback, cut, wakes
from .words import Rule

#: System calls for input and output that no step shows, and that cost all the same.
UNSHOWN = (*WAITS, "epoll.register", "epoll.modify", "epoll.unregister", "poll.register", "poll.unregister")


@dataclass(frozen=True, slots=True)
class Mark:
    """What the client did: when, in ns of the monotonic clock, in which words, and with how many bytes."""

    at: int
    text: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched, to tell its calls from others.

    Attributes:
        layer: whose file is the tier that carries the service.
        service: file and name of each method that the service is told by.
    """

    layer: str
    service: Collection[tuple[str, str]]

    def rule(self, call: Call, parent: Call | None) -> Rule | None:
        """What a call means, if anything."""
        if call.resumed:
            return None if call.suspended else words.GOES_ON.get(call.name)
        if (call.file, call.name) in self.service:
            return words.told(call.name)
        if call.file == f"netkit/layers/{self.layer}.py" and call.name in words.LAYERS[self.layer]:
            return words.LAYERS[self.layer][call.name]
        if call.coroutine and not call.suspended and call.name in words.AT_ONCE:
            return words.AT_ONCE[call.name]
        rule = words.RULES.get(call.name)
        caller = parent.name if parent else ""
        return rule if rule and caller.startswith(rule.under) and caller != (rule.not_under or None) else None


def follow(calls: Sequence[Call], marks: Sequence[Mark], watched: Watched) -> tuple[Step, ...]:
    """The steps of a story.

    Args:
        calls: all that was recorded, in the order in which it began.
        marks: what the client did meanwhile. The first is the beginning.
        watched: what carries the service, and the service.
    """
    begun = marks[0].at
    found = [_client(mark, begun) for mark in marks]
    number = 0
    for turn in cut(calls):
        ready = turn.found if turn.ours else None
        for callback in turn.callbacks:
            if not callback.ours:
                continue
            number += 1
            if not (shown := list(_shown(callback, watched, begun, number))):
                continue
            if ready is not None:
                # It is not the callback's: what was queued before comes first. When the wait began says nothing.
                found.append(_step(words.READY, replace(ready, start=ready.end), begun, 0, 0))
                ready = None
            found += [step for _, step in shown] if turn.looked else _with_c(shown, callback)
    return tuple(sorted(found, key=lambda step: step.at))


def count(calls: Sequence[Call]) -> Counts:
    """What the callbacks of a story cost, and on asyncio's own loop the turns around them."""
    turns = [turn for turn in cut(calls) if any(each.ours for each in turn.callbacks)]
    seen = any(turn.looked for turn in turns)
    callbacks = [each for turn in turns for each in turn.callbacks if each.ours]
    every = [call for each in callbacks for call in each.calls]
    every += [call for turn in turns if turn.ours for call in turn.looked]
    in_c = [call.name for call in every if call.in_c]
    system = sum(name in UNSHOWN or _is_kernel(name) for name in in_c)
    return Counts(
        callbacks=len(callbacks),
        python=len(every) - len(in_c),
        c=len(in_c),
        system=system if seen else None,
        futures=sum(name == words.SET_RESULT for name in in_c),
        woken=sum(each.task is not None for each in callbacks),
    )


def _is_kernel(name: str) -> bool:
    return name in words.RULES and words.RULES[name].tier == KERNEL


def _shown(callback: Callback, watched: Watched, begun: int, number: int) -> Iterator[tuple[Rule, Step]]:
    """The steps of one callback, each as deep as the steps that it is inside of."""
    inside: list[int] = []
    for index, (call, parent) in enumerate(callback.with_parents):
        while inside and inside[-1] >= call.depth:
            inside.pop()
        rule = watched.rule(call, parent)
        if wakes(call, parent):
            task = words.TASK_GOES_ON if call.resumed else words.TASK_BEGINS
            # Task is written in C: the coroutine's file is not where it begins.
            yield task, replace(_step(task, call, begun, number, len(inside)), where="")
            rule = words.COROUTINE_GOES_ON if call.resumed else rule or words.COROUTINE_BEGINS
        if rule is not None and rule.with_ and not callback.inside(index) & set(rule.with_):
            rule = replace(rule, text=rule.idle) if rule.idle else None
        if rule is not None:
            yield rule, _step(rule, call, begun, number, len(inside))
            inside.append(call.depth)


def _with_c(shown: Sequence[tuple[Rule, Step]], callback: Callback) -> Iterator[Step]:
    """Add what a loop in C does unseen: before it calls back, and where Python leaves the rest to it."""
    first = shown[0][1]
    led_here = words.BEFORE.get(first.api) or words.BEFORE.get(first.api.rpartition(".")[2], "call")
    yield _inside_c("wake" if callback.task is not None else led_here, first, first.depth)
    for rule, step in shown:
        yield step
        if rule.in_c:
            yield _inside_c(rule.in_c, step, step.depth + 1)


def _inside_c(what: str, beside: Step, depth: int) -> Step:
    """What happens inside C just then: when it began and how long it took is not known."""
    rule = words.IN_C[what]
    return Step(
        at=beside.at,
        took=0.0,
        turn=beside.turn,
        depth=depth,
        tier=rule.tier,
        text=rule.text,
        api=rule.api,
        in_c=True,
    )


def _client(mark: Mark, begun: int) -> Step:
    return Step(
        at=_us(mark.at - begun), took=0.0, turn=0, depth=0, tier=CLIENT, text=mark.text, api="client", size=mark.size
    )


def _step(rule: Rule, call: Call, begun: int, turn: int, depth: int) -> Step:
    return Step(
        at=_us(call.start - begun),
        took=_us(call.end - call.start),
        turn=turn,
        depth=depth,
        tier=rule.tier,
        text=rule.text,
        api=rule.api or call.name,
        where=f"{call.file}:{call.line}" if call.file else "",
        size=call.size,
    )


def _us(nanoseconds: int) -> float:
    return nanoseconds / 1000
