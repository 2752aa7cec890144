"""Nicks: what somebody may be called, and who is called what.

The rules are narrow by default, because a name is what others trust: ASCII, and no two names that differ
only in case. With ``unicode`` any one script may be used; names are then normalised (NFKC), and two that
fold alike are one name. What looks alike across scripts is kept apart by "one script" only, not by a table
of confusables.
"""

from __future__ import annotations

import heapq
import re
import unicodedata

from .person import Person
from .phrases import quote
from .refusal import Refusal

#: Longest nick, in characters; UTF-8 makes 96 bytes of it at most. ssh-chat allows 16, ergo 32.
MAX_LENGTH = 24

#: Names that would speak for the server, or that its own lines use for somebody.
RESERVED = frozenset(
    ("admin", "everybody", "everyone", "guest", "me", "netkit", "nobody", "root", "server", "system", "you")
)

TOO_LONG = f"a name has at most {MAX_LENGTH} characters: choose a shorter one"

_ASCII = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_GUEST = re.compile(r"guest\d+")

# Letters and marks that show nothing (Default_Ignorable_Code_Point, UAX #44): two names could look the same.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

# Scripts that one language writes together, as in the profile of Japanese in UTS #39.
_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK"}


def fold(nick: str) -> str:
    """What two names have in common when they are one and the same: NFKC and case folding."""
    if nick.isascii():
        return nick.lower()
    # Folding may undo the normal form, so it is made twice, as NFKC_Casefold does.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", nick).casefold())


def reserved(key: str) -> bool:
    """Whether a name, folded, is kept for the server: its guests, and what would speak for it."""
    return key in RESERVED or _GUEST.fullmatch(key) is not None


def check(nick: str, *, unicode: bool = False) -> str:
    """A nick as it is kept, if it is made of what a nick may be made of.

    Args:
        nick: text that ``wire.text.clean`` has seen, not empty.
        unicode: allow letters other than a-z, of one script.

    Raises:
        Refusal: it breaks a rule.
    """
    if len(nick) > MAX_LENGTH:
        raise Refusal(TOO_LONG)
    if unicode and not nick.isascii():
        return _check_unicode(nick)
    if not _ASCII.fullmatch(nick):
        raise Refusal("a name is a letter, and then letters, digits, _ . and -: try /nick ann")
    return nick


def _check_unicode(nick: str) -> str:
    nick = unicodedata.normalize("NFKC", nick)
    # The normal form of one character may be eighteen.
    if len(nick) > MAX_LENGTH:
        raise Refusal(TOO_LONG)
    if not nick[0].isalpha() or _INVISIBLE.search(nick) or not all(map(_allowed, nick)):
        raise Refusal("a name is a letter, and then letters, digits, _ . and -: choose another one")
    scripts = {_script(char) for char in nick if char.isalpha()}
    if len(scripts) > 1:
        raise Refusal(f"a name is of one script, not of {' and '.join(sorted(scripts))}: keep to one of them")
    return nick


def _allowed(char: str) -> bool:
    if char in "_.-":
        return True
    category = unicodedata.category(char)
    # Marks that enclose (Me) cover the letter they stand on.
    return category[0] == "L" or category in ("Mn", "Mc", "Nd")


def _script(char: str) -> str:
    """The script of a letter: the first word of its name, which is right for all but a few symbols."""
    word = unicodedata.name(char, "UNKNOWN").split()[0]
    return _TOGETHER.get(word, word)


class Nicks:
    """Who is called what. Taking a name is one step, so that of two who ask for the same one gets it."""

    __slots__ = ("_free_guests", "_guests", "_people", "_unicode")

    def __init__(self, *, unicode: bool = False) -> None:
        self._unicode = unicode
        self._people: dict[str, Person] = {}
        # The highest number of a guest so far, and a heap of those below it that are free again.
        self._guests = 0
        self._free_guests: list[int] = []

    def guest(self) -> str:
        """The name for who comes in now: ``guest`` and the lowest free number. ``add`` its owner next."""
        if self._free_guests:
            return f"guest{heapq.heappop(self._free_guests)}"
        self._guests += 1
        return f"guest{self._guests}"

    def add(self, person: Person) -> None:
        """Enter somebody under the name that ``guest`` gave."""
        self._people[person.key] = person

    def rename(self, person: Person, nick: str) -> None:
        """Give somebody another name, or the same one in other capitals.

        Raises:
            Refusal: the name breaks a rule, is somebody else's, or is the present one.
        """
        nick = check(nick, unicode=self._unicode)
        key = fold(nick)
        # A guest may write its own name in capitals.
        if key != person.key and reserved(key):
            raise Refusal(f"{nick} is kept for the server's own use: choose another name")
        if nick == person.nick:
            raise Refusal(f"you are called {nick} already")
        if self._people.get(key, person) is not person:
            raise Refusal(f"{nick} is somebody else's name: choose another one")
        if key != person.key:
            self.remove(person)
            person.key = key
            self.add(person)
        person.nick = nick

    def remove(self, person: Person) -> None:
        """Let go of somebody's name."""
        del self._people[person.key]
        if _GUEST.fullmatch(person.key):
            heapq.heappush(self._free_guests, int(person.key.removeprefix("guest")))

    def get(self, nick: str) -> Person | None:
        """Who is called that, in whatever capitals, or None."""
        return self._people.get(fold(nick)) if len(nick) <= MAX_LENGTH else None

    def find(self, nick: str) -> Person:
        """Who is called that, in whatever capitals.

        Raises:
            Refusal: nobody is.
        """
        person = self.get(nick)
        if person is None:
            raise Refusal(f"there is no {quote(nick)} here: /who names those who are")
        return person
