"""Who may change a row of the database: one thread of one process of one machine."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from pwb_oauth.stores.locks import file_lock
from pwb_oauth.stores.sql_schema import locks
from pwb_oauth.stores.turns import filling, held, turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from pwb_oauth.stores.sql_database import Database


@contextmanager
def in_turn(
    database: Database, row: str, lock: Callable[[], Connection | None]
) -> Iterator[Connection | None]:
    """Hold the lock of a row, in a database that can be written.

    Threads of this process wait for each other first, so that no more than one of them has a
    connection for it.

    Args:
        database: Where it is.
        row: What tells it from others.
        lock: Changes the row in a transaction that it leaves open, or returns None if there is no
            row. In SQLite that only shows whether it can be changed, and is rolled back at once.

    Yields:
        What ``lock`` returned, which sees what was committed until then; None where that is not
        what holds the lock.

    Raises:
        TokenStoreError: The lock could not be had, or the database can only be read or is full.
    """
    with held(turns.lock(database.name, row), database.lock_timeout):
        if database.is_file:
            with file_lock(database.file, row, timeout=database.lock_timeout):
                database.let_go(lock())
                yield None
        else:
            with held(turns.connections, database.lock_timeout):
                connection = lock()
                try:
                    yield connection
                finally:
                    database.let_go(connection)


class AccountLocks:
    """The locks of the accounts in a database.

    In SQLite it is a lock between the processes of this user on this machine; in the others a row
    of ``pwb_oauth_locks``, locked by a transaction that lasts as long as the lock is held. Both end
    with the process, however that ends. In a cluster of servers that each take writes, a row is
    locked on one of them: let the URL name the same one everywhere.
    """

    def __init__(self, database: Database) -> None:
        """Hold nothing yet."""
        self._database = database

    @contextmanager
    def hold(self, account: str) -> Iterator[Connection | None]:
        """Hold the lock of an account, as :func:`in_turn` does."""
        with in_turn(self._database, account, partial(self._locked_row, account)) as connection:
            yield connection

    def _locked_row(self, account: str) -> Connection:
        lock, add = partial(_lock, account), partial(_add, account)
        while (connection := self._database.hold(lock)) is None:
            self._database.run(add, write=True)
        return connection


def _lock(account: str, connection: Connection) -> bool:
    # It locks the row as SELECT … FOR UPDATE does, but fails where nothing can be written.
    row = update(locks).where(locks.c.account == account).values(reserved=filling())
    return connection.execute(row).rowcount > 0


def _add(account: str, connection: Connection) -> None:
    try:
        connection.execute(insert(locks).values(account=account, reserved=""))
    except IntegrityError:  # another process was faster
        connection.rollback()
