"""What we do when Django, or another back end, signs somebody in or out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out

from pwb_oauth.web.django import current

_NAME = "pwb_oauth.web.django.listeners"


def connect() -> None:
    """Listen to Django."""
    user_logged_in.connect(_logged_in, dispatch_uid=f"{_NAME}.in")
    user_logged_out.connect(_logged_out, dispatch_uid=f"{_NAME}.out")


def _logged_in(request: Any, **_: Any) -> None:
    if _has_session(request):
        current.end_others(request)


def _logged_out(request: Any, **_: Any) -> None:
    if _has_session(request) and current.ROW in request.session:
        current.end(request, request.session[current.ROW])


def _has_session(request: Any) -> bool:
    """Whether it is a visitor's: a test's ``login`` sends a request that has no cookies."""
    return hasattr(request, "session") and hasattr(request, "COOKIES")
