"""Acting as visitors whom django-allauth has signed in on a Django site, by OAuth 2.0.

Its MediaWiki provider keeps tokens only with ``SOCIALACCOUNT_STORE_TOKENS``, in clear, and one pair
for each user: another browser overwrites the first one's, and both act with the newer one. The
tokens stay good after a logout here. Renewed ones are put back where they were.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.mediawiki.views import MediaWikiOAuth2Adapter
from django.core.exceptions import MultipleObjectsReturned
from django.db import router
from django.db.models import F
from django.views.decorators.debug import sensitive_variables

from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.errors import ConfigurationError, LoginRequiredError
from pwb_oauth.stores.retrying import until_written
from pwb_oauth.web.django.connection import unavailable
from pwb_oauth.web.django.holding import change, holding
from pwb_oauth.web.django.times import as_stored, as_utc
from pwb_oauth.web.flow import DEADLINE
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Iterator

    from allauth.socialaccount.models import SocialAccount
    from django.db.models import QuerySet

    from pwb_oauth.tokens import TokenKey
    from pwb_oauth.web.acting import WikiAccount
    from pwb_oauth.web.django.connection import OwnConnection

PROVIDER = MediaWikiOAuth2Adapter.provider_id


@contextmanager
def account_of(
    social_account: SocialAccount, *, seconds: float | None = DEADLINE
) -> Iterator[WikiAccount]:
    """Act as a visitor in a block, as with :meth:`pwb_oauth.web.flow.WebFlow.account`.

    Args:
        social_account: ``request.user.socialaccount_set.get(provider="mediawiki")``.
        seconds: How long the wiki may take for all that is asked of it in the block; None for no
            end, where nobody waits at a browser.

    Raises:
        ConfigurationError: It is of another provider, or allauth knows no consumer for it.
        LoginRequiredError: No token or name is stored, or the wiki accepts it no more.
        StoreUnavailableError: The database cannot be used.
    """
    from pwb_oauth.web.acting import acting_as  # noqa: PLC0415  # imports Pywikibot

    source = _Source(social_account)
    credential = source.load()
    if credential is None:
        raise LoginRequiredError(
            "django-allauth has stored no token of this user. Let SOCIALACCOUNT_STORE_TOKENS be "
            "True, then sign in again."
        )
    with acting_as(source.wiki, credential, source, seconds=seconds) as account:
        yield account


class _Source:
    """The tokens that django-allauth has stored for a user."""

    read_only = False

    def __init__(self, account: SocialAccount) -> None:
        if account.provider != PROVIDER:
            raise ConfigurationError(f"{account.provider} is not the provider {PROVIDER!r}.")
        app = _app()
        self._account = account
        self._name = account.extra_data.get("username")
        if not self._name:
            raise LoginRequiredError(
                "django-allauth has stored no user name of this user. Sign in again."
            )
        self._consumer = Consumer(app.client_id, app.secret or None)
        # allauth leaves the app out where it comes from the settings.
        self._which = {"account_id": account.pk, "app_id": app.pk}
        self.wiki = Wiki.from_url(MediaWikiOAuth2Adapter.access_token_url).central
        self.wiki.require_safe_transport()

    def load(self, key: TokenKey | None = None) -> Credential | None:
        """Read them; None if the user has taken the wiki account off this site meanwhile."""
        del key
        with unavailable():
            row = self.rows().first()
        return None if row is None else self.credential(row)

    @contextmanager
    def locked(self, key: TokenKey) -> Iterator[_Entry]:
        """Hold them against every other request, process and machine that renews them."""
        del key
        with holding(_alias(), f"allauth {self._account.pk}", self._lock) as (row, holder):
            yield _Entry(self, row, holder)

    def rows(self) -> QuerySet[SocialToken]:
        """The row that they are in."""
        every: QuerySet[SocialToken] = SocialToken._base_manager.using(_alias())  # noqa: SLF001
        return every.filter(**self._which)

    def credential(self, row: SocialToken) -> Credential:
        """What a row holds."""
        account = self._account
        return Credential(
            self._consumer,
            OAuth2AccessToken(row.token, row.token_secret or None, as_utc(row.expires_at)),
            self._name,
            as_utc(account.last_login),
            subject=account.uid,
        )

    def _lock(self) -> SocialToken | None:
        row = self.rows().select_for_update().first()
        # The wiki takes the old tokens back at once: it must be known that new ones can be written.
        self.rows().update(token=F("token"))
        return row


class _Entry:
    """The tokens of a user, while nobody else may renew them."""

    def __init__(
        self, source: _Source, row: SocialToken | None, holder: OwnConnection | None
    ) -> None:
        self._source = source
        self._row = row
        self._holder = holder

    @property
    def credential(self) -> Credential | None:
        return None if self._row is None else self._source.credential(self._row)

    def replace(self, credential: Credential) -> bool:
        """Put renewed tokens in the place of the ones that were read, and commit."""
        token = credential.access_token
        if self._row is None or not isinstance(token, OAuth2AccessToken):
            return False
        return until_written(partial(self._write, self._row.token, token))

    @sensitive_variables()
    def _write(self, read: str, token: OAuth2AccessToken) -> bool:
        # The lock's connection does it once; it may have been cut off while the wiki was asked.
        holder, self._holder = self._holder, None
        # It may have been written although the database did not say so.
        rows = self._source.rows().filter(token__in=[read, token.value])
        new = {
            "token": token.value,
            "token_secret": token.refresh_token or "",
            "expires_at": as_stored(token.expires_at),
        }
        return change(_alias(), holder, lambda: rows.update(**new)) > 0


def _app() -> SocialApp:
    try:
        return get_adapter().get_app(None, provider=PROVIDER)
    except (SocialApp.DoesNotExist, MultipleObjectsReturned):
        problem = "django-allauth needs one app, and not more, of the provider 'mediawiki'."
    raise ConfigurationError(problem)


def _alias() -> str:
    return router.db_for_write(SocialToken)
