"""``pwb-oauth login``: obtain or take over an access token, and store it."""

from __future__ import annotations

import sys
import webbrowser
from typing import TYPE_CHECKING

import click

from pwb_oauth import authorization
from pwb_oauth.credential import Consumer, parse_owner_only
from pwb_oauth.errors import ConfigurationError, UsernameMismatchError
from pwb_oauth.tokens import MemoryTokenStore, TokenKey, open_token_store
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from pwb_oauth.credential import Credential, OAuthVersion
    from pwb_oauth.tokens import TokenStore


@click.command()
@click.argument("wiki")
@click.option("--user", metavar="NAME", help="Refuse the token of any other account.")
@click.option("--with-token", is_flag=True, help="Read the token from standard input.")
@click.option("--consumer", "key", metavar="KEY", help="Log in by a registered consumer.")
@click.option("--oauth", type=click.Choice(["1.0a", "2.0"]), default="2.0", help="KEY's version.")
@click.option("--callback", metavar="URL", help="KEY's callback URL, exactly as registered.")
@click.option("--store", metavar="URL", help="Where to store it.  [default: keyring:]")
def login(
    wiki: str,
    user: str | None,
    with_token: bool,
    key: str | None,
    oauth: OAuthVersion,
    callback: str | None,
    store: str | None,
) -> None:
    """Log in to a wiki, and store the access token.

    WIKI is a host name such as test.wikipedia.org, or the address of its api.php.

    Without --consumer it asks for the access token of an owner-only consumer: for OAuth 2.0 the
    token itself, for OAuth 1.0a consumer key, consumer secret, access token and access secret
    joined by colons. Nothing that you type is shown. A terminal takes no line of more than 4,095
    characters (1,024 on macOS): pipe a longer token in by --with-token.
    """
    if with_token and key is not None:
        raise click.UsageError("--with-token takes an access token over; --consumer obtains one.")
    address = Wiki.from_url(wiki)
    # Before anything is asked, since an answer of the wiki cannot be had twice.
    kept_in = _open(store)
    if key is None:
        credential = _adopt(address, with_token)
    else:
        credential = _authorize(address, key, oauth, callback)
    account = TokenKey(address.central.name, credential.username)
    if user is not None and TokenKey(account.wiki, user) != account:
        raise UsernameMismatchError(user, credential.username)
    kept_in.save(account, credential)
    click.echo(f"Logged in to {account.wiki} as {account.username} (OAuth {oauth_of(credential)}).")
    click.echo("In user-config.py, add: __import__('pwb_oauth').install()")


def oauth_of(credential: Credential) -> str:
    """The OAuth version and the grants, for people."""
    return ", ".join((credential.oauth_version, *credential.grants))


def _open(url: str | None) -> TokenStore:
    """Open a store that still holds tomorrow what is put in today.

    Raises:
        ConfigurationError: It does not.
    """
    store = open_token_store(url)
    if store.read_only or isinstance(store, MemoryTokenStore):
        raise ConfigurationError(
            f"{store.url} cannot keep an access token. Name another store by --store or "
            "PWB_OAUTH_STORE, such as keyring:."
        )
    return store


def _adopt(wiki: Wiki, with_token: bool) -> Credential:
    if with_token:
        text = sys.stdin.readline()
    else:
        click.echo(f"Register an owner-only consumer: {wiki.registration_url}")
        text = click.prompt("Access token", hide_input=True)
    return authorization.adopt(wiki, *parse_owner_only(text))


def _authorize(
    wiki: Wiki, key: str, oauth_version: OAuthVersion, callback_url: str | None
) -> Credential:
    secret = click.prompt("Consumer secret", hide_input=True, default="", show_default=False)
    consumer = Consumer(key, secret or None, oauth_version, callback_url=callback_url)
    pending = authorization.begin_authorization(wiki, consumer)
    click.echo(f"Allow the access in your browser. If it does not open, go to:\n{pending.url}")
    webbrowser.open(pending.url)
    answer = click.prompt("The address your browser ended on, or the code the page shows")
    return authorization.complete_authorization(wiki, pending, answer)
