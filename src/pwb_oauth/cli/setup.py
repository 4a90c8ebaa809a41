"""``pwb-oauth setup``: let Pywikibot know pwb_oauth, by one line in ``user-config.py``."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from pwb_oauth import configuration
from pwb_oauth.cli import options, storage, terminal
from pwb_oauth.cli.exits import Exit
from pwb_oauth.migration import installation
from pwb_oauth.tokens import open_token_store

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from pwb_oauth.migration.source import PythonSource

_EXAMPLE = """\
  family = 'wikipedia'
  mylang = 'test'
  usernames['wikipedia']['test'] = 'ExampleBot'
"""
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask before files are changed.")


@click.command()
@click.option("--remove", is_flag=True, help="Take the line out again.")
@yes_option
@options.store_option
def setup(remove: bool, yes: bool, store: str | None) -> None:
    """Let every Pywikibot script sign in by what is stored.

    Adds the line that does it to Pywikibot's user-config.py, and makes that file where there is
    none. Everything else in the file stays as it is. What changes is shown first, and you are
    asked; where nobody can be asked, nothing changes without --yes.

    The line names no token store: scripts open the one that PWB_OAUTH_STORE names, else the
    keyring. With --store it says which variables lead them there.

    \b
    Examples:
      pwb-oauth setup
      pwb-oauth setup --yes
      pwb-oauth setup --remove
    """
    hint = None if store is None else storage.hint_for_scripts(open_token_store(store), store)
    path = configuration.file_path()
    source = installation.read(path)
    new = installation.without_line(source) if remove else with_line(source)
    if new == source.text:
        _say_nothing_to_do(path, source, remove)
    else:
        show_difference(terminal.console(), path, source, new)
        if not yes:
            require_consent("Change the file?")
        installation.write(path, source, new)
        _say_next_step(path, source, remove)
    if hint and not remove:
        terminal.warn(hint)


def _say_next_step(path: Path, before: PythonSource, remove: bool) -> None:
    if remove:
        terminal.say("Pywikibot signs in without pwb-oauth from now on. To undo: pwb-oauth setup")
        return
    if not before.tree.body:
        terminal.say(
            f"{path} says nothing else yet. Name your wiki and your account in it, such as:\n\n"
            f"{_EXAMPLE}"
        )
    terminal.say("To see whether all is well: pwb-oauth doctor")
    warn_if_skipped(path)


def require_consent(question: str) -> None:
    """Ask whether to change files, and end if not.

    Raises:
        UsageError: Nobody can be asked.
    """
    context = click.get_current_context()
    if not terminal.is_interactive():
        raise click.UsageError(
            "Nothing was changed, since nobody can be asked here. To go on, add --yes."
        )
    if not terminal.confirm(question):
        terminal.say("Nothing was changed.")
        context.exit(Exit.FAILED)


def with_line(source: PythonSource) -> str:
    """A file's text with the line, which may be there already."""
    if installation.installing_line(source) is not None:
        return source.text
    return installation.with_line(source)


def show_difference(out: Console, path: Path, source: PythonSource, new: str) -> None:
    """Print what changes, and no line beside: those may hold secrets."""
    before, after = source.text.splitlines(), new.splitlines()
    was, name = str(path) if path.exists() else "/dev/null", str(path)
    for line in difflib.unified_diff(before, after, was, name, n=0, lineterm=""):
        out.print(line, markup=False, style=_STYLES.get(line[0]))


def warn_if_skipped(path: Path) -> None:
    """Say so if Pywikibot passes over the file."""
    skipped = configuration.why_skipped(path)
    if skipped is not None:
        terminal.warn(f"Pywikibot passes over {path}, since {skipped}.")


def _say_nothing_to_do(path: Path, source: PythonSource, remove: bool) -> None:
    line = installing_line = installation.installing_line(source)
    if not remove:
        terminal.console().print(f"{path} installs pwb_oauth in line {line}.", markup=False)
        warn_if_skipped(path)
    elif installing_line is None:
        terminal.console().print(f"{path} does not install pwb_oauth.", markup=False)
    else:
        terminal.warn(
            f"{path} installs pwb_oauth in line {line}, in words that setup did not write. "
            "It was left as it is: take that out yourself."
        )
        click.get_current_context().exit(Exit.FAILED)
