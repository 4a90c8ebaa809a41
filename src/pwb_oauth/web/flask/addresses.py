"""Addresses of this application: where a visitor goes next, and the one that the wiki sends to."""

from __future__ import annotations

from urllib.parse import quote

from flask import request, url_for

from pwb_oauth.web.next_url import HOME, safe_next_url

_PAGES = ("login", "callback", "logout")


def login_url() -> str:
    """The page that signs in, and then leads back to what was asked for.

    It leads to the application's start where a form was sent, whose content would be lost.
    """
    if request.method != "GET" or request.blueprint == "pwb_oauth":
        return url_for("pwb_oauth.login")
    path = quote(f"{request.script_root}{request.path}")
    query = request.query_string.decode("latin-1")
    return url_for("pwb_oauth.login", next=f"{path}?{query}" if query else path)


def next_url(given: str | None) -> str:
    """Where to go afterwards; the application's start, if not told better."""
    own = {url_for(f"pwb_oauth.{name}") for name in _PAGES}
    path = safe_next_url(given, own)
    return f"{request.script_root}/" if path == HOME else path


def take_callback() -> str:
    """The path and query that the browser came back to.

    The query is a secret until it was used: from here on no debug page, report or log shows it.
    """
    query = request.query_string.decode("latin-1")
    for name, value in request.environ.items():
        if query and isinstance(value, str):  # RAW_URI, REQUEST_URI and their like
            request.environ[name] = value.replace(f"?{query}", "")
    request.environ["QUERY_STRING"] = ""
    request.query_string = b""
    return f"{request.path}?{query}"
