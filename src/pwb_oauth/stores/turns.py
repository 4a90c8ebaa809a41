"""What the threads of a process wait for before they lock a row of a database."""

from __future__ import annotations

import base64
import os
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pwb_oauth import forks
from pwb_oauth.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_HELD = 4
"""How many connections of a process hold a lock at a time. Servers limit a user's connections."""

_RESERVED = 8192
"""How many bytes must have room: more than a credential with two tokens of Wikimedia's takes."""


def filling() -> str:
    """Text that takes as much room as a credential, for a transaction that is rolled back.

    Whether there is room must be known before the wiki is asked: it takes the old tokens back at
    once.
    """
    return base64.b85encode(os.urandom(_RESERVED)).decode()


class Turns:
    """A lock for each row, and a limit for the connections that hold rows.

    Attributes:
        connections: Held by who has such a connection.
    """

    connections: threading.BoundedSemaphore
    _guard: threading.Lock
    _locks: weakref.WeakValueDictionary[tuple[str, str], threading.Lock]

    def __init__(self) -> None:
        """Let nobody wait yet."""
        self.begin_anew()
        forks.renew_in_children(self)

    def begin_anew(self) -> None:
        """Nobody waits, and nobody is waited for."""
        self.connections = threading.BoundedSemaphore(MAX_HELD)
        self._guard = threading.Lock()
        self._locks = weakref.WeakValueDictionary()

    def lock(self, database: str, row: str) -> threading.Lock:
        """The lock of a row of a database."""
        with self._guard:
            return self._locks.setdefault((database, row), threading.Lock())


turns = Turns()


@contextmanager
def held(lock: threading.Lock | threading.BoundedSemaphore, timeout: float) -> Iterator[None]:
    """Hold a lock of :data:`turns`.

    Raises:
        StoreUnavailableError: It was not free within so many seconds.
    """
    if not lock.acquire(timeout=timeout):
        raise StoreUnavailableError(
            f"Other threads have held this account, or {MAX_HELD} others of the database, for "
            f"{timeout:.0f} seconds. See whether the wiki hangs, and try again."
        )
    try:
        yield
    finally:
        lock.release()
