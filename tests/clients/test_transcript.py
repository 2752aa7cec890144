"""A short talk between netcat, telnet and openssl, and all that each of the three has on the screen after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.clients.conftest import Meeting

ANN = """\
*** you are guest1 in #lobby
*** type a line and press Enter to talk; /help shows more, /quit leaves
*** nobody else is here yet
*** you are ann now
*** guest1 is here
*** guest1 is bob now
*** guest1 is here
*** guest1 is cy now
<bob> hello from telnet
<cy> hello from openssl
* bob waves
[cy -> you] psst
*** bob left
*** cy left: see you
*** goodbye (quit)
"""

BOB = """\
Trying 127.0.0.1...
Connected to 127.0.0.1.
Escape character is '^]'.
*** you are guest1 in #lobby
*** type a line and press Enter to talk; /help shows more, /quit leaves
*** 1 other here: /who names them
/nick bob
*** you are bob now
*** guest1 is here
*** guest1 is cy now
<ann> hello from nc
hello from telnet
<cy> hello from openssl
/me waves
*** goodbye (quit)
Connection closed by foreign host.
"""

CY = """\
*** you are guest1 in #lobby
*** type a line and press Enter to talk; /help shows more, /quit leaves
*** 2 others here: /who names them
*** you are cy now
<ann> hello from nc
<bob> hello from telnet
* bob waves
[you -> ann] psst
*** bob left
*** goodbye (quit)
"""


def test_three_clients_talk(chat: Meeting) -> None:
    ann = chat.client("nc")
    ann.says("/nick ann")
    ann.finds("*** you are ann now")
    bob = chat.client("telnet")
    bob.output.until(b"*** 1 other here: /who names them\r\n")
    bob.says("/nick bob")
    bob.sees("*** you are bob now")
    cy = chat.client("openssl")
    cy.says("/nick cy")
    cy.finds("*** you are cy now")
    bob.finds("*** guest1 is cy now")
    ann.finds("*** guest1 is cy now")

    ann.says("hello from nc")
    bob.sees("<ann> hello from nc")
    cy.sees("<ann> hello from nc")
    bob.says("hello from telnet")
    cy.sees("<bob> hello from telnet")
    cy.says("hello from openssl")
    bob.sees("<cy> hello from openssl")
    bob.says("/me waves")
    cy.sees("* bob waves")
    cy.says("/msg ann psst")
    cy.sees("[you -> ann] psst")
    bob.types(b"\x04")
    cy.sees("*** bob left")
    cy.says("/quit see you")
    ann.finds("*** cy left: see you")
    ann.says("/quit")
    ann.sees("*** goodbye (quit)")
    ann.ends_input()

    for person, screen in (ann, ANN), (bob, BOB), (cy, CY):
        person.output.rest()
        assert person.output.all.decode().replace("\r\n", "\n") == screen
