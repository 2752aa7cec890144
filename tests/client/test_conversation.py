"""Both directions at once: what ends a conversation, what is borne, and what is an error."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

import pytest

from netkit.client import conversation
from netkit.client.conversation import Conversation
from netkit.client.dialect import Dialect
from netkit.errors import ConnectError, TimedOutError
from tests.client.conftest import PATIENCE, Shown, Typed

PEER = "tcp://192.0.2.7:23"

REFUSED = b"\xff\xfe\x01\xff\xfc\x18"  # DONT ECHO, WONT TTYPE


@dataclass
class Wire:
    """A connection in the hand of the test."""

    sent: list[bytes] = field(default_factory=list)
    finished: bool = False
    arriving: asyncio.Queue[bytes | OSError | None] = field(default_factory=asyncio.Queue)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def arrives(self, *what: bytes | OSError | None) -> None:
        for each in what:
            self.arriving.put_nowait(each)

    async def until_finished(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.news.wait()

    async def open(self) -> None:
        raise AssertionError("it is open")

    async def send(self, data: bytes) -> None:
        self.sent.append(data)

    async def receive(self) -> bytes | None:
        what = await self.arriving.get()
        if isinstance(what, OSError):
            raise what
        return what

    def finish(self) -> None:
        self.finished = True
        self.news.set()

    def abort(self) -> None:
        raise AssertionError("the session does that")

    async def close(self) -> None:
        raise AssertionError("the session does that")


async def hold(
    wire: Wire, typed: Typed, shown: Shown, *, telnet: bool = False, dump: Shown | None = None, **silence: float | bool
) -> None:
    async with asyncio.timeout(PATIENCE):
        told = Conversation(wire, typed, shown, Dialect(telnet=telnet), peer=PEER, dump=dump, **silence)  # type: ignore[arg-type]  # both
        await told.hold()


async def test_both_sides_end_by_themselves() -> None:
    wire, shown = Wire(), Shown()
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(wire, Typed(b"hello\n"), shown))
        await wire.until_finished()
        wire.arrives(b"later", None)
    assert (wire.sent, shown.data) == ([b"hello\n"], b"later")


async def test_somebody_at_a_terminal_is_not_waited_for() -> None:
    wire = Wire()
    wire.arrives(b"bye", None)
    await hold(wire, Typed(ends=False, personal=True), shown := Shown())
    assert (shown.data, wire.finished) == (b"bye", True)


async def test_a_pipe_is_waited_for_while_it_goes_on(monkeypatch: pytest.MonkeyPatch, tick: float) -> None:
    monkeypatch.setattr(conversation, "LINGER", 4 * tick)
    wire, typed = Wire(), Typed(ends=False)
    wire.arrives(None)
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(wire, typed, Shown()))
        for number in range(3):
            await asyncio.sleep(2 * tick)
            assert not wire.finished
            typed.types(b"%d" % number)
    assert (wire.sent, wire.finished) == ([b"0", b"1", b"2"], True)


async def test_silence_after_the_input_is_told(tick: float) -> None:
    wire, shown = Wire(), Shown()
    wire.arrives(b"one")
    said = f"{PEER} said nothing for {tick:g} s after the end of the input: give it longer with --timeout"
    with pytest.raises(TimedOutError, match=f"^{re.escape(said)}$"):
        await hold(wire, Typed(b"x"), shown, silence=tick)
    assert shown.data == b"one"


async def test_silence_is_the_end_where_there_is_no_other(tick: float) -> None:
    wire, shown = Wire(), Shown()
    wire.arrives(b"one")
    await hold(wire, Typed(b"x"), shown, silence=tick, silence_ends=True)
    assert shown.data == b"one"


async def test_each_silence_is_one_of_its_own(tick: float) -> None:
    wire, shown = Wire(), Shown()
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(wire, Typed(), shown, silence=4 * tick))
        for each in (b"a", b"b", b"c", None):
            await asyncio.sleep(2 * tick)
            wire.arrives(each)
    assert shown.data == b"abc"


async def test_before_the_end_of_input_silence_is_nothing(tick: float) -> None:
    wire, typed, shown = Wire(), Typed(ends=False), Shown()
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(wire, typed, shown, silence=tick))
        await asyncio.sleep(2 * tick)
        typed.types(b"")
        wire.arrives(b"still here", None)
    assert shown.data == b"still here"


async def test_a_slow_output_is_no_silence(tick: float) -> None:
    wire, shown = Wire(), Shown()
    shown.stall()
    wire.arrives(b"slow", None)
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(wire, Typed(), shown, silence=tick))
        await asyncio.sleep(3 * tick)
        shown.release()
    assert shown.data == b"slow"


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (ConnectionResetError(104, "whatever"), "Connection reset by peer"),
        (TimeoutError(110, "whatever"), "Connection timed out"),
        (ConnectionResetError("the peer has closed it"), "the peer has closed it"),
    ],
)
async def test_what_broke_is_one_line(why: OSError, said: str) -> None:
    wire = Wire()
    wire.arrives(why)
    with pytest.raises(ConnectError, match=f"^the connection to {re.escape(PEER)} broke: {said}$"):
        await hold(wire, Typed(ends=False), Shown(), silence=1.0)


async def test_who_reads_the_output_may_leave() -> None:
    class Left(Shown):
        async def write(self, data: bytes) -> None:
            raise BrokenPipeError

    wire = Wire()
    wire.arrives(b"x")
    with pytest.raises(BrokenPipeError):
        await hold(wire, Typed(ends=False), Left())


async def test_telnet_is_answered_where_it_was_asked() -> None:
    wire, typed, shown = Wire(), Typed(ends=False), Shown()
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(wire, typed, shown, telnet=True))
        wire.arrives(b"\xff\xfb\x01\xff\xfd\x18login: ")
        await shown.until(b"login: ")
        typed.types(b"\xff\n")
        typed.types(b"")
        await wire.until_finished()
        wire.arrives(None)
    assert wire.sent == [REFUSED, b"\xff\xff\r\n"]
    assert shown.data == b"login: "


async def test_raw_bytes_are_left_alone() -> None:
    wire, shown = Wire(), Shown()
    wire.arrives(b"\xff\xfb\x01", None)
    await hold(wire, Typed(b"\xff\n"), shown)
    assert (wire.sent, shown.data) == ([b"\xff\n"], b"\xff\xfb\x01")


async def test_an_attack_ends_it() -> None:
    wire = Wire()
    wire.arrives(b"\xff\xfa\x18" + bytes(70_000))
    with pytest.raises(ConnectError, match="the peer sends a telnet subnegotiation of more than 65536 bytes"):
        await hold(wire, Typed(ends=False), Shown(), telnet=True)


async def test_the_dump_shows_what_is_on_the_wire() -> None:
    wire, shown, dump = Wire(), Shown(), Shown()
    wire.arrives(b"\xff\xfb\x01hi", None)
    await hold(wire, Typed(ends=False, personal=True), shown, telnet=True, dump=dump)
    assert dump.data.decode().splitlines() == [
        "< 00000000  ff fb 01 68 69                                    |...hi|",
        "> 00000000  ff fe 01                                          |...|",
    ]
