"""A database connection that nobody else uses.

What becomes of the site's own transaction must not matter to it: under ``ATOMIC_REQUESTS`` a view
that fails would else bring tokens back that the wiki has replaced.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from django.db import Error, InterfaceError, OperationalError, connections, transaction

from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.web.sealed_store import LOCK_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self


_T = TypeVar("_T")

# Sources: the error reference of MariaDB; PostgreSQL 15, appendix A; sqlite.org/rescode.html.
_HELD = frozenset({1205, "55P03", "database is locked", "database table is locked"})
# A site may have chosen an isolation under which what waited for a lock fails when it gets it.
_FIRST = {
    "mysql": (
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT:.0f}",
    ),
    "postgresql": (
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT:.0f}s'",
    ),
}


class OwnConnection:
    """A connection of its own, and a transaction on it that begins at once.

    Use it as a context manager; what was not committed by then is rolled back. Django's models ask
    it inside of :meth:`asked`.
    """

    def __init__(self, alias: str, *, sqlite_mode: str = "EXCLUSIVE") -> None:
        """Connect to nothing yet.

        Args:
            alias: Which database of ``DATABASES``.
            sqlite_mode: How a transaction begins in SQLite: ``EXCLUSIVE`` waits at once for
                everybody who reads or writes, for what it would be too late to wait for later;
                ``IMMEDIATE`` waits for who writes, and lets others read until it commits.
        """
        self._alias = alias
        self._own = connections[alias].copy()
        if self._own.vendor == "sqlite":
            more = {"transaction_mode": sqlite_mode, "timeout": LOCK_TIMEOUT}
            self._own.settings_dict["OPTIONS"] |= more
        self._transaction = transaction.atomic(using=alias)

    def __enter__(self) -> Self:
        """Begin."""
        try:
            with self.asked():
                self._transaction.__enter__()
                self._prepare()
        except StoreUnavailableError:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.end()

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Let Django's models ask this connection in the place of the site's.

        Raises:
            StoreUnavailableError: It does not do what it is asked to.
        """
        usual = connections[self._alias]
        connections[self._alias] = self._own
        try:
            with unavailable():
                yield
        finally:
            connections[self._alias] = usual

    def change(self, work: Callable[[], _T]) -> _T:
        """Change something, and commit.

        Args:
            work: Changes it, by Django's models.

        Returns:
            What ``work`` returns.

        Raises:
            StoreUnavailableError: Whether it is changed is not known.
        """
        with self.asked():
            result = work()
            self._transaction.__exit__(None, None, None)
        return result

    def end(self) -> None:
        """Roll back what was not committed, and close; a server rolls back what it has lost."""
        with suppress(StoreUnavailableError), self.asked():
            if self._own.in_atomic_block:
                self._own.set_rollback(True)
                self._transaction.__exit__(None, None, None)
        with suppress(StoreUnavailableError), unavailable():
            self._own.close()

    def _prepare(self) -> None:
        for statement in _FIRST.get(self._own.vendor, ()):
            with self._own.cursor() as cursor:
                cursor.execute(statement)


def read(alias: str, work: Callable[[], _T]) -> _T:
    """Read by the site's connection, or by a new one where the server has ended it.

    A server ends what was idle for long, and no request begins in a job that Django would look
    after its connections for.

    Args:
        alias: Which database of ``DATABASES``.
        work: Reads, by Django's models; it may be called twice.

    Raises:
        StoreUnavailableError: It cannot be read.
    """
    usual = connections[alias]
    with unavailable():
        try:
            return work()
        except (InterfaceError, OperationalError):
            if not usual.autocommit:
                raise  # the site's transaction would go on without its first half
            usual.close()
        return work()


@contextmanager
def unavailable() -> Iterator[None]:
    """Turn what a database says into our error, which repeats nothing of it: it may quote a row."""
    try:
        yield
    except Error as exc:
        problem = _problem(exc)
    else:
        return
    raise StoreUnavailableError(problem)


def _problem(error: Error) -> str:
    code = _code(error)
    if code in _HELD:
        return (
            "Somebody else has held the database for too long. Look for a request or a script that "
            "hangs. In SQLite the site's own transaction does that: give user sessions a file of "
            "their own by pwb_oauth.web.django.routers.UserSessionRouter."
        )
    name = type(error).__name__ if code is None else f"{type(error).__name__} {code}"
    return (
        f"The database did not do what was asked ({name}). See that it can be reached and written, "
        "and that manage.py migrate was run."
    )


def _code(error: Error) -> object:
    """The number of MariaDB, the SQLSTATE of PostgreSQL, or SQLite's words, which quote nothing."""
    cause = error.__cause__
    first = next(iter(getattr(cause, "args", ())), None)
    return getattr(cause, "sqlstate", None) or (first if _is_harmless(cause, first) else None)


def _is_harmless(cause: BaseException | None, first: object) -> bool:
    return isinstance(first, int) or type(cause).__module__ == "sqlite3"
