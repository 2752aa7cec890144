"""An echo (RFC 862): the same bytes come back to who sent them."""

from __future__ import annotations

from ..peer import Peer
from .profile import Profile, Refused


class Echo(Profile):
    """Byte for byte, whatever they are."""

    name = "echo"
    about = "an echo (RFC 862)"
    bystanders = 4
    rate = 25.0
    echoes = True

    async def enter(self, peer: Peer, name: str, listener: Peer | None) -> None:
        """A first message there and back."""
        hello = f"hello from {name}".encode()
        await peer.send(self.say(hello))
        if not await peer.hears(hello):
            raise Refused(f"no echo of {hello!r}: the connection is {peer.state}, {peer.received} bytes came")
