"""Nicks: what somebody may be called, and who is called what.

The rules are narrow by default, because a name is what others trust: ASCII, and no two names that differ
only in case. With ``unicode`` any one script may be used; names are then normalised (NFKC), two that fold alike
are one name, and none may look like another one, in ASCII neither: ``paypa1`` beside ``paypal``. What a script is
and what looks alike, Unicode says (UTS #39), and ICU knows, the library of Unicode itself: an optional package.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from functools import cache
from typing import Any

from ...errors import ServiceError
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

# USPOOF_HIDDEN_OVERLAY: a mark that disappears in its letter, as a dot above an i. PyICU has no name for it.
_HIDDEN_OVERLAY = 256


def fold(nick: str) -> str:
    """What two names have in common when they are one and the same: NFKC and case folding."""
    if nick.isascii():
        return nick.lower()
    # Folding may undo the normal form, so it is made twice, as NFKC_Casefold does.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", nick).casefold())


def looks(nick: str) -> tuple[str, ...]:
    """What two names have in common, if only one of these, when they look alike. For comparison, never for display.

    These are the skeletons (UTS #39, section 4) of the name as it is written, in small letters and in capitals:
    ``fold`` makes one name of all three, and each hides something else. ``I`` is an ``l`` only as it is written,
    ``M`` an ``rn`` only when small, and a Cyrillic ``\u043d`` an ``H`` only as a capital.

    Raises:
        ServiceError: PyICU is not installed.
    """
    nick = unicodedata.normalize("NFKC", nick)
    cases = (nick, fold(nick), unicodedata.normalize("NFKC", nick.upper()))
    return tuple(dict.fromkeys(map(_skeleton, cases)))


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
        ServiceError: ``unicode``, and PyICU is not installed.
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
    icu, checker = _icu()
    mixed = icu.USpoofChecks.RESTRICTION_LEVEL
    flaws = checker.check(nick)
    # A character that shows nothing is of no script either, so it is looked for first.
    if not nick[0].isalpha() or not all(map(_allowed, nick)) or flaws & ~mixed:
        raise Refusal("a name is a letter, and then letters, digits, _ . and -: choose another one")
    if flaws & mixed:
        scripts = sorted({icu.Script.getScript(char).getName() for char in nick} - {"Common", "Inherited"})
        # A digit or a mark that several scripts share, and that of the letters is not among them.
        named = f"not of {' and '.join(scripts)}" if len(scripts) > 1 else "with its digits and marks"
        raise Refusal(f"a name is of one script, {named}: keep to one of them".replace("_", " "))
    return nick


def _allowed(char: str) -> bool:
    if char in "_.-":
        return True
    category = unicodedata.category(char)
    # Marks that enclose (Me) cover the letter they stand on.
    return category[0] == "L" or category in ("Mn", "Mc", "Nd")


@cache
def _icu() -> tuple[Any, Any]:
    """PyICU, and its checker of names. Not at the top: the import takes 20 ms and 11 MiB, and few ask for it."""
    try:
        import icu  # type: ignore[import-untyped]
    except ImportError:
        raise ServiceError(
            "PyICU is not installed: pip install 'netkit[unicode-nicks]', or leave out --unicode-nicks"
        ) from None
    checker = icu.SpoofChecker()
    # One script in the sense of UTS #39, section 5.1: Japanese, Korean and Chinese are one each.
    checker.setRestrictionLevel(icu.URestrictionLevel.SINGLE_SCRIPT_RESTRICTIVE)
    checker.setAllowedUnicodeSet(icu.UnicodeSet("[:^Default_Ignorable_Code_Point:]"))
    checks = icu.USpoofChecks
    checker.setChecks(checks.RESTRICTION_LEVEL | checks.CHAR_LIMIT | checks.INVISIBLE | _HIDDEN_OVERLAY)
    return icu, checker


def _skeleton(text: str) -> str:
    """ICU's skeleton, made again until it stays the same: for a few letters the data takes two steps."""
    _, checker = _icu()
    # Both palochkas look like an l. Before Unicode 17 the data said so of the capital alone.
    text = text.replace("\u04cf", "\u04c0")
    while (skeleton := checker.getSkeleton(0, text)) != text:
        text = skeleton
    return text


@cache
def _kept_looks() -> tuple[frozenset[str], re.Pattern[str]]:
    """How the names look that are kept for the server: those that would speak for it, and its guests."""
    digits = "".join(map(_skeleton, "0123456789"))
    guests = re.compile(f"({'|'.join(looks('guest'))})[{digits}]+")
    return frozenset(look for name in RESERVED for look in looks(name)), guests


class Nicks:
    """Who is called what. Taking a name is one step, so that of two who ask for the same one gets it.

    Args:
        unicode: allow letters other than a-z, of one script in each name, and let no two names look alike.

    Raises:
        ServiceError: ``unicode``, and PyICU is not installed.
    """

    __slots__ = ("_free_guests", "_guests", "_looks", "_people", "_unicode")

    def __init__(self, *, unicode: bool = False) -> None:
        if unicode:
            _icu()  # Who lacks it shall know now, and not when somebody takes a name.
        self._unicode = unicode
        self._people: dict[str, Person] = {}
        # Whose name looks like that. Without guests: nobody else can look like one.
        self._looks: dict[str, Person] = {}
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
        if self._unicode and not reserved(person.key):
            self._looks.update(dict.fromkeys(looks(person.nick), person))

    def rename(self, person: Person, nick: str) -> None:
        """Give somebody another name, or the same one in other capitals.

        Raises:
            Refusal: the name breaks a rule, is somebody else's or looks like it, or is the present one.
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
        if self._unicode and not reserved(key):
            self._refuse_looks(person, nick)
        before = person.key
        self._strike(person)
        person.nick, person.key = nick, key
        self.add(person)
        if key != before:
            self._free(before)

    def remove(self, person: Person) -> None:
        """Let go of somebody's name."""
        self._strike(person)
        self._free(person.key)

    def get(self, nick: str) -> Person | None:
        """Who is called that, in whatever capitals, or None."""
        return self._people.get(fold(nick)) if len(nick) <= MAX_LENGTH else None

    def find(self, nick: str) -> Person:
        """Who is called that, in whatever capitals; not who is called something that looks like it.

        Raises:
            Refusal: nobody is.
        """
        person = self.get(nick)
        if person is None:
            raise Refusal(f"there is no {quote(nick)} here: /who names those who are")
        return person

    def _refuse_looks(self, person: Person, nick: str) -> None:
        """Refuse a name that looks like one that is taken, or kept for the server."""
        kept, guests = _kept_looks()
        for look in looks(nick):
            if look in kept or guests.fullmatch(look):
                raise Refusal(f"{nick} looks too much like a name kept for the server's own use: choose another one")
            other = self._looks.get(look, person)
            if other is not person:
                raise Refusal(f"{nick} looks too much like {other.nick}, who is here: choose another one")

    def _strike(self, person: Person) -> None:
        del self._people[person.key]
        if self._unicode and not reserved(person.key):
            for look in looks(person.nick):
                del self._looks[look]

    def _free(self, key: str) -> None:
        if _GUEST.fullmatch(key):
            heapq.heappush(self._free_guests, int(key.removeprefix("guest")))
