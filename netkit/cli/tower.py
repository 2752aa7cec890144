"""``netkit tower``."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import TowerError
from .terminal import coloured, look, say, terminable

if TYPE_CHECKING:
    from subprocess import Popen

    from ..tower.tier import Tier

EPILOG = """\b
  netkit tower                    the nine tiers, from the top down to the ground
  netkit tower 7                  one of them in full; netkit tower transports is the same
  netkit tower 7 --run            its example, live
  netkit tower -o tower.svg       a picture
  netkit tower --json             the same for programs

\b
Examples are shown in colours where Pygments is installed: pip install 'netkit[tower]'
"""

#: What an example is told that shall end, and how many seconds it then has. After that it is killed.
ENDING = ((None, 0.5), (signal.SIGINT, 2.0))

#: How an example may end that was told to.
TOLD = (0, -signal.SIGINT, -signal.SIGTERM)


@click.command("tower", epilog=EPILOG, context_settings={"max_content_width": 110, "ignore_unknown_options": True})
@click.argument("tier", required=False, metavar="[TIER]")
@click.option("--run", is_flag=True, help="Run the example of the tier. Ctrl-C ends it.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the tower, all nine tiers, as a picture: .svg at its end.",
)
@click.option("--json", is_flag=True, help="For programs: the tiers, each with its places in netkit.")
def command(tier: str | None, run: bool, output: Path | None, json: bool) -> None:
    """Show the tower of asyncio: nine tiers, and where netkit uses them.

    TIER is a number from 1, coroutines, to 9, streams, or a name. Lines are looked up in the source that is installed.
    """
    if tier is not None and tier.startswith("-") and not tier[1:].isdigit():
        raise click.NoSuchOption(tier)  # what looks like one may also be a number: -1 is told which tiers there are
    from ..tower import tiers

    chosen = None if tier is None else tiers.find(tier)
    _check(chosen, run, output, json)
    if output is not None:
        _draw(output)
    elif json:
        click.echo(_data(tiers.TIERS if chosen is None else (chosen,)))
    elif chosen is None:
        _show_all()
    elif run:
        _run(chosen)
    else:
        _show(chosen)


def _check(tier: Tier | None, run: bool, output: Path | None, json: bool) -> None:
    """Refuse options that contradict each other, or would silently do nothing."""
    asked = [name for name, given in (("--run", run), ("--output", output), ("--json", json)) if given]
    if len(asked) > 1:
        raise click.UsageError(f"{' and '.join(asked)} exclude each other.")
    if run and tier is None:
        raise click.UsageError("--run needs a tier: netkit tower 9 --run.")
    if output is not None and tier is not None:
        raise click.UsageError("--output draws the whole tower: leave out the tier.")
    if output is not None and output.suffix.lower() != ".svg":
        raise click.UsageError(f"cannot tell the form of {output}: give a name that ends in .svg.")


def _draw(path: Path) -> None:
    from ..bench import results
    from ..tower import picture, tiers

    results.writable(path)
    results.save(path, picture.svg(tiers.TIERS))


def _data(shown: tuple[Tier, ...]) -> str:
    import json
    from dataclasses import asdict

    from ..tower import places

    made = []
    for tier in shown:
        found = asdict(tier)
        del found["uses"]
        found["places"] = [asdict(place) for place in places.find_all(tier.uses)]
        made.append(found)
    return json.dumps({"format": "netkit-tower", "version": 1, "tiers": made}, indent=2)


def _show_all() -> None:
    from ..tower import places, show, tiers

    found = {tier.number: places.find_all(tier.uses) for tier in tiers.TIERS}
    say(show.table(tiers.TIERS, found, look()))


def _show(tier: Tier) -> None:
    from ..tower import places, samples, show

    file, code = samples.path(tier), samples.text(tier)
    if coloured():
        code = _highlighted(code)
    with suppress(ValueError):
        file = file.relative_to(Path.cwd())
    say(show.full(tier, places.find_all(tier.uses), str(file), code, look()))


def _highlighted(code: str) -> str:
    """In colours, where Pygments is there."""
    try:
        from pygments import highlight, token  # type: ignore[import-untyped]
        from pygments.formatters import TerminalFormatter  # type: ignore[import-untyped]
        from pygments.lexers import PythonLexer  # type: ignore[import-untyped]
    except ImportError:
        return code
    # Those of its own colours that can be read on a dark terminal cannot be on a light one, and the other way round.
    colours = {
        token.Token: "",
        token.Keyword: "magenta",
        token.Name.Function: "*blue*",
        token.Name.Class: "*blue*",
        token.Name.Decorator: "cyan",
        token.String: "green",
        token.Number: "cyan",
        token.Comment: "brightblack",
    }
    scheme = {kind: (colour, colour) for kind, colour in colours.items()}
    formatter = TerminalFormatter(colorscheme=scheme)
    lexer = PythonLexer(stripnl=False)
    return str(highlight(code, lexer, formatter))


def _run(tier: Tier) -> None:
    """Run the example as a child with our input and output, and end when it has.

    Raises:
        TowerError: it failed.
    """
    from subprocess import Popen

    from ..tower import samples

    file = samples.path(tier)
    told = False
    with terminable(), Popen((sys.executable, file)) as child:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            told = True
            code = _end(child)
    if code and not (told and code in TOLD):
        raise TowerError(f"the example {file.name} failed: exit status {code}")


def _end(child: Popen[bytes]) -> int:
    """See that the child ends. Ctrl-C on a terminal has told it already; a signal to us alone has not."""
    from subprocess import TimeoutExpired

    for number, patience in ENDING:
        if number is not None:
            child.send_signal(number)
        with suppress(TimeoutExpired, KeyboardInterrupt):
            return child.wait(patience)
    child.kill()
    return child.wait()
