"""Deleting many rows without holding anybody up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")
_P = ParamSpec("_P")

BATCH = 25
"""How many rows are deleted in one transaction at most."""

LONG = 0.03
"""Seconds after which the next transaction deletes half as many rows."""

_LEAST = 5
_PAUSE = 0.03  # a writer that waits for SQLite looks again within that time


@dataclass(frozen=True)
class Batch(Generic[_T]):
    """What was deleted in one transaction.

    Attributes:
        places: The place of each row, in order.
        held: Seconds for which the transaction held others up. It may have waited before.
    """

    places: Sequence[_T]
    held: float


def timed(
    transaction: Callable[[Callable[_P, Sequence[_T]]], Sequence[_T]],
    work: Callable[_P, Sequence[_T]],
) -> Batch[_T]:
    """Delete a batch, and say for how long it held others up.

    Args:
        transaction: Begins one, once nobody else is in the way, does in it what it is given, and
            commits.
        work: Deletes rows, and returns the place of each, in order.
    """
    began = 0.0

    def begun(*args: _P.args, **kwargs: _P.kwargs) -> Sequence[_T]:
        nonlocal began
        began = time.monotonic()
        return work(*args, **kwargs)

    places = transaction(begun)
    return Batch(places, time.monotonic() - began)


def in_batches(delete_some: Callable[[int, _T | None], Batch[_T]]) -> int:
    """Delete a batch at a time, with a pause after each.

    Args:
        delete_some: Deletes so many rows at most, and commits. It is given where the last call
            ended, since a database would otherwise look again at every place that it has emptied.

    Returns:
        How many rows were deleted.
    """
    deleted = 0
    size = BATCH
    place: _T | None = None
    while (batch := delete_some(size, place)).places:
        deleted += len(batch.places)
        place = batch.places[-1]
        size = min(BATCH, max(_LEAST, size // 2 if batch.held > LONG else size + _LEAST))
        pause(batch.held)
    return deleted


def pause(held: float) -> None:
    """Let others go first, for longer than they were held: most of the time is theirs."""
    time.sleep(_PAUSE + held)
