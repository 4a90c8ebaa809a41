"""The one clock, so that a test can set it."""

from __future__ import annotations

from datetime import datetime, timezone


def now() -> datetime:
    """The time, as aware UTC."""
    return datetime.now(timezone.utc)
