"""The command ``pwb-oauth``: a file a subcommand, and what they share."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import TYPE_CHECKING

import click

from pwb_oauth._version import __version__
from pwb_oauth.cli.exits import Exit, exit_of
from pwb_oauth.errors import PwbOAuthError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    "login",
    "logout",
    "status",
    "whoami",
    "register",
    "setup",
    "migrate",
    "doctor",
    "key",
    "move",
    "export",
    "demo",
)
"""In the order in which people need them."""


class _Commands(click.Group):
    """Subcommands whose module is imported when they are asked for. Each takes ``--debug``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which people need them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command ``NAME`` of the module ``pwb_oauth.cli.NAME``."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        if _debug not in command.params:
            command.params.append(_debug)
        return command


def _want_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value:
        ctx.find_root().obj.debug = True


class _Run:
    """What a run of the command was asked for, beside its work."""

    debug = False


_debug = click.Option(
    ["--debug"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_want_debug,
    help="Show where an error comes from.",
)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pwb-oauth")
def cli() -> None:
    """Sign Pywikibot scripts in by OAuth, with the tokens in the keyring.

    Begin with: pwb-oauth login

    \b
    Exit codes: 0 fine; 1 failed; 2 wrong use; 4 no credential, or the wiki
    refuses it; 130 interrupted.
    """


cli.params.append(_debug)


def main(arguments: Sequence[str] | None = None, prog_name: str = "pwb-oauth") -> None:
    """Run the command, and end the process with its exit code.

    Args:
        arguments: What stands behind the command's name; None for the process's own.
        prog_name: The command's name, as it was called.
    """
    run = _Run()
    try:
        # Not standalone: click would take Ctrl-C for a failure.
        code = cli.main(arguments, prog_name, standalone_mode=False, obj=run)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\npwb-oauth: Interrupted. Run the command again to go on.", err=True)
        code = Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except Exception as error:  # the end of the process; nothing goes on
        if run.debug:
            traceback.print_exc()
        click.echo(f"pwb-oauth: {_explain(error)}", err=True)
        code = exit_of(error)
    sys.exit(code)


def _explain(error: Exception) -> str:
    if isinstance(error, PwbOAuthError):
        return str(error)
    # Its text is not ours, and might hold anything.
    return f"{type(error).__name__}, which is a mistake in pwb-oauth. See where: add --debug"
