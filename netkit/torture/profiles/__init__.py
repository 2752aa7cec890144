"""How one talks to a service: what is sent to be taken in, to say something, and what comes of it."""

from __future__ import annotations

from .broadcast import Broadcast
from .chat import Chat
from .echo import Echo
from .irc import Irc
from .profile import Profile, Refused

__all__ = ["PROFILES", "Profile", "Refused"]

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (Echo(), Chat(), Broadcast(), Irc())}
