"""A lock between threads and processes that ends with whoever holds it."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import platformdirs

from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.stores.folders import make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from filelock import BaseFileLock

LOCK_TIMEOUT = 120.0
"""Seconds to wait for a lock: longer than a refresh takes whose every request times out."""


@contextmanager
def file_lock(*name: str, timeout: float | None = None) -> Iterator[None]:
    """Hold the lock of a name against every other thread and process of this user.

    The operating system holds the lock for an open file, so it ends with the process, however that
    ends, and the file that stays behind locks nobody out. Each call opens the file anew: threads
    exclude each other like processes do, and a forked child holds nothing that a thread of its
    parent would have to release. A thread that already holds the name must not ask for it again.

    Args:
        name: What is locked, in as many parts as it takes.
        timeout: Seconds to wait for it; None is :data:`LOCK_TIMEOUT`.

    Raises:
        StoreUnavailableError: The file cannot be locked, or was not free in time.
    """
    lock = _acquire(lock_path(*name), LOCK_TIMEOUT if timeout is None else timeout)
    try:
        yield
    finally:
        lock.release()


def lock_path(*name: str) -> Path:
    """Where the lock of a name is: a hash, since a user name may be no file name."""
    digest = hashlib.sha256("\0".join(name).encode()).hexdigest()
    return platformdirs.user_state_path("pwb-oauth", appauthor=False) / f"{digest[:32]}.lock"


def _acquire(path: Path, timeout: float) -> BaseFileLock:
    from filelock import FileLock, Timeout  # noqa: PLC0415  # few processes lock

    try:
        make_private_folder(path.parent)
        # Its substitute on a file system without locks would outlive a process that is killed.
        lock = FileLock(
            path, timeout=timeout, mode=0o600, thread_local=False, fallback_to_soft=False
        )
        lock.acquire()
    except Timeout:
        raise StoreUnavailableError(
            f"Another thread or process has held {path} for {timeout:.0f} seconds. "
            "Look for a script that hangs (on Linux: lslocks), end it, and try again."
        ) from None
    except (OSError, NotImplementedError) as exc:
        raise _cannot_lock(path, exc) from exc
    return lock


def _cannot_lock(path: Path, reason: object) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"{path} cannot be locked ({reason}). Make its folder writable for you, or let "
        "XDG_STATE_HOME name a folder on a local disk."
    )
