"""What ``manage.py check`` says about the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings as site
from django.core import checks
from django.db import connections, router
from django.urls import Resolver404, get_script_prefix, resolve

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.web.django import backends, conf, other_logins
from pwb_oauth.wiki import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pwb_oauth.web.settings import WebSettings

_MIDDLEWARE = "pwb_oauth.web.django.middleware.WikiAccountMiddleware"
_BEFORE_OURS = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)


def register() -> None:
    """Let ``manage.py check`` ask us."""
    checks.register(check_settings, checks.Tags.security)
    checks.register(other_logins.check_other_logins, checks.Tags.security)


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """What is missing or dangerous."""
    if other_logins.are_installed() and not _is_used():
        return []
    found = [*_of_middleware(), *_of_backend()]
    try:
        ours = conf.read_settings()
    except ConfigurationError as error:
        return [*found, _error(1, str(error))]
    return [*found, *(message for check in _CHECKS for message in check(ours))]


def _is_used() -> bool:
    """Whether this site signs visitors in by us, and not only by another library."""
    return _MIDDLEWARE in site.MIDDLEWARE or backends.PATH in site.AUTHENTICATION_BACKENDS


def _of_middleware() -> Iterator[checks.CheckMessage]:
    order = list(site.MIDDLEWARE)
    if _MIDDLEWARE not in order:
        yield _error(2, f"MIDDLEWARE lacks {_MIDDLEWARE!r}.", "Put it behind Django's own.")
        return
    place = order.index(_MIDDLEWARE)
    for name in _BEFORE_OURS:
        if name not in order[:place]:
            yield _error(
                3,
                f"{name!r} does not stand before ours in MIDDLEWARE.",
                f"Put {_MIDDLEWARE!r} behind it.",
            )


def _of_backend() -> Iterator[checks.CheckMessage]:
    if backends.PATH not in site.AUTHENTICATION_BACKENDS:
        yield _error(
            4,
            f"AUTHENTICATION_BACKENDS lacks {backends.PATH!r}.",
            "Add it; without it nobody stays signed in.",
        )


def _of_callback(ours: WebSettings) -> Iterator[checks.CheckMessage]:
    path = urlsplit(str(ours.consumer.callback_url)).path
    prefix = get_script_prefix()
    try:
        match = resolve(f"/{path.removeprefix(prefix)}") if path.startswith(prefix) else None
    except Resolver404:
        match = None
    if match is None or not getattr(match.func, "is_wiki_callback", False):
        yield _error(
            5,
            f"The path {path} of PWB_OAUTH_CALLBACK_URL does not lead to our view.",
            "Include pwb_oauth.web.django.urls so that its page 'callback' lies there. Behind a "
            "proxy that takes a part of the path away, set FORCE_SCRIPT_NAME to that part.",
        )


def _of_debug(ours: WebSettings) -> Iterator[checks.CheckMessage]:
    if site.DEBUG and _is_public(ours):
        yield _error(
            6,
            "DEBUG is on, and PWB_OAUTH_CALLBACK_URL is a public address.",
            "Set DEBUG to False: its error pages show what belongs to visitors.",
        )


def _of_keys(ours: WebSettings) -> Iterator[checks.CheckMessage]:
    keys = set(ours.encryption_keys.split())
    if keys & {_text(key) for key in (site.SECRET_KEY, *site.SECRET_KEY_FALLBACKS)}:
        yield _error(
            7,
            "SECRET_KEY, or one of its fallbacks, is one of PWB_OAUTH_ENCRYPTION_KEYS.",
            "Each needs a key of its own: make another one by pwb-oauth key.",
        )


def _of_cookies(ours: WebSettings) -> Iterator[checks.CheckMessage]:
    path = urlsplit(str(ours.consumer.callback_url)).path
    if str(site.SESSION_COOKIE_SAMESITE).lower() == "strict":
        yield _error(
            8,
            "SESSION_COOKIE_SAMESITE is Strict, so that visitors who come back from the wiki seem "
            "signed out.",
            "Set it to 'Lax'.",
        )
    if not path.startswith(site.SESSION_COOKIE_PATH):
        yield _error(
            9,
            f"The callback lies outside of SESSION_COOKIE_PATH, {site.SESSION_COOKIE_PATH}.",
            "Set it to '/'.",
        )


def _of_safe_cookies(ours: WebSettings) -> Iterator[checks.CheckMessage]:
    https = str(ours.consumer.callback_url).startswith("https:")
    if https and not site.SESSION_COOKIE_SECURE:
        yield _warning(
            1, "SESSION_COOKIE_SECURE is off, and visitors come by https.", "Turn it on."
        )
    if not https and site.SESSION_COOKIE_SECURE:
        yield _warning(
            2,
            "SESSION_COOKIE_SECURE is on, and PWB_OAUTH_CALLBACK_URL is http: some browsers then "
            "send no cookie.",
            "Turn it off on this machine.",
        )
    if not site.SESSION_COOKIE_HTTPONLY:
        yield _warning(3, "SESSION_COOKIE_HTTPONLY is off.", "Turn it on: no script needs it.")
    if site.SESSION_COOKIE_DOMAIN:
        yield _warning(
            4,
            "SESSION_COOKIE_DOMAIN is set, so that other hosts see and set the session's cookie.",
            "Unset it.",
        )


def _of_policy(ours: WebSettings) -> Iterator[checks.CheckMessage]:
    """Browsers hold a form's redirect to ``form-action`` as well."""
    allowed = (getattr(site, "SECURE_CSP", None) or {}).get("form-action")
    if allowed and not {ours.wiki.central.server, "https:", "*"} & set(map(str, allowed)):
        yield _warning(
            6,
            "SECURE_CSP lets no form lead to the wiki, so that browsers stop at the login.",
            f"Add {ours.wiki.central.server!r} to its form-action.",
        )


def _of_database(ours: WebSettings) -> Iterator[checks.CheckMessage]:
    del ours
    from pwb_oauth.web.django.models import SealedUserSession  # noqa: PLC0415  # apps load first

    database = connections[router.db_for_write(SealedUserSession)]
    if database.vendor == "sqlite" and database.settings_dict["ATOMIC_REQUESTS"]:
        yield _warning(
            5,
            "User sessions are in an SQLite file that a request holds (ATOMIC_REQUESTS), so that "
            "visitors' tokens cannot be renewed.",
            "Give them a file of their own: DATABASES['pwb_oauth'], and 'pwb_oauth.web.django."
            "routers.UserSessionRouter' in DATABASE_ROUTERS.",
        )


_CHECKS: tuple[Callable[[WebSettings], Iterator[checks.CheckMessage]], ...] = (
    _of_callback,
    _of_debug,
    _of_keys,
    _of_cookies,
    _of_safe_cookies,
    _of_policy,
    _of_database,
)


def _is_public(ours: WebSettings) -> bool:
    return not is_loopback(urlsplit(str(ours.consumer.callback_url)).hostname or "")


def _text(key: str | bytes) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else key


def _error(number: int, problem: str, hint: str | None = None) -> checks.Error:
    return checks.Error(problem, hint, id=f"pwb_oauth.E{number:03}")


def _warning(number: int, problem: str, hint: str) -> checks.Warning:
    return checks.Warning(problem, hint, id=f"pwb_oauth.W{number:03}")
