"""``netkit trace``."""

from __future__ import annotations

from pathlib import Path

import click

from .options import LAYERS, LOOPS
from .terminal import look, say

EPILOG = """\b
Stories: connect, message, flood, half-close, slow-reader, tls.

\b
  netkit trace                                       one line through streams, step by step
  netkit trace --layer streams --layer protocols     two layers side by side
  netkit trace --loop asyncio --loop uvloop          two loops
  netkit trace --what slow-reader --layer protocols  what holds back a fast writer
  netkit trace --service chat -o trace.html          a page that opens offline

\b
Times are taken while every call is recorded: they are several times longer than without.
What a layer costs, netkit bench tells.
"""

#: What ``--output`` can be, by the end of its name.
FORMS = (".html", ".json")


@click.command("trace", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.option(
    "--what",
    type=click.Choice(["connect", "message", "flood", "half-close", "slow-reader", "tls"]),
    default="message",
    show_default=True,
    help="The story.",
)
@click.option(
    "--layer",
    multiple=True,
    type=click.Choice(LAYERS),
    default=["streams"],
    show_default=True,
    help="More than once: side by side.",
)
@click.option(
    "--loop",
    multiple=True,
    type=click.Choice(LOOPS),
    default=["asyncio"],
    show_default=True,
    help="More than once: side by side.",
)
@click.option(
    "--service", default="echo", show_default=True, metavar="chat|echo|MODULE:FACTORY", help="As netkit serve takes it."
)
@click.option("--every", is_flag=True, help="Every step, also where callbacks only repeat themselves.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A page, .html at its end, or .json."
)
@click.option("--json", is_flag=True, help="For programs: all steps, on standard output.")
@click.option(
    "--patience",
    type=click.FloatRange(0.1, 600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the server is given for an answer.",
)
def command(
    what: str,
    layer: tuple[str, ...],
    loop: tuple[str, ...],
    service: str,
    every: bool,
    output: Path | None,
    json: bool,
    patience: float,
) -> None:
    """Follow one message through the tower of asyncio.

    A real server, on a real loop, is sent a line, and every step is shown that it takes, with its tier.
    """
    if output is not None and output.suffix.lower() not in FORMS:
        raise click.UsageError(f"cannot tell the form of {output}: give a name that ends in {' or '.join(FORMS)}.")
    if json and output is not None:
        raise click.UsageError("--json and --output exclude each other.")
    if every and (json or output is not None):
        raise click.UsageError("--every is for the terminal: a page and data have every step anyway.")
    import asyncio

    from ..bench import results
    from ..tower.trace import page, text
    from ..tower.trace.run import Plan, compare

    if output is not None:
        results.writable(output)
    cells = [(each, other) for other in dict.fromkeys(loop) for each in dict.fromkeys(layer)]
    found = asyncio.run(compare(Plan(what=what, service=service, patience=patience), cells))
    if json:
        click.echo(found.dumps(), nl=False)
    elif output is not None:
        results.save(output, page.write(found) if output.suffix.lower() == ".html" else found.dumps())
    else:
        say(text.show(found, look(), every=every))
