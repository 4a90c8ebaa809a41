"""The command ``pwb-oauth``: one file a subcommand."""

from __future__ import annotations

import sys

import click

from pwb_oauth._version import __version__
from pwb_oauth.cli.demo import demo
from pwb_oauth.cli.key import key
from pwb_oauth.cli.login import login
from pwb_oauth.cli.logout import logout
from pwb_oauth.errors import PwbOAuthError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pwb-oauth")
def cli() -> None:
    """Sign Pywikibot scripts in with OAuth, with the tokens in the keyring."""


cli.add_command(demo)
cli.add_command(key)
cli.add_command(login)
cli.add_command(logout)


def main() -> None:
    """Run the command; an error of ours is one line and exit code 1."""
    try:
        cli()
    except PwbOAuthError as error:
        click.echo(f"pwb-oauth: {error}", err=True)
        sys.exit(1)
