"""A visitor of a web tool in Django: a browser's cookies, and what a person does with them."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from psycopg import IsolationLevel

import django_site

django_site.set_up()

# ruff: noqa: E402  # nothing below can be imported before
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.test import Client, override_settings

from django_site.routing import Router
from pwb_oauth.encryption import new_key
from pwb_oauth.web.django.backends import WikiBackend
from pwb_oauth.web.django.models import SealedUserSession, WikiUser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponse

    from pwb_oauth.testing import SandboxWiki

__all__ = ["User", "WikiBackend", "WikiUser"]  # what cannot be imported before Django is ready

CALLBACK = "http://127.0.0.1:9/oauth/callback"
PUBLIC_CALLBACK = "https://tool.example/oauth/callback"
GRANTS = ("basic", "editpage", "createeditmovepage")
STRICTEST = {"mariadb": "repeatable read", "postgresql": IsolationLevel.REPEATABLE_READ}
"""Isolations that a site may have chosen."""
FILES = ("default", "pwb_oauth")
FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]*)"')
_made: set[str] = set()


def settings_for(wiki: SandboxWiki, callback: str = CALLBACK, *, grants=GRANTS, **more) -> dict:
    """Register a consumer, and say what a site is configured with to use it."""
    consumer = wiki.add_consumer(
        f"tool {len(wiki.consumers)}",
        owner="Admin",
        callback_url=callback,
        grants=grants,
        oauth_version=more.get("PWB_OAUTH_OAUTH_VERSION", "2.0"),
    )
    return {
        "SESSION_COOKIE_SECURE": callback.startswith("https:"),
        "PWB_OAUTH_WIKI": wiki.api_url,
        "PWB_OAUTH_CLIENT_ID": consumer.key,
        "PWB_OAUTH_CLIENT_SECRET": consumer.secret,
        "PWB_OAUTH_CALLBACK_URL": callback,
        "PWB_OAUTH_ENCRYPTION_KEYS": new_key(),
        **more,
    }


def migrated(*aliases: str) -> None:
    """Make the tables of a database, once a process, and empty them."""
    for alias in aliases:
        if alias not in _made:
            call_command("migrate", database=alias, verbosity=0)
            _made.add(alias)
        ours = apps.get_models() if alias != "pwb_oauth" else [SealedUserSession]
        for model in ours:
            model._base_manager.using(alias).all().delete()
        connections[alias].close()


def rows():
    """The user sessions that are stored."""
    return SealedUserSession.objects.all()


@pytest.fixture
def database(monkeypatch) -> Iterator[str]:
    """Empty tables in files, user sessions in one of their own."""
    migrated(*FILES)
    monkeypatch.setattr(Router, "everything", "default")
    monkeypatch.setattr(Router, "own_file", True)
    cache.clear()
    yield "default"
    connections.close_all()


@pytest.fixture
def site(database, wiki):
    """Configures the site for the wiki; called again it adds to that."""
    with ExitStack() as stack:

        def configure(callback: str = CALLBACK, **more) -> dict:
            settings = settings_for(wiki, callback, **more)
            stack.enter_context(override_settings(**settings))
            return settings

        yield configure


@pytest.fixture
def visitor(site, wiki) -> Visitor:
    """A browser at the site."""
    site()
    return Visitor(wiki)


class Visitor:
    """One browser."""

    def __init__(self, wiki: SandboxWiki, **options) -> None:
        from django.conf import settings

        callback = urlsplit(settings.PWB_OAUTH_CALLBACK_URL)
        self.wiki = wiki
        self.origin = f"{callback.scheme}://{callback.netloc}"
        self.secure = callback.scheme == "https"
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False, **options)

    def get(self, path: str, **more) -> HttpResponse:
        return self.client.get(path, secure=self.secure, **self._headers(more))

    def post(self, path: str, data: dict | None = None, **more) -> HttpResponse:
        more.setdefault("HTTP_ORIGIN", self.origin)
        return self.client.post(path, data or {}, secure=self.secure, **self._headers(more))

    def _headers(self, more: dict) -> dict:
        return {"HTTP_HOST": urlsplit(self.origin).netloc, **more}

    def csrf(self) -> dict[str, str]:
        """The hidden field of a form of this visitor."""
        page = self.get("/oauth/login").content.decode()
        return {"csrfmiddlewaretoken": FIELD.search(page)[1]}

    def leave(self, **fields: str) -> str:
        """Press the button; the address on the wiki."""
        response = self.post("/oauth/login", {**self.csrf(), **fields})
        assert response.status_code == 303, response.content
        return response.headers["Location"]

    def come_back(self, url: str) -> HttpResponse:
        """Let the browser open the address that the wiki sent it to."""
        parts = urlsplit(url)
        return self.get(f"{parts.path}?{parts.query}")

    def log_in(self, user: str = "Alice", **fields: str) -> HttpResponse:
        """All of it."""
        return self.come_back(self.wiki.approve(self.leave(**fields), user))

    def log_out(self) -> HttpResponse:
        return self.post("/oauth/logout", self.csrf())

    def who(self, path: str = "/me") -> str:
        """Who the tool takes them for."""
        response = self.get(path)
        assert response.status_code == 200, response.content
        return response.content.decode().removeprefix("You are ").removesuffix(".")

    def user(self) -> str:
        """Whom Django takes them for."""
        return self.get("/user").content.decode()

    @property
    def cookies(self) -> dict[str, str]:
        return {name: morsel.value for name, morsel in self.client.cookies.items() if morsel.value}

    def set_cookie(self, name: str, value: str) -> None:
        self.client.cookies[name] = value


def session_of(visitor: Visitor) -> dict:
    """What Django's session of a browser holds."""
    return dict(visitor.client.session)


URLS = os.environ.get("PWB_OAUTH_TEST_DB_URLS", "").split()
NO_SERVER = "PWB_OAUTH_TEST_DB_URLS names no database server (CI: .ci/with-databases)"


@contextmanager
def own_database(alias: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let the site use a new database on a server, and drop it again."""
    name = f"pwb_oauth_django_{secrets.token_hex(6)}"
    usual = connections[alias].settings_dict
    _execute(alias, f"CREATE DATABASE {name}")
    try:
        with monkeypatch.context() as patch:
            patch.setitem(usual, "NAME", name)
            strict = {"isolation_level": STRICTEST[alias]}
            patch.setitem(usual, "OPTIONS", {**usual["OPTIONS"], **strict})
            patch.setattr(Router, "everything", alias)
            patch.setattr(Router, "own_file", False)
            call_command("migrate", database=alias, verbosity=0)
            yield name
            connections[alias].close()
    finally:
        _execute(alias, f"DROP DATABASE {name}")


def _execute(alias: str, statement: str) -> None:
    connections[alias].close()
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
    connections[alias].close()
