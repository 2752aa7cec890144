"""The chat against a model of it: whatever people do, in whatever order, everybody reads what they should.

The model knows nothing of bytes and effects. It is who is called what and is where, and what each should have read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from netkit.service import Service
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage

NAMES = st.sampled_from(["ann", "Ann", "bob", "cat", "you", "guest2", "9"])
ROOMS = st.sampled_from(["#lobby", "#tea", "#TEA", "#tea", "#cake"])
TEXTS = st.sampled_from(["hello", "<bob> hello", "caf\u00e9"])
HOW_TO = "*** type a line and press Enter to talk; /help shows more, /quit leaves"


@dataclass(eq=False)
class Someone:
    """A person of the model."""

    seat: Seat
    nick: str
    room: str = "#lobby"
    slow: bool = False
    missed: int = 0
    writer: Someone | None = None
    left: bool = False
    due: list[str] = field(default_factory=list)


class Model(RuleBasedStateMachine):
    """The rules are what people can do; each says what everybody should read because of it."""

    people = Bundle("people")

    #: Makes the stage: given by the test, as only that is given fixtures.
    new_stage: ClassVar[staticmethod[[Service], Stage]]

    def __init__(self) -> None:
        super().__init__()
        self.stage = self.new_stage(Chat())
        self.here: list[Someone] = []
        self.gone: list[Seat] = []
        self.said: dict[str, list[str]] = {"#lobby": []}
        self.topics: dict[str, str] = {}

    # What the model thinks of it.

    def roommates(self, someone: Someone) -> list[Someone]:
        return [other for other in self.here if other.room == someone.room and other is not someone]

    def tell_room(self, someone: Someone, line: str) -> None:
        for other in self.roommates(someone):
            if other.slow:
                other.missed += 1
            else:
                other.due.append(line)

    def enter(self, someone: Someone, how: str) -> None:
        room = someone.room
        others = len(self.roommates(someone))
        said = self.said.setdefault(room, [])[-10:]
        if room in self.topics:
            someone.due.append(f"*** topic: {self.topics[room]}")
        plural = "" if others == 1 else "s"
        here = f"{others} other{plural} here: /who names them" if others else "nobody else is here yet"
        someone.due.append(f"*** {here}")
        if said:
            plural = "" if len(said) == 1 else "s"
            someone.due.append(f"*** last said here ({len(said)} line{plural}):")
            someone.due += said
        self.tell_room(someone, f"*** {someone.nick} {how}")

    def leave_room(self, someone: Someone) -> None:
        if not self.roommates(someone) and someone.room != "#lobby":
            del self.said[someone.room]
            self.topics.pop(someone.room, None)

    def leave(self, someone: Someone, how: str = "") -> None:
        self.tell_room(someone, f"*** {someone.nick} left{how}")
        self.leave_room(someone)
        self.here.remove(someone)
        self.gone.append(someone.seat)
        someone.left = True

    def whisper(self, someone: Someone, other: Someone, text: str) -> None:
        if other.slow:
            someone.due.append(f"*** {other.nick} has a slow connection and cannot be reached now: try again later")
            return
        other.due.append(f"[{someone.nick} -> you] {text}")
        someone.due.append(f"[you -> {other.nick}] {text}")
        other.writer = someone

    # What people can do.

    @rule(target=people)
    def come(self) -> Someone:
        taken = {someone.nick for someone in self.here}
        nick = next(f"guest{n}" for n in range(1, 10**6) if f"guest{n}" not in taken)
        someone = Someone(self.stage.seat(), nick)
        someone.due += [f"*** you are {nick} in #lobby", HOW_TO]
        self.enter(someone, "is here")
        self.here.append(someone)
        return someone

    @rule(someone=people, texts=st.lists(TEXTS, min_size=1, max_size=3), action=st.booleans())
    def say(self, someone: Someone, texts: list[str], action: bool) -> None:
        someone.seat.says(*[f"/me {text}" if action else text for text in texts])
        for text in texts:
            line = f"* {someone.nick} {text}" if action else f"<{someone.nick}> {text}"
            self.tell_room(someone, line)
            self.said[someone.room].append(line)

    @rule(someone=people, name=NAMES)
    def rename(self, someone: Someone, name: str) -> None:
        # Past the minute in which the changes before this one count.
        self.stage.now += 60.0
        someone.seat.says(f"/nick {name}")
        before = someone.nick
        if name == "9":
            answer = "a name is a letter, and then letters, digits, _ . and -: try /nick ann"
        elif name in ("you", "guest2") and name != before:
            answer = f"{name} is kept for the server's own use: choose another name"
        elif name == before:
            answer = f"you are called {name} already"
        elif name.lower() in {other.nick.lower() for other in self.here if other is not someone}:
            answer = f"{name} is somebody else's name: choose another one"
        else:
            answer = f"you are {name} now"
            someone.nick = name
            self.tell_room(someone, f"*** {before} is {name} now")
        someone.due.append(f"*** {answer}")

    @rule(someone=people, name=NAMES, text=TEXTS)
    def msg(self, someone: Someone, name: str, text: str) -> None:
        someone.seat.says(f"/msg {name} {text}")
        other = next((other for other in self.here if other.nick.lower() == name.lower()), None)
        if other is None:
            someone.due.append(f"*** there is no {name} here: /who names those who are")
        elif other is someone:
            someone.due.append("*** that is you: name somebody else")
        else:
            self.whisper(someone, other, text)

    @rule(someone=people, text=TEXTS)
    def reply(self, someone: Someone, text: str) -> None:
        someone.seat.says(f"/reply {text}")
        other = someone.writer
        if other is None:
            someone.due.append("*** nobody has written to you alone: use /msg NAME TEXT")
        elif other.left:
            someone.due.append(f"*** {other.nick} has left: use /msg NAME TEXT for somebody else")
        else:
            self.whisper(someone, other, text)

    @rule(someone=people, name=ROOMS)
    def join(self, someone: Someone, name: str) -> None:
        someone.seat.says(f"/join {name}")
        name, left = name.lower(), someone.room
        if name == left:
            someone.due.append(f"*** you are in {name} already: /leave goes back to #lobby")
            return
        self.tell_room(someone, f"*** {someone.nick} went to {name}")
        self.leave_room(someone)
        someone.room = name
        someone.due.append(f"*** you are in {name} now")
        self.enter(someone, f"came from {left}")

    @rule(someone=people, text=TEXTS)
    def topic(self, someone: Someone, text: str) -> None:
        someone.seat.says(f"/topic {text}")
        self.topics[someone.room] = text
        someone.due.append(f"*** topic: {text}")
        self.tell_room(someone, f"*** {someone.nick} set the topic: {text}")

    @rule(someone=people)
    def who(self, someone: Someone) -> None:
        someone.seat.says("/who")
        total = len(self.roommates(someone)) + 1
        # In which order is seen to by the tests of /who: here it is who.
        head, _, names = " ".join(
            line.removeprefix("*** ") for line in someone.seat.lines()[len(someone.due) :]
        ).partition(": ")
        someone.due.clear()
        assert head == f"{total} in {someone.room}"
        assert sorted(names.split(", ")) == sorted([someone.nick, *[o.nick for o in self.roommates(someone)]])

    @rule(someone=people, slow=st.booleans())
    def read(self, someone: Someone, slow: bool) -> None:
        if slow and not someone.slow:
            someone.seat.stalls()
        elif not slow and someone.slow:
            someone.seat.recovers()
            if someone.missed:
                plural = "" if someone.missed == 1 else "s"
                someone.due.append(f"*** you missed {someone.missed} line{plural}: your connection was too slow")
            someone.missed = 0
        someone.slow = slow

    @rule(someone=consumes(people), words=st.sampled_from(["", "bye"]))
    def quit(self, someone: Someone, words: str) -> None:
        someone.seat.says(f"/quit {words}", "not said")
        someone.due.append("*** goodbye")
        self.leave(someone, f": {words}" if words else "")

    @rule(someone=consumes(people))
    def vanish(self, someone: Someone) -> None:
        someone.due.clear()
        someone.seat.vanishes()
        self.leave(someone)

    @rule(someone=consumes(people))
    def end(self, someone: Someone) -> None:
        someone.seat.ends()
        self.leave(someone)

    @rule()
    def forget_the_closed(self) -> None:
        for seat in self.gone:
            seat.vanishes()
        self.gone.clear()

    # What holds all the time. That nothing is sent to who is closed or gone, the stage sees to.

    @invariant()
    def everybody_read_what_they_should(self) -> None:
        for someone in self.here:
            someone.seat.sees(*someone.due)
            someone.due.clear()


def test_everybody_reads_what_they_should(new_stage: Callable[[Service], Stage]) -> None:
    make = staticmethod(new_stage)

    class OnStage(Model):
        new_stage = make

    run_state_machine_as_test(OnStage, settings=settings(max_examples=200, stateful_step_count=30, deadline=None))
