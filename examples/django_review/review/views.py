"""The two pages of the tool."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pywikibot
from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from pwb_oauth import Wiki
from pwb_oauth.web.django.conf import flow
from pwb_oauth.web.django.decorators import wiki_login_required
from pwb_oauth.web.problems import problem_of
from review import changes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse
    from pywikibot.site import APISite

WIKI = Wiki.from_url(settings.REVIEW_WIKI)


@require_safe
def review(request: HttpRequest) -> HttpResponse:
    """Show what is to be looked at; who is not signed in sees what the tool is for."""
    if not request.wiki_account:
        return render(request, "review/welcome.html", {"wiki": WIKI.host})
    with _site_of(request) as site:
        may_patrol = changes.may_patrol(site)
        shown = {
            "wiki": WIKI.host,
            "username": request.wiki_account.username,
            "may_patrol": may_patrol,
            "changes": changes.unpatrolled(site) if may_patrol else [],
            "patrols": changes.patrols(site),
        }
    return render(request, "review/changes.html", shown)


@require_POST
@wiki_login_required
def patrol(request: HttpRequest, revid: int) -> HttpResponse:
    """Mark an edit as patrolled, in the name of whoever pressed the button."""
    try:
        with _site_of(request) as site:
            title = changes.patrol(site, revid)
    except pywikibot.exceptions.Error as error:
        if problem_of(error) is not None:
            raise  # pwb_oauth's middleware explains it
        # An APIError's text has more in it than its reason.
        messages.warning(request, f"The wiki did not accept it: {getattr(error, 'info', error)}")
    else:
        messages.success(request, f"{title} is patrolled.")
    return redirect("review")


@contextmanager
def _site_of(request: HttpRequest) -> Iterator[APISite]:
    """The wiki to review, where what is done is done by the visitor."""
    with flow().account(request.wiki_account) as account:
        yield account.site(url=WIKI.index_url)
