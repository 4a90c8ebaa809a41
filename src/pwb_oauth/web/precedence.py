"""Letting one of a person's user sessions go first, in this process.

Two live access tokens of a user and a consumer void each other's CSRF tokens by a mere read, so
that two tabs and a job of one person may keep each other from writing for longer than a web request
can wait. Whoever fetches a CSRF token anew sends the next write undisturbed.
"""

from __future__ import annotations

import threading
import time
from weakref import WeakValueDictionary

from pwb_oauth import forks

_LONGEST = 1.0
"""Seconds that the others wait: a write takes less, and some fail before they are sent."""


class Precedence:
    """Of all user sessions of one person at one wiki."""

    def __init__(self) -> None:
        """Nobody goes first."""
        self._changed = threading.Condition()
        self._first: object = None
        self._ends_at = 0.0

    def take(self, who: object) -> None:
        """Go first until :meth:`release`, or for a moment; wait for whoever does so now."""
        with self._changed:
            self._wait(who)
            self._first = who
            self._ends_at = time.monotonic() + _LONGEST

    def respect(self, who: object) -> None:
        """Wait while somebody else goes first."""
        with self._changed:
            self._wait(who)

    def release(self, who: object) -> None:
        """Let the others go on."""
        with self._changed:
            if self._first is who:
                self._first = None
                self._changed.notify_all()

    def _wait(self, who: object) -> None:
        while self._first not in (None, who):
            left = self._ends_at - time.monotonic()
            if left <= 0:
                self._first = None
            else:
                self._changed.wait(left)


class _People:
    """Everybody who is at work in this process."""

    def __init__(self) -> None:
        self.begin_anew()
        forks.renew_in_children(self)

    def begin_anew(self) -> None:
        """Know nobody."""
        self._lock = threading.Lock()
        self._known: WeakValueDictionary[tuple[str, str], Precedence] = WeakValueDictionary()

    def find(self, wiki: str, subject: str) -> Precedence:
        """The one that all user sessions of a person share."""
        with self._lock:
            return self._known.setdefault((wiki, subject), Precedence())


people = _People()


class TokenTurn:
    """Stands where an account's lock for fetching CSRF tokens does, and lets it go first."""

    def __init__(self, precedence: Precedence, who: object) -> None:
        """Hold nothing yet."""
        self._lock = threading.Lock()
        self._precedence = precedence
        self._who = who

    def __enter__(self) -> None:
        """Let no other thread of this block fetch tokens, and no other user session read."""
        self._lock.acquire()
        self._precedence.take(self._who)

    def __exit__(self, *_: object) -> None:
        """Let other threads of this block fetch; the others wait for the write."""
        self._lock.release()
