"""A credential that a sandbox wiki gave, obtained as a person would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth import authorization
from pwb_oauth.credential import (
    AccessToken,
    Consumer,
    Credential,
    OAuth1AccessToken,
    OAuth2AccessToken,
    OAuthVersion,
)
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox import SandboxWiki

_CALLBACK_URL = "http://127.0.0.1:9/callback"  # nobody goes there


def obtain(
    wiki: SandboxWiki, oauth_version: OAuthVersion, user: str, *, owner_only: bool, **options: Any
) -> Credential:
    """Register a consumer, and let a user approve it.

    Args:
        wiki: The wiki.
        oauth_version: ``1.0a`` or ``2.0``.
        user: Whose credential it becomes.
        owner_only: Whether the consumer is one that nobody has to approve.
        options: What else ``SandboxWiki.add_consumer`` is told.
    """
    if not owner_only:
        options = {"owner": "Admin", "callback_url": _CALLBACK_URL, **options}
    registered = wiki.add_consumer(
        f"OAuth {oauth_version} for {user}, no. {len(wiki.consumers) + 1}",
        **{"oauth_version": oauth_version, "owner": user, "owner_only": owner_only, **options},
    )
    callback_url = None if owner_only else _CALLBACK_URL
    consumer = Consumer(registered.key, registered.secret, oauth_version, owner_only, callback_url)
    address = Wiki.from_url(wiki.api_url)
    if not owner_only:
        pending = authorization.begin_authorization(address, consumer)
        return authorization.complete_authorization(
            address, pending, wiki.approve(pending.url, user)
        )
    token: AccessToken
    if oauth_version == "1.0a":
        token = OAuth1AccessToken(str(registered.access_token), str(registered.access_secret))
    else:
        token = OAuth2AccessToken(str(registered.access_token))
    return authorization.adopt(address, consumer, token)
