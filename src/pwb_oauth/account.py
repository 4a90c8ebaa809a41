"""A credential at work: sending as its account, and renewing its access token."""

from __future__ import annotations

import copy
import threading
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from requests.auth import AuthBase

from pwb_oauth import clock, oauth2
from pwb_oauth.answers import error_code
from pwb_oauth.credential import Credential, OAuth2AccessToken
from pwb_oauth.errors import (
    ConfigurationError,
    IdentityError,
    LoginRequiredError,
    PwbOAuthError,
    TokenRequestError,
    TransportError,
    UsernameMismatchError,
)
from pwb_oauth.identity import fetch_identity
from pwb_oauth.refusal import API_ERROR_HEADER, Refusal, refusal_of
from pwb_oauth.sender import Sender
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from datetime import datetime

    import requests

    from pwb_oauth.credential import AccessToken
    from pwb_oauth.tokens import TokenStore
    from pwb_oauth.wiki import Wiki

_MAX_REPEATS = 3


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
        self._sender: Sender | None = None
        self._dead: tuple[AccessToken, PwbOAuthError] | None = None
        self._failed_renewal: TransportError | None = None
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
        return self._current().credential

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
        if self._sender is not None:
            self._sender = Sender(self._sender.credential)

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
        sender = self._usable()
        for repeats_left in range(_MAX_REPEATS, -1, -1):
            offset = self._clock_offset
            response = sender.send(method, url, base=base, timestamp_offset=offset, **kwargs)
            refusal = self._refusal(sender.credential, response)
            if refusal is None:
                return response
            response.close()
            if not repeats_left:
                raise self._given_up(refusal, sender.credential)
            sender = self._after(refusal, sender, response, offset)
        raise AssertionError  # pragma: no cover

    def _current(self) -> Sender:
        sender = self._sender
        if sender is None:
            with self._lock:
                sender = self._sender or self._load()
        return sender

    def _load(self) -> Sender:
        """Read the store; the lock is held."""
        credential = self._store.load(self.key)
        if credential is None:
            raise LoginRequiredError(
                f"{self.key.username} is not logged in to {self.key.wiki}. {self._next_step()}"
            )
        return self._adopt(credential)

    def _adopt(self, credential: Credential) -> Sender:
        """Use another credential from here on."""
        self._sender = Sender(credential)
        return self._sender

    def _adopt_stored(self, credential: Credential) -> Sender:
        """Use what somebody else stored meanwhile, once its owner is known if it is a new login.

        The request that waits for it may be an edit.
        """
        if credential.logged_in_at != self.credential.logged_in_at:
            self._check_owner(credential)
        return self._adopt(credential)

    def _check_owner(self, credential: Credential) -> None:
        try:
            identity = fetch_identity(self.wiki, credential.consumer, credential.access_token)
        except LoginRequiredError:
            raise self._end(credential, "The wiki does not accept the stored token") from None
        if TokenKey(self.key.wiki, identity.username) != self.key:
            error = UsernameMismatchError(self.key.username, identity.username)
            self.refuse(error, credential)
            raise error

    def _usable(self) -> Sender:
        """What to send with: alive and not about to expire."""
        sender = self._current() if self._dead is None else self._revive()
        token = sender.credential.access_token
        if isinstance(token, OAuth2AccessToken) and token.refresh_token is not None:
            renew_at = token.renew_at
            if renew_at is not None and clock.now() >= renew_at:
                return self._renew(sender.credential)
        return sender

    def _revive(self) -> Sender:
        """Look whether somebody logged in again since the access token was refused."""
        with self._lock:
            if self._dead is None:
                return self._current()
            token, error = self._dead
            stored = self._store.load(self.key)
            if stored is None or stored.access_token == token:
                raise copy.copy(error)
            sender = self._adopt_stored(stored)
            self._dead = None
            return sender

    def _refusal(self, credential: Credential, response: requests.Response) -> Refusal | None:
        refusal = refusal_of(response)
        if refusal is not Refusal.DOUBTFUL:
            return refusal
        try:
            fetch_identity(self.wiki, credential.consumer, credential.access_token)
        except LoginRequiredError:
            return Refusal.TOKEN
        except (TransportError, IdentityError, ConfigurationError):
            pass
        return None

    def _after(
        self, refusal: Refusal, sender: Sender, response: requests.Response, offset: int
    ) -> Sender:
        """What to send the request again with.

        Raises:
            PwbOAuthError: Sending it again is of no use.
        """
        if refusal is Refusal.NONCE:
            return sender
        if refusal is Refusal.CLOCK:
            self._set_clock(response, offset)
            return sender
        if refusal is Refusal.TOKEN:
            return self._renew(sender.credential)
        code = error_code(response.headers.get(API_ERROR_HEADER), ()) or "no reason given"
        if refusal is Refusal.CONSUMER:
            why = f"The consumer is not approved, or was disabled ({code})"
            raise self._end(sender.credential, why)
        if refusal is Refusal.SIGNATURE:
            raise LoginRequiredError(
                f"{self.key.wiki} does not accept the signature of a request of "
                f"{self.key.username}. If it accepts others, this one repeats a parameter; else "
                f"the consumer secret or the access secret is wrong. {self._next_step()}"
            )
        raise LoginRequiredError(
            f"{urlsplit(response.url).netloc} does not let {self.key.username} in ({code}). "
            f"See whether the account is blocked, locked, or the consumer meant for another wiki."
        )

    def _set_clock(self, response: requests.Response, offset: int) -> None:
        """Learn by how much this machine's clock is off, from the wiki's ``Date``.

        Args:
            response: The refusal.
            offset: What the refused request was signed with.

        Raises:
            TransportError: The wiki did not say, or the clocks agree by now.
        """
        if self._clock_offset != offset:
            return  # another thread has learned it meanwhile
        try:
            theirs = parsedate_to_datetime(response.headers.get("Date", ""))
            self._clock_offset = round((theirs - clock.now()).total_seconds())
        except (TypeError, ValueError):
            pass
        if self._clock_offset == offset:
            raise self._wrong_clock()

    def _wrong_clock(self) -> TransportError:
        return TransportError(
            f"{self.key.wiki} refuses this machine's time. Set the clock right, then try again."
        )

    def _given_up(self, refusal: Refusal, credential: Credential) -> PwbOAuthError:
        if refusal is Refusal.CLOCK:
            return self._wrong_clock()
        if refusal is Refusal.NONCE:
            return TransportError(
                f"{self.key.wiki} takes each new nonce for a used one. Try again later."
            )
        return self._end(credential, "The wiki refuses each new access token")

    def _renew(self, stale: Credential) -> Sender:
        """Get a newer access token than this one: from memory, from the store or from the wiki."""
        failed_before = self._failed_renewal
        with self._lock:
            sender = self._current() if self._dead is None else self._revive()
            if sender.credential.access_token != stale.access_token:
                return sender
            if not sender.credential.refreshable:
                return self._reread(stale)
            failed = self._failed_renewal
            if failed is not None and failed is not failed_before:
                raise copy.copy(failed)  # it was tried while we waited
            try:
                return self._renew_locked(stale)
            except TransportError as error:
                self._failed_renewal = copy.copy(error)
                raise

    def _reread(self, stale: Credential) -> Sender:
        """Use what another process stored meanwhile, if it did."""
        stored = self._store.load(self.key)
        if stored is None or stored.access_token == stale.access_token:
            raise self._end(
                stale, "The wiki no longer accepts the access token: revoked, or expired"
            )
        return self._adopt_stored(stored)

    def _renew_locked(self, stale: Credential) -> Sender:
        """Renew under the store's lock, so that nobody else uses the refresh token up."""
        with self._store.locked(self.key) as entry:
            current = entry.credential
            if current is None:
                raise self._end(stale, "Logged out meanwhile")
            if current.access_token == stale.access_token:
                current = self._refreshed(current)
                if not entry.replace(current):
                    raise self._end(stale, "Logged out meanwhile")
        return self._adopt_stored(current)

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
