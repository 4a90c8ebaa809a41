"""By when something must be done, for all that is called meanwhile: a web request cannot wait."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pwb_oauth.errors import DeadlineExceededError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ends_at: ContextVar[float | None] = ContextVar("pwb_oauth_ends_at", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Let what is called in this block, by this thread, end within so many seconds.

    Args:
        seconds: How long it may take; None sets no other end than there is. A block within a block
            cannot last longer than that.
    """
    outer = _ends_at.get()
    inner = None if seconds is None else time.monotonic() + seconds
    ends = [moment for moment in (outer, inner) if moment is not None]
    token = _ends_at.set(min(ends, default=None))
    try:
        yield
    finally:
        _ends_at.reset(token)


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


def require_time() -> None:
    """Refuse to go on where no time is left.

    Raises:
        DeadlineExceededError: None is.
    """
    limit(1)


def is_open_ended() -> bool:
    """Whether nothing has to end by a time."""
    return _ends_at.get() is None
