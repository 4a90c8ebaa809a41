"""What a visitor can do there."""

from __future__ import annotations

import pywikibot
from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.views.decorators.csrf import csrf_exempt
from pywikibot.exceptions import OtherPageSaveError

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.web import allauth, social


def home(request):
    return HttpResponse(f"{request.user.is_authenticated} {get_token(request)}")


@csrf_exempt
def edit(request, kind):
    try:
        return HttpResponse(_edit(request, kind))
    except (PwbOAuthError, OtherPageSaveError) as error:
        cause = getattr(error, "reason", error)
        return HttpResponse(f"{type(cause).__name__}: {cause}", status=503)


@csrf_exempt
def fail(request, kind):
    raise RuntimeError(_edit(request, kind))


def _edit(request, kind):
    with _account(request.user, kind) as account:
        site = account.site(url=f"{settings.WIKI}/w/index.php")
        page = pywikibot.Page(site, request.POST["title"])
        page.text = request.POST["text"]
        if "forget" in request.POST:
            _rows(request.user, kind).delete()
        page.save("as the visitor")
        return f"{account.username} {account.subject}"


def _account(user, kind):
    row = _rows(user, kind).get()
    return social.account_of(row) if kind == "social" else allauth.account_of(row)


def _rows(user, kind):
    return user.social_auth.all() if kind == "social" else user.socialaccount_set.all()
