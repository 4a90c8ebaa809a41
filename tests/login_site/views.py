"""What a visitor can do there."""

from __future__ import annotations

import pywikibot
from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.views.decorators.csrf import csrf_exempt

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.web import allauth, social


def home(request):
    return HttpResponse(f"{request.user.is_authenticated} {get_token(request)}")


@csrf_exempt
def edit(request, kind):
    try:
        return HttpResponse(_edit(request, kind))
    except PwbOAuthError as error:
        return HttpResponse(f"{type(error).__name__}: {error}", status=503)


@csrf_exempt
def fail(request, kind):
    raise RuntimeError(_edit(request, kind))


def _edit(request, kind):
    with _account(request.user, kind) as account:
        site = account.site(url=f"{settings.WIKI}/w/index.php")
        page = pywikibot.Page(site, request.POST["title"])
        page.text = request.POST["text"]
        page.save("as the visitor")
        return f"{account.username} {account.subject}"


def _account(user, kind):
    if kind == "social":
        return social.account_of(user.social_auth.get())
    return allauth.account_of(user.socialaccount_set.get())
