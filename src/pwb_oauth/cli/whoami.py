"""``pwb-oauth whoami``: whom the wiki takes us for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pwb_oauth.account import Account
from pwb_oauth.checks.claims import consumer_key
from pwb_oauth.cli import choice, options, terminal
from pwb_oauth.cli.exits import Exit
from pwb_oauth.cli.identification import identify
from pwb_oauth.errors import UsernameMismatchError
from pwb_oauth.tokens import TokenKey, open_token_store
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from pwb_oauth.credential import Credential
    from pwb_oauth.identity import Identity


@click.command(epilog=options.WIKI_HELP)
@options.wiki_argument
@options.user_option()
@options.store_option
@options.json_option
def whoami(wiki: Wiki | None, user: str | None, store: str | None, as_json: bool) -> None:
    """Ask the wiki whose the stored access token is.

    Prints the user name.

    Where several accounts fit it is the one that usernames of user-config.py names for the wiki.
    An access token that has ended is renewed first. Exits with 4 if the wiki refuses it, and with 1
    if it is another account's than the one that it is stored for.

    \b
    Examples:
      pwb-oauth whoami
      pwb-oauth whoami wikipedia:test --json
    """
    kept_in = open_token_store(store)
    key = choice.one_entry(kept_in, wiki, user, as_scripts_do=True).key
    account = Account(key, kept_in, Wiki.from_url(key.wiki))
    identity = identify(account)
    if as_json:
        terminal.print_json(_describe(key.wiki, account.credential, identity, kept_in.url))
    else:
        terminal.console().print(identity.username, markup=False)
    if TokenKey(key.wiki, identity.username) != key:
        terminal.warn(str(UsernameMismatchError(key.username, identity.username)))
        click.get_current_context().exit(Exit.FAILED)


def _describe(
    wiki: str, credential: Credential, identity: Identity, store: str
) -> dict[str, object]:
    return {
        "wiki": wiki,
        "username": identity.username,
        "oauth_version": credential.oauth_version,
        "consumer": consumer_key(credential),
        "owner_only": credential.consumer.owner_only,
        "grants": identity.grants,
        "store": store,
        "logged_in_at": terminal.write_time(credential.logged_in_at),
        "expires_at": terminal.write_time(credential.expires_at),
        "blocked": identity.blocked,
    }
