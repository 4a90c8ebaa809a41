"""A visitor of a web tool in Flask: a browser's cookies, and what a person does with them."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask.sessions import SecureCookieSession, SessionInterface

from flask_site import create_app

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from pwb_oauth.testing import SandboxWiki

CALLBACK = "http://127.0.0.1:9/oauth/callback"
PUBLIC_CALLBACK = "https://tool.example.org/oauth/callback"
SECRET_KEY = "a secret key of the tests, and long enough"
GRANTS = ("basic", "editpage", "createeditmovepage")
_FIELD = re.compile(r'name="pwb_oauth_csrf" value="([^"]*)"')


def settings_for(
    wiki: SandboxWiki, folder, callback: str = CALLBACK, *, grants=GRANTS, **more
) -> dict:
    """Register a consumer, and say what a site is configured with to use it."""
    from pwb_oauth.encryption import new_key

    consumer = wiki.add_consumer(
        f"tool {len(wiki.consumers)}",
        owner="Admin",
        callback_url=callback,
        grants=grants,
        oauth_version=more.get("PWB_OAUTH_OAUTH_VERSION", "2.0"),
    )
    return {
        "SECRET_KEY": SECRET_KEY,
        "SESSION_COOKIE_SECURE": callback.startswith("https:"),
        "PWB_OAUTH_WIKI": wiki.api_url,
        "PWB_OAUTH_CLIENT_ID": consumer.key,
        "PWB_OAUTH_CLIENT_SECRET": consumer.secret,
        "PWB_OAUTH_CALLBACK_URL": callback,
        "PWB_OAUTH_ENCRYPTION_KEYS": new_key(),
        "PWB_OAUTH_DATABASE_URL": f"sqlite:///{folder / 'visitors.sqlite'}",
        **more,
    }


def environment(settings: dict) -> dict[str, str]:
    """The same settings as environment variables; Flask's are read as JSON where they are JSON."""
    return {
        name if name.startswith("PWB_OAUTH_") else f"FLASK_{name}": (
            value if isinstance(value, str) else json.dumps(value)
        )
        for name, value in settings.items()
    }


class Visitor:
    """One browser.

    Attributes:
        origin: The site as the browser knows it.
        inside: The site as a proxy would reach it.
    """

    def __init__(self, app: Flask, wiki: SandboxWiki) -> None:
        self.app = app
        self.wiki = wiki
        self.client = app.test_client()
        callback = urlsplit(app.extensions["pwb_oauth"].settings.consumer.callback_url)
        self.login = f"{callback.path.rpartition('/')[0]}/login"
        self.origin = self.inside = f"{callback.scheme}://{callback.netloc}"

    def get(self, path: str, **more) -> TestResponse:
        return self.client.get(path, base_url=self.inside, **more)

    def post(self, path: str, data: dict | None = None, **more) -> TestResponse:
        more.setdefault("headers", {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"})
        return self.client.post(path, base_url=self.inside, data=data, **more)

    def csrf(self, path: str = "") -> dict[str, str]:
        """The hidden field of a page of this visitor; of the login page if none is named."""
        return {"pwb_oauth_csrf": _FIELD.search(self.get(path or self.login).text)[1]}

    def leave(self, **fields: str) -> str:
        """Press the button; the address on the wiki."""
        response = self.post(self.login, {**self.csrf(), **fields})
        assert response.status_code == 303, response.text
        return response.location

    def come_back(self, url: str) -> TestResponse:
        """Let the browser open the address that the wiki sent it to."""
        parts = urlsplit(url)
        return self.get(f"{parts.path}?{parts.query}")

    def log_in(self, user: str = "Alice", **fields: str) -> TestResponse:
        """All of it."""
        return self.come_back(self.wiki.approve(self.leave(**fields), user))

    def log_out(self) -> TestResponse:
        return self.post("/oauth/logout", self.csrf())

    def who(self) -> str:
        """Who the tool takes them for."""
        response = self.get("/me")
        assert response.status_code == 200, response.text
        return response.text.removeprefix("You are ").removesuffix(".")

    @property
    def cookies(self) -> dict[str, str]:
        host = urlsplit(self.origin).hostname
        return {
            cookie.key: cookie.value
            for cookie in self.client._cookies.values()
            if cookie.domain == host
        }

    @property
    def cookie_header(self) -> str:
        """What a browser sends."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    @property
    def pending(self) -> list[str]:
        """The names of the cookies of attempts under way."""
        return [name for name in self.cookies if "pending" in name]

    def set_cookie(self, name: str, value: str) -> None:
        self.client.set_cookie(name, value, domain=urlsplit(self.origin).hostname)


def visitor_of(wiki: SandboxWiki, folder, callback: str = CALLBACK, **more) -> Visitor:
    """A visitor of a site of their own."""
    return Visitor(create_app(**settings_for(wiki, folder, callback, **more)), wiki)


class ServerSessions(SessionInterface):
    """Sessions as Flask-Session keeps them: here, under an id in a cookie."""

    def __init__(self) -> None:
        self.kept = {}

    def open_session(self, app, request):
        sid = request.cookies.get("session", "")
        session = SecureCookieSession(self.kept.get(sid))
        session.sid = sid if sid in self.kept else secrets.token_hex()
        return session

    def regenerate(self, session) -> None:
        if session:
            self.kept.pop(session.sid, None)
            session.sid = secrets.token_hex()

    def save_session(self, app, session, response) -> None:
        self.kept[session.sid] = dict(session)
        if self.should_set_cookie(app, session):
            expires = self.get_expiration_time(app, session)
            response.set_cookie("session", session.sid, expires=expires)
