"""The user sessions of a web tool in a database, as rows of ``pwb_oauth_sealed``."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Column, Index, MetaData, Table, bindparam, delete, insert, select, update

from pwb_oauth.errors import StoreUnavailableError, TokenStoreError
from pwb_oauth.stores.sql_purpose import Purpose
from pwb_oauth.stores.sql_tables import OPTIONS, Tables, ascii_text, digits, label, moment
from pwb_oauth.stores.turns import filling
from pwb_oauth.web.purging import timed
from pwb_oauth.web.sealed_store import LOCK_TIMEOUT, SealedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Select

    from pwb_oauth.stores.sql_database import Database
    from pwb_oauth.web.purging import Batch

_T = TypeVar("_T")

PURPOSE = Purpose("PWB_OAUTH_DATABASE_URL", lock_timeout=LOCK_TIMEOUT)

sealed = Table(
    "pwb_oauth_sealed",
    MetaData(),
    Column("row_id", digits(32), primary_key=True),
    Column("wiki", label(255), nullable=False),
    Column("subject", label(255), nullable=False),
    Column("key_id", digits(8), nullable=False),
    Column("sealed", ascii_text(), nullable=False),
    Column("logged_in_at", moment(), nullable=False),
    Column("last_used_at", moment(), nullable=False),
    Column("ended_at", moment()),
    Column("reserved", ascii_text(), nullable=False),  # empty, but in what is rolled back
    Index("pwb_oauth_sealed_of_user", "wiki", "subject"),
    Index("pwb_oauth_sealed_logged_in", "logged_in_at"),
    Index("pwb_oauth_sealed_last_used", "last_used_at"),
    Index("pwb_oauth_sealed_ended", "ended_at"),
    **OPTIONS,
)
_READ = [column for column in sealed.c if column.name != "reserved"]
_NAMES = [column.name for column in _READ]


def _create_table(connection: Connection) -> None:
    sealed.create(connection, checkfirst=True)


TABLES = Tables("sealed", (_create_table,))


class SealedRows:
    """The rows. Each method is a transaction of its own, unless it is told to end another one.

    Every method raises StoreUnavailableError if the database does not do it.
    """

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self.database = database

    def add(self, row: SealedRow) -> None:
        """Write a new row."""
        values = {name: _written(getattr(row, name)) for name in _NAMES}
        statement = insert(sealed).values(reserved="", **values)
        self._run(lambda connection: connection.execute(statement), write=True)

    def find(self, row_id: str) -> SealedRow | None:
        """Read a row, by one statement."""
        return _or_unavailable(
            lambda: self.database.read(lambda connection: _find(connection, _one(row_id)))
        )

    def lock(self, row_id: str, *, to_write: bool) -> tuple[SealedRow | None, Connection | None]:
        """Read a row and lock it until a transaction ends, which is begun here.

        Args:
            row_id: Which one.
            to_write: Whether to make sure that a credential can be written.

        Returns:
            The row, and the connection of the transaction; None and None if there is none.
        """
        found = None

        def read(connection: Connection) -> bool:
            nonlocal found
            found = _find(connection, _one(row_id).with_for_update())
            if found is not None and to_write:
                fill = update(sealed).where(sealed.c.row_id == row_id).values(reserved=filling())
                connection.execute(fill)
            return found is not None

        connection = _or_unavailable(lambda: self.database.hold(read))
        return found, connection

    def replace(
        self, row_id: str, read: str, new: tuple[str, str], *, ends: Connection | None
    ) -> bool:
        """Write a credential in the place of the one that was read, in a row that has not ended.

        It may be repeated when it is not known whether it succeeded.

        Args:
            row_id: Which row.
            read: The sealed text that it is to replace.
            new: The id of the application's key, and the sealed text.
            ends: The connection that holds the row, if one does.

        Returns:
            Whether it is written now.
        """

        def decide(row: SealedRow) -> bool:
            return row.ended_at is None and row.sealed in (read, new[1])

        values = {"key_id": new[0], "sealed": new[1], "reserved": ""}
        return self._change(_update_if(row_id, decide, values), ends)

    def delete(self, row_id: str, *, ends: Connection | None) -> bool:
        """Delete a row, and say whether there was one.

        Args:
            row_id: Which one.
            ends: The connection that holds the row, if one does.
        """
        statement = delete(sealed).where(sealed.c.row_id == row_id)
        return self._change(lambda connection: connection.execute(statement).rowcount > 0, ends)

    def touch(self, row_id: str, at: datetime) -> None:
        """Write when a row was last used, unless it is locked or used later."""
        values = {"last_used_at": _written(at)}
        self._change(_update_if(row_id, lambda row: row.last_used_at < at, values, skip=True), None)

    def end(self, row_id: str, at: datetime) -> None:
        """Write when a row ended, unless that is there."""
        values = {"ended_at": _written(at)}
        self._change(_update_if(row_id, lambda row: row.ended_at is None, values), None)

    def of_user(self, wiki: str, subject: str) -> list[str]:
        """The ids of a user's rows."""
        wanted = select(sealed.c.row_id).where(sealed.c.wiki == wiki, sealed.c.subject == subject)
        return self._run(lambda connection: list(connection.scalars(wanted)))

    def delete_some(
        self, name: str, before: datetime, size: int, after: datetime | None
    ) -> Batch[datetime]:
        """Delete a batch of rows, those with the earliest time first, save what is locked.

        Args:
            name: Which of their times.
            before: Later rows stay.
            size: How many rows at most.
            after: Earlier rows are not looked for.
        """
        when = sealed.c[name]
        times = [when < _written(before), *([] if after is None else [when >= after])]
        wanted = select(sealed.c.row_id).where(*times).order_by(when).limit(size)
        one = delete(sealed).where(sealed.c.row_id == bindparam("id"))

        def work(connection: Connection) -> list[datetime]:
            ids = list(connection.scalars(wanted))
            if not ids:
                return []
            # With a column that no index has, or MariaDB might read the index alone, and lock it.
            free = select(sealed.c.row_id, when, sealed.c.key_id).where(sealed.c.row_id.in_(ids))
            found = {
                row_id: at
                for row_id, at, _ in _fetched(connection, free.with_for_update(skip_locked=True))
                if at < _written(before)  # it may have been used meanwhile
            }
            if found:
                connection.execute(one, [{"id": row_id} for row_id in found])
            return sorted(found.values())

        return timed(partial(self._run, write=True), work)

    def _change(self, change: Callable[[Connection], bool], ends: Connection | None) -> bool:
        """Change a row, and say whether there was one to be changed."""
        if ends is None:
            return self._run(change, write=True)

        def change_and_commit(connection: Connection) -> bool:
            changed = change(connection)
            connection.commit()
            return changed

        try:
            return self._run(change_and_commit, inside=ends)
        finally:
            self.database.let_go(ends)  # a second try would wait for it

    def _run(
        self,
        work: Callable[[Connection], _T],
        *,
        write: bool = False,
        inside: Connection | None = None,
    ) -> _T:
        return _or_unavailable(lambda: self.database.run(work, write=write, inside=inside))


def _one(row_id: str) -> Select[Any]:
    return select(*_READ).where(sealed.c.row_id == row_id)


def _update_if(
    row_id: str, decide: Callable[[SealedRow], bool], values: dict[str, Any], *, skip: bool = False
) -> Callable[[Connection], bool]:
    """What locks a row, and updates it if it is as it should be.

    Nothing that locks has a condition on anything but the primary key: MariaDB might follow another
    index to the row, and two that came from different sides would wait for each other.
    """

    def change(connection: Connection) -> bool:
        row = _find(connection, _one(row_id).with_for_update(skip_locked=skip))
        if row is None or not decide(row):
            return False
        connection.execute(update(sealed).where(sealed.c.row_id == row_id).values(values))
        return True

    return change


def _find(connection: Connection, wanted: Select[Any]) -> SealedRow | None:
    for row in _fetched(connection, wanted):
        return SealedRow(**{name: _read(value) for name, value in zip(_NAMES, row, strict=True)})
    return None


def _fetched(connection: Connection, wanted: Select[Any]) -> list[Sequence[Any]]:
    try:
        return [tuple(row) for row in connection.execute(wanted)]
    except (TypeError, ValueError):  # SQLite keeps anything where a time should be
        pass
    raise StoreUnavailableError(
        "A row of the table pwb_oauth_sealed is damaged. Delete it: whose it was logs in again."
    )


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).replace(tzinfo=None)
    return value


def _read(value: Any) -> Any:
    return value.replace(tzinfo=timezone.utc) if isinstance(value, datetime) else value


def _or_unavailable(do: Callable[[], _T]) -> _T:
    """Let one kind of error out: an application can do no more than say so."""
    try:
        return do()
    except StoreUnavailableError:
        raise
    except TokenStoreError as exc:
        problem = str(exc)
    raise StoreUnavailableError(problem)
