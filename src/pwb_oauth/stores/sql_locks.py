"""Who may change an account's row of the database: one thread of one process of one machine."""

from __future__ import annotations

import base64
import os
import threading
import weakref
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from pwb_oauth import forks
from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.stores.locks import LOCK_TIMEOUT, file_lock
from pwb_oauth.stores.sql_schema import locks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from pwb_oauth.stores.sql_database import Database

MAX_HELD = 4
"""How many connections of a process hold a lock at a time. Servers limit a user's connections."""

_RESERVED = 8192
"""How many bytes must have room: more than a credential with two tokens of Wikimedia's takes."""


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
        """Hold the lock of an account, in a database that can be written.

        Threads of this process wait for each other first, so that no more than one of them has a
        connection for it.

        Yields:
            The connection that holds it, which sees what was committed until then; None where that
            is not what holds it.

        Raises:
            TokenStoreError: The lock could not be had, or the database can only be read or is full.
        """
        with _held(_turns.lock(self._database.name, account)):
            if self._database.is_file:
                with file_lock(self._database.file, account):
                    self._database.let_go(self._locked_row(account))
                    yield None
            else:
                with _held(_turns.connections):
                    connection = self._locked_row(account)
                    try:
                        yield connection
                    finally:
                        self._database.let_go(connection)

    def _locked_row(self, account: str) -> Connection:
        lock, add = partial(_lock, account), partial(_add, account)
        while (connection := self._database.hold(lock)) is None:
            self._database.run(add, write=True)
        return connection


def _lock(account: str, connection: Connection) -> bool:
    # It locks the row as SELECT … FOR UPDATE does. But it fails where nothing can be written, which
    # must be known before the wiki is asked: it takes the old tokens back at once.
    random = base64.b85encode(os.urandom(_RESERVED)).decode()
    row = update(locks).where(locks.c.account == account).values(reserved=random)
    return connection.execute(row).rowcount > 0


def _add(account: str, connection: Connection) -> None:
    try:
        connection.execute(insert(locks).values(account=account, reserved=""))
    except IntegrityError:  # another process was faster
        connection.rollback()


class _Turns:
    """What the threads of a process wait for."""

    connections: threading.BoundedSemaphore
    _guard: threading.Lock
    _locks: weakref.WeakValueDictionary[tuple[str, str], threading.Lock]

    def __init__(self) -> None:
        self.begin_anew()
        forks.renew_in_children(self)

    def begin_anew(self) -> None:
        """Nobody waits, and nobody is waited for."""
        self.connections = threading.BoundedSemaphore(MAX_HELD)
        self._guard = threading.Lock()
        self._locks = weakref.WeakValueDictionary()

    def lock(self, database: str, account: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault((database, account), threading.Lock())


_turns = _Turns()


@contextmanager
def _held(lock: threading.Lock | threading.BoundedSemaphore) -> Iterator[None]:
    if not lock.acquire(timeout=LOCK_TIMEOUT):
        raise StoreUnavailableError(
            f"Other threads have held this account, or {MAX_HELD} others of the database, for "
            f"{LOCK_TIMEOUT:.0f} seconds. See whether the wiki hangs, and try again."
        )
    try:
        yield
    finally:
        lock.release()
