"""By when something must be done, for all that is called meanwhile: a web request cannot wait."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pwb_oauth.errors import DeadlineExceededError

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNLIMITED = 3600.0
"""Seconds that a request may take where nothing else is said: none is meant to hang for ever."""
_ends_at: ContextVar[float | None] = ContextVar("pwb_oauth_ends_at", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Let what is called in this block, by this thread, end within so many seconds.

    Args:
        seconds: How long it may take; None sets no other end than there is. A block within a block
            cannot last longer than that.
    """
    with until(after(seconds)):
        yield


def after(seconds: float | None) -> float | None:
    """The moment so many seconds from now, on the clock that nobody sets; None for no end."""
    return None if seconds is None else time.monotonic() + seconds


@contextmanager
def until(ends_at: float | None) -> Iterator[None]:
    """Let what is called in this block end by a moment that :func:`after` gave, or earlier.

    Not around what calls back into foreign code, such as a ``yield``: another thread would not know
    of it, and generators that end in another order would leave it behind.
    """
    ends = [moment for moment in (_ends_at.get(), ends_at) if moment is not None]
    with _set(min(ends, default=None)):
        yield


@contextmanager
def at_least(seconds: float) -> Iterator[None]:
    """Give what must not be broken off so many seconds, although less is left.

    Raises:
        DeadlineExceededError: None is left, and nothing was begun.
    """
    require_time()
    ends_at = _ends_at.get()
    with _set(None if ends_at is None else max(ends_at, time.monotonic() + seconds)):
        yield


@contextmanager
def _set(ends_at: float | None) -> Iterator[None]:
    token = _ends_at.set(ends_at)
    try:
        yield
    finally:
        _ends_at.reset(token)


def is_set() -> bool:
    """Whether what is called here must end by a time."""
    return _ends_at.get() is not None


def limit(seconds: float) -> float:
    """Shorten a time-out to the time that is left.

    Args:
        seconds: How long something may take by itself.

    Raises:
        DeadlineExceededError: No time is left.
    """
    ends_at = _ends_at.get()
    if ends_at is None:
        return seconds
    left = ends_at - time.monotonic()
    if left <= 0:
        raise DeadlineExceededError
    return min(seconds, left)


def limited(timeout: Any) -> Any:
    """Shorten a time-out of requests, be it one number, two or none, to the time that is left.

    Raises:
        DeadlineExceededError: No time is left.
    """
    if isinstance(timeout, tuple):
        return tuple(map(limited, timeout))
    return limit(_UNLIMITED if timeout is None else timeout)


def require_time() -> None:
    """Refuse to go on where no time is left.

    Raises:
        DeadlineExceededError: None is.
    """
    limit(1)
