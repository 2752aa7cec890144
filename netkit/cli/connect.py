"""``netkit connect``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import one_layer, one_loop
from .terminal import terminable

if TYPE_CHECKING:
    from ..client.session import Config
    from ..endpoints import Endpoint

EPILOG = """\b
  netkit connect 8888                                     a chat on this machine
  netkit connect tls://localhost:8889 --cafile CA.pem     the same over TLS
  netkit connect localhost:7777 < file > copy             byte for byte, through an echo
  echo ping | netkit connect udp://localhost:7777         one datagram, and what comes back

\b
Exit status: 0 both sides have ended, 1 no connection, or it broke, or whoever read the output has gone,
2 asked wrongly, 124 --timeout has run out, 130 Ctrl-C or SIGTERM.

\b
At the end of the input our side ends, and what the peer still sends is shown until it ends too.
TLS and UDP cannot tell the peer: there, silence ends it, after --timeout or 10 s of TLS, 2 s of UDP.
"""

#: What a shell says of a command that Ctrl-C has ended.
INTERRUPTED = 130


class _TimedOut(click.ClickException):
    """Took too long, with the exit status of timeout(1)."""

    exit_code = 124


@click.command("connect", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("endpoint")
@one_layer("The tier of asyncio that the client itself uses: 7, 8 or 9.")
@one_loop
@click.option("--cafile", type=click.Path(path_type=Path), help="TLS: PEM certificates to trust, not the system's.")
@click.option("--insecure", is_flag=True, help="TLS: take any certificate. Anybody may listen in then.")
@click.option("--server-name", metavar="NAME", help="TLS: what the certificate must be for, if not the host.")
@click.option("--crlf", is_flag=True, help="Send CR LF for each LF.")
@click.option(
    "--telnet/--raw",
    default=None,
    help="Speak telnet with a peer that does, as by default where input and output are terminals; or send and show "
    "every byte as it is, as by default elsewhere.",
)
@click.option("--hexdump", is_flag=True, help="Show all that passes on standard error too: > was sent, < came.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Time to connect, and for each silence of the peer after the end of the input. Default: as long as it takes, "
    "but see below.",
)
def command(endpoint: str, **options: Any) -> int:
    """Connect to ENDPOINT: standard input goes there, and what comes back to standard output.

    ENDPOINT is tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT, unix:///PATH, HOST:PORT, or a port on loopback.
    On a terminal lines are edited, Ctrl-D ends what you send, Ctrl-C leaves, and what comes is shown as safe text.
    Over UDP each line that is typed is a datagram, and so is each piece that is read from elsewhere.
    """
    with terminable():
        try:
            _connect(endpoint, options)
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0


def _connect(endpoint: str, options: dict[str, Any]) -> None:
    # Here and not above: `netkit --help` shall not wait for asyncio.
    from ..client.session import Config, run
    from ..errors import TimedOutError

    config = Config(endpoint=_endpoint(endpoint), **options)
    _check(config)
    try:
        run(config, report=lambda line: click.echo(line, err=True))
    except TimedOutError as late:
        raise _TimedOut(str(late)) from None


def _endpoint(text: str) -> Endpoint:
    """What is meant, where only a host and a port are given too; and nothing that cannot be connected to."""
    from ..endpoints import SCHEMES, Endpoint
    from ..errors import EndpointError

    host = re.fullmatch(r"(\[[^\]/@?#]+\]|[^\s:/@?#\[\]]+):\d+", text.strip())
    if host and host[1].lower() not in SCHEMES:
        text = f"tcp://{text.strip()}"
    endpoint = Endpoint.parse(text)
    if endpoint.scheme != "unix" and not endpoint.port:
        raise EndpointError(f"{endpoint} has no port that can be connected to: 0 is for servers")
    if "?" in str(endpoint):
        raise EndpointError(f"{endpoint}: ?mode= is for servers, leave it out")
    return endpoint


def _check(config: Config) -> None:
    """Refuse options that contradict each other, or would silently do nothing."""
    names = {"cafile": "--cafile", "insecure": "--insecure", "server_name": "--server-name"}
    given = [option for name, option in names.items() if getattr(config, name) not in (None, False)]
    if given and config.endpoint.scheme != "tls":
        raise click.UsageError(f"{' and '.join(given)}: of use for tls://HOST:PORT only.")
    if config.insecure and config.cafile:
        raise click.UsageError("--insecure and --cafile exclude each other.")
    if config.server_name is not None and not _is_host(config.server_name):
        raise click.UsageError(f"--server-name {config.server_name}: not a host name.")
    if config.telnet and config.endpoint.scheme == "udp":
        raise click.UsageError("--telnet: telnet needs a connection, and UDP has none.")


def _is_host(name: str) -> bool:
    """Whether TLS can ask for it."""
    try:
        return bool(name.encode("idna")) and not name.startswith(".")
    except UnicodeError:
        return False
