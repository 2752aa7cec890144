"""Why a connection ends: a closed list of words, the same for who is told, in the log and in what is counted."""

from __future__ import annotations

from enum import StrEnum


class Ending(StrEnum):
    """One word for each way in which netkit ends a connection, or sees it end.

    A service of one's own may give other words to ``Close``. They are counted too, so let them be few and fixed.
    """

    QUIT = "quit"
    """It asked to leave."""
    EOF = "eof"
    """It finished sending, and has been answered."""
    LOST = "lost"
    """It broke off: a reset, a time-out of the network, or closed while it was written to."""
    IDLE = "idle"
    """No byte came from it for ``Limits.idle`` seconds."""
    SILENT = "silent"
    """No first line came from a stranger in ``Limits.first_line`` seconds."""
    TOO_SLOW = "too-slow"
    """It did not read: more than ``Limits.hard`` waited for it, or more than ``Limits.high`` for too long."""
    OVER_BUDGET = "over-budget"
    """More than ``Limits.budget`` waited for all, and the most for this one."""
    LINE_TOO_LONG = "line-too-long"
    """It sent too many lines that are too long, or far too much without an end of line."""
    TELNET_FLOOD = "telnet-flood"
    """It sent what no telnet client does."""
    TLS_ON_PLAIN = "tls-on-plain"
    """It began a TLS handshake where none is spoken."""
    HTTP = "http"
    """It sent a web request."""
    BAD_TOKEN = "bad-token"
    """It guessed at an operator's token too often."""
    KICKED = "kicked"
    """An operator sent it away."""
    BANNED = "banned"
    """An operator has banned it, or where it comes from."""
    SERVER_FULL = "server-full"
    """All places of the server are taken."""
    ADDRESS_FULL = "address-full"
    """All places of its address are taken."""
    CONNECT_FLOOD = "connect-flood"
    """Too many connections came from its address in the last minutes."""
    HANDSHAKE = "handshake"
    """Its TLS handshake failed, or took too long."""
    SHUTDOWN = "shutdown"
    """The server stops."""
    FAILED = "failed"
    """The service has a fault, and this connection met it."""
