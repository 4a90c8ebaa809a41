"""What a visitor sees when something went wrong, and what the operator finds in the log."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.shortcuts import render
from django.utils.cache import patch_cache_control

from pwb_oauth.web.django import current
from pwb_oauth.web.django.decorators import login_url
from pwb_oauth.web.problems import LOGGER

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from pwb_oauth.web.problems import Problem


def problem_page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Explain a problem, and log it."""
    LOGGER.log(problem.level, "%s", problem.log)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        # Where the database is down the page must not ask it who the visitor is.
        current.be_anonymous(request)
    context = {"problem": problem, "login_url": login_url(request)}
    page = render(request, "pwb_oauth/problem.html", context, status=problem.status)
    patch_cache_control(page, no_store=True)
    if problem.retry_after is not None:
        page.headers["Retry-After"] = str(problem.retry_after)
    return page
