"""``pwb-oauth logout``: forget a stored credential."""

from __future__ import annotations

import click

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.tokens import TokenKey, TokenStore, open_token_store
from pwb_oauth.wiki import Wiki


@click.command()
@click.argument("wiki")
@click.option("--user", metavar="NAME", help="Which account, where several are stored.")
@click.option("--store", metavar="URL", help="Where it is stored.  [default: keyring:]")
def logout(wiki: str, user: str | None, store: str | None) -> None:
    """Forget a stored credential.

    The wiki is not asked, and its grant stays as it is: the address where you withdraw that is
    shown. WIKI is a host name such as test.wikipedia.org, or the address of its api.php.
    """
    address = Wiki.from_url(wiki)
    kept_in = open_token_store(store)
    key = _chosen(kept_in, address, user)
    kept_in.forget(key)
    click.echo(f"Logged out of {key.wiki} as {key.username}.")
    click.echo(f"To withdraw the grant itself, go to {address.grants_url}")


def _chosen(store: TokenStore, wiki: Wiki, user: str | None) -> TokenKey:
    """The one account that is meant.

    Raises:
        ConfigurationError: There is none, or there are several and none is named.
    """
    stored = [entry.key for entry in store.entries() if entry.key.wiki == wiki.central.name]
    wanted = stored if user is None else [TokenKey(wiki.central.name, user)]
    if len(wanted) == 1 and wanted[0] in stored:
        return wanted[0]
    names = ", ".join(repr(key.username) for key in stored) or "nobody"
    raise ConfigurationError(
        f"Stored for {wiki.central.name}: {names}. Name one of them by --user."
    )
