"""``netkit serve``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..limits import Limits
from . import values
from .options import one_layer, one_loop

if TYPE_CHECKING:
    from ..services.chat.records import Kept
    from ..storage import Worker

#: Characters of an operators' token at least: what nobody guesses, however often they may try.
SHORTEST_TOKEN = 16

EPILOG = """\b
Every option can come from the environment:
  NETKIT_SERVE_LAYER=protocols
  NETKIT_SERVE_LISTEN="8888 unix:///run/chat.sock"

\b
Join with:
  nc localhost 8888        telnet localhost 8888        nc -U /run/chat.sock
  openssl s_client -quiet -connect localhost:8889 -CAfile CA.pem

\b
One session over a pipe, a terminal or the socket of inetd; sockets of systemd:
  echo hi | netkit serve --service echo --listen stdio:
  netkit serve --listen systemd: --listen stdio:
"""


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """One option per field of ``Limits``, so that none can be forgotten."""
    defaults = Limits()
    for each in reversed(fields(Limits)):
        default = getattr(defaults, each.name)
        shown: bool | str = True if default is not None else "as the service says: echo 300, chat never"
        command = click.option(
            "--" + each.name.replace("_", "-"),
            type=int if isinstance(default, int) else float,
            default=default,
            show_default=shown,
            metavar=each.metadata["unit"].upper(),
            help=each.metadata["about"],
        )(command)
    return command


@click.command("serve", epilog=EPILOG, context_settings={"max_content_width": 110})
@one_layer("The tier of asyncio that carries the service: 7, 8 or 9.")
@click.option(
    "--service",
    default="chat",
    show_default=True,
    metavar="chat|echo|MODULE:FACTORY",
    help="What to serve: a chat, an RFC 862 echo, or what your own FACTORY makes.",
)
@one_loop
@click.option(
    "--listen",
    multiple=True,
    default=["tcp://127.0.0.1:8888"],
    show_default=True,
    metavar="ENDPOINT",
    help="Where: tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT (echo), unix:///PATH[?mode=660], or a port on "
    "loopback; stdio: (one session), fd://N[?tls] (an inherited socket), systemd:[//NAME][?tls] (what it passes). "
    "May be given more than once; all of them share the service.",
)
@click.option(
    "--workers",
    type=values.workers,
    default="1",
    show_default=True,
    metavar="N|auto",
    help="Processes that share the port, for an echo, or your own service if it says workers = True; auto: one for "
    "each processor. All bounds below hold for each of them.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="PEM certificate chain for tls:// endpoints.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="PEM private key, where it is not in --tls-cert.")
@click.option("--tls-dev", is_flag=True, help="A throw-away certificate instead, for development only.")
@click.option("--unicode-nicks", is_flag=True, help="Chat: allow nicks beyond ASCII, of one script each.")
@click.option(
    "--operator-token-file",
    type=click.Path(path_type=Path),
    help="Chat: a file with a token of 16 characters or more. Who gives it to /op may kick, ban and stop the server.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Chat: keep rooms, topics, history and bans in DIR, which is made where it is missing. Left out: in memory.",
)
@limit_options
@click.option(
    "--no-rate-limit",
    is_flag=True,
    help="No bound on how fast people come, rename and talk, nor on their first line: for a load test.",
)
@click.option("-v", "--verbose", count=True, help="Log connections; twice: all there is.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object a line. The lines that say what is served are no log, and stay text.",
)
def command(
    layer: str,
    service: str,
    loop: str,
    listen: tuple[str, ...],
    workers: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_dev: bool,
    unicode_nicks: bool,
    operator_token_file: Path | None,
    state: Path | None,
    no_rate_limit: bool,
    verbose: int,
    log_format: str,
    **bounds: Any,
) -> None:
    """Serve a chat or an echo, to netcat, telnet and openssl.

    Prints `listening on ENDPOINT` for each socket, with its real port, and what serves, on standard error.
    SIGTERM or Ctrl-C stops it after writing out what is queued; a second one ends it at once.
    """
    # Here and not above: `netkit --help` shall not wait for asyncio.
    from .. import services
    from ..endpoints import Endpoint
    from ..server import Config, run
    from .logs import configure

    endpoints = tuple(Endpoint.parse(each) for each in listen)
    try:
        limits = Limits(**bounds)
    except ValueError as wrong:
        # It speaks of fields; the options have the same names, with dashes.
        raise click.UsageError(f"{wrong}.".replace("_", "-")) from None
    if no_rate_limit:
        limits = limits.without_rates()
    _check_tls(endpoints, tls_cert, tls_key, tls_dev)
    if state is not None and service != "chat":
        raise click.UsageError("--state keeps what the chat knows: it is of no use without --service chat.")
    token = _token(service, operator_token_file)
    configure(verbose, log_format)
    with _opened(state) as (storage, kept):
        config = Config(
            service=services.make(service, limits, unicode_nicks=unicode_nicks, operator_token=token, kept=kept),
            service_name=service,
            layer=layer,
            loop=loop,
            listen=endpoints,
            limits=limits,
            tls_cert=tls_cert,
            tls_key=tls_key,
            tls_dev=tls_dev,
            storage=storage,
        )
        if workers == 1:
            run(config, report=_report)
        else:
            from ..workers import supervisor
            from .worker import command as worker

            supervisor.run(config, workers, worker(verbose, log_format), report=_report)


def _report(line: str) -> None:
    """Say what is served; standard output may be the conversation itself."""
    click.echo(line, err=True)


@contextmanager
def _opened(state: Path | None) -> Iterator[tuple[Worker | None, Kept | None]]:
    """The storage in a directory, open while the block lasts, and what it kept. None of it where there is none."""
    if state is None:
        yield None, None
        return
    from .. import storage

    worker, kept = storage.open(state)
    with worker:  # the server closes it too, unless it does not come so far
        yield worker, kept


def _token(service: str, path: Path | None) -> str:
    """The operators' token, empty where there is to be none."""
    if path is None:
        return ""
    if service != "chat":
        raise click.UsageError("--operator-token-file is of no use without --service chat.")
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as why:
        reason = why.strerror if isinstance(why, OSError) else "it is not text"
        raise click.UsageError(f"cannot read the operators' token in {path}: {reason}.") from None
    if len(token) < SHORTEST_TOKEN or not token.isprintable() or " " in token:
        raise click.UsageError(
            f"the token in {path} must be one word of {SHORTEST_TOKEN} characters or more: openssl rand -hex 16"
        )
    return token


def _check_tls(endpoints: tuple[Any, ...], cert: Path | None, key: Path | None, dev: bool) -> None:
    """Refuse options that contradict each other, or would silently do nothing."""
    wanted = any(each.tls for each in endpoints)
    if dev and cert:
        raise click.UsageError("--tls-dev and --tls-cert exclude each other.")
    if key and not cert:
        raise click.UsageError("--tls-key needs --tls-cert beside it.")
    if wanted and not (dev or cert):
        raise click.UsageError("a tls:// endpoint needs --tls-cert and --tls-key, or --tls-dev for a throw-away one.")
    if (dev or cert) and not wanted:
        raise click.UsageError("a certificate is of no use without a tls:// endpoint: add --listen tls://HOST:PORT.")
