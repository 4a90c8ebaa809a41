"""Debug pages and error mails without the visitors' tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.views.debug import get_exception_reporter_filter

if TYPE_CHECKING:
    from types import FrameType

    from django.http import HttpRequest

_SECRETIVE = ("pwb_oauth", "pywikibot", "requests", "urllib3", "oauthlib", "requests_oauthlib")
"""Whose variables hold tokens, and those of all that they call."""

_OURS_AROUND_VIEWS = frozenset({"pwb_oauth.web.django.decorators"})


class _Filter:
    """The site's own filter, which shows no variable of a frame that may hold a token.

    Django hides the variables of ``sensitive_variables`` only where ``DEBUG`` is off, and only
    those of the decorated function itself.
    """

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usual, name)

    def get_traceback_frame_variables(
        self, request: HttpRequest, tb_frame: FrameType
    ) -> list[tuple[str, Any]]:
        """What to show of a frame."""
        if _is_secretive(tb_frame):
            return [("…", "hidden by pwb_oauth")]
        return list(self._usual.get_traceback_frame_variables(request, tb_frame))


def hide_variables(request: Any) -> None:
    """Let no report about this request show what may be a token."""
    request.exception_reporter_filter = _Filter(get_exception_reporter_filter(request))


def _is_secretive(frame: FrameType | None) -> bool:
    """Whether it, or one that called it, is of a module whose variables hold tokens."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module.partition(".")[0] in _SECRETIVE and module not in _OURS_AROUND_VIEWS:
            return True
        frame = frame.f_back
    return False
