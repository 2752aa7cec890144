"""The keys of a telnet terminal, byte for byte as real clients send them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netkit.endings import Ending

if TYPE_CHECKING:
    from tests.services.conftest import Stage

IAC = b"\xff"
DO_TIMING_MARK, WILL_TIMING_MARK = b"\xff\xfd\x06", b"\xff\xfb\x06"

#: What is wished for from whoever speaks telnet: WILL ECHO, WILL SGA, DO NAWS.
WISHES = bytes.fromhex("fffb01fffb03fffd1f")

#: What inetutils' telnet opens with on port 23, and the refusal of each option but SGA and NAWS.
INETUTILS = bytes.fromhex("fffd26fffb26fffd03fffb18fffb1ffffb20fffb21fffb22fffb27fffd05")
REFUSED = bytes.fromhex("fffc26fffe26fffe18fffe20fffe21fffe22fffe27fffc05")


def test_no_telnet_is_said_to_who_says_none(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    stage.hush()
    ann.sends(INETUTILS)
    bob.says("hello")
    assert bob.reads() == b""
    assert stage.seat().reads().isascii()


def test_every_other_option_is_refused_once(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(INETUTILS)
    assert ann.reads() == WISHES + REFUSED
    ann.sends(b"hi\r\n")
    bob.sees("<ann> hi")


@pytest.mark.parametrize("key", [b"\xff\xf4", b"\xff\xf3", b"\xff\xee"])
def test_ctrl_c_drops_the_half_typed_line_and_is_answered(stage: Stage, key: bytes) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(b"oops")
    ann.sends(key + DO_TIMING_MARK)
    assert ann.reads() == WILL_TIMING_MARK
    ann.sends(b"hi\n" + key + DO_TIMING_MARK)
    assert ann.reads() == WILL_TIMING_MARK
    bob.sees("<ann> hi")


def test_answers_stand_where_their_questions_stood(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.sends(b"/who\n" + DO_TIMING_MARK + b"/who\n" + DO_TIMING_MARK)
    assert ann.reads() == (b"*** 1 in #lobby: ann\n" + WILL_TIMING_MARK) * 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (b"helloo\xff\xf7", "hello"),
        ("caf\u00e9e\u0301".encode() + b"\xff\xf7\xff\xf7e", "cafe"),
        (b"wrong\xff\xf8right", "right"),
        (b"a\xff\xf1b\xff\xf2c\xff\xf9d\xff\xede", "abcde"),
        (b"y\xff\xffz", "y\ufffdz"),
        (b"a\xff\xecb", "ab"),
    ],
)
def test_keys_within_a_line(stage: Stage, typed: bytes, said: str) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(typed + b"\r\n")
    bob.sees(f"<ann> {said}")


def test_are_you_there_is_answered_once_a_second(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.says("/join #tea")
    stage.hush()
    ann.sends(b"half\xff\xf6\xff\xf6")
    ann.sees("[netkit: yes, #lobby, 2 online]")
    stage.now += 0.5
    ann.sends(b"\xff\xf6")
    ann.sees()
    stage.now += 0.5
    ann.sends(b" typed\xff\xf6\n")
    ann.sees("[netkit: yes, #lobby, 2 online]")
    ann.says("/join #tea")
    bob.sees("*** ann came from #lobby")


def test_abort_output_is_answered(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.sends(b"\xff\xf5")
    assert ann.reads() == b"\r\n"


def test_a_flood_of_telnet_is_closed(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(b"\xff\xfa\x18" + b"x" * 70_000 + b"\xff\xf0hello\n")
    ann.sees("*** a telnet subnegotiation of more than 65536 bytes: goodbye (telnet-flood)")
    assert ann.closed == Ending.TELNET_FLOOD
    bob.sees("*** ann left (telnet flood)")


def test_a_flood_of_questions_is_answered_with_a_bound(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.sends(b"".join(b"\xff\xfb%c" % (number % 250) for number in range(7, 1000)))
    assert len(ann.reads()) <= len(WISHES) + 3 * 64
