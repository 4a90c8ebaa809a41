"""OAuth 2.0's access tokens: JWTs signed by PyJWT with the wiki's RSA key."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from pwb_oauth.testing.sandbox.tokens import IssuedAccessToken

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.model import Consumer, User, WikiState

_ALGORITHM = "RS256"
_OWNER_ONLY_YEARS = 1000
_DOTS = 2
_key_lock = threading.Lock()


class TokenRefused(Exception):  # noqa: N818 - league/oauth2-server's hint, not a failure of ours
    """The wiki does not accept an access token; ``hint`` is what resource/profile says of it."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


def issue(
    wiki: WikiState,
    consumer: Consumer,
    user: User | None,
    scopes: list[str],
    *,
    acceptance_id: int | None = None,
    lifetime: timedelta | None = None,
) -> tuple[str, IssuedAccessToken]:
    """Make an access token and remember it.

    Args:
        wiki: Signs it, by its clock.
        consumer: Whom it is for.
        user: Whom it acts for; None for ``client_credentials`` of an ordinary client.
        scopes: The grants it is limited to.
        acceptance_id: The approval behind it.
        lifetime: Instead of the wiki's lifetime for access tokens.

    Returns:
        The JWT, and the wiki's record of it.
    """
    now = wiki.now
    expires_at = now + (lifetime or wiki.lifetimes.access)
    record = IssuedAccessToken(
        secrets.token_hex(40),
        consumer.key,
        user.id if user else None,
        acceptance_id,
        scopes,
        expires_at,
    )
    claims = {
        "aud": consumer.key,
        "jti": record.id,
        "iat": now.timestamp(),
        "nbf": now.timestamp(),
        "exp": expires_at.timestamp(),
        "sub": _subject(wiki, consumer, user),
        "iss": wiki.site.server,
        "scopes": scopes,
    }
    wiki.access_tokens[record.id] = record
    return jwt.encode(claims, _private_key(wiki), _ALGORITHM), record


def _subject(wiki: WikiState, consumer: Consumer, user: User | None) -> str:
    new = wiki.behaviour.subject_names_wiki
    # The newer ones name the owner where the token acts for nobody (T417278).
    whom = user or (wiki.users[consumer.owner] if new else None)
    if whom is None:
        return ""
    return (
        f"mw:local:{wiki.site.dbname}:{whom.id}"
        if new and not consumer.owner_only
        else f"{whom.id}"
    )


def issue_owner_only(
    wiki: WikiState, consumer: Consumer, owner: User, acceptance_id: int
) -> tuple[str, IssuedAccessToken]:
    """Make the token that an owner-only consumer is registered with; it lives for 1,000 years."""
    lifetime = timedelta(days=365 * _OWNER_ONLY_YEARS)
    return issue(
        wiki, consumer, owner, consumer.grants, acceptance_id=acceptance_id, lifetime=lifetime
    )


def read(wiki: WikiState, token: str) -> IssuedAccessToken:
    """Check an access token.

    Raises:
        TokenRefused: It is garbage, not signed by this wiki, expired or revoked.
    """
    if token.count(".") != _DOTS:
        raise TokenRefused("The JWT string must have two dots")
    claims = _claims(wiki, token)
    if claims is None:
        raise TokenRefused("Access token could not be verified")
    record = wiki.access_tokens.get(str(claims.get("jti")))
    if record is None or record.revoked:
        raise TokenRefused("Access token has been revoked")
    if record.expires_at <= wiki.now:
        raise TokenRefused("Access token could not be verified")
    return record


def problem_at_the_edge(wiki: WikiState, token: str) -> str:
    """Say what someone who knows only the key finds wrong with a token; empty for nothing."""
    claims = _claims(wiki, token)
    if claims is None:
        return "Jwt verification fails"
    record = wiki.access_tokens.get(str(claims.get("jti")))
    ends = record.expires_at.timestamp() if record else claims["exp"]
    return "Jwt is expired" if ends <= wiki.now.timestamp() else ""


def _claims(wiki: WikiState, token: str) -> dict[str, Any] | None:
    # Lifetimes are not checked here: they go by the wiki's clock, and `expire_tokens` ends them.
    unchecked: Any = {f"verify_{name}": False for name in ("aud", "exp", "nbf", "iat")}
    key = _public_key(_private_key(wiki))
    try:
        return jwt.decode(token, key, algorithms=[_ALGORITHM], options=unchecked)
    except jwt.InvalidTokenError:
        return None


def register(wiki: WikiState, token: str, consumer: Consumer, acceptance_id: int) -> None:
    """Remember an access token that was signed before this wiki was set up."""
    claims = jwt.decode(token, options={"verify_signature": False})
    expires_at = datetime.fromtimestamp(claims["exp"], timezone.utc)
    wiki.access_tokens[claims["jti"]] = IssuedAccessToken(
        claims["jti"],
        consumer.key,
        int(claims["sub"]),
        acceptance_id,
        list(claims["scopes"]),
        expires_at,
    )


def _private_key(wiki: WikiState) -> str:
    return wiki.private_key or _key_of_this_process()


def _key_of_this_process() -> str:
    # Making a key takes up to 0.3 s, so all wikis of a process share one, made when first needed.
    with _key_lock:
        return _make_key()


@cache
def _make_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@cache
def _public_key(private_key: str) -> str:
    key = load_pem_private_key(private_key.encode(), None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def session_jwt(wiki: WikiState, session_id: str) -> str:
    """Make the value of the cookie that ties a client to its session."""
    claims = {"iss": wiki.site.server, "sid": session_id}
    return jwt.encode(claims, _private_key(wiki), _ALGORITHM)


def session_of(wiki: WikiState, cookie: str) -> str | None:
    """Read which session a cookie is for; None if this wiki did not make it."""
    claims = _claims(wiki, cookie)
    return str(claims.get("sid")) if claims else None
