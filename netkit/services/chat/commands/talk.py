"""Commands for talking: names, actions, private messages, and leaving."""

from __future__ import annotations

from ....endings import Ending
from ..phrases import listing
from ..refusal import Refusal
from .table import Asked, command

#: Longest reason for being away, in characters: it is told to everybody who writes.
MAX_AWAY = 100

#: People whom one may ignore.
MAX_IGNORED = 50


@command("talk", "/nick NAME", "change your name")
def _nick(asked: Asked) -> None:
    asked.house.rename(asked.turn, asked.person, asked.words[0])


@command("talk", "/me ACTION", "say what you do: /me waves")
def _me(asked: Asked) -> None:
    asked.house.say(asked.turn, asked.person, asked.words[0], action=True)


@command("talk", "/msg NAME TEXT", "say something to one person alone")
def _msg(asked: Asked) -> None:
    name, text = asked.words
    asked.house.whisper(asked.turn, asked.person, asked.other(name), text)


@command("talk", "/reply TEXT", "answer who last wrote to you alone")
def _reply(asked: Asked) -> None:
    to = asked.person.reply_to
    if to is None:
        raise Refusal("nobody has written to you alone: use /msg NAME TEXT")
    if to.gone:
        raise Refusal(f"{to.nick} has left: use /msg NAME TEXT for somebody else")
    asked.house.whisper(asked.turn, asked.person, to, asked.words[0])


@command("talk", "/ignore [NAME]", "hear no more of somebody, or again; alone: list them")
def _ignore(asked: Asked) -> None:
    (name,) = asked.words
    person, house = asked.person, asked.house
    if not name:
        nicks = sorted(other.nick for other in person.ignoring or ())
        for line in listing(f"{len(nicks)} ignored", nicks, 0) if nicks else ["you ignore nobody"]:
            asked.answer(line)
        return
    other = asked.other(name)
    if len(person.ignoring or ()) >= MAX_IGNORED and other not in (person.ignoring or ()):
        raise Refusal(f"you ignore {MAX_IGNORED} people already: /ignore NAME hears one of them again")
    ignored = house.ignore(person, other)
    asked.answer(f"you ignore {other.nick} now" if ignored else f"you hear {other.nick} again")


@command("talk", "/away [WHY]", "say that you do not answer now; alone: that you are back")
def _away(asked: Asked) -> None:
    (reason,) = asked.words
    if len(reason) > MAX_AWAY:
        raise Refusal(f"a reason has at most {MAX_AWAY} characters: make it shorter")
    if not reason and not asked.person.away:
        raise Refusal("say why: /away lunch. /away alone says that you are back")
    asked.person.away = reason
    asked.answer(f"you are away: {reason}" if reason else "you are back")


@command("talk", "/quiet", "hear no more of who comes and goes, or again")
def _quiet(asked: Asked) -> None:
    person = asked.person
    person.quiet = not person.quiet
    if person.quiet:
        person.room.quiet[person.conn] = None
        asked.answer("you are not told any more who comes and goes: /quiet again tells you")
    else:
        del person.room.quiet[person.conn]
        asked.answer("you are told again who comes and goes")


@command("talk", "/quit [WORDS]", "leave the chat, with a last word if you like")
def _quit(asked: Asked) -> None:
    (words,) = asked.words
    asked.answer(f"goodbye ({Ending.QUIT})")
    speaks = words and asked.person.muted_until <= asked.now
    asked.house.leave(asked.turn, asked.person, f": {words}" if speaks else "")
    asked.turn.close(asked.person, Ending.QUIT)
