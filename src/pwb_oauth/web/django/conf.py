"""What the site's settings say."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signals import setting_changed

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.web import access_log
from pwb_oauth.web.django.store import DjangoSealedStore
from pwb_oauth.web.flow import WebFlow
from pwb_oauth.web.settings import WebSettings


def read_settings() -> WebSettings:
    """The settings ``PWB_OAUTH_…``, read anew.

    Raises:
        ConfigurationError: One is missing or malformed.
    """
    return WebSettings.read(lambda name: getattr(settings, name, None))


@cache
def flow() -> WebFlow:
    """What signs visitors in and acts for them, in every framework.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """
    return WebFlow(read_settings(), DjangoSealedStore())


def callback_origin() -> str:
    """Scheme, host and port by which visitors reach this site, whatever a request says.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """
    parts = urlsplit(str(flow().settings.consumer.callback_url))
    return f"{parts.scheme}://{parts.netloc}"


def hide_queries() -> None:
    """Let access logs drop the callback's query."""
    with suppress(ConfigurationError):  # which manage.py check reports
        access_log.hide_queries(str(read_settings().consumer.callback_url))


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith("PWB_OAUTH_"):
        flow.cache_clear()
        hide_queries()


# Tests override settings.
setting_changed.connect(_forget, dispatch_uid="pwb_oauth.web.django.conf")
