"""The command line. Each command has a file of its own, loaded when it is called.

Exit codes: 0 done, 1 it failed, 2 it was asked wrongly. A failure is one line on standard error.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from .. import __version__
from ..errors import EndpointError, FaultError, NetkitError, ResultError, ScenarioError, ServiceError, TierError

COMMANDS = ("serve", "connect", "bench", "compare", "report", "torture", "tower", "trace")

#: What the user wrote is wrong, as opposed to what the machine could not do.
USAGE_ERRORS = (EndpointError, FaultError, ResultError, ScenarioError, ServiceError, TierError)


class Commands(click.Group):
    """A group whose commands are modules of this package, and whose errors are one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order in which they are best learned."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name}", __name__).command
        return command

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run, and exit with a code and at most one line."""
        extra["standalone_mode"] = False
        if not standalone_mode:
            return super().main(*args, **extra)
        try:
            code = super().main(*args, **extra)
        except click.UsageError as wrong:
            asked = wrong.ctx.command_path if wrong.ctx else "netkit"
            _fail(f"{wrong.format_message()} ({asked} --help tells more)", wrong.exit_code)
        except click.ClickException as failed:
            _fail(failed.format_message(), failed.exit_code)
        except NetkitError as failed:
            _fail(str(failed), 2 if isinstance(failed, USAGE_ERRORS) else 1)
        except click.Abort:
            _fail("interrupted", 1)
        except OSError as failed:
            # click itself ends quietly where whoever read our output has left, as in `netkit ... | head`.
            _fail(str(failed), 1)
        sys.exit(code if isinstance(code, int) else 0)


def _fail(line: str, code: int) -> NoReturn:
    click.echo(f"netkit: {' '.join(line.split())}", err=True)
    sys.exit(code)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"auto_envvar_prefix": "NETKIT", "help_option_names": ["-h", "--help"]},
)
# Not from the environment: NETKIT_VERSION is what an image of a container says of itself, and no wish.
@click.version_option(__version__, prog_name="netkit", allow_from_autoenv=False)
@click.pass_context
def main(ctx: click.Context) -> None:
    """One echo and chat service, carried by three layers of asyncio."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
