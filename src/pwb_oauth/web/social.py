"""Acting as visitors whom python-social-auth has signed in on a Django site, by OAuth 1.0a.

Its MediaWiki back end keeps consumer and tokens, all in clear; they are only read here. The access
token stays good until the visitor withdraws the grant on the wiki, whatever a logout does here.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NoReturn

from django.views.decorators.debug import sensitive_variables
from social_django.utils import load_strategy

from pwb_oauth import deadline
from pwb_oauth.credential import Consumer, Credential, OAuth1AccessToken
from pwb_oauth.errors import (
    ConfigurationError,
    IdentityError,
    LoginRequiredError,
    ReadOnlyStoreError,
)
from pwb_oauth.identity import fetch_identity
from pwb_oauth.web.django.connection import unavailable
from pwb_oauth.web.flow import DEADLINE
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Iterator

    from social_django.models import UserSocialAuth

    from pwb_oauth.tokens import TokenKey
    from pwb_oauth.web.acting import WikiAccount

PROVIDER = "mediawiki"


@contextmanager
def account_of(
    social_auth: UserSocialAuth, *, seconds: float | None = DEADLINE
) -> Iterator[WikiAccount]:
    """Act as a visitor in a block, as with :meth:`pwb_oauth.web.flow.WebFlow.account`.

    Args:
        social_auth: ``request.user.social_auth.get(provider="mediawiki")``.
        seconds: How long the wiki may take for all that is asked of it in the block; None for no
            end, where nobody waits at a browser.

    Raises:
        ConfigurationError: It is of another provider, or a setting of the back end is missing.
        LoginRequiredError: It holds no access token, or the wiki accepts it no more.
        IdentityError: The wiki does not say that it is this user's.
        TransportError: The wiki could not be asked.
    """
    from pwb_oauth.web.acting import acting_as  # noqa: PLC0415  # imports Pywikibot

    source = _Source(social_auth)
    with deadline.within(seconds):
        credential = source.opened(social_auth)
    with acting_as(source.wiki, credential, source, seconds=seconds) as account:
        yield account


class _Source:
    """A row of python-social-auth, as where an account's credential is read."""

    read_only = True

    @sensitive_variables()
    def __init__(self, social_auth: UserSocialAuth) -> None:
        if social_auth.provider != PROVIDER:
            raise ConfigurationError(f"{social_auth.provider} is not the provider {PROVIDER!r}.")
        backend = load_strategy().get_backend(PROVIDER)  # type: ignore[no-untyped-call]
        key, secret = backend.get_key_and_secret()
        self._consumer = Consumer(key, secret, oauth_version="1.0a")
        self.wiki = Wiki.from_url(backend.setting("MEDIAWIKI_URL") or backend.MEDIAWIKI_URL).central
        self.wiki.require_safe_transport()
        self._row = social_auth

    def opened(self, row: UserSocialAuth) -> Credential:
        """What a row holds. Unless it tells the user name the wiki is asked for it."""
        token = _token(row.extra_data)
        if token is None:
            raise LoginRequiredError("No access token is stored for this user. Sign in again.")
        return self._credential(row, token, row.extra_data.get("username") or self._asked(token))

    def load(self, key: TokenKey) -> Credential | None:
        """Read it; None if the user has taken the wiki account off this site meanwhile."""
        with unavailable():
            row = type(self._row)._base_manager.filter(pk=self._row.pk).first()  # noqa: SLF001
        if row is None:
            return None
        token = _token(row.extra_data)
        return None if token is None else self._credential(row, token, key.username)

    def locked(self, key: TokenKey) -> NoReturn:
        """Refuse: such a token is never renewed."""
        del key
        raise ReadOnlyStoreError("What python-social-auth stores is only read. Sign in again.")

    def _credential(self, row: UserSocialAuth, token: OAuth1AccessToken, name: str) -> Credential:
        signed_in = datetime.fromtimestamp(row.extra_data.get("auth_time", 0), timezone.utc)
        return Credential(self._consumer, token, name, signed_in, subject=row.uid)

    def _asked(self, token: OAuth1AccessToken) -> str:
        identity = fetch_identity(self.wiki, self._consumer, token)
        if identity.subject != self._row.uid:
            raise IdentityError("The wiki says that the access token is another user's.")
        return identity.username


@sensitive_variables()
def _token(extra_data: Any) -> OAuth1AccessToken | None:
    kept = extra_data.get("access_token") if isinstance(extra_data, dict) else None
    if not isinstance(kept, dict):
        return None
    key, secret = kept.get("oauth_token"), kept.get("oauth_token_secret")
    return OAuth1AccessToken(key, secret) if key and secret else None
