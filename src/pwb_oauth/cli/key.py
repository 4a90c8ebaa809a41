"""``pwb-oauth key``: make an encryption key."""

from __future__ import annotations

import base64
import secrets

import click


@click.command()
def key() -> None:
    """Make a key for PWB_OAUTH_ENCRYPTION_KEYS, under which a database's tokens are encrypted.

    To change the key, put the new one first and keep the old one behind it, separated by a space.
    Pipe it on rather than show it: pwb-oauth key | toolforge envvars create ...
    """
    # The form of a Fernet key, which needs no library to be made.
    click.echo(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
