"""Netkit's chat."""

from __future__ import annotations

import re

from ..peer import Peer
from .profile import Profile, Refused


class Chat(Profile):
    """Lines, telnet, names that can be changed, and answers behind ``***``."""

    name = "chat"
    about = "netkit's chat"
    clean = True
    attributed = True
    telnet = True
    half_close = True
    commands = (b"/names", b"/who", b"/help", b"/rooms", b"/history 100")
    listing = b"/who"
    endings = (b"\n", b"\r\n", b"\r\0", b"\r")  # RFC 1123, 3.3.1

    async def enter(self, peer: Peer, name: str, listener: Peer | None) -> None:
        """The greeting, which comes by itself."""
        if not await peer.hears(b"*** you are "):
            raise Refused(f"no greeting: the connection is {peer.state}, and what came is {bytes(peer.heard[:80])!r}")

    def rename(self, name: bytes) -> bytes:
        """``/nick``."""
        return b"/nick " + name + self.newline

    def has_name(self, peer: Peer, name: bytes) -> bool | None:
        """It says so, or why not. That somebody else has it now, everybody is told: ``*** guest2 is ann now``."""
        lines = peer.lines()
        if b"*** you are " + name + b" now" in lines:
            return True
        refusals = (b"*** " + name + b" is ", b"*** " + name + b" looks ", b"*** a name ", b"*** you are called ")
        return False if any(line.startswith(refusals) for line in lines) else None

    def server_name(self, peer: Peer) -> bytes:
        """It has none, but this one would be believed."""
        return b"server"

    def ask(self, word: bytes) -> bytes:
        """A command that there is not: it is named in the answer."""
        return b"/" + word + self.newline

    def called(self, peer: Peer) -> bytes:
        """The greeting tells it."""
        found = re.search(rb"\*\*\* you are (\w+)", peer.heard)
        return found[1] if found else b""

    def whisper(self, to: bytes, text: bytes) -> bytes:
        """``/msg``."""
        return b"/msg " + to + b" " + text + self.newline

    def topic(self, text: bytes) -> bytes:
        """``/topic``."""
        return b"/topic " + text + self.newline

    def wrong(self, text: bytes) -> bytes:
        """A word after a slash."""
        return b"/" + text + self.newline

    def leave(self) -> bytes:
        """``/quit``."""
        return b"/quit" + self.newline
