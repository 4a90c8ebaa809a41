"""Writing what must not be lost: a credential whose old tokens the wiki took back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from pwb_oauth.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

RETRY_TIME = 10.0
"""Seconds for which a renewed credential is written again and again if the database is away."""

_PAUSE = 0.5


def until_written(write: Callable[[], _T]) -> _T:
    """Try to write until it succeeds, for :data:`RETRY_TIME` seconds.

    Args:
        write: Does it. It may have succeeded although it raised, so it must bear to be repeated.

    Returns:
        What ``write`` returns.

    Raises:
        StoreUnavailableError: The last try failed.
    """
    give_up_at = time.monotonic() + RETRY_TIME
    while True:
        try:
            return write()
        except StoreUnavailableError:
            if time.monotonic() > give_up_at:
                raise
        time.sleep(_PAUSE)
