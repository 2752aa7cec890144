"""The chat against a model of it: whatever people do, in whatever order, everybody reads what they should."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat, history
from netkit.services.chat.history import LINES
from netkit.services.chat.phrases import count, duration
from netkit.services.chat.records import Kept, KeptRoom, Lines, Said, Topic
from tests.services.chat.model import REMEMBERED, SLOW, Room, Someone, World, as_line

if TYPE_CHECKING:
    from tests.services.conftest import Stage

#: Seconds after which anybody may talk again as fast as ever.
REST = 20.0

WHO = st.integers(0, 7)
NAMES = st.sampled_from(["ann", "Ann", "bob", "cat", "you", "guest2", "9"])
ROOMS = st.sampled_from(["#lobby", "#tea", "#TEA", "#tea", "#cake"])
TEXTS = st.sampled_from(["hello", "<bob> hello", "caf\u00e9"])
HOW_TO = "*** type a line and press Enter to talk; /help shows more, /quit leaves"


class Model(World, RuleBasedStateMachine):
    """The rules are what people can do; each says what everybody should read because of it."""

    #: Makes the stage: given by the test, as only that is given fixtures.
    new_stage: ClassVar[staticmethod[[Service], Stage]]

    def __init__(self) -> None:
        World.__init__(self)
        RuleBasedStateMachine.__init__(self)
        self.start()

    def start(self) -> None:
        limits = Limits(line_rate=1.0, line_burst=3, slow=SLOW)
        kept = [KeptRoom(r.name, r.topic, r.number, tuple(r.lines[-REMEMBERED:])) for r in self.rooms.values()]
        self.stage = self.new_stage(Chat(limits, operator_token="sesame", kept=Kept(tuple(kept))))

    def pick(self, who: int) -> Someone:
        """Somebody who is here, and may talk. There is always somebody: whoever is missing comes."""
        self.rest(REST)
        if not self.here:
            self.come()
        return self.here[who % len(self.here)]

    # What people can do.

    @rule()
    def come(self) -> None:
        taken = {someone.nick.lower() for someone in self.here}
        nick = next(f"guest{n}" for n in range(1, 10**6) if f"guest{n}" not in taken)
        someone = Someone(self.stage.seat(), nick, self.rooms["#lobby"])
        someone.due += [f"*** you are {nick} in #lobby", HOW_TO]
        self.enter(someone, "is here")
        self.here.append(someone)

    @rule(who=WHO, texts=st.lists(TEXTS, min_size=1, max_size=3), action=st.booleans())
    def say(self, who: int, texts: list[str], action: bool) -> None:
        someone = self.pick(who)
        if someone.json:
            lines = [json.dumps({"text": text, "action": action}) for text in texts]
        else:
            lines = [f"/me {text}" if action else text for text in texts]
        someone.seat.says(*lines)
        for text in texts:
            if not self.refused(someone):
                self.said(someone, text, action=action)

    @precondition(lambda self: not any(each.slow or each.muted_until > self.stage.now for each in self.here))
    @rule(who=st.lists(WHO, min_size=1, max_size=3), number=st.integers(1, 8))
    def talk_too_fast(self, who: list[int], number: int) -> None:
        """Some talk at once, too slowly for a paste and too fast for all the rest."""
        talkers = list(dict.fromkeys(map(self.pick, who)))
        sent = [str(each) for each in range(number)]
        before = len(self.stage.stored)
        for text in sent:
            for someone in talkers:
                someone.seat.says(f"/me {text}")
            self.rest(0.6)
        self.rest(REST)
        # In which order it was all said is up to the chat; but nothing is lost, and each speaks in order.
        said = [record for record in self.stage.stored[before:] if isinstance(record, Said)]
        for someone in talkers:
            assert [each.text for each in said if each.nick == someone.nick] == sent
        for each in said:
            self.said(next(someone for someone in talkers if someone.nick == each.nick), each.text, action=True)

    @rule(who=WHO, name=NAMES)
    def rename(self, who: int, name: str) -> None:
        someone = self.pick(who)
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

    @rule(who=WHO, name=NAMES, text=TEXTS)
    def msg(self, who: int, name: str, text: str) -> None:
        someone = self.pick(who)
        someone.seat.says(f"/msg {name} {text}")
        other = self.find(someone, name)
        if other is not None:
            self.whisper(someone, other, text)

    @rule(who=WHO, text=TEXTS)
    def reply(self, who: int, text: str) -> None:
        someone = self.pick(who)
        someone.seat.says(f"/reply {text}")
        other = someone.writer
        if other is None:
            someone.due.append("*** nobody has written to you alone: use /msg NAME TEXT")
        elif other.left:
            someone.due.append(f"*** {other.nick} has left: use /msg NAME TEXT for somebody else")
        else:
            self.whisper(someone, other, text)

    @rule(who=WHO, name=NAMES)
    def ignore(self, who: int, name: str) -> None:
        someone = self.pick(who)
        someone.seat.says(f"/ignore {name}")
        other = self.find(someone, name)
        if other is not None:
            someone.ignoring ^= {other}
            ignored = other in someone.ignoring
            someone.due.append(f"*** you ignore {other.nick} now" if ignored else f"*** you hear {other.nick} again")

    @rule(who=WHO, away=st.sampled_from(["lunch", "dinner", ""]))
    def be_away(self, who: int, away: str) -> None:
        someone = self.pick(who)
        if away or someone.away:
            someone.seat.says(f"/away {away}")
            someone.due.append(f"*** you are away: {away}" if away else "*** you are back")
            someone.away = away

    @rule(who=WHO)
    def be_quiet(self, who: int) -> None:
        someone = self.pick(who)
        someone.seat.says("/quiet")
        someone.quiet = not someone.quiet
        told = "not told any more who comes and goes: /quiet again tells you"
        someone.due.append(f"*** you are {told if someone.quiet else 'told again who comes and goes'}")

    @rule(who=WHO)
    def read_json(self, who: int) -> None:
        someone = self.pick(who)
        someone.seat.says("/json")
        someone.json = not someone.json
        in_json = f"{someone.nick} in {someone.room.name}, and read JSON now: /json again reads lines"
        someone.due.append(f"*** you are {in_json}" if someone.json else "*** you read lines now")

    @rule(who=WHO, name=ROOMS)
    def join(self, who: int, name: str) -> None:
        someone = self.pick(who)
        someone.seat.says(f"/join {name}")
        name, left = name.lower(), someone.room
        if name == left.name:
            someone.due.append(f"*** you are in {name} already: /leave goes back to #lobby")
            return
        self.exit(someone, f"went to {name}")
        someone.room = self.rooms.setdefault(name, Room(name))
        someone.due.append(f"*** you are in {name} now")
        self.enter(someone, f"came from {left.name}")

    @rule(who=WHO, text=TEXTS)
    def topic(self, who: int, text: str) -> None:
        someone = self.pick(who)
        someone.seat.says(f"/topic {text}")
        if not self.refused(someone):
            someone.room.topic = text
            someone.due.append(f"*** topic: {text}")
            self.tell_room(someone, f"*** {someone.nick} set the topic: {text}", notice=False)
            assert self.stage.stored[-1] == Topic(someone.room.name, text)

    # What was said before.

    @rule(who=WHO, back=st.integers(-1, 9))
    def replay(self, who: int, back: int) -> None:
        someone = self.pick(who)
        room = someone.room
        number = max(1, room.newest - back)
        someone.seat.says(f"/replay {number}")
        if not room.lines:
            someone.due.append(f"*** nothing was said in {room.name} yet: be the first")
        elif number > room.newest:
            someone.due.append(f"*** the last line in {room.name} is #{room.newest}")
        else:
            remembered = room.lines[-REMEMBERED:][0].number <= number
            self.ask(someone, Lines(room.name, number, LINES), remembered=remembered)

    @rule(who=WHO, limit=st.integers(1, 9))
    def history(self, who: int, limit: int) -> None:
        someone = self.pick(who)
        room = someone.room
        someone.seat.says(f"/history {limit}")
        if not room.lines:
            someone.due.append(f"*** nothing was said in {room.name} yet: be the first")
        else:
            remembered = min(len(room.lines), REMEMBERED) >= limit
            self.ask(someone, Lines(room.name, room.number + 1, limit, before=True), remembered=remembered)

    @precondition(lambda self: self.asked)
    @rule()
    def storage_answers(self) -> None:
        someone, room, query = self.asked.pop(0)
        assert self.stage.queries[0] == query
        before = [line for line in room.lines if line.number < query.number][-query.limit :]
        found = before if query.before else [line for line in room.lines if line.number >= query.number][: query.limit]
        if not someone.left and someone.room is room:
            self.show(someone, room, query)
        self.stage.recalled(tuple(found))

    # Slow readers.

    @rule(who=WHO)
    def stall(self, who: int) -> None:
        someone = self.pick(who)
        someone.seat.stalls()
        if not someone.slow:
            someone.slow_since = self.stage.now
            someone.slow_at, someone.own = someone.room.number, 0

    @rule(who=WHO)
    def recover(self, who: int) -> None:
        someone = self.pick(who)
        someone.seat.recovers()
        if not someone.slow:
            return
        someone.slow_since = None
        first, last = someone.slow_at + 1, someone.room.number
        missed = last - someone.slow_at - someone.own
        if missed:
            lines = f"#{first} to #{last}" if last > first else f"#{first}"
            told = f"{count(missed, 'message')} ({lines}): your connection was slow. /replay {first}"
            someone.due.append(f"*** you missed {told}")
        if someone.elsewhere:
            someone.due.append(f"*** you missed {count(someone.elsewhere, 'message')} in rooms that you have left")
        someone.elsewhere = 0

    # Operators.

    @rule(who=WHO, name=NAMES, seconds=st.sampled_from([0, 50, 3600]))
    def mute(self, who: int, name: str, seconds: int) -> None:
        operator = self.pick(who)
        self.op(operator)
        operator.seat.says(f"/mute {name} {seconds}s")
        other = self.find(operator, name)
        if other is not None:
            other.muted_until = self.stage.now + seconds
            lasts = duration(seconds)
            operator.due.append(f"*** {other.nick} does not speak for {lasts}" if seconds else f"*** {name} may speak")
            other.due.append(
                f"*** an operator does not let you speak for {lasts}" if seconds else "*** you may speak again"
            )

    @rule(who=WHO, name=NAMES)
    def kick(self, who: int, name: str) -> None:
        operator = self.pick(who)
        self.op(operator)
        operator.seat.says(f"/kick {name}")
        other = self.find(operator, name)
        if other is not None:
            operator.due.append(f"*** {other.nick} is sent away")
            self.leave(other, " (kicked)")
            assert other.seat.closed == Ending.KICKED

    def op(self, someone: Someone) -> None:
        if not someone.operator:
            someone.seat.says("/op sesame")
            someone.due.append("*** you are an operator now: /help operators lists what you can do")
            someone.operator = True

    # Leaving.

    @rule(who=WHO, words=st.sampled_from(["", "bye"]))
    def quit(self, who: int, words: str) -> None:
        someone = self.pick(who)
        muted = someone.muted_until > self.stage.now
        someone.seat.says(f"/quit {words}", "not said")
        self.leave(someone, f": {words}" if words and not muted else "")

    @rule(who=WHO)
    def vanish(self, who: int) -> None:
        someone = self.pick(who)
        someone.seat.vanishes()
        self.leave(someone)

    @rule(who=WHO)
    def end(self, who: int) -> None:
        someone = self.pick(who)
        someone.seat.ends()
        self.leave(someone)

    @rule()
    def forget_the_closed(self) -> None:
        for seat in self.closed:
            if not seat.gone:
                seat.vanishes()
        self.closed.clear()

    @rule(lost=st.sampled_from([0, 1000]))
    def start_again(self, lost: int) -> None:
        """The server stops, or is killed; then rooms go on where some numbers may have been lost."""
        for someone in self.here:
            someone.left = True
        self.here.clear()
        self.asked.clear()
        self.closed.clear()
        for name, room in list(self.rooms.items()):
            if room.number:
                room.number += lost
            elif not room.topic and name != "#lobby":
                del self.rooms[name]
        self.start()

    # What holds all the time. That nothing is sent to who is closed or gone, the stage sees to.

    @invariant()
    def everybody_read_what_they_should(self) -> None:
        for someone in self.here:
            lines = someone.seat.reads().splitlines()
            read = [as_line(line) if line.startswith(b"{") else line.decode() for line in lines]
            assert read == someone.due
            someone.due.clear()

    @invariant()
    def the_storage_was_given_all_that_was_said(self) -> None:
        said = [record for record in self.stage.stored if isinstance(record, Said)]
        assert {each.room for each in said} <= self.rooms.keys()
        for room in self.rooms.values():
            its = [each for each in said if each.room == room.name]
            assert its == room.lines[len(room.lines) - len(its) :]


def test_everybody_reads_what_they_should(
    new_stage: Callable[[Service], Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LINES", REMEMBERED)
    make = staticmethod(new_stage)

    class OnStage(Model):
        new_stage = make

    run_state_machine_as_test(OnStage, settings=settings(max_examples=80, stateful_step_count=30, deadline=None))
