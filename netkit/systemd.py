"""What systemd tells a service, and wants to be told: sd_listen_fds(3) and sd_notify(3), without its library.

Everything is in the environment: ``LISTEN_PID``, ``LISTEN_FDS`` and ``LISTEN_FDNAMES`` for sockets that were passed,
``NOTIFY_SOCKET`` for where news go. Without them nothing happens. See also systemd.socket(5), systemd.service(5).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress

from .endpoints import Endpoint
from .errors import ListenError

#: The descriptor of the first socket that is passed.
FIRST = 3

#: Seconds at most that news may take. They are one datagram to a process on this machine.
PATIENCE = 1.0


def resolve(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Put the descriptors that were passed in the place of each ``systemd`` endpoint, and leave all others as they are.

    Where there is such an endpoint the variables are removed: they are for this process, and for it once.

    Raises:
        ListenError: nothing was passed to this process, or nothing of a name.
    """
    endpoints = list(endpoints)
    if not any(each.scheme == "systemd" for each in endpoints):
        return endpoints
    passed = _passed()
    found: list[Endpoint] = []
    for endpoint in endpoints:
        if endpoint.scheme != "systemd":
            found.append(endpoint)
            continue
        if not passed:
            raise ListenError(f"{endpoint.scheme} has passed no sockets: start netkit from a .socket unit")
        chosen = [fd for fd, name in passed if endpoint.name in ("", name)]
        if not chosen:
            names = ", ".join(sorted({name for _, name in passed}))
            raise ListenError(f"no socket was passed for {endpoint}, only for {names}: see FileDescriptorName=")
        found += [Endpoint("fd", name=str(fd), wrapped=endpoint.wrapped) for fd in chosen]
    return found


def _passed() -> list[tuple[int, str]]:
    """The descriptors that were passed to this process, with their names."""
    pid, count, names = (os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    named = names.split(":") if names else []
    return [(FIRST + at, named[at] if at < len(named) else "unknown") for at in range(int(count))]


def notify(*news: str) -> None:
    """Tell systemd some news, such as ``READY=1``, if it wants to know. That it cannot be told harms nothing."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if place[:1] not in ("/", "@"):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        # An @ stands for the null byte of an abstract socket (unix(7)).
        sock.connect(place.replace("@", "\0", 1) if place.startswith("@") else place)
        sock.send("\n".join(news).encode())
