"""``pwb-oauth key``: make an encryption key."""

from __future__ import annotations

import click

from pwb_oauth.cli import options
from pwb_oauth.encryption import new_key


@click.command()
@options.idle_store_option
def key() -> None:
    """Make a key for PWB_OAUTH_ENCRYPTION_KEYS.

    The tokens in a database are encrypted under it: without it they are lost. To change the key,
    put the new one first and keep the old one behind it, separated by a space.

    \b
    Examples:
      export PWB_OAUTH_ENCRYPTION_KEYS="$(pwb-oauth key)"
      pwb-oauth key | toolforge envvars create PWB_OAUTH_ENCRYPTION_KEYS
    """
    click.echo(new_key())
