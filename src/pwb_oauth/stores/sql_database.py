"""Connections to a database, each opened for one thing and closed after it."""

from __future__ import annotations

import os
import weakref
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import event, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from pwb_oauth import forks
from pwb_oauth.errors import ConfigurationError, StoreUnavailableError
from pwb_oauth.stores.sql_engine import make_engine, set_limits
from pwb_oauth.stores.sql_errors import typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection

    from pwb_oauth.stores.sql_purpose import Purpose
    from pwb_oauth.stores.sql_tables import Tables

_T = TypeVar("_T")

_SCHEMA_LOCK = 0x7077622D6F617574
"""The number under which PostgreSQL locks the making of the tables."""


class Database:
    """The database that a URL names.

    No connection is open while nothing is going on, none is shared between threads or processes,
    and none is the application's own: what is committed here stays, whatever the application does.
    """

    def __init__(self, url: str | URL, purpose: Purpose, tables: Tables) -> None:
        """Connect to nothing yet.

        Args:
            url: The database.
            purpose: What it is used for.
            tables: What is made there on first use.

        Raises:
            ConfigurationError: The URL cannot be used, or its driver is not installed.
        """
        self.lock_timeout = purpose.lock_timeout
        self._purpose = purpose
        self._tables = tables
        self._engine = make_engine(url, purpose)
        self.is_file = self._engine.dialect.name == "sqlite"
        self._opened: weakref.WeakSet[Any] = weakref.WeakSet()
        self._tables_are_made = False
        if not self.is_file:
            event.listen(self._engine, "connect", lambda opened, _: self._opened.add(opened))
            forks.renew_in_children(self)

    def begin_anew(self) -> None:
        """In a child of a fork: take the parent's connections away.

        A server lets go of a lock when the connection has ended, and it has not ended for as long
        as any process has it. Closing it here would end the parent's session as well; so nothing
        is sent, and what this copy of it sends goes nowhere.
        """
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in map(_descriptor, list(self._opened)):
            if descriptor is not None:
                os.dup2(nowhere, descriptor)
        os.close(nowhere)
        self._opened = weakref.WeakSet()

    @property
    def name(self) -> str:
        """The URL without password and parameters."""
        return self._engine.url.set(query={}).render_as_string(hide_password=True)

    @property
    def file(self) -> str:
        """The path of an SQLite database."""
        return self._engine.url.database or ""

    def run(
        self,
        work: Callable[[Connection], _T],
        *,
        write: bool = False,
        inside: Connection | None = None,
    ) -> _T:
        """Do something in a transaction of its own.

        Args:
            work: Does it.
            write: Whether it changes something, and is committed.
            inside: What :meth:`hold` returned, to read there instead.

        Returns:
            What ``work`` returns.

        Raises:
            TokenStoreError: The database did not do it, or its tables are of a newer version.
        """
        if inside is not None:
            return self._typed(lambda: work(inside))
        return self._typed(lambda: self._run(work, write=write))

    def read(self, work: Callable[[Connection], _T]) -> _T:
        """Read with nothing around it, by one statement if ``work`` is one.

        Which version the tables are of is looked at the first time only: what a newer one has
        changed is an error of the statement. What writes looks each time.

        Raises:
            TokenStoreError: The database did not do it, or its tables are of a newer version.
        """
        return self._typed(lambda: self._read(work))

    def hold(self, work: Callable[[Connection], bool]) -> Connection | None:
        """Begin a transaction of its own, do something in it, and leave it open.

        Args:
            work: Does it, and returns whether to go on.

        Returns:
            What :meth:`let_go` ends; None, with nothing left open, if ``work`` returned False.

        Raises:
            TokenStoreError: The database did not do it, or its tables are of a newer version.
        """
        return self._typed(lambda: self._hold(work))

    @staticmethod
    def let_go(connection: Connection | None) -> None:
        """Roll back and close, broken or not: a server rolls back what it has lost."""
        if connection is None:
            return
        with suppress(SQLAlchemyError):
            connection.rollback()
        with suppress(SQLAlchemyError):
            connection.close()

    def _run(self, work: Callable[[Connection], _T], *, write: bool) -> _T:
        with self._ready() as connection:
            if write:
                self._begin_write(connection)
            result = work(connection)
            if write:
                connection.commit()
            return result

    def _read(self, work: Callable[[Connection], _T]) -> _T:
        with self._open() if self._tables_are_made else self._ready() as connection:
            return work(connection)

    def _hold(self, work: Callable[[Connection], bool]) -> Connection | None:
        with ExitStack() as stack:
            connection = stack.enter_context(self._ready())
            self._begin_write(connection)
            if not work(connection):
                return None
            stack.pop_all()
            return connection

    def _ready(self) -> Connection:
        """A connection to a database that has our tables."""
        with ExitStack() as stack:
            connection = stack.enter_context(self._connect())
            if self._tables.are_current(connection, made=self._tables_are_made):
                self._tables_are_made = True
                stack.pop_all()
                return connection
        with self._connect() as connection:
            self._begin_write(connection)
            self._lock_schema(connection)
            self._tables.upgrade(connection)
            connection.commit()
        self._tables_are_made = True
        return self._connect()

    def _begin_write(self, connection: Connection) -> None:
        if self.is_file:
            # Else two that have read wait for each other when they write.
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    def _connect(self) -> Connection:
        with ExitStack() as stack:
            connection = stack.enter_context(self._open())
            set_limits(connection, self.lock_timeout)
            stack.pop_all()
        return connection

    def _open(self) -> Connection:
        try:
            return self._engine.connect()
        except (OSError, TypeError, ValueError) as exc:
            problem = type(exc).__name__
        raise ConfigurationError(
            f"A parameter of the URL in {self._purpose.named_in} cannot be used ({problem}). "
            "Correct what stands behind its question mark."
        )

    def _lock_schema(self, connection: Connection) -> None:
        """Keep everybody else from making the tables, until the connection is closed."""
        if self.is_file:
            # Encrypted or not, whose credentials these are is nobody else's business.
            if not os.path.getsize(self.file):  # noqa: PTH202
                with suppress(PermissionError):  # somebody else made the file for us
                    os.chmod(self.file, 0o600)  # noqa: PTH101
        elif self._engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
        else:
            locked = "SELECT GET_LOCK(CONCAT('pwb_oauth ', MD5(DATABASE())), :seconds)"
            if not connection.scalar(text(locked), {"seconds": self.lock_timeout}):
                raise StoreUnavailableError(
                    "Another process is making the tables pwb_oauth_… in the database, and does "
                    "not come to an end. End it, and try again."
                )

    def _typed(self, do: Callable[[], _T]) -> _T:
        try:
            return do()
        except SQLAlchemyError as exc:
            problem = typed(exc, self._purpose)
        # Raised here and not above, since the context would lead to the driver's message.
        raise problem


def _descriptor(connection: Any) -> int | None:
    """The socket of a driver's connection; None if it is closed or the driver does not tell."""
    # PyMySQL has no public way to ask.
    channel = getattr(connection, "_sock", connection)
    if channel is None or getattr(connection, "closed", False):
        return None
    fileno = getattr(channel, "fileno", None)
    return None if fileno is None else int(fileno())
