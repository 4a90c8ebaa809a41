"""Timing several ways of doing the same work in turns, so that a noisy machine cancels out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def in_turns(
    works: Mapping[str, Callable[[], object]],
    *,
    seconds: float,
    before: Mapping[str, Callable[[], object]] | None = None,
) -> dict[str, float]:
    """The least time in seconds that each took, over as many turns as there is time for.

    Args:
        works: What is timed, by name.
        seconds: For how long.
        before: What is done before the work of that name, and not timed.
    """
    best = dict.fromkeys(works, float("inf"))
    end = time.perf_counter() + seconds
    turns = 0
    while turns < 2 or time.perf_counter() < end:  # noqa: PLR2004  # the first warms caches
        for name, work in works.items():
            if before and name in before:
                before[name]()
            started = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - started)
        turns += 1
    return best
