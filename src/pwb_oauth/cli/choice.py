"""Which stored account is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pwb_oauth import configuration
from pwb_oauth.cli import terminal
from pwb_oauth.errors import ConfigurationError, LoginRequiredError
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pwb_oauth.tokens import TokenEntry, TokenStore
    from pwb_oauth.wiki import Wiki


def entries(store: TokenStore, wiki: Wiki | None, user: str | None) -> list[TokenEntry]:
    """What is stored that fits.

    Args:
        store: Where to look. No secret is read.
        wiki: Any wiki of the farm; None for all wikis.
        user: The user name; None for all.
    """
    return [entry for entry in store.entries() if _fits(entry.key, wiki, user)]


def some_entries(store: TokenStore, wiki: Wiki | None, user: str | None) -> list[TokenEntry]:
    """What is stored that fits, at least one.

    Raises:
        LoginRequiredError: None fits.
    """
    found = entries(store, wiki, user)
    if not found:
        raise nothing(store, wiki, user)
    return found


def one_entry(store: TokenStore, wiki: Wiki | None, user: str | None) -> TokenEntry:
    """The one account that is meant; asks on a terminal where several fit.

    Where no wiki was named it is the one that scripts work on by default, if that has an account.

    Raises:
        LoginRequiredError: None fits.
        ConfigurationError: Several fit, and nobody can be asked.
    """
    found = some_entries(store, wiki, user)
    if len(found) > 1 and wiki is None:
        found = _on_default_wiki(found)
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
    whose = f" of {user!r}" if user is not None else ""
    where = f" for {wiki.central.name}" if wiki is not None else ""
    command = "pwb-oauth login" if wiki is None else f"pwb-oauth login {wiki.central.name}"
    return LoginRequiredError(f"{store.url} holds no credential{whose}{where}. Log in: {command}")


def _on_default_wiki(found: list[TokenEntry]) -> list[TokenEntry]:
    """Those on the wiki that ``user-config.py`` names; all, if it names none of theirs."""
    if not configuration.file_path().exists():
        return found
    try:
        wiki = configuration.wiki_of_family(*configuration.default_site())
    except ConfigurationError:
        return found  # as if it named none
    return [entry for entry in found if entry.key.wiki == wiki.central.name] or found


def _asked(found: Sequence[TokenEntry]) -> TokenEntry:
    for number, entry in enumerate(found, 1):
        click.echo(f"  {number}  {entry.key.username} on {entry.key.wiki}", err=True)
    numbers = click.IntRange(1, len(found))
    return found[int(terminal.ask("Which account", type=numbers)) - 1]
