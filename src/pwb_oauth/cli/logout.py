"""``pwb-oauth logout``: forget a stored credential."""

from __future__ import annotations

import click

from pwb_oauth.cli import choice, options, terminal
from pwb_oauth.tokens import open_token_store
from pwb_oauth.wiki import Wiki


@click.command(epilog=options.WIKI_HELP)
@options.wiki_argument
@options.user_option
@options.store_option
def logout(wiki: Wiki | None, user: str | None, store: str | None) -> None:
    """Forget a stored credential.

    The wiki is not asked, and its grant stays as it is: the address where you withdraw that is
    shown.
    """
    kept_in = open_token_store(store)
    key = choice.one_entry(kept_in, wiki, user).key
    kept_in.forget(key)
    console = terminal.console()
    console.print(f"Logged out of {key.wiki} as {key.username}.", markup=False)
    grants_url = Wiki.from_url(key.wiki).grants_url
    console.print(f"To withdraw the grant itself, go to {grants_url}", markup=False)
