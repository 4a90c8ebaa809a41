"""The command ``pwb-oauth``: a file a subcommand, and what they share."""

from __future__ import annotations

import importlib
import io
import re
import sys
import traceback
from typing import TYPE_CHECKING

import click

from pwb_oauth._version import __version__
from pwb_oauth.cli.exits import Exit, exit_of
from pwb_oauth.cli.misplaced import says_token, token_given
from pwb_oauth.errors import PwbOAuthError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    "sandbox",
)
"""In the order in which people need them."""


# What is imported for nothing else than to print.
_PRINTERS = ("click", "rich")


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
@click.version_option(__version__)
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
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A user name may have letters that the terminal's encoding lacks. Standard error is so.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        # Not standalone: click would take Ctrl-C for a failure.
        code = cli.main(arguments, prog_name, standalone_mode=False, obj=run)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = Exit.WRONG_USE
    except (click.Abort, KeyboardInterrupt) as error:
        code, told = _told_of_end(error)
        click.echo(f"{prog_name}: {told}", err=True)
    except Exception as error:  # noqa: BLE001  # the end of the process; nothing goes on
        _tell(error, prog_name, with_origin=run.debug)
        code = error.exit_code if isinstance(error, click.ClickException) else exit_of(error)
    sys.exit(code)


def _tell(error: Exception, prog_name: str, *, with_origin: bool) -> None:
    from pwb_oauth.cli.terminal import say  # noqa: PLC0415  # imports rich

    if with_origin:
        say("\n".join(_origin(error)))
    told = _told_of_output(error) or _explain(error, prog_name)
    say(f"{prog_name}: {told}")


def _told_of_output(error: Exception) -> str | None:
    """What to say if it is the output that failed, as on a disk that is full."""
    if not isinstance(error, OSError):
        return None
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    if frame.f_globals["__name__"].partition(".")[0] not in _PRINTERS:
        return None
    return (
        f"Standard output cannot be written ({error.strerror}). Make room there or send it "
        "elsewhere, then run the command again."
    )


def _told_of_end(error: BaseException) -> tuple[Exit, str]:
    # click makes the same of Ctrl-C and of Ctrl-D, or an input that ends, but keeps what it was.
    if isinstance(error, KeyboardInterrupt) or isinstance(error.__context__, KeyboardInterrupt):
        return Exit.INTERRUPTED, "Interrupted. Run the command again to go on."
    return Exit.FAILED, "The input ended before the answer. Run the command again to go on."


def _explain(error: Exception, prog_name: str) -> str:
    if isinstance(error, PwbOAuthError):
        return str(error)
    if isinstance(error, click.ClickException):
        # What was one argument too many may be a token: it is not repeated.
        what = re.sub(r"(extra arguments?) \(.*\)", r"\1", " ".join(error.format_message().split()))
        if says_token(what):
            return str(token_given())
        context = error.ctx if isinstance(error, click.UsageError) else None
        end = "" if what.endswith("?") else "."
        command = context.command_path if context else prog_name
        return f"{what.rstrip('.')}{end} See: {command} --help"
    # Its text is not ours, and might hold anything.
    return f"{type(error).__name__}, which is a mistake in pwb-oauth. See where: add --debug"


def _origin(error: BaseException) -> Iterator[str]:
    """Where an error comes from, its causes first.

    Only our own errors are quoted, and no line of source: others' texts and the user's own files
    might hold secrets.
    """
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _origin(cause)
        yield "\nThen:"
    yield "Traceback (most recent call last):"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
    text = f": {error}" if isinstance(error, PwbOAuthError) else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{text}"
