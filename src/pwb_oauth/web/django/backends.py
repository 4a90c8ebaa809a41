"""By which back end Django knows that the wiki vouched for a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import ModelBackend

if TYPE_CHECKING:
    from django.http import HttpRequest

PATH = "pwb_oauth.web.django.backends.WikiBackend"


class WikiBackend(ModelBackend):
    """Finds users again who signed in with their wiki account, as long as they are active.

    Permissions are Django's own. It never signs anybody in by what they type.
    """

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, **credentials: Any
    ) -> None:
        """Nobody."""
