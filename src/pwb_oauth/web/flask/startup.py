"""What has to be right before the first visitor comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.wiki import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from pwb_oauth.web.settings import WebSettings

_SHORTEST_KEY = 16


def require_safe(app: Flask, settings: WebSettings) -> None:
    """Refuse an application whose visitors would not be safe, or could not sign in.

    Raises:
        ConfigurationError: It is set up so; all that is wrong is named.
    """
    public = not is_loopback(urlsplit(str(settings.consumer.callback_url)).hostname or "")
    problems = [*_of_key(app, settings, public=public), *_of_session(app, settings, public=public)]
    if public and app.debug:
        problems.append(
            "Debug mode lets every visitor run code, and the callback URL is a public one: "
            "unset FLASK_DEBUG, and run without --debug."
        )
    if problems:
        raise ConfigurationError("\n".join(problems))


def _of_key(app: Flask, settings: WebSettings, *, public: bool) -> Iterator[str]:
    make = "python -c 'import secrets; print(secrets.token_hex())'"
    key = app.secret_key
    if not key:
        yield f"SECRET_KEY is not set. Set it, the same for every worker; make one by {make}."
        return
    if public and len(key) < _SHORTEST_KEY:
        yield f"SECRET_KEY is so short that it can be guessed. Make another by {make}."
    used = {_text(key), *map(_text, app.config.get("SECRET_KEY_FALLBACKS") or ())}
    if used & {*settings.encryption_keys.split()}:
        yield (
            "SECRET_KEY is one of PWB_OAUTH_ENCRYPTION_KEYS. Each needs a key of its own: "
            f"make another SECRET_KEY by {make}."
        )


def _of_session(app: Flask, settings: WebSettings, *, public: bool) -> Iterator[str]:
    config: Callable[[str], Any] = app.config.get
    if public and not config("SESSION_COOKIE_SECURE"):
        yield "SESSION_COOKIE_SECURE is off, and the callback URL is https: set it to True."
    if not config("SESSION_COOKIE_HTTPONLY"):
        yield "SESSION_COOKIE_HTTPONLY is off: set it to True, so that no script reads the cookie."
    if config("SESSION_COOKIE_SAMESITE") == "Strict":
        yield (
            "SESSION_COOKIE_SAMESITE is Strict, so that visitors who come back from the wiki seem "
            "signed out: set it to 'Lax'."
        )
    if app.permanent_session_lifetime < settings.lifetime:
        yield (
            "PERMANENT_SESSION_LIFETIME is shorter than PWB_OAUTH_SESSION_LIFETIME, and visitors "
            "would be signed out too early: change the one that is wrong. How long they may stay "
            "away is PWB_OAUTH_SESSION_IDLE."
        )


def _text(key: str | bytes) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else key
