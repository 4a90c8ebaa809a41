"""Holding a row of the site's database while the wiki is asked to renew the tokens in it."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from django.db import connections

from pwb_oauth.stores.locks import file_lock
from pwb_oauth.stores.turns import held, turns
from pwb_oauth.web.django.connection import OwnConnection
from pwb_oauth.web.sealed_store import LOCK_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")


@contextmanager
def holding(
    alias: str, row: str, lock: Callable[[], _T]
) -> Iterator[tuple[_T, OwnConnection | None]]:
    """Hold a row against every other thread, process and machine.

    A transaction holds it in MariaDB, MySQL and PostgreSQL, and a file of this user on this machine
    for SQLite.

    Args:
        alias: Which database of ``DATABASES``.
        row: What to call the row.
        lock: Reads it, by Django's models, with ``select_for_update``.

    Yields:
        What ``lock`` returned, and the connection that holds the row, where one does.

    Raises:
        StoreUnavailableError: The database cannot be used, or the row was not free in time.
    """
    database = connections[alias]
    name = str(database.settings_dict["NAME"])
    with held(turns.lock(f"django {alias} {name}", row), LOCK_TIMEOUT):
        if database.features.has_select_for_update:
            with held(turns.connections, LOCK_TIMEOUT), OwnConnection(alias) as own:
                yield _asked(own, lock), own
        else:
            # Files of locks stay behind: one for each row would become too many.
            few = hashlib.sha256(row.encode()).hexdigest()[:3]
            with file_lock(name, few, timeout=LOCK_TIMEOUT):
                with OwnConnection(alias) as own:
                    found = _asked(own, lock)
                yield found, None


def change(alias: str, holder: OwnConnection | None, work: Callable[[], _T]) -> _T:
    """Change something in a transaction of its own, and commit.

    Args:
        alias: Which database of ``DATABASES``.
        holder: The connection that holds the row, whose transaction it is then; None for another.
        work: Changes it, by Django's models.

    Raises:
        StoreUnavailableError: Whether it is changed is not known.
    """
    if holder is None:
        with OwnConnection(alias) as own:
            return own.change(work)
    try:
        return holder.change(work)
    finally:
        holder.end()  # a second try would wait for it


def _asked(own: OwnConnection, lock: Callable[[], _T]) -> _T:
    with own.asked():
        return lock()
