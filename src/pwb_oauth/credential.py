"""Consumers, access tokens and credentials, and their form in a store.

Whatever holds a secret keeps it out of its repr and cannot be pickled.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, NoReturn

from pwb_oauth.errors import ConfigurationError, TokenStoreError

OAuthVersion = Literal["1.0a", "2.0"]

PENDING_LIFETIME = timedelta(minutes=10)
"""How long the wiki keeps a request token or an authorization code alive."""

_FORMAT = 1
_TIMES = ("expires_at", "issued_at")
_RENEWAL_MARGIN = timedelta(seconds=60)
_OAUTH1_PARTS = 4
# Source: RFC 6750 section 2.1, b64token.
_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
# What MediaWiki shows for an owner-only consumer is a JWT. Source: RFC 7515 section 3.1.
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_MAX_OWNER_ONLY = 64 * 1024


class Secret:
    """A value with a secret in it: it is immutable, and cannot be pickled."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled, since pickles end in files and on other machines."""
        raise TypeError(f"{type(self).__name__} holds a secret and cannot be pickled")

    def __copy__(self) -> Secret:
        """Itself, since it cannot change."""
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        """Itself, since it cannot change."""
        return self


@dataclass(frozen=True)
class Consumer(Secret):
    """An application as it is registered on a wiki.

    Attributes:
        key: The consumer key (OAuth 1.0a) or client id (OAuth 2.0), 32 hexadecimal digits. None for
            an owner-only OAuth 2.0 consumer of which nothing but the access token is known.
        secret: The consumer secret; None for an OAuth 2.0 consumer without one.
        oauth_version: ``1.0a`` or ``2.0``.
        owner_only: Whether it serves nobody but the person who registered it.
        callback_url: Where the wiki sends the browser back to, exactly as registered. None for
            owner-only consumers and for OAuth 1.0a out of band (``oob``).
    """

    key: str | None
    secret: str | None = field(default=None, repr=False)
    oauth_version: OAuthVersion = "2.0"
    owner_only: bool = False
    callback_url: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could never sign a request."""
        if self.oauth_version not in ("1.0a", "2.0"):
            raise ConfigurationError("The OAuth version of a consumer is '1.0a' or '2.0'.")
        if self.oauth_version == "1.0a" and not (self.key and self.secret):
            raise ConfigurationError("An OAuth 1.0a consumer needs a key and a secret.")
        if not self.key and not self.owner_only:
            raise ConfigurationError("A consumer needs the key that the wiki gave it.")


@dataclass(frozen=True)
class OAuth1AccessToken(Secret):
    """An OAuth 1.0a access token: a key that the wiki knows, and the secret that signs with it.

    It does not expire.
    """

    key: str
    secret: str = field(repr=False)

    @property
    def expires_at(self) -> None:
        """Never."""
        return


@dataclass(frozen=True)
class OAuth2AccessToken(Secret):
    """An OAuth 2.0 access token. Its value is opaque to us.

    Attributes:
        value: What goes into the Authorization header.
        refresh_token: What the next access token is obtained with; None if there is none.
        expires_at: When it ends, as aware UTC; None if it does not expire.
        issued_at: When it was asked for, as aware UTC; None if not known.
    """

    value: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    issued_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot stand in a header: the error about it would show it."""
        if not _BEARER.fullmatch(self.value):
            raise ConfigurationError("This is no access token. Copy it again, as a whole.")

    @property
    def renew_at(self) -> datetime | None:
        """When to renew it: a minute before it ends, or sooner if it lives less than 10 minutes."""
        if self.expires_at is None:
            return None
        margin = _RENEWAL_MARGIN
        if self.issued_at is not None:
            margin = min(margin, (self.expires_at - self.issued_at) / 10)
        try:
            return self.expires_at - margin
        except OverflowError:  # the first minute that can be stored
            return self.expires_at


AccessToken = OAuth1AccessToken | OAuth2AccessToken


@dataclass(frozen=True)
class Credential(Secret):
    """A consumer, an access token of its, whose it is and when it was obtained.

    Attributes:
        consumer: The application.
        access_token: What the user's approval yielded.
        username: The user that the token acts as.
        subject: The ``sub`` of the wiki's profile, which outlives a rename; None if not known.
        grants: The grants that the user approved, sorted; empty if not known.
        logged_in_at: When the user approved, or when the token was taken over; aware UTC.
    """

    consumer: Consumer
    access_token: AccessToken
    username: str
    logged_in_at: datetime
    subject: str | None = None
    grants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a token of the other OAuth version."""
        expected = OAuth1AccessToken if self.oauth_version == "1.0a" else OAuth2AccessToken
        if not isinstance(self.access_token, expected):
            raise ConfigurationError(
                f"An OAuth {self.oauth_version} consumer goes with an {expected.__name__}."
            )

    @property
    def oauth_version(self) -> OAuthVersion:
        """``1.0a`` or ``2.0``."""
        return self.consumer.oauth_version

    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends, as aware UTC; None if it does not expire."""
        return self.access_token.expires_at

    @property
    def refreshable(self) -> bool:
        """Whether the access token can be renewed without the user."""
        token = self.access_token
        return isinstance(token, OAuth2AccessToken) and token.refresh_token is not None

    def renewed(self, access_token: OAuth2AccessToken) -> Credential:
        """The same credential with the access token that a refresh brought."""
        return replace(self, access_token=access_token)

    def to_json(self) -> str:
        """The form in which a store keeps it: ASCII, with every secret in it."""
        token = self.access_token
        return json.dumps(
            {
                "format": _FORMAT,
                "consumer": _without_none(vars(self.consumer)),
                "access_token": _write_token(token),
                "username": self.username,
                "subject": self.subject,
                "grants": self.grants,
                "logged_in_at": _write_time(self.logged_in_at),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Credential:
        """Read what :meth:`to_json` wrote.

        Raises:
            TokenStoreError: The text is damaged, or a newer version of this library wrote it.
        """
        try:
            stored = json.loads(text)
            newer = isinstance(stored, dict) and stored.get("format") != _FORMAT
            credential = None if newer else _read_credential(stored)
        except (
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            OverflowError,
            RecursionError,
            ConfigurationError,
        ):
            # The cause would show the value: its text is in a JSONDecodeError.
            credential, newer = None, False
        if newer:
            raise TokenStoreError(
                "The stored credential was written by another version of pwb-oauth. "
                "It was left as it is: upgrade pwb-oauth (pip install -U pwb-oauth)."
            )
        if credential is None:
            raise TokenStoreError(
                "The stored credential is damaged and cannot be read. "
                "It was left as it is: log in again to replace it."
            )
        return credential


@dataclass(frozen=True)
class PendingAuthorization(Secret):
    """What is kept between leaving for the wiki and coming back.

    Attributes:
        consumer: The application that asks.
        url: Where the user's browser goes.
        state: What the wiki sends back unchanged: ``state`` (OAuth 2.0) or ``oauth_token`` (1.0a).
        secret: The PKCE verifier (OAuth 2.0) or the request token's secret (1.0a).
        began_at: Aware UTC. The wiki forgets after 10 minutes.
    """

    consumer: Consumer
    url: str = field(repr=False)
    state: str = field(repr=False)
    secret: str = field(repr=False)
    began_at: datetime


def parse_owner_only(text: str) -> tuple[Consumer, AccessToken]:
    """Read what the wiki shows to a person who has registered an owner-only consumer.

    Args:
        text: The access token (OAuth 2.0), or consumer key, consumer secret, access token and
            access secret joined by colons (OAuth 1.0a).

    Raises:
        ConfigurationError: It is neither.
    """
    given = text.strip()
    parts = given.split(":") if len(given) <= _MAX_OWNER_ONLY else []
    # Anything else may be a password, and would be sent to the wiki as it is.
    if len(parts) == 1 and _JWT.fullmatch(parts[0]):
        return Consumer(None, oauth_version="2.0", owner_only=True), OAuth2AccessToken(parts[0])
    if len(parts) == _OAUTH1_PARTS and all(parts):
        key, secret, token, token_secret = parts
        consumer = Consumer(key, secret, oauth_version="1.0a", owner_only=True)
        return consumer, OAuth1AccessToken(token, token_secret)
    raise ConfigurationError(
        "Give the access token of an owner-only consumer (OAuth 2.0), or its consumer key, "
        "consumer secret, access token and access secret joined by colons (OAuth 1.0a)."
    )


def _read_credential(stored: dict[str, Any]) -> Credential:
    consumer = Consumer(**{"key": None, **_strings(stored["consumer"], flags=("owner_only",))})
    token = _strings(dict(stored["access_token"]))
    access_token: AccessToken
    if consumer.oauth_version == "1.0a":
        access_token = OAuth1AccessToken(**token)
    else:
        times = {name: _read_time(token[name]) for name in _TIMES if name in token}
        access_token = OAuth2AccessToken(**{**token, **times})
    whose = _strings(_without_none({k: stored[k] for k in ("username", "subject")}))
    return Credential(
        consumer=consumer,
        access_token=access_token,
        **whose,
        grants=tuple(_strings(dict(enumerate(stored["grants"]))).values()),
        logged_in_at=_read_time(stored["logged_in_at"]),
    )


def _write_token(token: AccessToken) -> dict[str, Any]:
    times = {name: _write_time(getattr(token, name, None)) for name in _TIMES}
    return _without_none({**vars(token), **times})


def _strings(values: dict[Any, Any], flags: tuple[str, ...] = ()) -> dict[Any, Any]:
    """The values themselves, once each is known to be a string, or a flag where one belongs."""
    for name, value in values.items():
        if not isinstance(value, bool if name in flags else str):
            raise TypeError(name)
    return values


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _write_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(timezone.utc).isoformat()


def _read_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(timezone.utc)
