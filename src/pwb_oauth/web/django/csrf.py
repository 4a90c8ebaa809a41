"""Django's protection of forms, which knows by which address visitors reach this site."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import decorator_from_middleware
from django.views.decorators.csrf import csrf_exempt

from pwb_oauth.web.django import conf

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class _OwnOrigin(CsrfViewMiddleware):
    """Behind a TLS proxy Django sees http, and takes the browser's https origin for another site's.

    The origin of ``PWB_OAUTH_CALLBACK_URL`` is this site's, whatever the request looks like.
    """

    def _origin_verified(self, request: HttpRequest) -> bool:
        if request.META["HTTP_ORIGIN"] == conf.callback_origin():
            return True
        return bool(super()._origin_verified(request))  # type: ignore[misc]


_protected = decorator_from_middleware(_OwnOrigin)


def own_forms_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let only forms of this site's pages reach a view."""
    protected = _protected(view)

    # The site's own middleware would refuse what comes through a proxy before we are asked.
    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return protected(request, *args, **kwargs)

    return checked
