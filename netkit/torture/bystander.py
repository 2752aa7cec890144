"""A healthy client: it talks at its own pace, and counts what comes of it.

What it says has its number and the time at which it was to be said in it, so that waiting for a server that is stuck
counts as time too, and nobody is let off for having said less (coordinated omission).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

#: What a message looks like wherever it comes: who says it, and how many they have said before.
MESSAGE = re.compile(rb"bystander-([0-9a-f]+)-(\d+)-(\d+)\.")

#: Examples of each kind of trouble that are kept.
EXAMPLES = 3


@dataclass(slots=True)
class Count:
    """What came of the messages of all bystanders since the last time that it was asked.

    Attributes:
        said: messages.
        due: how many were to come, one to each who was to hear it.
        came: how many came.
        trouble: examples of what went wrong.
        kinds: how often each kind of it did: ``lost``, ``twice``, ``out of order``, ``forged``, ``cut``.
        latencies: seconds from when each was to be said until it came.
    """

    said: int = 0
    due: int = 0
    came: int = 0
    trouble: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    def note(self, kind: str, what: str, times: int = 1) -> None:
        """Remember that something went wrong."""
        if self.kinds[kind] < EXAMPLES:
            self.trouble.append(what)
        self.kinds[kind] += times


class Party:
    """All bystanders together: who has said what, and who has heard it.

    Args:
        number: how many they are.
        mark: a word of hexadecimal digits that tells them from those of another run.
        echoes: whether each hears itself, and nobody else.
        clock: seconds, from any start.
        ordered: whether what one says must come in order. Datagrams need not.
    """

    def __init__(self, number: int, mark: str, echoes: bool, clock: Callable[[], float], ordered: bool = True) -> None:
        self.number = number
        self.mark = mark.encode()
        self.count = Count()
        self._clock = clock
        self._ordered = ordered
        self._said = [0] * number
        self._heard = [[0] * number for _ in range(number)]
        #: Of each pair, the messages that were skipped: out of order if they come yet, and lost if they do not.
        self._skipped: dict[tuple[int, int], set[int]] = {}
        #: Of each pair, those that were lost and settled: if one comes yet, nobody asks for it any more.
        self._lost: dict[tuple[int, int], set[int]] = {}
        everybody = range(number)
        #: Hearer and speaker.
        self._pairs = {(one, other) for one in everybody for other in everybody if (one == other) is echoes}
        self._when: dict[tuple[int, int], float] = {}
        self._rest = [b""] * number

    def next(self, speaker: int, due: float) -> bytes:
        """The next message of one of them, which was to be said at a time."""
        self._said[speaker] += 1
        number = self._said[speaker]
        self._when[speaker, number] = due
        self.count.said += 1
        self.count.due += sum(speaker == each for _, each in self._pairs)
        return b"bystander-%s-%d-%d." % (self.mark, speaker, number)

    def take(self, hearer: int, data: bytes) -> None:
        """What came to one of them."""
        data = self._rest[hearer] + data
        end = 0
        for found in MESSAGE.finditer(data):
            end = found.end()
            if found[1] == self.mark:
                self._take(hearer, int(found[2]), int(found[3]))
        # A message may still be coming; what lies before it is somebody else's.
        self._rest[hearer] = data[max(end, len(data) - len("bystander---.") - 48) :]

    def _take(self, hearer: int, speaker: int, number: int) -> None:
        if (hearer, speaker) not in self._pairs or speaker >= self.number or number > self._said[speaker]:
            self.count.note("forged", f"bystander {hearer} heard message {number} of {speaker}, never said to it")
            return
        before = self._heard[hearer][speaker]
        skipped = self._skipped.setdefault((hearer, speaker), set())
        if number in skipped:
            skipped.remove(number)
            if self._ordered:
                self.count.note(
                    "out of order", f"bystander {hearer} heard message {number} of {speaker} after {before}"
                )
        elif number in self._lost.get((hearer, speaker), ()):
            self._lost[hearer, speaker].remove(number)
            return
        elif number <= before:
            self.count.note("twice", f"bystander {hearer} heard message {number} of {speaker} again, after {before}")
            return
        else:
            skipped.update(range(before + 1, number))
            self._heard[hearer][speaker] = number
        self.count.came += 1
        self.count.latencies.append(self._clock() - self._when[speaker, number])

    def missing(self) -> bool:
        """Whether something has not come yet."""
        return self.count.came < self.count.due

    def settle(self, lossy: bool = False) -> Count:
        """What has come of it all; what has not come until now is lost, and is not waited for again.

        Args:
            lossy: what is lost is no trouble, and is not counted as late.
        """
        now = self._clock()
        for hearer, speaker in sorted(self._pairs):
            said, heard = self._said[speaker], self._heard[hearer][speaker]
            lost = sorted({*range(heard + 1, said + 1), *self._skipped.pop((hearer, speaker), ())})
            if lost and not lossy:
                self.count.latencies += [now - self._when[speaker, number] for number in lost]
                numbers = ", ".join(map(str, lost[:EXAMPLES])) + (", ..." if len(lost) > EXAMPLES else "")
                self.count.note("lost", f"bystander {hearer} has not heard message {numbers} of {speaker}", len(lost))
            self._lost.setdefault((hearer, speaker), set()).update(lost)
            self._heard[hearer][speaker] = said
        self._when.clear()
        count, self.count = self.count, Count()
        return count

    def cut(self, one: int, how: str) -> None:
        """The server has ended the connection of one of them."""
        self.count.note("cut", f"the connection of bystander {one} was {how}")
