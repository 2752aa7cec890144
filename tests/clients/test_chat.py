"""One room, and in it every client that people have: over TCP, over TLS and over a Unix socket."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.process import PATIENCE

if TYPE_CHECKING:
    from tests.clients.conftest import Client, Meeting, Telnet

#: Who comes, by nick, in this order, and with which client.
GUESTS = {
    "ann": "nc",
    "bob": "nc -C",
    "cy": "ncat",
    "dee": "ncat --ssl",
    "eve": "socat tcp",
    "fay": "nc -U",
    "gil": "telnet",
    "hal": "openssl",
}

#: Clients that end their side when their input ends, and stay until the server has ended its own.
HALF_CLOSING = ["nc -N", "nc -U -N", "ncat", "socat tcp", "socat unix"]


def joined(chat: Meeting, **guests: str) -> dict[str, Client]:
    """Clients that have come one after the other, taken their nicks, and seen everybody do so."""
    people: dict[str, Client] = {}
    for nick, kind in guests.items():
        person = chat.client(kind)
        person.output.until(b" here: /who names them\r\n" if people else b"*** nobody else is here yet\r\n")
        person.says(f"/nick {nick}")
        person.sees(f"*** you are {nick} now")
        for other in people.values():
            other.sees("*** guest1 is here", f"*** guest1 is {nick} now")
        people[nick] = person
    return people


def test_everybody_reads_what_anybody_says_and_that_the_server_stops(chat: Meeting) -> None:
    people = joined(chat, **GUESTS)
    for nick, person in people.items():
        person.says(f"I am {nick} änd use {GUESTS[nick]}")
        for other in people.values():
            if other is not person:
                other.sees(f"<{nick}> I am {nick} änd use {GUESTS[nick]}")
    chat.stops_cleanly()
    for person in people.values():
        person.sees("*** the server is stopping: goodbye (shutdown)")


def test_everybody_can_quit(chat: Meeting) -> None:
    people = joined(chat, **GUESTS)
    for nick, kind in GUESTS.items():
        person = people.pop(nick)
        person.says("/quit")
        person.sees("*** goodbye (quit)")
        person.ends_input()  # when the server has closed, both netcats still wait for their user to press a key
        if kind == "telnet":
            person.sees("Connection closed by foreign host.")
        assert person.output.rest() == b""
        assert person.wait() == 0
        for other in people.values():
            other.sees(f"*** {nick} left")


def test_a_line_that_the_input_ends_in_is_said(chat: Meeting) -> None:
    ann = joined(chat, ann="nc")["ann"]
    for kind in HALF_CLOSING:
        done = subprocess.run(chat.command(kind), input=b"one\ntwo", capture_output=True, timeout=PATIENCE, check=True)
        assert done.stdout.startswith(b"*** you are guest1 in #lobby\r\n")
        assert done.stderr == b""
        ann.sees("*** guest1 is here", "<guest1> one", "<guest1> two", "*** guest1 left")


def test_netcat_is_never_sent_what_only_telnet_reads(telnet: Telnet, ann: Client) -> None:
    bob = telnet("telnet -PORT")
    bob.types(b"/nick bob\r")
    bob.output.until(b"*** you are bob now")
    ann.sees("*** guest1 is bob now")
    bob.types(b"never said\x03")
    bob.output.until(b"^C")
    bob.types(b"interrupted\r")
    ann.sees("<bob> interrupted")
    ann.says("/edit")
    ann.sees("*** that is for telnet: what you use sends whole lines")
    ann.says("/quit")
    ann.ends_input()
    ann.output.rest()
    assert b"\xff" not in ann.output.all
