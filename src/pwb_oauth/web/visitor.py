"""A visitor's account at work: as any account, but for one block, and mostly from a sealed row."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pwb_oauth import deadline
from pwb_oauth.account import Account
from pwb_oauth.errors import IdentityError, LoginRequiredError
from pwb_oauth.renewal import LiveCredential
from pwb_oauth.tokens import TokenKey
from pwb_oauth.web.precedence import Precedence, TokenTurn, people
from pwb_oauth.writes import holds_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import requests

    from pwb_oauth.credential import Credential
    from pwb_oauth.identity import Identity
    from pwb_oauth.sender import Sender
    from pwb_oauth.tokens import CredentialSource, LockedCredential
    from pwb_oauth.web.sealed_store import LockedRow, SealedStore
    from pwb_oauth.web.sealing import Seal
    from pwb_oauth.web.user_session import UserSession
    from pwb_oauth.wiki import Wiki

_AGAIN = "Sign in again."
_READS = frozenset({"GET", "HEAD"})
_REFRESH = 10.0
"""Seconds that a refresh may take once it is begun, however little time the block has left."""


class SealedTokens:
    """One user session's row, as where an account's credential is kept."""

    read_only = False

    def __init__(self, session: UserSession, store: SealedStore, seal: Seal) -> None:
        """Read nothing yet."""
        self._session = session
        self._store = store
        self._seal = seal

    def load(self, key: TokenKey) -> Credential | None:
        """Read and unseal it; None if the user was signed out meanwhile."""
        del key
        row = self._store.get(self._session.row_id)
        return None if row is None or row.ended_at else self._seal.unseal(row, self._session.key)

    @contextmanager
    def locked(self, key: TokenKey) -> Iterator[LockedCredential]:
        """Hold the row against every other tab, job, process and machine."""
        del key
        with self._store.locked(self._session.row_id) as locked:
            yield _Locked(self._session, locked, self._seal)


class _Locked:
    """The credential of a row that is locked."""

    def __init__(self, session: UserSession, locked: LockedRow, seal: Seal) -> None:
        self._session = session
        self._locked = locked
        self._seal = seal

    @property
    def credential(self) -> Credential | None:
        row = self._locked.row
        return None if row is None or row.ended_at else self._seal.unseal(row, self._session.key)

    def replace(self, credential: Credential) -> bool:
        sealed = self._seal.seal(credential, self._session.row_id, self._session.key)
        return self._locked.replace(sealed.key_id, sealed.value)


class VisitorCredential(LiveCredential):
    """A visitor's credential. A refreshed one is not used before the wiki has said whose it is.

    Attributes:
        is_over: Whether the wiki said that the visitor's approval is over.
    """

    def __init__(self, key: TokenKey, store: CredentialSource, wiki: Wiki, now: Credential) -> None:
        """Begin with what was just read."""
        super().__init__(key, store, wiki)
        self.is_over = False
        self._adopt(now)

    @property
    def next_step(self) -> str:
        """What the visitor does where the access token is of no use."""
        return _AGAIN

    def over(self, credential: Credential, why: str, code: str | None = None) -> LoginRequiredError:
        """Remember it, so that the row can be marked once it is not locked any more."""
        self.is_over = True
        return super().over(credential, why, code)

    def rename(self, username: str) -> None:
        """Keep the name that the wiki knows the user by now."""
        if self._store.read_only:
            renamed = replace(self.current().credential, username=username)
        else:
            renamed = self._renamed(username)
        self._key = TokenKey(self._key.wiki, username)
        self._adopt(renamed)

    def _renamed(self, username: str) -> Credential:
        with self._store.locked(self._key) as entry:
            current = entry.credential
            renamed = None if current is None else replace(current, username=username)
            if renamed is None or not entry.replace(renamed):
                raise self.end(self.current().credential, "Signed out meanwhile")
        return renamed

    def _refreshed(self, current: Credential) -> Credential:
        # The wiki takes the old tokens back at once: an answer that is not waited for is lost.
        with deadline.at_least(_REFRESH):
            return super()._refreshed(current)

    def _adopt_stored(self, credential: Credential) -> Sender:
        if credential.access_token != self.current().credential.access_token:
            self._check_owner(credential)
        return self._adopt(credential)

    def _check_owner(self, credential: Credential) -> None:
        try:
            identity = self.identity_of(credential)
        except LoginRequiredError:
            raise self.over(credential, "The wiki does not accept the new access token") from None
        if identity.subject != credential.subject:
            error = IdentityError(
                f"{self._key.wiki} gave an access token of another user than "
                f"{self._key.username}. {_AGAIN}"
            )
            self.refuse(error, credential)
            raise error


class VisitorAccount(Account):
    """A visitor's account in one block.

    Attributes:
        is_open: Whether the block has not ended.
        ends_at: By when the wiki must have answered, as :func:`deadline.after` gives it; None where
            nobody waits at a browser.
    """

    _live: VisitorCredential

    def __init__(
        self,
        wiki: Wiki,
        credential: Credential,
        source: CredentialSource,
        ends_at: float | None,
    ) -> None:
        """Begin with what was just read from the source; nothing is read."""
        self.ends_at = ends_at
        key = TokenKey(wiki.name, credential.username)
        super().__init__(key, source, wiki)
        self._go_by(people.find(wiki.name, str(credential.subject)))
        self._live = VisitorCredential(key, source, wiki, credential)
        self._source = source
        self.is_open = True

    def begin_anew(self) -> None:
        """Make locks, in a child of a fork once more; the other user sessions are the parent's."""
        super().begin_anew()
        self._go_by(Precedence())

    def close(self) -> None:
        """End: whatever still refers to this account is of no use."""
        self.is_open = False
        self._precedence.release(self)

    @property
    def is_over(self) -> bool:
        """Whether the wiki said that the visitor's approval is over."""
        return self._live.is_over

    def request(
        self, method: str, url: str, *, base: requests.Session, **kwargs: Any
    ) -> requests.Response:
        """Send a request as this visitor, as :meth:`Account.request` does, before the deadline.

        Raises:
            LoginRequiredError: The block has ended, or the user was signed out and this request
                could write.
            DeadlineExceededError: There is no time left.
        """
        self.require_open()
        self._precedence.respect(self)
        with self.in_time():
            return self._request(method, url, base, kwargs)

    def _request(
        self, method: str, url: str, base: requests.Session, kwargs: dict[str, Any]
    ) -> requests.Response:
        kwargs["timeout"] = deadline.limited(kwargs.get("timeout"))
        # A logout in another tab or during a job lets nothing be written after it.
        if method.upper() not in _READS and self._source.load(self.key) is None:
            raise self._live.end(self.credential, "Signed out meanwhile")
        try:
            return super().request(method, url, base=base, **kwargs)
        finally:
            if holds_token(kwargs.get("data")):
                self._precedence.release(self)

    def identify(self) -> Identity:
        """Ask the wiki who the visitor is, as ``Account.identify`` does, in time."""
        with self.in_time():
            return super().identify()

    def in_time(self) -> AbstractContextManager[None]:
        """Let what is called end before the deadline, whichever thread calls it."""
        return deadline.until(self.ends_at)

    def require_open(self) -> None:
        """Refuse to act for a visitor whose block has ended.

        Raises:
            LoginRequiredError: It has.
        """
        if not self.is_open:
            raise LoginRequiredError(
                "The block in which this site or session acted as a web tool's visitor has ended. "
                "Use it inside the with statement."
            )

    def is_called(self, username: str) -> bool:
        """Whether the wiki means this user by a name, if need be after a rename."""
        return super().is_called(username) or self._was_renamed_to(username)

    def _go_by(self, precedence: Precedence) -> None:
        self._precedence = precedence
        self.token_lock = TokenTurn(precedence, self)

    def _was_renamed_to(self, username: str) -> bool:
        identity = self.identify()
        if identity.username != username or identity.subject != self.credential.subject:
            return False
        self._live.rename(username)
        self.key = TokenKey(self.key.wiki, username)
        return True
