"""A credential at work: sending as its account, and what to do when the wiki refuses."""

from __future__ import annotations

import threading
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from requests.auth import AuthBase

from pwb_oauth import clock, forks
from pwb_oauth.answers import error_code
from pwb_oauth.errors import (
    ConfigurationError,
    IdentityError,
    LoginRequiredError,
    PwbOAuthError,
    TransportError,
)
from pwb_oauth.refusal import API_ERROR_HEADER, Refusal, is_action_api, refusal_of
from pwb_oauth.renewal import LiveCredential

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    import requests

    from pwb_oauth.credential import Credential
    from pwb_oauth.identity import Identity
    from pwb_oauth.sender import Sender
    from pwb_oauth.tokens import CredentialSource, TokenKey
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

    def __init__(self, key: TokenKey, store: CredentialSource, wiki: Wiki) -> None:
        """Read nothing yet."""
        self.key = key
        self.wiki = wiki
        self._live = LiveCredential(key, store, wiki)
        self._confirmed_login: datetime | None = None
        self._clock_offset = 0
        self.begin_anew()
        forks.renew_in_children(self)

    def begin_anew(self) -> None:
        """Make locks, in a child of a fork once more."""
        # Held while CSRF tokens are fetched anew, so that threads do not void each other's.
        self.token_lock: AbstractContextManager[Any] = threading.Lock()
        # Held while a site signs in, which changes the site under the hands of its threads.
        self.sign_in_lock = threading.RLock()

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
        return self._live.current().credential

    def is_of_login(self, logged_in_at: datetime | None) -> bool:
        """Whether what was read from the store, if anything was, is of the login of that time.

        Args:
            logged_in_at: When somebody logged in, as the store's list says; None if it does not.
        """
        read = self._live.logged_in_at
        return read is None or logged_in_at is None or read == logged_in_at

    @property
    def confirmed(self) -> bool:
        """Whether the wiki said that the access token is this account's."""
        return self._confirmed_login is not None and (
            self._confirmed_login == self.credential.logged_in_at
        )

    def is_called(self, username: str) -> bool:
        """Whether the wiki means this account by a name."""
        return username == self.key.username

    def confirm(self) -> None:
        """Note that the wiki said so."""
        self._confirmed_login = self.credential.logged_in_at

    def identify(self) -> Identity:
        """Ask the wiki whose the access token is, with a renewed one if that is needed.

        Raises:
            LoginRequiredError: The access token is of no use any more and cannot be renewed.
            IdentityError: The wiki does not name the account.
            TransportError: The wiki could not be asked.
        """
        sender = self._live.usable()
        try:
            return self._live.identity_of(sender.credential)
        except LoginRequiredError:
            return self._live.identity_of(self._live.renewed(sender).credential)

    def refuse(self, error: PwbOAuthError) -> None:
        """Let every request fail with this error until another access token is stored."""
        self._live.refuse(error)

    def drop_cookies(self) -> None:
        """Forget the cookies that wikis set for this account."""
        self._live.drop_cookies()

    def request(
        self, method: str, url: str, *, base: requests.Session, **kwargs: Any
    ) -> requests.Response:
        """Send a request as this account, renewing the access token when that is needed.

        A request that the wiki refused because of its access token was not executed, and is sent
        again with another one, at most three times; no other request is sent twice.

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
        sender = self._live.usable()
        repeats = 0
        while True:
            offset = self._clock_offset
            response = sender.send(method, url, base=base, timestamp_offset=offset, **kwargs)
            refusal = self._refusal(sender.credential, response)
            if refusal is None:
                return response
            response.close()
            if repeats == _MAX_REPEATS:
                raise self._given_up(refusal, sender.credential)
            repeats += 1
            sender = self._after(refusal, sender, response, offset)

    def _refusal(self, credential: Credential, response: requests.Response) -> Refusal | None:
        refusal = refusal_of(response)
        if refusal is not Refusal.DOUBTFUL:
            return refusal
        try:
            self._live.identity_of(credential)
        except LoginRequiredError:
            return Refusal.TOKEN
        except (TransportError, IdentityError, ConfigurationError):
            pass
        if response.status_code == HTTPStatus.UNAUTHORIZED and is_action_api(response):
            # Without an error in its body Pywikibot would take it for a success.
            raise TransportError(
                f"{self.key.wiki} does not let a request in (HTTP 401), although it says nothing "
                "against the access token. Try again later."
            )
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
            return self._live.renewed(sender)
        raise self._error(refusal, sender.credential, response)

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
        except (TypeError, ValueError, OverflowError):
            pass
        if self._clock_offset == offset:
            raise self._wrong_clock()

    def _error(
        self, refusal: Refusal, credential: Credential, response: requests.Response
    ) -> LoginRequiredError:
        code = error_code(response.headers.get(API_ERROR_HEADER), ())
        reason = code or "no reason given"
        if refusal is Refusal.CONSUMER:
            why = f"The consumer is not approved, or was disabled ({reason})"
            return self._live.end(credential, why, code)
        if refusal is Refusal.SIGNATURE:
            return LoginRequiredError(
                f"{self.key.wiki} does not accept the signature of a request of "
                f"{self.key.username}. If it accepts others, this one repeats a parameter; else "
                f"the consumer secret or the access secret is wrong. {self._live.next_step}"
            )
        return LoginRequiredError(
            f"{urlsplit(response.url).netloc} does not let {self.key.username} in ({reason}). "
            "See whether the account is blocked, locked, or the consumer meant for another wiki. "
            f"With another consumer, log in again: {self.key.login_command}",
            code,
        )

    def _given_up(self, refusal: Refusal, credential: Credential) -> PwbOAuthError:
        if refusal is Refusal.CLOCK:
            return self._wrong_clock()
        if refusal is Refusal.NONCE:
            return TransportError(
                f"{self.key.wiki} takes each new nonce for a used one. Try again later."
            )
        return self._live.end(credential, "The wiki refuses each new access token")

    def _wrong_clock(self) -> TransportError:
        return TransportError(
            f"{self.key.wiki} refuses this machine's time. Set the clock right, then try again."
        )
