"""A store that credentials can be put in, proven before anything is asked of anybody."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.stores.keyring import KeyringTokenStore
from pwb_oauth.tokens import (
    EnvironmentTokenStore,
    MemoryTokenStore,
    TokenKey,
    open_token_store,
)

if TYPE_CHECKING:
    from pwb_oauth.tokens import TokenStore
    from pwb_oauth.wiki import Wiki

# No wiki lets an account have such a name.
_NOBODY = "#"


def open_for_saving(url: str | None, wiki: Wiki) -> TokenStore:
    """Open a store that still holds tomorrow what is put in today.

    What a wiki answers to a login cannot be had twice.

    Args:
        url: The store's URL; None for the one that is used by default.
        wiki: Where the credential will be from.

    Raises:
        ConfigurationError: There is no such store, or it keeps nothing.
        ReadOnlyStoreError: The database can only be read.
        StoreUnavailableError: The store is not to be had just now.
    """
    store = open_token_store(url)
    if store.read_only or isinstance(store, MemoryTokenStore):
        raise ConfigurationError(
            f"{store.url} cannot keep an access token. Name another store by --store or "
            "PWB_OAUTH_STORE: keyring:, or a database such as sqlite:////path."
        )
    if isinstance(store, KeyringTokenStore):
        store.require_keyring()
    # Writes to it, and changes nothing.
    store.forget(TokenKey(wiki.central.name, _NOBODY))
    return store


def name_store(url: str) -> str:
    """A store by its URL, as the end of a sentence names it."""
    return "the keyring" if url == "keyring:" else url


def hint_for_scripts(store: TokenStore, given: str | None) -> str | None:
    """What to tell a person if scripts do not find a store by themselves.

    Args:
        store: The store.
        given: Its URL as the person gave it; None if it is the one that scripts use.
    """
    try:
        found = given is None or open_token_store().url == store.url
    except ConfigurationError:
        found = False  # PWB_OAUTH_STORE names none
    if found:
        return None
    return f"Scripts find what is in {name_store(store.url)} only {how_found(store, given)}."


def how_found(store: TokenStore, given: str | None) -> str:
    """The variables that lead scripts to a store, as the end of a sentence.

    Args:
        store: The store.
        given: Its URL as the person gave it, if they did.
    """
    if isinstance(store, KeyringTokenStore):
        return "without PWB_OAUTH_STORE"
    named = f"with PWB_OAUTH_STORE={shlex.quote(store.url)}"
    if "***" in store.url or "?" in (given or ""):
        named += " (and the password and the parameters that are not shown here)"
    is_database = not isinstance(store, (EnvironmentTokenStore, MemoryTokenStore))
    return f"{named} and with PWB_OAUTH_ENCRYPTION_KEYS" if is_database else named
