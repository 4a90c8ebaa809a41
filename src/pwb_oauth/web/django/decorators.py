"""Views for visitors who are signed in to the wiki."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from asgiref.sync import iscoroutinefunction
from django.http import HttpResponseRedirect
from django.urls import reverse

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


def wiki_login_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only visitors who are signed in to the wiki reach a view; others are asked to sign in.

    Args:
        view: A synchronous or an asynchronous view.
    """
    if iscoroutinefunction(view):

        @wraps(view)
        async def asked(request: Any, *args: Any, **kwargs: Any) -> Any:
            if not await request.awiki_account():
                return _to_login(request)
            return await view(request, *args, **kwargs)
    else:

        @wraps(view)
        def asked(request: Any, *args: Any, **kwargs: Any) -> Any:
            return view(request, *args, **kwargs) if request.wiki_account else _to_login(request)

    return asked


def _to_login(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(login_url(request))


def login_url(request: HttpRequest) -> str:
    """The page that signs in and then leads back, save to what a form was sent to."""
    page = reverse("pwb_oauth:login")
    if request.method != "GET":
        return page
    return f"{page}?{urlencode({'next': request.get_full_path()})}"
