"""Deleting many rows without holding anybody up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")

BATCH = 25
"""How many rows are deleted in one transaction at most."""

LONG = 0.03
"""Seconds after which the next transaction deletes half as many rows."""

_LEAST = 5
_PAUSE = 0.03  # a writer that waits for SQLite looks again within that time


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
    size = BATCH
    place: _T | None = None
    began = time.monotonic()
    while places := delete_some(size, place):
        took = time.monotonic() - began
        deleted += len(places)
        place = places[-1]
        size = min(BATCH, max(_LEAST, size // 2 if took > LONG else size + _LEAST))
        pause(took)
        began = time.monotonic()
    return deleted


def pause(took: float) -> None:
    """Let others go first: for longer than a batch took, so that most of the time is theirs."""
    time.sleep(_PAUSE + took)
