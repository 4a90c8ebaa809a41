"""The site's views."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.utils.html import escape
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt

from pwb_oauth.web.django.conf import flow
from pwb_oauth.web.django.decorators import wiki_login_required


def home(request):
    return HttpResponse("The same for everybody.")


def _name(account):
    return HttpResponse(f"You are {escape(account.username)}." if account else "You are nobody.")


def me(request):
    return _name(request.wiki_account)


async def me_async(request):
    return _name(await request.awiki_account())


def user(request):
    return HttpResponse(f"{request.user.is_authenticated} {request.user.get_username()}")


def late(request):
    if "early" in request.GET:
        bool(request.wiki_account)
    return StreamingHttpResponse(me(request).content for _ in range(1))


async def late_async(request):
    if "early" in request.GET:
        await request.awiki_account()

    async def parts():
        yield (await me_async(request)).content

    return StreamingHttpResponse(parts())


def both(request):
    assert request.user.is_authenticated
    return me(request)


async def user_async(request):
    found = await request.auser()
    return HttpResponse(f"{found.is_authenticated} {found.get_username()}")


def cached(request):
    response = me(request)
    response.headers["Cache-Control"] = "public, max-age=600, s-maxage=600"
    return response


@cache_page(600)
def kept(request):
    return me(request)


@wiki_login_required
def protected(request):
    return me(request)


@wiki_login_required
async def protected_async(request):
    return await me_async(request)


def _edit(request):
    import pywikibot

    with flow().account(request.wiki_account) as account:
        page = pywikibot.Page(account.site("en", "sandbox"), request.POST["title"])
        page.text = request.POST["text"]
        page.save("By a visitor", quiet=True)


@csrf_exempt
@wiki_login_required
def edit(request):
    _edit(request)
    return HttpResponse("Saved.")


@csrf_exempt
@wiki_login_required
def edit_and_fail(request):
    request.session["word"] = "lost"
    _edit(request)
    raise ZeroDivisionError


@csrf_exempt
@wiki_login_required
@transaction.non_atomic_requests
def edit_in_block_and_fail(request):
    with transaction.atomic(using=request.GET.get("using", "default")):
        _edit(request)
        raise ZeroDivisionError


@csrf_exempt
@wiki_login_required
async def edit_async(request):
    await sync_to_async(_edit)(request)
    return HttpResponse("Saved.")


def remember(request, word):
    request.session["word"] = word
    return HttpResponse("Remembered.")


def recall(request):
    return HttpResponse(str(request.session.get("word")))


@csrf_exempt
def leave(request):
    logout(request)
    return HttpResponse("Left.")


@csrf_exempt
def side_door(request):
    user = authenticate(
        request, username=request.POST["username"], password=request.POST["password"]
    )
    login(request, user)
    return HttpResponse("In.")


def broken(request):
    shown = "of the site itself"
    bool(request.wiki_account)
    assert shown
    raise ZeroDivisionError


def broken_middleware(get_response):
    def crash(request):
        shown = request.get_full_path(), request.META
        assert shown
        raise ZeroDivisionError("a bug in a middleware")

    return crash


def _crash(response, **_):
    response.close()
    raise ZeroDivisionError


@wiki_login_required
def broken_wiki(request):
    with flow().account(request.wiki_account) as account:
        account.requests_session().get(account.wiki.api_url, hooks={"response": _crash})
    return HttpResponse("Not reached.")
