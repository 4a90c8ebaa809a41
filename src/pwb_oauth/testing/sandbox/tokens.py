"""What the wiki has given out: request tokens, codes, access and refresh tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass
class RequestToken:
    """OAuth 1.0a's temporary credentials; ``user_id`` and ``verifier`` come with the approval."""

    key: str
    secret: str = field(repr=False)
    consumer_key: str
    callback_url: str
    issued_at: datetime
    user_id: int | None = None
    verifier: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    used: bool = False


@dataclass
class AuthorizationCode:
    """OAuth 2.0's code between approval and token."""

    id: str = field(repr=False)
    consumer_key: str
    user_id: int
    scopes: list[str]
    redirect_uri: str | None
    expires_at: datetime
    challenge: str | None = None
    challenge_method: str | None = None
    used: bool = False


@dataclass
class IssuedAccessToken:
    """An OAuth 2.0 access token that the wiki gave out; ``id`` is the JWT's ``jti``."""

    id: str
    consumer_key: str
    user_id: int | None
    acceptance_id: int | None
    scopes: list[str]
    expires_at: datetime
    revoked: bool = False


@dataclass
class IssuedRefreshToken:
    """An OAuth 2.0 refresh token; ``used_at`` is set when it was rotated away."""

    id: str = field(repr=False)
    consumer_key: str
    user_id: int
    access_token_id: str
    scopes: list[str]
    expires_at: datetime
    revoked: bool = False
    used_at: datetime | None = None
