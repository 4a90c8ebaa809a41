"""Signing visitors of a web tool in with their wiki account, and acting as them.

No framework is needed for it, and both adapters are thin: they hand the cookies in and out, and
keep the row's id in the framework's own session.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pwb_oauth import authorization, clock, deadline, oauth2
from pwb_oauth.answers import mismatch, returned_parameters, same
from pwb_oauth.credential import OAuth2AccessToken, Secret
from pwb_oauth.errors import (
    AuthorizationDeniedError,
    ConfigurationError,
    IdentityError,
    LoginRequiredError,
    PwbOAuthError,
    StateMismatchError,
    StoreUnavailableError,
    TokenRequestError,
)
from pwb_oauth.web.cookies import Cookie, CookieNames, SessionCookie
from pwb_oauth.web.jobs import Handles
from pwb_oauth.web.next_url import safe_next_url
from pwb_oauth.web.notices import Notices
from pwb_oauth.web.pending import Attempt, PendingCookies
from pwb_oauth.web.sealed_store import SealedRow
from pwb_oauth.web.sealing import Seal
from pwb_oauth.web.user_session import UserSession
from pwb_oauth.web.visitor import SealedTokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pwb_oauth.credential import Credential
    from pwb_oauth.web.acting import WikiAccount
    from pwb_oauth.web.sealed_store import SealedStore
    from pwb_oauth.web.settings import WebSettings

DEADLINE = 10.0
"""Seconds that a web request may wait for the wiki."""

_FAREWELL = 3.0
"""Seconds to try to end the tokens on the wiki when a visitor signs out."""
_NOTED_EVERY = timedelta(hours=1)
# What MediaWiki sends where the user pressed Cancel, without state.
_DENIED = frozenset({"access_denied", "unauthorized_client"})


@dataclass(frozen=True)
class Departure(Secret):
    """A visitor on the way to the wiki.

    Attributes:
        url: Where to send the browser.
        cookies: What to set.
    """

    url: str
    cookies: tuple[Cookie, ...]


@dataclass(frozen=True)
class Arrival(Secret):
    """A visitor who came back signed in.

    Attributes:
        session: The new user session. Keep its ``row_id`` in the framework's own session.
        next_url: Where to send the browser: a path of this site.
        cookies: What to set.
    """

    session: UserSession
    next_url: str
    cookies: tuple[Cookie, ...]


class WebFlow:
    """Signing in, acting and signing out, for one web tool. It may be shared by all threads.

    Attributes:
        settings: What the web tool is configured with.
        store: Where its user sessions are kept.
    """

    def __init__(self, settings: WebSettings, store: SealedStore) -> None:
        """Ask nothing yet."""
        self.settings = settings
        self.store = store
        self._names = CookieNames(settings.consumer.callback_url or "")
        self._pending = PendingCookies(settings, self._names)
        self._seal = Seal(settings)
        self._notices = Notices(settings, self._seal)
        self._handles = Handles(settings)

    def begin(self, next_url: str | None, cookies: Mapping[str, str]) -> Departure:
        """Send a visitor to the wiki.

        Args:
            next_url: Where to go afterwards; what is no path of this site is replaced by ``/``.
            cookies: What the browser has.

        Raises:
            ConfigurationError: The wiki refused the consumer (OAuth 1.0a).
            TransportError: The wiki could not be asked (OAuth 1.0a).
        """
        wiki, consumer = self.settings.wiki, self.settings.consumer
        try:
            with deadline.within(DEADLINE):
                pending = authorization.begin_authorization(wiki, consumer)
        except TokenRequestError as exc:
            # The visitor has had no part in it yet.
            raise ConfigurationError(
                f"Nobody can sign in (code {exc.error}). {exc} They are PWB_OAUTH_CLIENT_ID, "
                "PWB_OAUTH_CLIENT_SECRET and PWB_OAUTH_CALLBACK_URL."
            ) from exc
        attempt = Attempt(pending, safe_next_url(next_url))
        return Departure(pending.url, self._pending.keep(attempt, cookies))

    def finish(self, url: str, cookies: Mapping[str, str]) -> Arrival:
        """Sign a visitor in who came back from the wiki.

        Args:
            url: The address that the browser came back to, or its path and query.
            cookies: What the browser has.

        Raises:
            AuthorizationDeniedError: The visitor pressed Cancel.
            StateMismatchError: This browser never left with what came back.
            PendingExpiredError: It left more than ten minutes ago.
            TokenRequestError: The wiki refused; ``.error`` is its code.
            LoginRequiredError: The wiki does not accept the access token that it just gave.
            IdentityError: The wiki does not say who the visitor is.
            TransportError: The wiki could not be asked, or answered nonsense.
            StoreUnavailableError: The database cannot be used.
        """
        attempt = self._pending.find(self._state(url), cookies)
        with deadline.within(DEADLINE):
            credential = authorization.complete_authorization(
                self.settings.wiki, attempt.pending, url
            )
        cookie = SessionCookie.new()
        session = self._add(credential, cookie)
        lifetime = int(self.settings.lifetime.total_seconds())
        set_cookies = (
            Cookie(self._names.session, cookie.text, lifetime, self._names.secure),
            self._names.deleted(self._names.pending(attempt.pending.state)),
        )
        return Arrival(session, attempt.next_url, set_cookies)

    def failed_cookies(self, url: str, cookies: Mapping[str, str]) -> tuple[Cookie, ...]:
        """What to set after :meth:`finish` raised: the attempt that failed is over."""
        try:
            name = self._names.pending(self._state(url))
        except (StateMismatchError, AuthorizationDeniedError, TokenRequestError):
            return ()
        return (self._names.deleted(name),) if name in cookies else ()

    def open(
        self, cookies: Mapping[str, str], row_id: str | None, *, tell: bool = True
    ) -> UserSession | None:
        """The user session of a browser, by one read of the store.

        Args:
            cookies: What the browser has.
            row_id: What the framework's own session holds; another row's is nobody's.
            tell: Whether the log says that somebody is signed out by a missing key or by time.

        Returns:
            None if nobody is signed in, whatever the reason.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """
        cookie = SessionCookie.parse(cookies.get(self._names.session, ""))
        if cookie is None or row_id is None or not same(cookie.row_id, row_id):
            return None
        return self._opened(cookie, tell=tell)

    @contextmanager
    def account(
        self, session: UserSession, *, seconds: float | None = DEADLINE
    ) -> Iterator[WikiAccount]:
        """Act as a visitor in a block: ``with flow.account(session) as account:``.

        Args:
            session: Whose account.
            seconds: How long the wiki may take for all that is asked of it in the block; None for
                no end, where nobody waits at a browser.

        Raises:
            DeadlineExceededError: The time is over.
            LoginRequiredError: The wiki accepts the visitor's token no more, or the visitor has
                signed out meanwhile.
        """
        from pwb_oauth.web.acting import acting_as  # noqa: PLC0415  # imports Pywikibot

        source = SealedTokens(session, self.store, self._seal)
        with acting_as(session.wiki, session.credential, source, seconds=seconds) as account:
            try:
                yield account
            finally:
                if account.is_over:
                    # What the block raises matters more than that this could not be noted.
                    with suppress(StoreUnavailableError):
                        self.store.end(session.row_id, clock.now())

    def is_accepted(self, session: UserSession) -> bool:
        """Ask the wiki whether it still accepts the visitor's token; if not, the session ends.

        Raises:
            TransportError: The wiki could not be asked.
            IdentityError: The wiki does not name the user.
        """
        with self.account(session) as account:
            try:
                account.identify()
            except LoginRequiredError:
                return False
            return True

    def logout(self, session: UserSession | None) -> tuple[Cookie, ...]:
        """Sign a visitor out: delete the row, then try to end the tokens on the wiki as well.

        Args:
            session: Which browser's; None where nobody is signed in, but a cookie may be left.

        Returns:
            What to set.

        Raises:
            StoreUnavailableError: The database cannot be used, so that the row is still there.
        """
        if session is not None:
            self._delete(session)
        return (self._names.deleted(self._names.session),)

    def take_back(self, arrival: Arrival) -> None:
        """Undo a sign-in that cannot be completed, as far as that works.

        What it leaves behind nobody can open: the browser was not given the cookie.
        """
        with suppress(StoreUnavailableError):
            self.store.delete(arrival.session.row_id)
        self._end_on_wiki(arrival.session.credential)

    def forget(self, row_id: str) -> None:
        """Delete a user session that the framework has ended by itself.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """
        self.store.delete(row_id)

    def logout_everywhere(self, session: UserSession) -> int:
        """Sign a visitor out of every browser.

        On the wiki it ends the tokens of this session alone. Those of the others cannot be read
        without the other browsers' cookies; nobody has them any more, and they lapse.

        Returns:
            How many user sessions were deleted.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """
        was_there = self._delete(session)
        return was_there + self.store.delete_all(session.wiki.name, session.subject)

    def purge(self, older_than: timedelta | None = None, idle: timedelta | None = None) -> int:
        """Delete user sessions that are over. Call it once a day.

        Args:
            older_than: Since when they may have been signed in; the lifetime of the settings if
                None.
            idle: Since when they may have been unused; that of the settings if None.

        Returns:
            How many were deleted.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """
        now = clock.now()
        return self.store.purge(
            logged_in_before=now - (self.settings.lifetime if older_than is None else older_than),
            used_before=now - (self.settings.idle if idle is None else idle),
        )

    def handle(
        self, session: UserSession, task: str, lifetime: timedelta = timedelta(hours=24)
    ) -> str:
        """What a background job is given to act as the visitor: text for a queue.

        Args:
            session: Whom it acts as.
            task: Which task it is for; :meth:`job` must name the same.
            lifetime: For how long the job can be begun.
        """
        return self._handles.make(session, task, lifetime)

    @contextmanager
    def job(self, handle: str, task: str) -> Iterator[WikiAccount]:
        """Act as the visitor who started a background job: ``with flow.job(handle, 'task') as …``.

        Nothing has to end by a time. The row is read again before each write, so that the visitor's
        logout ends the job.

        Raises:
            LoginRequiredError: The handle is of no use, or the visitor has signed out.
            StoreUnavailableError: The database cannot be used.
        """
        session = self._opened(self._handles.read(handle, task))
        if session is None:
            raise LoginRequiredError(
                "The visitor who started this job has signed out. Let the visitor start it again."
            )
        with self.account(session, seconds=None) as account:
            yield account

    def _state(self, url: str) -> str:
        """What the wiki sent back of an attempt.

        Raises:
            StateMismatchError: Nothing, or something twice.
            AuthorizationDeniedError: The visitor pressed Cancel; the wiki does not say in which
                attempt.
            TokenRequestError: The wiki refused, and does not say which attempt.
        """
        returned = returned_parameters(url)
        state = returned.get("state") or returned.get("oauth_token")
        if state:
            return state
        if "error" not in returned:
            raise mismatch()
        if returned["error"] in _DENIED:
            raise AuthorizationDeniedError(
                "The access was not allowed. Sign in again and press Allow, if that was not meant."
            )
        raise TokenRequestError("The wiki refused the sign-in. Sign in again.")

    def _add(self, credential: Credential, cookie: SessionCookie) -> UserSession:
        if credential.subject is None:
            raise IdentityError("The wiki does not say which user this is. Sign in again.")
        sealed = self._seal.seal(credential, cookie.row_id, cookie.key)
        row = SealedRow(
            row_id=cookie.row_id,
            wiki=self.settings.wiki.central.name,
            subject=credential.subject,
            key_id=sealed.key_id,
            sealed=sealed.value,
            logged_in_at=credential.logged_in_at,
            last_used_at=credential.logged_in_at,
        )
        try:
            self.store.add(row)
        except StoreUnavailableError:
            self._end_on_wiki(credential)  # nobody will ever have these tokens
            raise
        return self._session(row, credential, cookie)

    def _opened(self, cookie: SessionCookie, *, tell: bool = True) -> UserSession | None:
        row = self.store.get(cookie.row_id)
        if row is None or row.ended_at:
            return None
        credential = self._seal.unseal(row, cookie.key)
        if credential is None:
            if tell:
                self._notices.missing_key(row)
            return None
        session = self._session(row, credential, cookie)
        now = clock.now()
        if now >= session.ends_at:
            if tell:
                self._notices.end(row)
            return None
        if now - row.last_used_at >= min(_NOTED_EVERY, self.settings.idle / 2):
            self.store.touch(row.row_id, now)
        return session

    def _session(
        self, row: SealedRow, credential: Credential, cookie: SessionCookie
    ) -> UserSession:
        return UserSession(
            row_id=row.row_id,
            wiki=self.settings.wiki.central,
            ends_at=self._ends_at(row, credential),
            credential=credential,
            key=cookie.key,
        )

    def _ends_at(self, row: SealedRow, credential: Credential) -> datetime:
        # The sealed time counts as well, since whoever can write to the table can change the row's.
        began_at = min(row.logged_in_at, credential.logged_in_at)
        return min(began_at + self.settings.lifetime, row.last_used_at + self.settings.idle)

    def _delete(self, session: UserSession) -> bool:
        """Delete a row, if it is there, and end on the wiki what it held at last.

        Another tab may have refreshed the tokens since the session was opened.
        """
        row = self.store.delete(session.row_id)
        credential = None if row is None else self._seal.unseal(row, session.key)
        if credential is not None:
            self._end_on_wiki(credential)
        return row is not None

    def _end_on_wiki(self, credential: Credential) -> None:
        """Refresh the tokens and throw them away: MediaWiki has no other way to end them."""
        token = credential.access_token
        if not isinstance(token, OAuth2AccessToken):
            return
        # The visitor is signed out all the same, and the tokens are nowhere any more.
        with suppress(PwbOAuthError), deadline.within(_FAREWELL):
            oauth2.refresh(
                self.settings.wiki, credential.consumer, token, username=credential.username
            )
