"""The wiki's own clock, which a test can move."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone


class Clock:
    """The time that the wiki believes it is; it runs on from wherever a test puts it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = timedelta()

    @property
    def now(self) -> datetime:
        """The wiki's time, aware UTC."""
        with self._lock:
            return datetime.now(timezone.utc) + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the clock forward.

        Args:
            seconds: How far; a negative number puts it back.
        """
        with self._lock:
            self._ahead += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        """Put the clock to a moment, from which it runs on.

        Args:
            moment: An aware datetime.

        Raises:
            ValueError: The datetime is naive.
        """
        if moment.tzinfo is None:
            raise ValueError("The wiki's clock wants an aware datetime; add tzinfo=timezone.utc.")
        with self._lock:
            self._ahead = moment - datetime.now(timezone.utc)

    def reset(self) -> None:
        """Let the wiki's time be the computer's again."""
        with self._lock:
            self._ahead = timedelta()
