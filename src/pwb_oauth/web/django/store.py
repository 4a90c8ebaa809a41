"""Keeps the user sessions of a Django site in its database."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connections, router, transaction

from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.stores.retrying import until_written
from pwb_oauth.stores.turns import filling
from pwb_oauth.web.django.connection import OwnConnection, read
from pwb_oauth.web.django.holding import change, holding
from pwb_oauth.web.django.times import as_stored, as_utc
from pwb_oauth.web.purging import in_batches, timed
from pwb_oauth.web.sealed_store import SealedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.models import QuerySet

    from pwb_oauth.web.purging import Batch

_T = TypeVar("_T")
_NAMES = ("row_id", "wiki", "subject", "key_id", "sealed")
_WHOSE = ("wiki", "subject")
_TIMES = ("logged_in_at", "last_used_at", "ended_at")
_NEVER = datetime(9000, 1, 1, tzinfo=timezone.utc)
"""Later than anything ends."""


class DjangoSealedStore:
    """Keeps user sessions in the database that Django's routers name for ``SealedUserSession``.

    A row is locked by a transaction in MariaDB, MySQL and PostgreSQL, and by a file of this user on
    this machine for SQLite.
    """

    def add(self, row: SealedRow) -> None:
        """Store a new user session."""
        values = {name: getattr(row, name) for name in _NAMES}
        values |= {name: as_stored(getattr(row, name)) for name in _TIMES}
        _change(None, lambda: _rows().create(**values))

    def get(self, row_id: str) -> SealedRow | None:
        """Read a row by its primary key; None if there is none."""
        wanted = _rows().filter(pk=row_id)
        if _is_in_transaction() and _locks_rows():
            # The site's transaction may go on seeing what was there when it began.
            return _change(None, lambda: _find(wanted.all()))
        return read(_alias(), lambda: _find(wanted.all()))

    @contextmanager
    def locked(self, row_id: str) -> Iterator[_LockedRow]:
        """Hold a row against every other thread, process and machine."""
        with _held(row_id, to_write=True) as (row, own):
            yield _LockedRow(row, own)

    def touch(self, row_id: str, at: datetime) -> None:
        """Note that a user session is used."""
        if _is_in_transaction() and not _locks_rows():
            # The site's transaction holds the whole file.
            note = partial(_touch, row_id, at)
            transaction.on_commit(note, using=_alias(), robust=True)
        else:
            _touch(row_id, at)

    def end(self, row_id: str, at: datetime) -> None:
        """Note that the wiki does not accept a user session any more."""

        def work() -> None:
            row = _locked_by_key(row_id)
            if row is not None and row.ended_at is None:
                _rows().filter(pk=row_id).update(ended_at=as_stored(at))

        _change(None, work)

    def delete(self, row_id: str) -> SealedRow | None:
        """Delete a row, once nobody has it locked, and return it."""
        with _held(row_id, to_write=False) as (row, holder):
            if row is None or not _change(holder, lambda: _rows().filter(pk=row_id).delete()[0]):
                return None
            return row

    def delete_all(self, wiki: str, subject: str) -> int:
        """Delete every user session of a user, each once nobody has it locked."""
        wanted = _rows().filter(wiki=wiki, subject=subject).values_list("pk", *_WHOSE)
        alike = read(_alias(), lambda: list(wanted.all()))
        # MariaDB does not tell small letters from capitals.
        mine = [pk for pk, *whose in alike if whose == [wiki, subject]]
        return sum(self.delete(pk) is not None for pk in mine)

    def purge(self, *, logged_in_before: datetime, used_before: datetime) -> int:
        """Delete what is too old, what was not used for too long, and what has ended."""
        return (
            _purge("logged_in_at", logged_in_before)
            + _purge("last_used_at", used_before)
            + _purge("ended_at", _NEVER)
        )


class _LockedRow:
    """A row in the database, while nobody else may refresh or delete it."""

    def __init__(self, row: SealedRow | None, holder: OwnConnection | None) -> None:
        self._row = row
        self._holder = holder
        self._stored = None if row is None or row.ended_at is not None else row.sealed

    @property
    def row(self) -> SealedRow | None:
        """The row as it was when the lock was had."""
        return self._row

    def replace(self, key_id: str, sealed: str) -> bool:
        """Put a refreshed credential in the place of the one that is there, and commit."""
        if self._row is None or self._stored is None:
            return False
        written = until_written(partial(self._write, self._row.row_id, key_id, sealed))
        self._stored = sealed if written else None
        return written

    def _write(self, row_id: str, key_id: str, sealed: str) -> bool:
        # The lock's connection does it once; it may have been cut off while the wiki was asked.
        holder, self._holder = self._holder, None

        def work() -> bool:
            row = _locked_by_key(row_id)
            # It may have been written although the database did not say so.
            if row is None or row.ended_at is not None or row.sealed not in {self._stored, sealed}:
                return False
            new = {"key_id": key_id, "sealed": sealed, "reserved": ""}
            return _rows().filter(pk=row_id).update(**new) > 0

        return _change(holder, work)


@contextmanager
def _held(
    row_id: str, *, to_write: bool
) -> Iterator[tuple[SealedRow | None, OwnConnection | None]]:
    """Hold a row. The connection is the one that does, where one does."""

    def lock() -> SealedRow | None:
        row = _locked_by_key(row_id)
        if row is not None and to_write:
            _rows().filter(pk=row_id).update(reserved=filling())
        return row

    with holding(_alias(), row_id, lock) as held:
        yield held


def _locked_by_key(row_id: str) -> SealedRow | None:
    """Read a row and lock it, in the transaction that is asked.

    By its key alone: MariaDB would otherwise lock an index first, and who waits for the row while
    its holder waits for the index has a deadlock with it.
    """
    return _find(_rows().select_for_update().filter(pk=row_id))


def _change(holder: OwnConnection | None, work: Callable[[], _T]) -> _T:
    """Change something in a transaction of its own: that which holds the row, where one does."""
    return change(_alias(), holder, work)


def _touch(row_id: str, at: datetime) -> None:
    def work() -> None:
        row = _find(_free(_rows().filter(pk=row_id)))
        if row is not None and row.last_used_at < at:
            _rows().filter(pk=row_id).update(last_used_at=as_stored(at))

    _change(None, work)


def _purge(column: str, before: datetime) -> int:
    return in_batches(partial(_delete_some, column, as_stored(before)))


def _delete_some(
    column: str, before: datetime, limit: int, after: datetime | None
) -> Batch[datetime]:
    """Delete a batch of rows, those with the earliest time first, save what is locked."""

    def work() -> list[datetime]:
        rows = _rows().filter(**{f"{column}__lt": before})
        if after is not None:
            rows = rows.filter(**{f"{column}__gte": after})
        ids = list(rows.order_by(column).values_list("pk", flat=True)[:limit])
        # With a column that no index has, or MariaDB might read the index alone, and lock it.
        free = _free(_rows().filter(pk__in=ids)).values_list("pk", column, "key_id")
        # It may have been used meanwhile.
        found = {pk: moment for pk, moment, _ in free if moment is not None and moment < before}
        _rows().filter(pk__in=list(found)).delete()
        return sorted(found.values())

    # What waits in SQLite until nobody reads lets nobody begin to read meanwhile, and looks again
    # after 100 ms at worst.
    with OwnConnection(_alias(), sqlite_mode="IMMEDIATE") as own:
        return timed(own.change, work)


def _free(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those that nobody has locked, where the database can tell."""
    can_skip = connections[_alias()].features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=can_skip)


def _find(rows: QuerySet[Any]) -> SealedRow | None:
    for values in rows.values(*_NAMES, *_TIMES):
        times = {name: as_utc(values[name]) for name in _TIMES}
        if None in (times["logged_in_at"], times["last_used_at"]):
            # SQLite keeps anything where a time should be, and Django makes None of it.
            raise StoreUnavailableError(
                "A row of the table pwb_oauth_sealedusersession is damaged. Delete it: whose it "
                "was signs in again."
            )
        return SealedRow(**values | times)
    return None


def _rows() -> QuerySet[Any]:
    from pwb_oauth.web.django.models import SealedUserSession  # noqa: PLC0415  # apps load first

    return SealedUserSession._base_manager.using(_alias())  # noqa: SLF001


def _alias() -> str:
    from pwb_oauth.web.django.models import SealedUserSession  # noqa: PLC0415  # apps load first

    return router.db_for_write(SealedUserSession)


def _locks_rows() -> bool:
    """Whether the database locks a row, and not all of itself as SQLite does."""
    return bool(connections[_alias()].features.has_select_for_update)


def _is_in_transaction() -> bool:
    """Whether the site has a transaction under way where the rows are."""
    return bool(connections[_alias()].in_atomic_block)
