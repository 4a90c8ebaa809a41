"""The query of the address that the browser comes back to: a secret until it was used."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.urls import NoReverseMatch, reverse

if TYPE_CHECKING:
    from django.http import HttpRequest

_HIDDEN = "_pwb_oauth_query"


class _Query:
    """Text that nothing shows by accident."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def hide_at_callback(request: HttpRequest) -> None:
    """Take the query out of a request for the callback."""
    with suppress(NoReverseMatch):  # which manage.py check reports
        if request.path == reverse("pwb_oauth:callback"):
            hide_query(request)


def hide_query(request: HttpRequest) -> None:
    """Take the query out of a request, so that no debug page, error mail or log can show it."""
    query = request.META.get("QUERY_STRING", "")
    setattr(request, _HIDDEN, _Query(query))
    for name, value in request.META.items():
        if isinstance(value, str):  # RAW_URI, REQUEST_URI and their like
            request.META[name] = value.replace(f"?{query}", "") if query else value
    request.META["QUERY_STRING"] = ""
    request.GET = QueryDict()


def query_of(request: HttpRequest) -> str:
    """What :func:`hide_query` took out."""
    if not hasattr(request, _HIDDEN):
        hide_query(request)
    hidden: _Query = getattr(request, _HIDDEN)
    return hidden.text
