"""A store that credentials can be put in, proven before anything is asked of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.stores.keyring import KeyringTokenStore
from pwb_oauth.tokens import MemoryTokenStore, TokenKey, open_token_store

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
