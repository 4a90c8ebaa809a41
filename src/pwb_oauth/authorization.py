"""Obtaining a credential by either version of OAuth, behind one door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth import clock, oauth1, oauth2
from pwb_oauth.answers import mismatch
from pwb_oauth.credential import PENDING_LIFETIME, AccessToken, Credential
from pwb_oauth.errors import ConfigurationError, PendingExpiredError
from pwb_oauth.identity import fetch_identity
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from pwb_oauth.credential import Consumer, PendingAuthorization


def begin_authorization(wiki: Wiki, consumer: Consumer) -> PendingAuthorization:
    """Prepare to send a user to the wiki that issues the access tokens.

    Args:
        wiki: Any wiki of the farm.
        consumer: A consumer that is not owner-only.

    Returns:
        What to keep until the user comes back, for at most ten minutes. ``url`` is where the user's
        browser goes.

    Raises:
        ConfigurationError: The consumer is owner-only, or the wiki cannot be asked safely.
        TokenRequestError: The wiki refused the consumer (OAuth 1.0a); ``.error`` is its code.
        TransportError: The wiki could not be asked (OAuth 1.0a).
    """
    if consumer.owner_only:
        raise ConfigurationError(
            "An owner-only consumer was given its access token when it was registered; the wiki "
            "lets nobody authorize it. Take that access token over instead."
        )
    if consumer.oauth_version == "1.0a":
        return oauth1.begin_authorization(wiki, consumer)
    return oauth2.begin_authorization(wiki, consumer)


def complete_authorization(wiki: Wiki, pending: PendingAuthorization, response: str) -> Credential:
    """Exchange what the wiki sent back for a credential, and learn whose it is.

    Args:
        wiki: The wiki that :func:`begin_authorization` was given.
        pending: What it returned. Works once.
        response: The whole URL that the browser came back to, or its query string; for an OAuth
            1.0a consumer without callback URL also the code that the wiki showed.

    Returns:
        The credential, not stored yet.

    Raises:
        PendingExpiredError: It was begun more than ten minutes ago. The wiki was not asked.
        StateMismatchError: The response does not belong to what was begun.
        AuthorizationDeniedError: The user pressed Cancel.
        TokenRequestError: The wiki refused; ``.error`` is its code.
        LoginRequiredError: The wiki does not accept the access token it just gave.
        IdentityError: The wiki does not say whose the access token is.
        TransportError: The wiki could not be asked, or answered nonsense.
    """
    if clock.now() - pending.began_at > PENDING_LIFETIME:
        raise PendingExpiredError(
            "The authorization was begun more than ten minutes ago, and the wiki has forgotten it. "
            "Begin again."
        )
    if Wiki.from_url(pending.url) != wiki.central:
        # Another wiki would be given this one's code, verifier and consumer secret.
        raise mismatch()
    access_token: AccessToken
    if pending.consumer.oauth_version == "1.0a":
        access_token = oauth1.complete_authorization(wiki, pending, response)
    else:
        access_token = oauth2.complete_authorization(wiki, pending, response)
    return adopt(wiki, pending.consumer, access_token)


def adopt(wiki: Wiki, consumer: Consumer, access_token: AccessToken) -> Credential:
    """Make a credential of an access token, once the wiki has said whose it is.

    Args:
        wiki: Any wiki of the farm.
        consumer: The consumer that the token was given to.
        access_token: The token, such as an owner-only consumer's.

    Returns:
        The credential, not stored yet.

    Raises:
        LoginRequiredError: The wiki does not accept the token.
        IdentityError: The wiki does not say whose it is.
        ConfigurationError: Token and consumer are of different OAuth versions.
        TransportError: The wiki could not be asked.
    """
    identity = fetch_identity(wiki, consumer, access_token)
    return Credential(
        consumer=consumer,
        access_token=access_token,
        username=identity.username,
        logged_in_at=clock.now(),
        subject=identity.subject,
        grants=identity.grants,
    )
