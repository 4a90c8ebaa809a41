"""The credential that an account sends with at this moment: read, renewed, or of no use any more.

Source of the rules: MediaWiki ends the old access token and the old refresh token with every
refresh, so whoever refreshes does it alone and stores what comes of it before anything else.
"""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING

from pwb_oauth import clock, forks, interruptions
from pwb_oauth.credential import OAuth2AccessToken
from pwb_oauth.errors import (
    LoginRequiredError,
    TokenRequestError,
    TransportError,
    UsernameMismatchError,
)
from pwb_oauth.sender import Sender
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from datetime import datetime

    from pwb_oauth.credential import AccessToken, Credential
    from pwb_oauth.errors import PwbOAuthError
    from pwb_oauth.identity import Identity
    from pwb_oauth.tokens import CredentialSource
    from pwb_oauth.wiki import Wiki


class LiveCredential:
    """The credential of one account, for all threads of a process.

    An access token that the wiki refused for good stays dead, without another request to the wiki,
    until another one is stored. What is stored is never deleted here.
    """

    def __init__(self, key: TokenKey, store: CredentialSource, wiki: Wiki) -> None:
        """Read nothing yet."""
        self._key = key
        self._store = store
        self._wiki = wiki
        self._lock = threading.RLock()
        self._sender: Sender | None = None
        self._dead: tuple[Credential, PwbOAuthError] | None = None
        self._failed_renewal: TransportError | None = None
        # The access token that was renewed, and what came of it, while the store has not kept it.
        self._unsaved: tuple[AccessToken | None, Credential | None] = (None, None)
        forks.renew_in_children(self)

    def begin_anew(self) -> None:
        """In a child of a fork: the same credential, but neither lock nor cookies."""
        self._lock = threading.RLock()
        self.drop_cookies()

    @property
    def logged_in_at(self) -> datetime | None:
        """When what was read from the store was obtained; None if nothing was read yet."""
        return self._sender.credential.logged_in_at if self._sender else None

    def current(self) -> Sender:
        """What the last request went out with, dead or alive; read from the store at first.

        Raises:
            LoginRequiredError: Nothing is stored.
            TokenStoreError: The store or what it holds cannot be read.
        """
        sender = self._sender
        if sender is None:
            with self._lock:
                sender = self._sender or self._load()
        return sender

    def usable(self) -> Sender:
        """What to send the next request with: alive, and not about to expire.

        Raises:
            PwbOAuthError: There is none; what :meth:`renewed` or :meth:`refuse` said.
        """
        sender = self._alive()
        token = sender.credential.access_token
        if isinstance(token, OAuth2AccessToken) and token.refresh_token is not None:
            renew_at = token.renew_at
            if renew_at is not None and clock.now() >= renew_at:
                return self.renewed(sender)
        return sender

    def renewed(self, stale: Sender) -> Sender:
        """Get a newer access token: from memory, from the store or from the wiki.

        Args:
            stale: What was refused, or expires.

        Raises:
            LoginRequiredError: There is none, and the wiki will give none.
            TokenRequestError: The wiki does not accept the consumer's key and secret.
            TransportError: The wiki could not be asked; the credential may be good.
            TokenStoreError: The store cannot be read, or not be written.
        """
        failed_before = self._failed_renewal
        with self._lock:
            sender = self._alive()
            if sender.credential.access_token != stale.credential.access_token:
                return sender
            if not sender.credential.refreshable:
                return self._started_afresh(stale)
            failed = self._failed_renewal
            if failed is not None and failed is not failed_before:
                raise copy.copy(failed)  # it was tried while we waited for the lock
            try:
                return self._renew_alone(stale.credential)
            except TransportError as error:
                self._failed_renewal = copy.copy(error)
                raise

    def identity_of(self, credential: Credential) -> Identity:
        """Ask the wiki whose an access token is. Raises what ``identity.fetch_identity`` does."""
        from pwb_oauth.identity import fetch_identity  # noqa: PLC0415  # few processes need it

        consumer, token = credential.consumer, credential.access_token
        return fetch_identity(self._wiki, consumer, token, username=self._key.username)

    def refuse(self, error: PwbOAuthError, credential: Credential | None = None) -> None:
        """Let every request fail with this error until another access token is stored.

        Args:
            error: Why.
            credential: Whose access token is of no use; the present one's if None.
        """
        credential = credential or self.current().credential
        self._dead = (credential, copy.copy(error))

    def end(self, credential: Credential, why: str, code: str | None = None) -> LoginRequiredError:
        """The error for this and every later request, until another access token is stored.

        Args:
            credential: Whose access token is of no use.
            why: The beginning of its message.
            code: The wiki's code for it.
        """
        error = LoginRequiredError(
            f"{why} ({self._key.username} on {self._key.wiki}). {self.next_step}", code
        )
        self.refuse(error, credential)
        return error

    def over(self, credential: Credential, why: str, code: str | None = None) -> LoginRequiredError:
        """As :meth:`end`, where the wiki has said that the user's approval is over."""
        return self.end(credential, why, code)

    def drop_cookies(self) -> None:
        """Forget the cookies that wikis set for this account."""
        if self._sender is not None:
            self._sender = Sender(self._sender.credential)

    @property
    def next_step(self) -> str:
        """What a person does where the access token is of no use."""
        if self._store.read_only:
            return "Put the access token of an owner-only consumer into PWB_OAUTH_TOKEN."
        return f"Log in: {self._key.login_command}"

    def _load(self) -> Sender:
        credential = self._store.load(self._key)
        if credential is None:
            raise LoginRequiredError(
                f"{self._key.username} is not logged in to {self._key.wiki}. {self.next_step}"
            )
        return self._adopt(credential)

    def _adopt(self, credential: Credential) -> Sender:
        """Use a credential from here on."""
        self._sender = Sender(credential)
        return self._sender

    def _adopt_stored(self, credential: Credential) -> Sender:
        """Use what is stored now. The wiki is asked whose it is if somebody logged in anew.

        The request that waits for it may be an edit.
        """
        if credential.logged_in_at != self.current().credential.logged_in_at:
            self._check_owner(credential)
        return self._adopt(credential)

    def _check_owner(self, credential: Credential) -> None:
        try:
            identity = self.identity_of(credential)
        except LoginRequiredError:
            raise self.over(credential, "The wiki does not accept the stored token") from None
        if TokenKey(self._key.wiki, identity.username) != self._key:
            error = UsernameMismatchError(self._key.username, identity.username)
            self.refuse(error, credential)
            raise error

    def _alive(self) -> Sender:
        """What is in use; if that is dead, what somebody stored since then."""
        if self._dead is None:
            return self.current()
        with self._lock:
            if self._dead is None:
                return self.current()
            dead, error = self._dead
            stored = self._store.load(self._key)
            if stored is None or self._same_login(stored, dead):
                raise copy.copy(error)
            sender = self._adopt_stored(stored)
            self._dead = None
            return sender

    def _same_login(self, one: Credential, other: Credential) -> bool:
        """Whether a credential is as it was. A new login may bring the same OAuth 1.0a token."""
        # An environment does not say when its token was obtained.
        same_time = self._store.read_only or one.logged_in_at == other.logged_in_at
        return same_time and one.access_token == other.access_token

    def _started_afresh(self, stale: Sender) -> Sender:
        """The same access token without cookies, or what another process stored meanwhile.

        The wiki may have refused a cookie: ``sessionJwt`` is void when the session on the wiki
        ends, be it by another login with the same OAuth 1.0a token (Phabricator T417833).
        """
        sender = self.current()
        if sender is not stale:
            return sender  # another thread has seen to it
        stored = self._store.load(self._key)
        same = stored is not None and stored.access_token == stale.credential.access_token
        if stored is not None and same and stale.has_cookies:
            return self._adopt_stored(stored)
        return self._read_again(stale.credential)

    def _read_again(self, stale: Credential) -> Sender:
        """Use what another process stored meanwhile, if it did."""
        stored = self._store.load(self._key)
        if stored is None:
            raise self.end(stale, "Logged out meanwhile")
        if stored.access_token == stale.access_token:
            why = "The wiki no longer accepts the access token: revoked, or expired"
            raise self.over(stale, why)
        return self._adopt_stored(stored)

    def _renew_alone(self, stale: Credential) -> Sender:
        """Renew under the store's lock, so that nobody else uses the refresh token up."""
        with self._store.locked(self._key) as entry:
            current = entry.credential
            if current is None:
                raise self.end(stale, "Logged out meanwhile")
            if current.access_token == stale.access_token:
                # The wiki has ended the old tokens before the new ones are stored.
                with interruptions.held_back():
                    used, current = current.access_token, self._refreshed(current)
                    # A store that fails now is asked to keep it again before the next renewal.
                    self._unsaved = (used, current)
                    replaced = entry.replace(current)
                    self._unsaved = (None, None)
                if not replaced:
                    # Logged out, or logged in anew: what we got for the old login is dropped.
                    return self._read_again(stale)
        return self._adopt_stored(current)

    def _refreshed(self, current: Credential) -> Credential:
        from pwb_oauth import oauth2  # noqa: PLC0415  # few processes renew

        if not isinstance(current.access_token, OAuth2AccessToken):
            return current
        used, unsaved = self._unsaved
        if unsaved is not None and used == current.access_token:
            return unsaved
        try:
            token = oauth2.refresh(
                self._wiki, current.consumer, current.access_token, username=self._key.username
            )
        except LoginRequiredError as error:
            reason = "revoked, or expired"
            if error.error == "access_denied":
                reason = "its consumer is not approved, or was disabled"
            why = f"The wiki no longer renews the access token: {reason}"
            ended = self.end if error.error == "access_denied" else self.over
            raise ended(current, why, error.error) from None
        except TokenRequestError as error:
            refusal = TokenRequestError(f"{error} {self.next_step}", error.error)
            self.refuse(refusal, current)
            raise refusal from None
        return current.renewed(token)
