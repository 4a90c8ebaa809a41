"""Login, callback and logout."""

from __future__ import annotations

from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import auth
from django.contrib.auth.decorators import login_not_required
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_script_prefix, reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.clickjacking import xframe_options_deny
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.web.django import conf, current, pages, users
from pwb_oauth.web.django.callback_query import query_of
from pwb_oauth.web.django.connection import unavailable
from pwb_oauth.web.django.csrf import own_forms_only
from pwb_oauth.web.next_url import safe_next_url
from pwb_oauth.web.problems import Problem, problem_of

if TYPE_CHECKING:
    from pwb_oauth.web.flow import Arrival

_INACTIVE = Problem(
    status=HTTPStatus.FORBIDDEN,
    title="Your account here is closed",
    text="The wiki knows you, but this site's operators have closed your account on this site.",
    log="A visitor whose account on this site is inactive was refused.",
)


class _SeeOther(HttpResponseRedirect):
    """The next page is fetched by GET, whatever brought the browser here."""

    status_code = HTTPStatus.SEE_OTHER


@login_not_required
@own_forms_only
@require_http_methods(["GET", "HEAD", "POST"])
@xframe_options_deny
@non_atomic_requests
@sensitive_variables()
def login(request: HttpRequest) -> HttpResponse:
    """Show one button; when it was pressed, leave for the wiki."""
    if request.method != "POST":
        page = render(request, "pwb_oauth/login.html", {"next": _next(request.GET.get("next"))})
        # Without it the browser does not say whose form it sends.
        page.headers["Referrer-Policy"] = "same-origin"
        return page
    departure = conf.flow().begin(_next(request.POST.get("next")), request.COOKIES)
    current.set_cookies(request, departure.cookies)
    return _private(_SeeOther(departure.url))


@login_not_required
@require_GET
@non_atomic_requests
@sensitive_variables()
def callback(request: HttpRequest) -> HttpResponse:
    """Come back from the wiki.

    What goes wrong leaves somebody who is signed in already as they were.
    """
    url = f"{request.path}?{query_of(request)}"
    try:
        arrival = conf.flow().finish(url, request.COOKIES)
        response = _arrive(request, arrival, url)
    except PwbOAuthError as error:
        current.set_cookies(request, conf.flow().failed_cookies(url, request.COOKIES))
        problem = problem_of(error)
        if problem is None:
            raise
        response = pages.problem_page(request, problem)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


# Read by the system check of the callback's path.
callback.is_wiki_callback = True  # type: ignore[attr-defined]


@login_not_required
@own_forms_only
@require_POST
@non_atomic_requests
def logout(request: HttpRequest) -> HttpResponse:
    """Take all access with the visitor who leaves."""
    current.set_cookies(request, conf.flow().logout(current.user_session(request)))
    with unavailable():
        auth.logout(request)
    return _private(_SeeOther(_next(request.POST.get("next"))))


@sensitive_variables()
def _arrive(request: HttpRequest, arrival: Arrival, url: str) -> HttpResponse:
    flow = conf.flow()
    with ExitStack() as undo, unavailable():
        undo.callback(flow.take_back, arrival)
        user: Any = users.find_or_make(arrival.session)
        before = current.user_session(request)
        if not user.is_active:
            current.set_cookies(request, flow.failed_cookies(url, request.COOKIES))
            return pages.problem_page(request, _INACTIVE)
        flow.logout(before)
        current.sign_in(request, arrival.session, user)
        undo.pop_all()
    current.set_cookies(request, arrival.cookies)
    return _SeeOther(_next(arrival.next_url))


def _next(given: str | None) -> str:
    """Where to go afterwards: a page of this site, but none of these three."""
    own = [reverse(f"pwb_oauth:{name}") for name in ("login", "callback", "logout")]
    return safe_next_url(given or get_script_prefix(), own)


def _private(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, no_store=True)
    return response
