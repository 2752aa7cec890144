"""What all profiles have."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..peer import Peer


class Refused(Exception):
    """The service has not taken somebody in. The message says what came instead."""


class Profile:
    """One service, as its clients see it.

    Attributes:
        name: what it is called on the command line.
        about: what it is, in one line.
        bystanders: how many healthy clients there are.
        rate: messages a second from each, below what the service may slow or punish.
        echoes: whether what is said comes back to the speaker, and to nobody else.
        newline: how a line ends.
        clean: whether it promises that no line of others can do something to a terminal, or deceive who reads it there.
            Lines are UTF-8, with no control but a tab in them (C0, DEL, C1), no format character or separator that
            hides text or turns its order round, and no heap of combining marks. Such may be left out or shown as
            something else, such as U+FFFD or an octal escape; the line may be refused, or its sender cut off.
        attributed: whether each line of others stands behind a mark of who says it.
        telnet: whether it takes telnet commands out of what it is sent (RFC 854).
        half_close: whether it promises to answer who has ended their side, and to take a last line without its newline.
        longest: bytes of a text that it takes as one line, whatever else it has for a bound.
        commands: lines that it answers to the sender alone, for a flood of commands.
        listing: the command that lists who is here; empty where there is none.
        endings: how a line may end, by what the service promises.
        answer: gives what must be sent at once in answer to a line, as to a ping, empty for nothing; None where no line
            wants that.
    """

    name: str
    about: str
    bystanders = 8
    rate = 1.5
    echoes = False
    newline = b"\n"
    clean = False
    attributed = False
    telnet = False
    half_close = False
    longest = 2000
    commands: Sequence[bytes] = ()
    listing = b""
    endings: Sequence[bytes] = (b"\n", b"\r\n")
    answer: Callable[[bytes], bytes] | None = None

    async def enter(self, peer: Peer, name: str, listener: Peer | None) -> None:
        """Wait until the service has taken somebody in.

        Args:
            peer: who has just connected.
            name: a name to have, where there are any.
            listener: somebody who is in already, and hears what others say.

        Raises:
            Refused: it has not, in time.
        """
        raise NotImplementedError

    def say(self, text: bytes) -> bytes:
        """What is sent to say something to the others, with its newline."""
        return text + self.newline

    def rename(self, name: bytes) -> bytes:
        """What is sent to have another name; empty where there are no names."""
        return b""

    def has_name(self, peer: Peer, name: bytes) -> bool | None:
        """Whether somebody was given the name that was asked for; None while there is no answer yet."""
        return None

    def server_name(self, peer: Peer) -> bytes:
        """A name that speaks for the server; empty where there are no names."""
        return b""

    def ask(self, word: bytes) -> bytes:
        """What is sent to be answered with a word in it, after all that was asked before; empty where nothing is."""
        return b""

    def leave(self) -> bytes:
        """What is sent to go; empty where one just goes."""
        return b""

    def unended(self, text: bytes) -> bytes:
        """What is sent to say something, without the end of its line."""
        return self.say(text).removesuffix(self.newline)

    def forged(self, text: bytes) -> bytes:
        """A line as others would read it, if somebody called user99 had said it."""
        return b"<user99> " + text

    def called(self, peer: Peer) -> bytes:
        """The name that somebody was given; empty where there are no names."""
        return b""

    def whisper(self, to: bytes, text: bytes) -> bytes:
        """What is sent to say something to one person alone; empty where that cannot be."""
        return b""

    def topic(self, text: bytes) -> bytes:
        """What is sent to set what the room is about; empty where that cannot be."""
        return b""

    def wrong(self, text: bytes) -> bytes:
        """A command that there is not, which has a text in it; empty where there are no commands."""
        return b""
