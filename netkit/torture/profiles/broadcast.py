"""A plain broadcast of lines: what one says, all others get, as ``ncat --chat`` does it."""

from __future__ import annotations

from ..peer import Peer
from .profile import Profile, Refused

#: Seconds between two hellos of somebody who has not been heard yet, and how many there are.
EACH, HELLOS = 0.25, 20


class Broadcast(Profile):
    """Lines to all others, perhaps behind a mark of who says them; no names, no commands, no greeting to count on."""

    name = "broadcast"
    about = "a plain line broadcast, such as ncat --chat"
    clean = True
    attributed = True
    rate = 3.0

    async def enter(self, peer: Peer, name: str, listener: Peer | None) -> None:
        """It says hello until a listener hears it; the first one of all is believed."""
        if listener is None:
            return
        hello = f"hello from {name}".encode()
        for _ in range(HELLOS):
            if not await peer.send(self.say(hello)):
                break
            if await listener.hears(hello, EACH):
                return
        raise Refused(f"nobody has heard it say hello: the connection is {peer.state}")
