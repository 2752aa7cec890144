"""IRC with registration (RFC 2812), in one channel."""

from __future__ import annotations

import re

from ..peer import PATIENCE, Peer
from .profile import Profile, Refused

CHANNEL = b"#torture"


class Irc(Profile):
    """NICK and USER, then a channel.

    What a line may do to a terminal is the client's business there: all octets but NUL, CR and LF are allowed (2.3.1).
    """

    name = "irc"
    about = "IRC with registration (RFC 2812)"
    newline = b"\r\n"
    attributed = True
    commands = (b"NAMES " + CHANNEL, b"WHO " + CHANNEL, b"MOTD", b"LUSERS", b"LIST")
    endings = (b"\r\n",)  # RFC 2812, 2.3: a server may take either alone, and need not

    async def enter(self, peer: Peer, name: str, listener: Peer | None) -> None:
        """Registered (001), and in the channel (366: the end of its names)."""
        nick = name.encode()[:9]  # RFC 2812, 1.2.1
        await peer.send(b"NICK " + nick + b"\r\nUSER " + nick + b" 0 * :" + nick + b"\r\n")
        if not await peer.hears(b" 001 " + nick, 2 * PATIENCE):
            raise Refused(
                f"not registered: the connection is {peer.state}, and what came is {bytes(peer.heard[:120])!r}"
            )
        await peer.send(b"JOIN " + CHANNEL + b"\r\n")
        if not await peer.hears(b" 366 " + nick, 2 * PATIENCE):
            raise Refused(f"not in {CHANNEL.decode()}: the connection is {peer.state}")

    def say(self, text: bytes) -> bytes:
        """A PRIVMSG to the channel."""
        return b"PRIVMSG " + CHANNEL + b" :" + text + self.newline

    def rename(self, name: bytes) -> bytes:
        """``NICK``."""
        return b"NICK " + name + self.newline

    def has_name(self, peer: Peer, name: bytes) -> bool | None:
        """A NICK of oneself comes back; else 433 (in use) or 432."""
        for line in peer.lines():
            if line.startswith(b":") and line.endswith((b" NICK :" + name, b" NICK " + name)):
                return True
            if b" 433 " in line or b" 432 " in line:
                return False
        return None

    def forged(self, text: bytes) -> bytes:
        """A PRIVMSG with a prefix."""
        return b":user99!user99@host " + self.unended(text)

    def called(self, peer: Peer) -> bytes:
        """The welcome tells it."""
        found = re.search(rb" 001 (\S+)", peer.heard)
        return found[1] if found else b""

    def whisper(self, to: bytes, text: bytes) -> bytes:
        """A PRIVMSG to a nick."""
        return b"PRIVMSG " + to + b" :" + text + self.newline

    def topic(self, text: bytes) -> bytes:
        """``TOPIC``."""
        return b"TOPIC " + CHANNEL + b" :" + text + self.newline

    def wrong(self, text: bytes) -> bytes:
        """421 is the answer to it."""
        return b"X" + text + self.newline

    def leave(self) -> bytes:
        """``QUIT``."""
        return b"QUIT" + self.newline

    def answer(self, line: bytes) -> bytes:
        """A PONG to each PING."""
        return b"PONG" + line[4:] + self.newline if line.startswith(b"PING") else b""
