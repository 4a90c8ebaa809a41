"""``pwb-oauth export``: what a place without a token store needs for one account."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from pwb_oauth.cli import choice, options, terminal
from pwb_oauth.credential import OAuth1AccessToken
from pwb_oauth.errors import ConfigurationError, LoginRequiredError
from pwb_oauth.tokens import open_token_store

if TYPE_CHECKING:
    from pwb_oauth.credential import Credential
    from pwb_oauth.tokens import TokenKey
    from pwb_oauth.wiki import Wiki

# What a POSIX shell reads as it is in an assignment. Letters of other scripts count as \w.
_SHELL_SAFE = re.compile(r"[\w@%+,./:=-]*")


@click.command(epilog=options.WIKI_HELP)
@options.wiki_argument
@click.option("--env", is_flag=True, help="As environment variables, a line each.")
@click.option("--show", is_flag=True, help="Also on a terminal, where others may look on.")
@options.user_option()
@options.store_option
def export(wiki: Wiki | None, env: bool, show: bool, user: str | None, store: str | None) -> None:
    """Print what a container needs to act as an account.

    For the token of an owner-only consumer, which is good until it is revoked; one that has to be
    renewed needs a store that can be written. Pipe it on: whoever reads it can act as the account.

    Where several accounts fit it is the one that usernames of user-config.py names for the wiki.
    Each line is NAME=value without quotes, as docker --env-file takes it.

    \b
    Examples:
      docker run --env-file <(pwb-oauth export --env) my-bot
      pwb-oauth export --env | ssh host 'umask 077; cat >bot.env'
    """
    if not env:
        raise click.UsageError("Say in which form: --env.")
    if sys.stdout.isatty() and not show:
        raise ConfigurationError(
            "That would show an access token. Pipe it on to where it is needed, or add --show."
        )
    kept_in = open_token_store(store)
    key = choice.one_entry(kept_in, wiki, user, as_scripts_do=True).key
    credential = kept_in.load(key)
    if credential is None:
        raise LoginRequiredError(f"The credential is gone. Log in: {key.login_command}")
    variables = _variables(key, credential)
    # As bytes: who reads it takes it for UTF-8, whatever the terminal's encoding is.
    click.echo("".join(f"{name}={value}\n" for name, value in variables.items()).encode(), nl=False)
    if not all(map(_SHELL_SAFE.fullmatch, variables.values())):
        terminal.warn("A shell would read the user name otherwise: do not source these lines.")


def _variables(key: TokenKey, credential: Credential) -> dict[str, str]:
    """The variables of :class:`pwb_oauth.EnvironmentTokenStore`."""
    consumer, token = credential.consumer, credential.access_token
    if not consumer.owner_only or credential.refreshable:
        raise ConfigurationError(
            f"The access token of {key.username} on {key.wiki} is not that of an owner-only "
            "consumer, and has to be renewed by whoever uses it. Share it through a database "
            "(pwb-oauth move --to URL), or register an owner-only consumer: "
            f"pwb-oauth register {key.wiki} --owner-only"
        )
    if not key.username.isprintable():
        raise ConfigurationError(
            "The user name has characters that do not fit into a line. Use a database instead: "
            "pwb-oauth move --to URL"
        )
    return {
        "PWB_OAUTH_STORE": "env:",
        "PWB_OAUTH_WIKI": key.wiki,
        # To a wiki an underscore is a space, which shells and docker do not agree on.
        "PWB_OAUTH_USERNAME": key.username.replace(" ", "_"),
        "PWB_OAUTH_TOKEN": (
            f"{consumer.key}:{consumer.secret}:{token.key}:{token.secret}"
            if isinstance(token, OAuth1AccessToken)
            else token.value
        ),
    }
