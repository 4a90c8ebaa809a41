"""Keeps the user sessions of a web tool in a database, for any number of processes and machines."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING

from pwb_oauth.errors import MissingExtraError
from pwb_oauth.stores.retrying import until_written
from pwb_oauth.web.purging import in_batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from pwb_oauth.web.sealed_store import SealedRow
    from pwb_oauth.web.sql_rows import SealedRows

_NEVER = datetime.max.replace(tzinfo=timezone.utc)


class SqlSealedStore:
    """Keeps user sessions in a database: SQLite, MariaDB, MySQL or PostgreSQL.

    The table ``pwb_oauth_sealed`` is made on first use. It holds nothing that can be opened without
    the visitors' cookies, so this takes no key. No connection is open while nothing is going on.

    A row is locked in MariaDB (10.6), MySQL (8) and PostgreSQL by a transaction that lasts as long.
    With SQLite a lock between the processes of this user on this machine stands for it. Give it a
    file of its own there: an application that has written into the same one, and has not committed
    yet, holds up whatever is to be stored here.
    """

    def __init__(self, database: str | Engine) -> None:
        """Connect to nothing yet.

        Args:
            database: A URL, as SQLAlchemy writes it: ``sqlite:////path``,
                ``mariadb+pymysql://user:password@host/name``, ``mysql+pymysql://…`` or
                ``postgresql+psycopg://…``. Of an engine only the URL is used: what is stored here
                must not depend on what becomes of the application's transaction.

        Raises:
            ConfigurationError: The URL cannot be used.
            MissingExtraError: SQLAlchemy is not installed.
        """
        try:
            from pwb_oauth.stores.sql_database import Database  # noqa: PLC0415  # an extra
            from pwb_oauth.stores.sql_locks import in_turn  # noqa: PLC0415
            from pwb_oauth.web.sql_rows import PURPOSE, TABLES, SealedRows  # noqa: PLC0415
        except ModuleNotFoundError:
            raise MissingExtraError("sql") from None
        url = database if isinstance(database, str) else database.url
        self._rows = SealedRows(Database(url, PURPOSE, TABLES))
        self._in_turn = in_turn

    def __repr__(self) -> str:
        """The class and the database, without its password."""
        return f"{type(self).__name__}({self._rows.database.name!r})"

    def add(self, row: SealedRow) -> None:
        """Store a new user session."""
        self._rows.add(row)

    def get(self, row_id: str) -> SealedRow | None:
        """Read a row by its primary key; None if there is none."""
        return self._rows.find(row_id)

    @contextmanager
    def locked(self, row_id: str) -> Iterator[_LockedRow]:
        """Hold a row against every other thread, process and machine."""
        with self._held(row_id, to_write=True) as (row, connection):
            yield _LockedRow(self._rows, row, connection)

    def touch(self, row_id: str, at: datetime) -> None:
        """Note that a user session is used."""
        self._rows.touch(row_id, at)

    def end(self, row_id: str, at: datetime) -> None:
        """Note that the wiki does not accept a user session any more."""
        self._rows.end(row_id, at)

    def delete(self, row_id: str) -> SealedRow | None:
        """Delete a row, once nobody has it locked, and return it."""
        with self._held(row_id, to_write=False) as (row, connection):
            if row is None or not self._rows.delete(row_id, ends=connection):
                return None
            return row

    def delete_all(self, wiki: str, subject: str) -> int:
        """Delete every user session of a user, each once nobody has it locked."""
        return sum(self.delete(row_id) is not None for row_id in self._rows.of_user(wiki, subject))

    def purge(self, *, logged_in_before: datetime, used_before: datetime) -> int:
        """Delete what is too old, what was not used for too long, and what has ended."""
        return (
            self._purge("logged_in_at", logged_in_before)
            + self._purge("last_used_at", used_before)
            + self._purge("ended_at", _NEVER)
        )

    def _purge(self, column: str, before: datetime) -> int:
        return in_batches(partial(self._rows.delete_some, column, before))

    @contextmanager
    def _held(
        self, row_id: str, *, to_write: bool
    ) -> Iterator[tuple[SealedRow | None, Connection | None]]:
        """Hold a row. The connection is the one that does, where one does."""
        row = None

        def lock() -> Connection | None:
            nonlocal row
            row, connection = self._rows.lock(row_id, to_write=to_write)
            return connection

        # Files of locks stay behind: one for each row would become too many.
        name = row_id[:3] if self._rows.database.is_file else row_id
        with self._in_turn(self._rows.database, name, lock) as connection:
            yield row, connection


class _LockedRow:
    """A row in the database, while nobody else may refresh or delete it."""

    def __init__(
        self, rows: SealedRows, row: SealedRow | None, connection: Connection | None
    ) -> None:
        """Hold what was read, and the connection that holds it, where one does."""
        self._rows = rows
        self._row = row
        self._connection = connection
        self._stored = None if row is None else row.sealed

    @property
    def row(self) -> SealedRow | None:
        """The row as it was when the lock was had."""
        return self._row

    def replace(self, key_id: str, sealed: str) -> bool:
        """Put a refreshed credential in the place of the one that is there, and commit."""
        if self._row is None or self._stored is None:
            return False
        written = until_written(
            partial(self._write, self._row.row_id, self._stored, (key_id, sealed))
        )
        self._stored = sealed if written else None
        return written

    def _write(self, row_id: str, read: str, new: tuple[str, str]) -> bool:
        # The lock's connection does it once; it may have been cut off while the wiki was asked.
        connection, self._connection = self._connection, None
        return self._rows.replace(row_id, read, new, ends=connection)
