"""The script for services, played to services that are right and wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.endings import Ending
from netkit.service import Abort, Close, Conn, Effects, Hold, Recall, Send, Service, Stop, Store, Wake
from netkit.services.echo import Echo
from netkit.testing import Script


class Room(Service):
    """Tells everybody everything, and closes who says stop."""

    def __init__(self) -> None:
        self.people: dict[Conn, float] = {}

    def opened(self, conn: Conn, now: float) -> Effects:
        self.people[conn] = now
        yield b"hello " + conn.peer.encode()
        yield Wake(10)

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        yield Close(conn, "asked for") if data == b"stop" else Send(self.people.keys(), data)

    def ended(self, conn: Conn, now: float) -> Effects:
        return (b"goodbye",)

    def lost(self, conn: Conn, now: float) -> Effects:
        del self.people[conn]
        yield Wake(10)

    def woken(self, now: float) -> Effects:
        yield Send(tuple(self.people), b"%g" % now)

    def stopping(self, now: float) -> Effects:
        yield Send(list(self.people), b"closing")
        yield Wake(1)


class Answering(Service):
    """Answers whatever it is given."""

    def __init__(self, *answer: Any) -> None:
        self.answer = answer

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        return self.answer

    def woken(self, now: float) -> Effects:
        return (b"to whom?",)


def test_the_example_of_the_class() -> None:
    class Shout(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            yield data.upper()

    assert Script.__doc__ is not None
    block = Script.__doc__.split("::\n\n", 1)[1].split("\n\n", 1)[0]
    exec("if True:\n" + block, {"Script": Script, "Shout": Shout})


def test_a_dialogue_from_beginning_to_end() -> None:
    with Script(Room(), now=100) as script:
        ann = script.opened("ann", peer="tcp://192.0.2.7:1", local=False)
        script.expect(b"hello tcp://192.0.2.7:1", Wake(10))
        assert (ann.local, repr(ann)) == (False, "ann")
        script.wait(4)
        script.expect()
        bob = script.opened("bob")
        script.expect(b"hello tcp://127.0.0.1:50312", Wake(10))
        script.received(bob, b"hi")
        script.expect(Send([bob, ann], b"hi"))
        script.wait(20)
        script.expect(Send((ann, bob), b"110"), Send((ann, bob), b"114"))
        assert script.now == 124
        script.ended(ann)
        script.lost(ann)
        script.received(bob, b"stop")
        script.expect(b"goodbye", Wake(10), Close(bob, "asked for"))
        script.lost(bob)
        script.expect(Wake(10))


def test_after_stopping_nobody_is_woken() -> None:
    with Script(Room()) as script:
        ann = script.opened("ann")
        script.stopping()
        script.expect(b"hello tcp://127.0.0.1:50312", Wake(10), Send((ann,), b"closing"), Wake(1))
        with pytest.raises(RuntimeError, match="ann is closing"):
            script.received(ann, b"late")
        with pytest.raises(RuntimeError, match="stops once"):
            script.stopping()
        script.lost(ann)
        script.expect(Wake(10))
        script.wait(100)


def test_back_pressure_is_two_values() -> None:
    with Script(Echo()) as script:
        ann = script.opened("ann")
        script.paused(ann)
        script.expect(Hold(ann, math.inf))
        with pytest.raises(RuntimeError, match="ann is paused already"):
            script.paused(ann)
        script.resumed(ann)
        script.expect(Hold(ann, 0.0))
        with pytest.raises(RuntimeError, match="ann is not paused"):
            script.resumed(ann)


@given(st.lists(st.binary(min_size=1)))
def test_an_echo_answers_what_it_is_told(chunks: list[bytes]) -> None:
    with Script(Echo()) as script:
        ann = script.opened("ann")
        for chunk in chunks:
            script.received(ann, chunk)
        script.expect(*chunks)


def test_a_difference_is_shown_line_by_line() -> None:
    script = Script(Room())
    ann, bob = script.opened("ann"), script.opened("bob")
    script.received(ann, b"hi")
    with pytest.raises(AssertionError) as differs:
        script.expect(b"hello", Wake(10), b"hello tcp://127.0.0.1:50312", Wake(10), Send((bob, ann), b"ho"))
    lines = str(differs.value).splitlines()
    assert lines[0] == "the service answered otherwise than expected (- expected, + answered):"
    assert [line for line in lines[1:] if line[0] != "?"] == [
        "- b'hello'",
        "+ b'hello tcp://127.0.0.1:50312'",
        "  Wake(seconds=10)",
        "  b'hello tcp://127.0.0.1:50312'",
        "  Wake(seconds=10)",
        "- Send(to=(ann, bob), data=b'ho')",
        "+ Send(to=(ann, bob), data=b'hi')",
    ]
    script.done()  # it has been looked at


@pytest.mark.parametrize("expected", [(), (b"b", b"a"), (b"a",), (b"a", b"b", b"c")])
def test_effects_are_compared_in_number_and_order(expected: tuple[bytes, ...]) -> None:
    script = Script(Answering(b"a", b"b"))
    script.received(script.opened("ann"), b"?")
    with pytest.raises(AssertionError, match="otherwise than expected"):
        script.expect(*expected)


def test_the_same_receiver_twice_is_not_once() -> None:
    script = Script(Service())
    ann = script.opened("ann")
    script.service = Answering(Send((ann, ann), b"a"))
    script.received(ann, b"?")
    with pytest.raises(AssertionError, match=r"\(ann, ann\)"):
        script.expect(Send((ann,), b"a"))


def test_what_nobody_looked_at_is_an_error() -> None:
    script = Script(Answering(b"a"))
    with pytest.raises(AssertionError, match=r"no expect\(\) has looked at.*\n\+ b'a'"), script:
        script.received(script.opened("ann"), b"?")
    script.received(script.opened("bob"), b"?")
    with pytest.raises(AssertionError, match="has looked at"):
        script.done()


def test_another_error_is_not_hidden_by_it() -> None:
    script = Script(Answering(b"a"))
    script.received(script.opened("ann"), b"?")
    with pytest.raises(KeyError), script:
        raise KeyError


def test_a_script_that_is_dropped_says_what_nobody_looked_at() -> None:
    script = Script(Answering(b"a"))
    script.received(script.opened("ann"), b"?")
    with pytest.warns(ResourceWarning, match=r"nobody looked at: \[b'a'\]"):
        del script


@pytest.mark.parametrize(
    "answer",
    [
        *("text", None, 1, Send((), "text")),  # type: ignore[arg-type]  # wrong on purpose, as are the next ones
        *(Close("ann", "why"), Abort("ann", "why"), Hold("ann", 1)),  # type: ignore[arg-type]
    ],
)
def test_an_answer_that_is_no_effect_is_named(answer: object) -> None:
    script = Script(Answering(answer))
    with pytest.raises(TypeError, match="a service answers with bytes for the sender, or an effect, not"):
        script.received(script.opened("ann"), b"?")


def test_plain_bytes_need_somebody_to_go_to() -> None:
    script = Script(Answering(Wake(1)))
    script.received(script.opened("ann"), b"?")
    script.expect(Wake(1))
    with pytest.raises(TypeError, match="not b'to whom\\?'"):
        script.wait(1)


def test_what_no_layer_would_play() -> None:
    with Script(Service()) as script:
        ann = script.opened("ann")
        with pytest.raises(ValueError, match="called 'ann' already"):
            script.opened("ann")
        with pytest.raises(ValueError, match="no bytes"):
            script.received(ann, b"")
        with pytest.raises(ValueError, match="does not go by"):
            script.wait(-1)
        script.ended(ann)
        for event in (script.ended, script.paused, script.resumed):
            with pytest.raises(RuntimeError, match="ann is closing: no layer would call"):
                event(ann)
        script.lost(ann)
        with pytest.raises(RuntimeError, match="ann is lost: no layer would call received"):
            script.received(ann, b"?")
        with pytest.raises(RuntimeError, match="ann is lost already"):
            script.lost(ann)


def test_after_its_close_a_connection_is_only_lost() -> None:
    with Script(Room()) as script:
        ann = script.opened("ann")
        script.received(ann, b"stop")
        script.expect(b"hello tcp://127.0.0.1:50312", Wake(10), Close(ann, "asked for"))
        with pytest.raises(RuntimeError, match="ann is closing"):
            script.received(ann, b"more")
        script.lost(ann)
        script.expect(Wake(10))


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("tcp://192.0.2.7:50312", "192.0.2.7"),
        ("tls://[2001:db8::7]:1", "2001:db8::7"),
        ("tcp://[fe80::1%eth0]:1", "fe80::1"),
        ("unix:", ""),
    ],
)
def test_what_a_service_can_ask_a_connection(peer: str, host: str) -> None:
    with Script(Service()) as script:
        ann = script.opened("ann", peer=peer)
        assert (ann.host, ann.waiting, ann.ending) == (host, 0, "")
        ann.waiting = 7
        assert ann.waiting == 7
        script.lost(ann)
        assert (ann.waiting, ann.ending) == (0, Ending.LOST)


class Ends(Answering):
    """Knows for which reason each connection is gone, and holds those who have finished for so many seconds."""

    def __init__(self, *answer: Any, hold: float = 0.0) -> None:
        super().__init__(*answer)
        self.hold = hold
        self.lost_for: list[str] = []

    def ended(self, conn: Conn, now: float) -> Effects:
        return (Hold(conn, self.hold),)

    def lost(self, conn: Conn, now: float) -> Effects:
        self.lost_for.append(conn.ending)
        return ()


@pytest.mark.parametrize("effect", [Close, Abort])
def test_a_connection_ends_for_the_first_reason_and_is_counted(effect: type[Close | Abort]) -> None:
    service = Ends()
    with Script(service) as script:
        ann, bob, cat, dan = (script.opened(name) for name in ("ann", "bob", "cat", "dan"))
        service.answer = (effect(ann, "enough"), Close(ann, "twice"))
        script.received(ann, b"?")
        script.expect(effect(ann, "enough"), Close(ann, "twice"))
        assert (ann.stage, ann.ending, service.endings) == ("closing", "enough", {})
        script.lost(ann, "too late")
        script.ended(bob)
        script.expect(Hold(bob, 0.0))
        script.lost(bob)
        script.lost(cat, Ending.TOO_SLOW)
        script.stopping()
        script.lost(dan)
    assert service.lost_for == ["enough", "eof", "too-slow", "shutdown"]
    assert service.endings == dict.fromkeys(service.lost_for, 1)


def test_a_hold_puts_off_the_closing_until_it_is_over() -> None:
    service = Ends(hold=10)
    with Script(service) as script:
        ann = script.opened("ann")
        script.ended(ann)
        script.expect(Hold(ann, 10))
        assert ann.stage == "ended"
        script.paused(ann)
        script.resumed(ann)
        for event in (script.ended, lambda ann: script.received(ann, b"?")):
            with pytest.raises(RuntimeError, match="ann is ended: no layer would call"):
                event(ann)
        script.wait(9)
        assert (ann.stage, ann.ending) == ("ended", "")
        script.wait(1)
        assert (ann.stage, ann.ending) == ("closing", "eof")
        script.lost(ann)


@pytest.mark.parametrize(
    ("last", "ending"), [(Hold, "eof"), (Close, "done"), (Abort, "done")], ids=["let-go", "close", "abort"]
)
def test_a_hold_is_over_when_the_service_says_so(last: type[Any], ending: str) -> None:
    service = Ends(hold=math.inf)
    with Script(service) as script:
        ann, bob = script.opened("ann"), script.opened("bob")
        script.ended(ann)
        effect = last(ann, 0 if last is Hold else "done")
        service.answer = (effect,)
        script.received(bob, b"?")
        script.expect(Hold(ann, math.inf), effect)
        assert (ann.stage, ann.ending) == ("closing", ending)


def test_an_earlier_hold_does_not_put_off_the_closing() -> None:
    service = Ends()
    with Script(service) as script:
        ann = script.opened("ann")
        service.answer = (Hold(ann, 100),)
        script.received(ann, b"?")
        script.ended(ann)
        script.expect(Hold(ann, 100), Hold(ann, 0.0))
        assert ann.stage == "closing"


def test_the_storage_is_the_test() -> None:
    class Curious(Answering):
        def recalled(self, query: object, found: object, now: float) -> Effects:
            yield Store((query, found, now))

    with Script(Curious(Store("kept"), Recall("a"), Recall("b")), now=5) as script:
        with pytest.raises(RuntimeError, match="the service waits for nothing: no layer would call recalled for 'a'"):
            script.recalled("a", 1)
        script.received(script.opened("ann"), b"?")
        script.expect(Store("kept"), Recall("a"), Recall("b"))
        with pytest.raises(RuntimeError, match="the service waits for 'a', then 'b'"):
            script.recalled("b", 2)
        script.recalled("a", 1)
        script.wait(1)
        script.recalled("b", None)
        script.expect(Store(("a", 1, 5)), Store(("b", None, 6)))


def test_after_stopping_nothing_is_recalled() -> None:
    with Script(Answering(Recall("a"), Stop())) as script:
        script.received(script.opened("ann"), b"?")
        script.expect(Recall("a"), Stop())
        script.stopping()
        with pytest.raises(RuntimeError, match="the service waits for nothing"):
            script.recalled("a", 1)
