"""A session from what was asked for to its end: the loop, signals, and what is read and written."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .. import loops
from ..endpoints import Endpoint
from ..errors import ConnectError, TimedOutError
from ..stdio import fill
from ..tls import client_context
from . import Connection, load
from .conversation import Conversation
from .dialect import Dialect
from .route import Route, reason
from .sink import Output, Screen, Sink
from .source import Input, Left, Source

STDIN, STDOUT, STDERR = range(3)

#: Most bytes read from standard input at once: what a pipe of Linux holds.
READ_SIZE = 64 * 1024

#: The same where each read becomes a datagram: below the 9,216 bytes that macOS and the BSDs send in one.
DATAGRAM_SIZE = 8 * 1024

#: Seconds of silence after the end of the input that end a session where the peer cannot know of it, unless told
#: otherwise. UDP: an answer over the internet, once repeated. TLS: the time that a server is given to shake hands.
SILENCE = {"udp": 2.0, "tls": 10.0}

#: Seconds that a peer which has ended has for reading the last that we sent: netkit's own grace.
GRACE = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What ``run`` needs to know, and ``netkit connect`` asks for.

    Attributes:
        endpoint: where to connect.
        layer: ``transports``, ``protocols`` or ``streams``.
        loop: one of ``loops.NAMES``.
        cafile: PEM certificates of the authorities to trust; None: those of the system.
        insecure: whether to take any certificate.
        server_name: what the certificate must be for, where that is not the host.
        crlf: whether an LF becomes CR LF.
        telnet: whether the peer may speak telnet. None: if both ends are terminals. False is raw: no editor either, and
            a terminal is shown every byte.
        hexdump: whether all that passes is shown on standard error too.
        timeout: seconds to connect, and of silence after the end of the input; None: see ``SILENCE``.
    """

    endpoint: Endpoint
    layer: str = "streams"
    loop: str = "auto"
    cafile: Path | None = None
    insecure: bool = False
    server_name: str | None = None
    crlf: bool = False
    telnet: bool | None = None
    hexdump: bool = False
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """Our ends of the conversation, and what a newcomer at a terminal should know of them."""

    source: Source
    sink: Sink
    dump: Sink | None
    hint: str = ""


def run(config: Config, report: Callable[[str], None]) -> None:
    """Connect, and talk until both sides have ended.

    Args:
        config: with whom, and how.
        report: gets one line once it is connected, if somebody sits at a terminal.

    Raises:
        ConnectError: it could not be connected, or it broke.
        TimedOutError: that or the peer's answer took longer than ``timeout``.
        CertificateError: ``cafile`` cannot be read.
        LoopError: the loop is not installed.
        BrokenPipeError: whoever read standard output has gone.
        KeyboardInterrupt: Ctrl-C, or SIGTERM.
    """
    _, loop_factory = loops.factory(config.loop)
    route = Route(config.endpoint)
    if config.endpoint.scheme == "tls":
        context = client_context(config.cafile, verify=not config.insecure)
        route = Route(config.endpoint, context, config.server_name or config.endpoint.host)
    if sys.stdout is None:
        raise ConnectError("standard output is closed: send it somewhere, such as to /dev/null")
    fill()
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_run(config, route, report))
    except (asyncio.CancelledError, Left):
        raise KeyboardInterrupt from None


async def _run(config: Config, route: Route, report: Callable[[str], None]) -> None:
    with _signals_cancel():
        connection = load(config.layer, config.endpoint.scheme).Connection(route)
        await _open(connection, config)
        try:
            with _ends(config) as ends:
                if ends.hint:
                    report(f"connected to {config.endpoint}: {ends.hint}")
                await _conversation(config, connection, ends).hold()
            await _close(connection, config)
        except BaseException:
            connection.abort()
            raise
        finally:
            await connection.close()


@contextmanager
def _signals_cancel() -> Iterator[None]:
    """Ctrl-C and SIGTERM cancel the task that runs this, so that the terminal is put in order again."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _open(connection: Connection, config: Config) -> None:
    deadline = asyncio.timeout(config.timeout)
    try:
        async with deadline:
            await connection.open()
    except OSError as why:
        if deadline.expired():
            waited = f"no answer within {config.timeout:g} s, see --timeout"
            raise TimedOutError(f"cannot connect to {config.endpoint}: {waited}") from None
        raise ConnectError(f"cannot connect to {config.endpoint}: {reason(why)}") from None
    except UnicodeError:
        raise ConnectError(f"cannot connect to {config.endpoint}: not a host name") from None


async def _close(connection: Connection, config: Config) -> None:
    """Close, unless the peer does not read what is still to be written."""
    try:
        async with asyncio.timeout(GRACE):
            await connection.close()
    except TimeoutError:
        raise ConnectError(f"{config.endpoint} has not read the last of the input within {GRACE:g} s") from None


def _conversation(config: Config, connection: Connection, ends: Ends) -> Conversation:
    """What is said, and for how long, as the endpoint wants it."""
    scheme = config.endpoint.scheme
    is_telnet = ends.source.personal if config.telnet is None else config.telnet
    silence = SILENCE.get(scheme) if config.timeout is None else config.timeout
    return Conversation(
        connection,
        ends.source,
        ends.sink,
        Dialect(telnet=is_telnet and scheme != "udp", crlf=config.crlf),
        peer=str(config.endpoint),
        dump=ends.dump,
        silence=silence,
        silence_ends=scheme in SILENCE,
    )


@contextmanager
def _ends(config: Config) -> Iterator[Ends]:
    """What is read and what is written, as they are: a terminal on both sides has an editor, if one is installed."""
    raw = config.telnet is False
    personal = os.isatty(STDIN) and os.isatty(STDOUT)
    dump = Output(STDERR, "standard error") if config.hexdump else None
    if personal and not raw and find_spec("prompt_toolkit"):
        from .editor import Editor

        editor = Editor()
        notes = editor.notes if config.hexdump and os.isatty(STDERR) else dump
        with editor.quiet():
            yield Ends(editor, editor, notes, "Ctrl-D ends what you send, Ctrl-C leaves")
        return
    size = DATAGRAM_SIZE if config.endpoint.scheme == "udp" else READ_SIZE
    source = Input(STDIN, size, personal=personal)
    output = Output(STDOUT)
    if raw or not os.isatty(STDOUT):
        yield Ends(source, output, dump)
        return
    hint = "pip install 'netkit[connect]' keeps what you type in one piece" if personal else ""
    yield Ends(source, Screen(output, sys.stdout.encoding), dump, hint)
