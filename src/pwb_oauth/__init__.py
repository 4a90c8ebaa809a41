"""Sign any Pywikibot script in with OAuth 1.0a or 2.0.

The public names are loaded when they are first used: ``import pwb_oauth`` imports nothing else.
"""

from __future__ import annotations

from importlib import import_module

from pwb_oauth._version import __version__

# Known by that name to type checkers; importing typing would take longer than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pwb_oauth import errors
    from pwb_oauth.credential import Consumer, Credential, OAuth1AccessToken, OAuth2AccessToken
    from pwb_oauth.identity import Identity
    from pwb_oauth.login import OAuthLoginManager
    from pwb_oauth.plugin import install, uninstall
    from pwb_oauth.stores.keyring import KeyringTokenStore
    from pwb_oauth.stores.sql import SqlTokenStore
    from pwb_oauth.tokens import (
        EnvironmentTokenStore,
        MemoryTokenStore,
        TokenKey,
        TokenStore,
        open_token_store,
    )
    from pwb_oauth.wiki import Wiki

__all__ = [
    "Consumer",
    "Credential",
    "EnvironmentTokenStore",
    "Identity",
    "KeyringTokenStore",
    "MemoryTokenStore",
    "OAuth1AccessToken",
    "OAuth2AccessToken",
    "OAuthLoginManager",
    "SqlTokenStore",
    "TokenKey",
    "TokenStore",
    "Wiki",
    "__version__",
    "errors",
    "install",
    "open_token_store",
    "uninstall",
]

_HOMES = {
    "Consumer": "credential",
    "Credential": "credential",
    "EnvironmentTokenStore": "tokens",
    "Identity": "identity",
    "KeyringTokenStore": "stores.keyring",
    "MemoryTokenStore": "tokens",
    "OAuth1AccessToken": "credential",
    "OAuth2AccessToken": "credential",
    "OAuthLoginManager": "login",
    "SqlTokenStore": "stores.sql",
    "TokenKey": "tokens",
    "TokenStore": "tokens",
    "Wiki": "wiki",
    "install": "plugin",
    "open_token_store": "tokens",
    "uninstall": "plugin",
}


def __getattr__(name: str) -> Any:
    """Load a public name. Source: PEP 562."""
    if name == "errors":
        return import_module("pwb_oauth.errors")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"pwb_oauth.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
