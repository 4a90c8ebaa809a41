"""Which stored account is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pwb_oauth import configuration
from pwb_oauth.cli import terminal
from pwb_oauth.errors import ConfigurationError, LoginRequiredError
from pwb_oauth.tokens import TokenKey
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pwb_oauth.configuration import ConfiguredAccount
    from pwb_oauth.tokens import TokenEntry, TokenStore


def entries(store: TokenStore, wiki: Wiki | None, user: str | None) -> list[TokenEntry]:
    """What is stored that fits.

    Args:
        store: Where to look. No secret is read.
        wiki: Any wiki of the farm; None for all wikis.
        user: The user name; None for all.
    """
    stored = store.entries()
    found = [entry for entry in stored if _fits(entry.key, wiki, user)]
    if found or wiki is None or wiki.script_path != "/w":
        return found
    # Of a wiki that has its api.php elsewhere than in /w nothing but the host may have been named.
    return [
        entry
        for entry in stored
        if wiki.host == Wiki.from_url(entry.key.wiki).host and _fits(entry.key, None, user)
    ]


def some_entries(store: TokenStore, wiki: Wiki | None, user: str | None) -> list[TokenEntry]:
    """What is stored that fits, at least one.

    Raises:
        LoginRequiredError: None fits.
    """
    found = entries(store, wiki, user)
    if not found:
        raise nothing(store, wiki, user)
    return found


def one_entry(
    store: TokenStore, wiki: Wiki | None, user: str | None, *, as_scripts_do: bool = False
) -> TokenEntry:
    """The one account that is meant; asks on a terminal where several fit.

    Where no wiki was named it is the one that scripts work on by default, if that has an account.

    Args:
        store: Where to look. No secret is read.
        wiki: Any wiki of the farm; None for what is said above.
        user: The user name; None if it was not named.
        as_scripts_do: Whether it may be the account that ``usernames`` names. Not for what cannot
            be undone.

    Raises:
        LoginRequiredError: None fits.
        ConfigurationError: Several fit, and nobody can be asked.
    """
    found = some_entries(store, wiki, user)
    if len(found) > 1 and wiki is None:
        wiki = _default_wiki_of(found)
        found = [entry for entry in found if _fits(entry.key, wiki, user)]
    if len(found) > 1 and wiki is not None and as_scripts_do:
        found = _named_by_usernames(found, wiki)
    if len(found) == 1:
        return found[0]
    if not terminal.is_interactive():
        names = "; ".join(f"{entry.key.username} on {entry.key.wiki}" for entry in found)
        raise ConfigurationError(f"Several accounts fit: {names}. Name one by its wiki and --user.")
    return _asked(found)


def _fits(key: TokenKey, wiki: Wiki | None, user: str | None) -> bool:
    if wiki is not None and key.wiki != wiki.central.name:
        return False
    return user is None or key == TokenKey(key.wiki, user)


def nothing(store: TokenStore, wiki: Wiki | None, user: str | None) -> LoginRequiredError:
    """The error where none fits."""
    kept_in = "The keyring" if store.url == "keyring:" else store.url
    whose = f" of {user!r}" if user is not None else ""
    where = f" for {wiki.central.name}" if wiki is not None else ""
    command = "pwb-oauth login" if wiki is None else f"pwb-oauth login {wiki.central.name}"
    return LoginRequiredError(f"{kept_in} holds no credential{whose}{where}. Log in: {command}")


def _default_wiki_of(found: list[TokenEntry]) -> Wiki | None:
    """The wiki that ``user-config.py`` names; None, if it names none of theirs."""
    if not configuration.file_path().exists():
        return None
    try:
        wiki = configuration.wiki_of_family(*configuration.default_site())
    except ConfigurationError:
        return None  # as if it named none
    return wiki if any(_fits(entry.key, wiki, None) for entry in found) else None


def _named_by_usernames(found: list[TokenEntry], wiki: Wiki) -> list[TokenEntry]:
    """The one that scripts act as on a wiki; all, if ``usernames`` names none of them."""
    if not configuration.file_path().exists():
        return found
    try:
        names = {one.username for one in configuration.accounts() if _is_for(one, wiki)}
    except ConfigurationError:
        return found
    keys = {TokenKey(wiki.central.name, name) for name in names if name.strip()}
    return [entry for entry in found if entry.key in keys] or found


def _is_for(account: ConfiguredAccount, wiki: Wiki) -> bool:
    try:
        return wiki in configuration.wikis_of(account)
    except ConfigurationError:
        return False  # a wiki that Pywikibot does not know


def _asked(found: Sequence[TokenEntry]) -> TokenEntry:
    for number, entry in enumerate(found, 1):
        terminal.say(f"  {number}  {entry.key.username} on {entry.key.wiki}")
    numbers = click.IntRange(1, len(found))
    return found[int(terminal.ask("Which account", type=numbers)) - 1]
