"""A credential at work: what its requests carry, and how its access token is renewed."""

from __future__ import annotations

import copy
import threading
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from pwb_oauth import clock, oauth2
from pwb_oauth.credential import Credential, OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.errors import (
    ConfigurationError,
    IdentityError,
    LoginRequiredError,
    PwbOAuthError,
    TokenRequestError,
    TransportError,
)
from pwb_oauth.identity import fetch_identity
from pwb_oauth.oauth1 import OAuth1Signer
from pwb_oauth.refusal import API_ERROR_HEADER, Refusal, refusal_of

if TYPE_CHECKING:
    from datetime import datetime

    from pwb_oauth.credential import AccessToken
    from pwb_oauth.tokens import TokenKey, TokenStore
    from pwb_oauth.wiki import Wiki

_MAX_REPEATS = 3
# What an account's session takes over from the session in whose place it sends. Cookies and
# Authorization are the account's own.
_SHARED = ("adapters", "cert", "headers", "hooks", "params", "proxies", "trust_env", "verify")


class Account(AuthBase):
    """One stored credential, for all threads of a process.

    It stands as ``auth`` of a request that :class:`pwb_oauth.plugin.AccountSession` then hands to
    :meth:`request`.

    Attributes:
        key: Whose account it is.
        wiki: The wiki on which the consumer is registered.
    """

    def __init__(self, key: TokenKey, store: TokenStore, wiki: Wiki) -> None:
        """Read nothing yet."""
        self.key = key
        self.wiki = wiki
        self.token_lock = threading.Lock()
        """Held while CSRF tokens are fetched anew, so that threads do not void each other's."""
        self._store = store
        self._lock = threading.RLock()
        self._session: requests.Session | None = None
        self._credential: Credential | None = None
        self._dead: tuple[AccessToken, PwbOAuthError] | None = None
        self._confirmed_login: datetime | None = None
        self._clock_offset = 0

    def __repr__(self) -> str:
        """Whose account it is."""
        return f"{type(self).__name__}({self.key.username!r}, {self.key.wiki!r})"

    def __call__(self, request: requests.PreparedRequest) -> NoReturn:
        """Refuse a session that would send the request by itself."""
        del request
        raise ConfigurationError(
            "pywikibot.comms.http.session was replaced after pwb_oauth.install(). "
            "Replace it first, then call pwb_oauth.uninstall() and pwb_oauth.install()."
        )

    @property
    def credential(self) -> Credential:
        """The credential that the next request goes out with, read once from the store.

        Raises:
            LoginRequiredError: None is stored.
            TokenStoreError: The store or what it holds cannot be read.
        """
        credential = self._credential
        if credential is None:
            with self._lock:
                credential = self._credential or self._load()
        return credential

    @property
    def confirmed(self) -> bool:
        """Whether the wiki said that the access token is this account's."""
        return self._confirmed_login is not None and (
            self._confirmed_login == self.credential.logged_in_at
        )

    def confirm(self) -> None:
        """Note that the wiki said so."""
        self._confirmed_login = self.credential.logged_in_at

    def refuse(self, error: PwbOAuthError, credential: Credential | None = None) -> None:
        """Let every request fail with this error until another access token is stored.

        Args:
            error: Why.
            credential: Whose access token is of no use; the present one's if None.
        """
        self._dead = ((credential or self.credential).access_token, copy.copy(error))

    def drop_cookies(self) -> None:
        """Forget the cookies that wikis set for this account."""
        if self._session is not None:
            self._session.cookies.clear()

    def request(
        self, method: str, url: str, *, base: requests.Session, **kwargs: Any
    ) -> requests.Response:
        """Send a request as this account, renewing the access token when that is needed.

        Args:
            method: The HTTP method.
            url: A URL of one of the account's wikis; the caller has checked that it is.
            base: The session whose adapters, proxies and certificates are used.
            **kwargs: What ``requests.Session.request`` takes, without ``auth``. A body must be one
                that can be sent twice: text, bytes or a mapping.

        Raises:
            LoginRequiredError: The access token is of no use any more and cannot be renewed.
            AuthorizationError: The wiki does not let this consumer or account in.
            TransportError: The access token could not be renewed just now.
            ConfigurationError: The wiki redirects to another address.
        """
        credential = self._usable()
        for _ in range(1 + _MAX_REPEATS):
            response = self._send(credential, method, url, base=base, **kwargs)
            refusal = self._refusal(credential, response)
            if refusal is None:
                return response
            response.close()
            credential = self._after(refusal, credential, response)
        raise self._end(credential, "The wiki refuses each new access token")

    def _send(
        self,
        credential: Credential,
        method: str,
        url: str,
        *,
        base: requests.Session,
        **kwargs: Any,
    ) -> requests.Response:
        session = self._session_on(base)
        response = session.request(
            method, url, auth=self._signer(credential), **{**kwargs, "allow_redirects": False}
        )
        if response.is_redirect:
            target = urlsplit(response.headers["location"])
            raise ConfigurationError(
                f"{self.key.wiki} redirects its API to {target.scheme}://{target.netloc}. "
                "An access token does not follow: correct the address in the family file."
            )
        # Pywikibot writes the headers of API errors to its log; the cookie is kept by now.
        response.headers.pop("Set-Cookie", None)
        return response

    def _session_on(self, base: requests.Session) -> requests.Session:
        if self._session is None:
            with self._lock:
                self._session = self._session or requests.Session()
        for name in _SHARED:
            setattr(self._session, name, getattr(base, name))
        return self._session

    def _signer(self, credential: Credential) -> AuthBase:
        token = credential.access_token
        if isinstance(token, OAuth1AccessToken):
            return OAuth1Signer(credential.consumer, token, timestamp_offset=self._clock_offset)
        return _Bearer(token)

    def _load(self) -> Credential:
        """Read the store; the lock is held."""
        credential = self._store.load(self.key)
        if credential is None:
            raise LoginRequiredError(
                f"{self.key.username} is not logged in to {self.key.wiki}. {self._next_step()}"
            )
        self._adopt(credential)
        return credential

    def _adopt(self, credential: Credential) -> None:
        """Use another credential from here on; cookies may belong to the access token."""
        if self._credential is not None:
            self.drop_cookies()
        self._credential = credential

    def _usable(self) -> Credential:
        """The credential, alive and not about to expire."""
        credential = self.credential
        if self._dead is not None:
            credential = self._revive()
        token = credential.access_token
        if isinstance(token, OAuth2AccessToken) and token.refresh_token is not None:
            renew_at = token.renew_at
            if renew_at is not None and clock.now() >= renew_at:
                return self._renew(credential)
        return credential

    def _revive(self) -> Credential:
        """Look whether somebody logged in again since the access token was refused."""
        with self._lock:
            if self._dead is None:
                return self.credential
            token, error = self._dead
            stored = self._store.load(self.key)
            if stored is None or stored.access_token == token:
                raise copy.copy(error)
            self._dead = None
            self._adopt(stored)
            return stored

    def _refusal(self, credential: Credential, response: requests.Response) -> Refusal | None:
        refusal = refusal_of(response)
        if refusal is not Refusal.DOUBTFUL:
            return refusal
        try:
            fetch_identity(self.wiki, credential.consumer, credential.access_token)
        except LoginRequiredError:
            return Refusal.TOKEN
        except (TransportError, IdentityError):
            pass
        return None

    def _after(
        self, refusal: Refusal, credential: Credential, response: requests.Response
    ) -> Credential:
        """The credential to send the request again with.

        Raises:
            PwbOAuthError: There is none.
        """
        if refusal is Refusal.NONCE:
            return credential
        if refusal is Refusal.CLOCK:
            return self._set_clock(credential, response)
        if refusal is Refusal.TOKEN:
            return self._renew(credential)
        code = response.headers.get(API_ERROR_HEADER, "")
        if refusal is Refusal.CONSUMER:
            raise self._end(credential, f"The consumer is not approved, or was disabled ({code})")
        raise LoginRequiredError(
            f"{urlsplit(response.url).netloc} does not let {self.key.username} in ({code}). "
            f"See whether the account is blocked, locked, or the consumer meant for another wiki."
        )

    def _set_clock(self, credential: Credential, response: requests.Response) -> Credential:
        """Learn by how much this machine's clock is off, from the wiki's ``Date``.

        Raises:
            TransportError: The wiki did not say, or the clocks agree by now.
        """
        date = response.headers.get("Date")
        try:
            theirs = parsedate_to_datetime(date or "")
            offset = round((theirs - clock.now()).total_seconds())
        except (TypeError, ValueError):
            offset = self._clock_offset
        if offset == self._clock_offset:
            raise TransportError(
                f"{self.key.wiki} refuses this machine's time. Set the clock right, then try again."
            )
        self._clock_offset = offset
        return credential

    def _renew(self, stale: Credential) -> Credential:
        """Get a newer access token than this one: from memory, from the store or from the wiki."""
        with self._lock:
            current = self.credential
            if current.access_token != stale.access_token:
                return current
            if not current.refreshable:
                return self._reread(stale)
            return self._renew_locked(stale)

    def _reread(self, stale: Credential) -> Credential:
        """Use what another process stored meanwhile, if it did."""
        stored = self._store.load(self.key)
        if stored is None or stored.access_token == stale.access_token:
            raise self._end(
                stale, "The wiki no longer accepts the access token: revoked, or expired"
            )
        self._adopt(stored)
        return stored

    def _renew_locked(self, stale: Credential) -> Credential:
        """Renew under the store's lock, so that nobody else uses the refresh token up."""
        with self._store.locked(self.key) as entry:
            current = entry.credential
            if current is None:
                raise self._end(stale, "Logged out meanwhile")
            if current.access_token == stale.access_token:
                current = self._refreshed(current)
                if not entry.replace(current):
                    raise self._end(stale, "Logged out meanwhile")
        self._adopt(current)
        return current

    def _refreshed(self, current: Credential) -> Credential:
        if not isinstance(current.access_token, OAuth2AccessToken):
            return current
        try:
            token = oauth2.refresh(
                self.wiki, current.consumer, current.access_token, username=self.key.username
            )
        except LoginRequiredError:
            why = "The wiki no longer renews the access token: revoked, or expired"
            raise self._end(current, why) from None
        except TokenRequestError as error:
            self.refuse(error, current)
            raise
        return current.renewed(token)

    def _end(self, credential: Credential, why: str) -> LoginRequiredError:
        """The error for this and every later request, until another access token is stored."""
        error = LoginRequiredError(
            f"{why} ({self.key.username} on {self.key.wiki}). {self._next_step()}"
        )
        self.refuse(error, credential)
        return error

    def _next_step(self) -> str:
        if self._store.read_only:
            return "Put the access token of an owner-only consumer into PWB_OAUTH_TOKEN."
        return f"Log in: {self.key.login_command}"


class _Bearer(AuthBase):
    """Puts an OAuth 2.0 access token on a request. Source: RFC 6750 section 2.1."""

    def __init__(self, token: OAuth2AccessToken) -> None:
        self._token = token

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {self._token.value}"
        return prepared
