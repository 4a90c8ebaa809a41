"""What a web tool is configured with, whatever its framework."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pwb_oauth.credential import Consumer, Secret
from pwb_oauth.encryption import KEYS_VARIABLE, Cipher
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.wiki import Wiki, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_WIKI = "meta.wikimedia.org"
LIFETIME = timedelta(days=30)
IDLE = timedelta(days=14)
_OAUTH_VERSIONS = ("2.0", "1.0a")


@dataclass(frozen=True)
class WebSettings(Secret):
    """What a web tool is configured with.

    Attributes:
        wiki: The wiki on which its consumer is registered.
        consumer: The consumer, with its callback URL; OAuth 2.0 and confidential unless said.
        encryption_keys: The application's keys, newest first, separated by spaces.
        lifetime: For how long a visitor stays signed in, in all.
        idle: For how long a visitor stays signed in without coming back.
    """

    wiki: Wiki
    consumer: Consumer
    encryption_keys: str = field(repr=False)
    lifetime: timedelta = LIFETIME
    idle: timedelta = IDLE

    def __post_init__(self) -> None:
        """Refuse at once what would fail at the first visitor.

        Raises:
            ConfigurationError: The callback URL is no absolute https URL, nor one of this machine;
                the keys are malformed or missing; or a time is not above zero.
        """
        self.wiki.central.require_safe_transport()
        _require_callback_url(self.consumer.callback_url)
        Cipher.of("web", self.encryption_keys)
        if min(self.lifetime, self.idle) <= timedelta():
            raise ConfigurationError(
                "PWB_OAUTH_SESSION_LIFETIME and PWB_OAUTH_SESSION_IDLE must be longer than nothing."
            )

    @classmethod
    def read(cls, get: Callable[[str], Any]) -> WebSettings:
        """Read the settings ``PWB_OAUTH_…`` of a framework, and of the environment beside it.

        Args:
            get: The framework's setting of a name; None where it has none, and the environment
                variable of that name is taken.

        Raises:
            ConfigurationError: One is missing or malformed; it is named.
        """
        version = _read(get, "PWB_OAUTH_OAUTH_VERSION", "2.0")
        if version not in _OAUTH_VERSIONS:
            raise ConfigurationError("PWB_OAUTH_OAUTH_VERSION is neither 2.0 nor 1.0a.")
        return cls(
            wiki=Wiki.from_url(_read(get, "PWB_OAUTH_WIKI", DEFAULT_WIKI)),
            consumer=Consumer(
                _read(get, "PWB_OAUTH_CLIENT_ID"),
                _read(get, "PWB_OAUTH_CLIENT_SECRET"),
                oauth_version=version,
                callback_url=_read(get, "PWB_OAUTH_CALLBACK_URL"),
            ),
            encryption_keys=_read(get, KEYS_VARIABLE),
            lifetime=_read_time(get, "PWB_OAUTH_SESSION_LIFETIME", LIFETIME),
            idle=_read_time(get, "PWB_OAUTH_SESSION_IDLE", IDLE),
        )


def _read(get: Callable[[str], Any], name: str, default: Any = None) -> Any:
    value = get(name)
    if value is None:
        value = os.environ.get(name, default)
    if isinstance(value, str):
        value = value.strip() or default
    if value is None:
        raise ConfigurationError(
            f"{name} is not set. Set it in the site's settings or as an environment variable."
        )
    if not isinstance(value, str) and not isinstance(default, timedelta):
        raise ConfigurationError(f"{name} is no text.")
    return value


def _read_time(get: Callable[[str], Any], name: str, default: timedelta) -> timedelta:
    value = _read(get, name, default)
    if isinstance(value, timedelta):
        return value
    try:
        return timedelta(seconds=float(value))
    except (TypeError, ValueError, OverflowError):
        raise ConfigurationError(
            f"{name} is neither a timedelta nor a number of seconds."
        ) from None


def _require_callback_url(url: str | None) -> None:
    if not _is_callback_url(url or ""):
        raise ConfigurationError(
            "PWB_OAUTH_CALLBACK_URL must be the whole address that the consumer was registered "
            "with, such as https://my-tool.toolforge.org/oauth/callback: https, or http on this "
            "machine, without a query."
        )


def _is_callback_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname
    if not host or parts.query or parts.fragment or parts.username:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
