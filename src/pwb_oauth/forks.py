"""What a process must not share with a child that it forks.

gunicorn with ``preload_app`` and multiprocessing's ``fork`` copy a process's memory and its open
sockets, but only the thread that forks. In the child a lock that another thread held would stay
locked for ever, and a request on the parent's connection could get the parent's answer.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """What has locks, connections or cookies."""

    def begin_anew(self) -> None:
        """Replace them, without touching those that are there: a lock may be held."""


_forkables: WeakSet[Forkable] = WeakSet()


def renew_in_children(forkable: Forkable) -> None:
    """Let every child that this process forks begin with locks and connections of its own."""
    _forkables.add(forkable)


def _begin_anew() -> None:
    for forkable in list(_forkables):
        forkable.begin_anew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_begin_anew)
