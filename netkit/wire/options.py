"""Telnet options: where each one stands, and what is said about it.

The rules, those of RFC 1143, by which no two sides can answer each other for ever:

- An option has one of six states, once for the peer and once for us. What the peer says and what we wish
  leads from one state to the next, and sometimes to something that must be said.
- What is not supported is refused, but a refusal is never answered with a refusal (RFC 1123, 3.2.1).
- While an answer is awaited nothing more is said; a change of mind is kept until it has come.
- All of it is one table, ``STEPS``. For the peer's options it hears WILL and WONT and says DO and DONT; for
  ours it hears DO and DONT and says WILL and WONT. The RFC writes the two out.
- A peer that asks all the same without end is no longer answered: see ``MAX_ANSWERS``.
"""

from __future__ import annotations

import enum

#: Answers to one peer, after which there are no more. A client opens with about ten requests (inetutils'
#: telnet) and has few later. Two programs that refuse each other's refusals never come to an end.
MAX_ANSWERS = 64


class Option(enum.IntEnum):
    """Options by their usual names, with the numbers assigned by IANA. Any other is a plain number."""

    BINARY = 0  # RFC 856
    ECHO = 1  # RFC 857
    SGA = 3  # RFC 858, suppress go-ahead
    STATUS = 5  # RFC 859
    TIMING_MARK = 6  # RFC 860
    LOGOUT = 18  # RFC 727
    TTYPE = 24  # RFC 1091, terminal type
    EOR = 25  # RFC 885, end of record
    NAWS = 31  # RFC 1073, window size
    TSPEED = 32  # RFC 1079, terminal speed
    LFLOW = 33  # RFC 1372, flow control
    LINEMODE = 34  # RFC 1184
    XDISPLOC = 35  # RFC 1096, X display location
    OLD_ENVIRON = 36  # RFC 1408
    AUTHENTICATION = 37  # RFC 2941
    ENCRYPT = 38  # RFC 2946
    NEW_ENVIRON = 39  # RFC 1572
    CHARSET = 42  # RFC 2066


class State(enum.Enum):
    """Where an option stands (RFC 1143, section 7). It is on in YES and in no other state.

    WANT: this has been said, and the answer is awaited. OPPOSITE: after it the contrary is to be said.
    """

    NO = enum.auto()
    YES = enum.auto()
    WANT_NO = enum.auto()
    WANT_NO_OPPOSITE = enum.auto()
    WANT_YES = enum.auto()
    WANT_YES_OPPOSITE = enum.auto()


class Input(enum.Enum):
    """What happens to an option."""

    ON = enum.auto()  # the peer says WILL or DO, and that suits us
    UNWANTED = enum.auto()  # the peer says WILL or DO, and that does not suit us
    OFF = enum.auto()  # the peer says WONT or DONT
    ENABLE = enum.auto()  # we want it on
    DISABLE = enum.auto()  # we want it off


_NO, _YES = State.NO, State.YES
_WANT_NO, _WANT_NO_OPPOSITE = State.WANT_NO, State.WANT_NO_OPPOSITE
_WANT_YES, _WANT_YES_OPPOSITE = State.WANT_YES, State.WANT_YES_OPPOSITE

#: State and input, to the next state and what to say: True is WILL or DO, False WONT or DONT, None nothing.
#: A peer that answers WONT or DONT with the contrary is in error; what then, section 7 of the RFC settles.
STEPS: dict[tuple[State, Input], tuple[State, bool | None]] = {
    (_NO, Input.ON): (_YES, True),
    (_NO, Input.UNWANTED): (_NO, False),
    (_NO, Input.OFF): (_NO, None),
    (_NO, Input.ENABLE): (_WANT_YES, True),
    (_NO, Input.DISABLE): (_NO, None),
    (_YES, Input.ON): (_YES, None),
    (_YES, Input.UNWANTED): (_YES, None),
    (_YES, Input.OFF): (_NO, False),
    (_YES, Input.ENABLE): (_YES, None),
    (_YES, Input.DISABLE): (_WANT_NO, False),
    (_WANT_NO, Input.ON): (_NO, None),
    (_WANT_NO, Input.UNWANTED): (_NO, None),
    (_WANT_NO, Input.OFF): (_NO, None),
    (_WANT_NO, Input.ENABLE): (_WANT_NO_OPPOSITE, None),
    (_WANT_NO, Input.DISABLE): (_WANT_NO, None),
    (_WANT_NO_OPPOSITE, Input.ON): (_YES, None),
    (_WANT_NO_OPPOSITE, Input.UNWANTED): (_YES, None),
    (_WANT_NO_OPPOSITE, Input.OFF): (_WANT_YES, True),
    (_WANT_NO_OPPOSITE, Input.ENABLE): (_WANT_NO_OPPOSITE, None),
    (_WANT_NO_OPPOSITE, Input.DISABLE): (_WANT_NO, None),
    (_WANT_YES, Input.ON): (_YES, None),
    (_WANT_YES, Input.UNWANTED): (_YES, None),
    (_WANT_YES, Input.OFF): (_NO, None),
    (_WANT_YES, Input.ENABLE): (_WANT_YES, None),
    (_WANT_YES, Input.DISABLE): (_WANT_YES_OPPOSITE, None),
    (_WANT_YES_OPPOSITE, Input.ON): (_WANT_NO, False),
    (_WANT_YES_OPPOSITE, Input.UNWANTED): (_WANT_NO, False),
    (_WANT_YES_OPPOSITE, Input.OFF): (_NO, None),
    (_WANT_YES_OPPOSITE, Input.ENABLE): (_WANT_YES, None),
    (_WANT_YES_OPPOSITE, Input.DISABLE): (_WANT_YES_OPPOSITE, None),
}


class Options:
    """The options of one connection, both sides of it.

    Args:
        local: options that we turn on when the peer asks for it (DO).
        remote: options that the peer may turn on when it offers (WILL). All others are refused.
    """

    __slots__ = ("_answers", "_local", "_remote", "_states")

    def __init__(self, local: frozenset[int], remote: frozenset[int]) -> None:
        self._local = local
        self._remote = remote
        # By option and whether it is the peer's. Those in state NO are left out: refusals take no memory.
        self._states: dict[tuple[int, bool], State] = {}
        # How often the peer has been answered.
        self._answers = 0

    def enabled(self, option: int, by_peer: bool) -> bool:
        """Whether an option is on: the peer's, or ours."""
        return self._state(option, by_peer) is State.YES

    def awaited(self, option: int, by_peer: bool) -> bool:
        """Whether we want an option on and the peer has not answered yet."""
        return self._state(option, by_peer) is State.WANT_YES

    def heard(self, option: int, by_peer: bool, on: bool) -> bool | None:
        """The peer has said WILL or WONT of an option of its own, or DO or DONT of one of ours.

        Returns:
            What to answer: True is DO or WILL, False DONT or WONT, None nothing.
        """
        state = self._state(option, by_peer)
        if not on:
            what = Input.OFF
        elif option in (self._remote if by_peer else self._local):
            what = Input.ON
        else:
            what = Input.UNWANTED
        after, say = STEPS[state, what]
        if say is not None and self._answers >= MAX_ANSWERS:
            # Unanswered, an option cannot come on. But one that the peer turns off is off, whatever we say.
            after, say = (state if on else State.NO), None
        elif say is not None:
            self._answers += 1
        self._enter(option, by_peer, after)
        return say

    def wish(self, option: int, by_peer: bool, on: bool) -> bool | None:
        """We want an option on or off. Returns what to say, as ``heard`` does."""
        state, say = STEPS[self._state(option, by_peer), Input.ENABLE if on else Input.DISABLE]
        self._enter(option, by_peer, state)
        return say

    def _state(self, option: int, by_peer: bool) -> State:
        return self._states.get((option, by_peer), State.NO)

    def _enter(self, option: int, by_peer: bool, state: State) -> None:
        if state is State.NO:
            self._states.pop((option, by_peer), None)
        else:
            self._states[option, by_peer] = state
