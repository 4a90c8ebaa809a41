"""Deleting many rows without holding anybody up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")

BATCH = 100
"""How many rows are deleted in one transaction."""

PAUSE = 0.03
"""Seconds between two transactions. A writer that waits for SQLite looks more often than that."""


def in_batches(delete_some: Callable[[int, _T | None], Sequence[_T]]) -> int:
    """Delete a batch at a time, with a pause after each.

    Args:
        delete_some: Deletes so many rows at most, and commits. It is given where the last call
            ended, since a database would otherwise look again at every place that it has emptied,
            and returns the place of each row that it deleted, in order.

    Returns:
        How many rows were deleted.
    """
    deleted = 0
    place: _T | None = None
    while places := delete_some(BATCH, place):
        deleted += len(places)
        place = places[-1]
        pause()
    return deleted


def pause() -> None:
    """Let those who wait go first."""
    time.sleep(PAUSE)
