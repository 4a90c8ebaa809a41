"""What keeps the sealed credentials of a web tool's visitors, and what it promises.

A row is one user session: one browser that somebody signed in with. Its sealed text cannot be
opened with what a store holds; the other half of the key is in that browser's cookie. So a store
needs no keys, and never sees a credential.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

LOCK_TIMEOUT = 10.0
"""Seconds to wait for a row that another request refreshes: a visitor waits no longer."""


@dataclass(frozen=True)
class SealedRow:
    """A user session as it is stored.

    Attributes:
        row_id: 32 hexadecimal digits, random.
        wiki: The name of the central wiki.
        subject: The user's ``sub`` there, which a rename does not change.
        key_id: Which of the application's keys it was sealed under, in 8 hexadecimal digits.
        sealed: The sealed credential, in ASCII.
        logged_in_at: When the user signed in. Aware UTC, as the other two.
        last_used_at: When the user session was last used, or shortly before.
        ended_at: When the wiki stopped accepting it; None if it has not.
    """

    row_id: str
    wiki: str
    subject: str
    key_id: str
    sealed: str = field(repr=False)
    logged_in_at: datetime
    last_used_at: datetime
    ended_at: datetime | None = None


class LockedRow(Protocol):
    """A row while nobody else may refresh or delete it."""

    @property
    def row(self) -> SealedRow | None:
        """The row as it was when the lock was had; None if there was none."""

    def replace(self, key_id: str, sealed: str) -> bool:
        """Put a refreshed credential in the place of the one in :attr:`row`, and commit.

        The wiki has taken the old tokens back by then, so a store tries again for some seconds
        where its database is away. The lock may be let go as soon as it is written.

        Args:
            key_id: Which of the application's keys it is sealed under.
            sealed: The sealed credential.

        Returns:
            Whether it is stored. False, and nothing is written, where the row is gone, has ended,
            or holds another credential.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """


class SealedStore(Protocol):
    """Where a web tool keeps its user sessions.

    Every method works on a connection of its own, in a transaction of its own that is committed
    when it returns: what the application does with its transaction changes nothing here. None of
    them keeps anything between two calls. Each raises StoreUnavailableError, and nothing else,
    where the database cannot be used or a lock was not had within :data:`LOCK_TIMEOUT` seconds;
    the error says what the operator can do.

    Inside :meth:`locked` a row must not be asked to :meth:`end` or to be deleted by the same
    thread: these wait for it.
    """

    def add(self, row: SealedRow) -> None:
        """Store a new user session."""

    def get(self, row_id: str) -> SealedRow | None:
        """Read a row by its primary key, as it is now; None if there is none. It never waits."""

    def locked(self, row_id: str) -> AbstractContextManager[LockedRow]:
        """Hold a row against every other thread, process and machine that would lock or delete it.

        The lock ends with the process, however that ends. The row is read by what locks it, and
        it has been tried that it can be written: a full disk or a database that can only be read
        is an error here, before the wiki is asked for new tokens. A process holds no more than
        four rows at a time, since servers limit a user's connections; the next thread waits.
        """

    def touch(self, row_id: str, at: datetime) -> None:
        """Note that a user session is used. It does not wait: nothing is noted while it is locked.

        Args:
            row_id: Which one.
            at: When; nothing is noted if a later time is there already.
        """

    def end(self, row_id: str, at: datetime) -> None:
        """Note that the wiki does not accept a user session any more, unless that is noted.

        Args:
            row_id: Which one.
            at: When.
        """

    def delete(self, row_id: str) -> SealedRow | None:
        """Delete a row, once nobody has it locked.

        Returns:
            What was deleted, as the last refresh left it; None if there was none.
        """

    def delete_all(self, wiki: str, subject: str) -> int:
        """Delete every user session of a user, each once nobody has it locked.

        Returns:
            How many there were.
        """

    def purge(self, *, logged_in_before: datetime, used_before: datetime) -> int:
        """Delete what is too old, what was not used for too long, and what has ended.

        It deletes a batch at a time, by primary keys, each in a transaction of its own with a
        pause after it, so that it holds nobody up (:func:`~pwb_oauth.web.purging.in_batches`).
        Where the database can tell, it leaves out a row that is locked: the next purge deletes it.

        Args:
            logged_in_before: Rows of an earlier login go.
            used_before: Rows that were last used earlier go.

        Returns:
            How many rows were deleted.
        """
