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
    longest = 400  # of 512 with the prefix (2.3)
    commands = (b"NAMES " + CHANNEL, b"WHO " + CHANNEL, b"MOTD", b"LUSERS", b"LIST")
    listing = b"NAMES " + CHANNEL
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
        """A NICK of oneself comes back, as it comes to all others too; else 433 (in use) or 432 (erroneous)."""
        own, refused = b"", False
        for line in peer.lines():
            prefix, _, rest = line.removeprefix(b":").partition(b" ")
            command, _, params = rest.partition(b" ")
            if command == b"001":
                own = params.split(b" ")[0]
            elif command == b"NICK" and prefix.partition(b"!")[0] == own:
                own = params.removeprefix(b":")
                if own == name:
                    return True
            elif command in (b"431", b"432", b"433", b"437"):
                refused = True
        return False if refused else None

    def server_name(self, peer: Peer) -> bytes:
        """The prefix of what it says itself."""
        welcome = next(line for line in peer.lines() if b" 001 " in line)
        return welcome.removeprefix(b":").partition(b" ")[0]

    def ask(self, word: bytes) -> bytes:
        """A ``PING``, which is answered with the same word."""
        return b"PING :" + word + self.newline

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

    @staticmethod
    def answer(line: bytes) -> bytes:
        """A PONG to each PING."""
        return b"PONG" + line[4:] + b"\r\n" if line.startswith(b"PING") else b""
