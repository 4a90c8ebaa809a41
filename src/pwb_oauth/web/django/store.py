"""Keeps the user sessions of a Django site in its database."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import connections, router, transaction
from django.utils import timezone

from pwb_oauth.stores.locks import file_lock
from pwb_oauth.stores.retrying import until_written
from pwb_oauth.stores.turns import filling, held, turns
from pwb_oauth.web.django.connection import OwnConnection, unavailable
from pwb_oauth.web.purging import in_batches
from pwb_oauth.web.sealed_store import LOCK_TIMEOUT, SealedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from django.db.models import QuerySet

_T = TypeVar("_T")
_UTC = dt.timezone.utc
_NAMES = ("row_id", "wiki", "subject", "key_id", "sealed")
_TIMES = ("logged_in_at", "last_used_at", "ended_at")


class DjangoSealedStore:
    """Keeps user sessions in the database that Django's routers name for ``SealedUserSession``.

    A row is locked by a transaction in MariaDB, MySQL and PostgreSQL, and by a file of this user on
    this machine for SQLite.
    """

    def add(self, row: SealedRow) -> None:
        """Store a new user session."""
        values = {name: getattr(row, name) for name in _NAMES}
        values |= {name: _written(getattr(row, name)) for name in _TIMES}
        _change(None, lambda: _rows().create(**values))

    def get(self, row_id: str) -> SealedRow | None:
        """Read a row by its primary key, as the site's own transaction sees it."""
        with unavailable():
            return _find(_rows().filter(pk=row_id))

    @contextmanager
    def locked(self, row_id: str) -> Iterator[_LockedRow]:
        """Hold a row against every other thread, process and machine."""
        with _held(row_id, to_write=True) as (row, own):
            yield _LockedRow(row, own)

    def touch(self, row_id: str, at: datetime) -> None:
        """Note that a user session is used; within a transaction of the site, when it is over."""
        if connections[_alias()].in_atomic_block:
            note = partial(_touch, row_id, at)
            transaction.on_commit(note, using=_alias(), robust=True)
        else:
            _touch(row_id, at)

    def end(self, row_id: str, at: datetime) -> None:
        """Note that the wiki does not accept a user session any more."""
        going_on = {"pk": row_id, "ended_at": None}
        _change(None, lambda: _rows().filter(**going_on).update(ended_at=_written(at)))

    def delete(self, row_id: str) -> bool:
        """Delete a row, once nobody has it locked."""
        with _held(row_id, to_write=False) as (row, holder):
            if row is None:
                return False
            return _change(holder, lambda: _rows().filter(pk=row_id).delete()[0]) > 0

    def delete_all(self, wiki: str, subject: str) -> int:
        """Delete every user session of a user, each once nobody has it locked."""
        with unavailable():
            of_user = _rows().filter(wiki=wiki, subject=subject)
            row_ids = list(of_user.values_list("pk", flat=True))
        return sum(map(self.delete, row_ids))

    def purge(self, *, logged_in_before: datetime, used_before: datetime) -> int:
        """Delete what is too old, what was not used for too long, and what has ended."""
        wanted: dict[str, dict[str, Any]] = {
            "logged_in_at": {"logged_in_at__lt": _written(logged_in_before)},
            "last_used_at": {"last_used_at__lt": _written(used_before)},
            "ended_at": {"ended_at__isnull": False},
        }
        return sum(in_batches(partial(_delete_some, *each)) for each in wanted.items())


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
        # It may have been written although the database did not say so.
        read = {"pk": row_id, "ended_at": None, "sealed__in": [self._stored, sealed]}
        new = {"key_id": key_id, "sealed": sealed, "reserved": ""}
        return _change(holder, lambda: _rows().filter(**read).update(**new)) > 0


@contextmanager
def _held(row_id: str, *, to_write: bool) -> Iterator[tuple[SealedRow | None, OwnConnection | None]]:
    """Hold a row. The connection is the one that does, where one does."""
    alias = _alias()
    database = connections[alias]
    name = str(database.settings_dict["NAME"])
    with held(turns.lock(f"django {alias} {name}", row_id), LOCK_TIMEOUT):
        if database.features.has_select_for_update:
            with held(turns.connections, LOCK_TIMEOUT), OwnConnection(alias) as own:
                yield _lock(own, row_id, to_write=to_write), own
        else:
            # Files of locks stay behind: one for each row would become too many.
            with file_lock(name, row_id[:3], timeout=LOCK_TIMEOUT):
                with OwnConnection(alias) as own:
                    row = _lock(own, row_id, to_write=to_write)
                yield row, None


def _lock(own: OwnConnection, row_id: str, *, to_write: bool) -> SealedRow | None:
    with own.asked():
        row = _find(_rows().select_for_update().filter(pk=row_id))
        if row is not None and to_write:
            _rows().filter(pk=row_id).update(reserved=filling())
        return row


def _change(holder: OwnConnection | None, work: Callable[[], _T]) -> _T:
    """Change something in a transaction of its own: that which holds the row, where one does."""
    if holder is None:
        with OwnConnection(_alias()) as own:
            return own.change(work)
    try:
        return holder.change(work)
    finally:
        holder.end()  # a second try would wait for it


def _touch(row_id: str, at: datetime) -> None:
    def work() -> None:
        earlier = _rows().filter(pk=row_id, last_used_at__lt=_written(at))
        if _free(earlier).first() is not None:
            earlier.update(last_used_at=_written(at))

    _change(None, work)


def _delete_some(
    column: str, wanted: dict[str, Any], limit: int, after: datetime | None
) -> list[datetime]:
    """Delete a batch of rows, those with the earliest time first, save what is locked."""

    def work() -> list[datetime]:
        rows = _rows().filter(**wanted)
        if after is not None:
            rows = rows.filter(**{f"{column}__gte": after})
        found = list(_free(rows.order_by(column)).values_list("pk", column)[:limit])
        _rows().filter(pk__in=[pk for pk, _ in found]).delete()
        return [time for _, time in found]

    return _change(None, work)


def _free(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those that nobody has locked, where the database can tell."""
    can_skip = connections[_alias()].features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=can_skip)


def _find(rows: QuerySet[Any]) -> SealedRow | None:
    for values in rows.values(*_NAMES, *_TIMES):
        return SealedRow(**values | {name: _read(values[name]) for name in _TIMES})
    return None


def _rows() -> QuerySet[Any]:
    from pwb_oauth.web.django.models import SealedUserSession  # noqa: PLC0415  # apps load first

    return SealedUserSession._base_manager.using(_alias())  # noqa: SLF001


def _alias() -> str:
    from pwb_oauth.web.django.models import SealedUserSession  # noqa: PLC0415  # apps load first

    return router.db_for_write(SealedUserSession)


def _written(moment: datetime | None) -> datetime | None:
    """As Django wants it: without ``USE_TZ`` in the site's own time zone."""
    if moment is None or settings.USE_TZ:
        return moment
    return timezone.make_naive(moment)


def _read(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    return aware.astimezone(_UTC)
