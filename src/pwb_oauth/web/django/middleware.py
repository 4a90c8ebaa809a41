"""``request.wiki_account``, and what the response has to say about it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from pwb_oauth.web.django import callback_query, current, pages, reporting
from pwb_oauth.web.problems import problem_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class WikiAccountMiddleware(MiddlewareMixin):
    """Gives every request ``wiki_account``: the visitor's user session; false if there is none.

    It is read from the database when a view first asks for it, and an asynchronous view says
    ``await request.awiki_account()``. The response then is for this visitor only, and says so. Our
    errors become pages that a visitor understands.

    It goes behind Django's ``SessionMiddleware`` and ``AuthenticationMiddleware``.
    """

    def process_request(self, request: Any) -> None:
        """Ask nothing yet, and take the code out of the address before anything can show it."""
        callback_query.hide_at_callback(request)
        open_session = partial(current.user_session, request)
        request.wiki_account = SimpleLazyObject(open_session)
        request.awiki_account = sync_to_async(open_session)
        request.user = SimpleLazyObject(partial(current.user, request))
        request.auser = sync_to_async(partial(_evaluated_user, request))
        reporting.hide_variables(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Explain an error of ours; any other is Django's."""
        problem = problem_of(error)
        return None if problem is None else pages.problem_page(request, problem)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Let no cache keep what is for one visitor."""
        current.write_cookies(request, response)
        if current.answer(request):
            patch_vary_headers(response, ("Cookie",))
            patch_cache_control(response, private=True, no_store=True)
        return response


def _evaluated_user(request: HttpRequest) -> Any:
    bool(request.user)  # where the user session is over, request.user is another one afterwards
    return request.user
