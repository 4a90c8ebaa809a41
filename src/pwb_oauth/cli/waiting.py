"""Waiting for whoever comes first, without missing a signal."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_TURN = 0.5
"""Seconds of a wait that nothing ends.

A signal ends a system call. One that comes just before it, or to another thread, does not, and
Python looks for it between two of them: a Ctrl-C at that moment would do nothing.
"""


class HasFileno(Protocol):
    """What can be waited for: a file, a terminal, a server."""

    def fileno(self) -> int:
        """Its file descriptor."""


_Source = TypeVar("_Source", bound=HasFileno)


def wait_for(sources: Sequence[_Source], seconds: float = float("inf")) -> list[_Source]:
    """Wait until something can be read.

    Args:
        sources: Where it may come from.
        seconds: For how long to wait.

    Returns:
        Where something can be read; empty if nothing came in time.
    """
    end = time.monotonic() + seconds
    while True:
        left = max(0.0, end - time.monotonic())
        ready = select.select(sources, [], [], min(left, _TURN))[0]
        if ready or left == 0:
            return ready
