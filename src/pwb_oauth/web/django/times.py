"""Times as Django's models keep them: with ``USE_TZ`` aware, else in the site's own time zone."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, overload

from django.conf import settings
from django.utils import timezone

if TYPE_CHECKING:
    from datetime import datetime


@overload
def as_stored(moment: datetime) -> datetime: ...


@overload
def as_stored(moment: None) -> None: ...


def as_stored(moment: datetime | None) -> datetime | None:
    """An aware time as a model takes it."""
    if moment is None or settings.USE_TZ:
        return moment
    return timezone.make_naive(moment)


@overload
def as_utc(moment: datetime) -> datetime: ...


@overload
def as_utc(moment: None) -> None: ...


def as_utc(moment: datetime | None) -> datetime | None:
    """What a model gave, as aware UTC."""
    if moment is None:
        return None
    aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    return aware.astimezone(dt.timezone.utc)
