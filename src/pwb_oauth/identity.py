"""Who an access token belongs to, and what it may do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import jwt

from pwb_oauth.answers import json_object, nonsense, same, sentence
from pwb_oauth.credential import AccessToken, Consumer, OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.errors import (
    ConfigurationError,
    IdentityError,
    LoginRequiredError,
    TokenRequestError,
)
from pwb_oauth.oauth1 import ask
from pwb_oauth.signing import OAuth1Signer, nonce_of
from pwb_oauth.transport import send, user_agent
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import Response

_LEEWAY = 30
"""Seconds that the wiki's clock and ours may differ by."""
_JWT_DOTS = 2
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# What a client_credentials token acts as.
_NOBODY = frozenset({"", "0"})


@dataclass(frozen=True)
class Identity:
    """What a wiki says of the user of an access token.

    Attributes:
        username: The user name.
        subject: The user's id, which outlives a rename; on a farm that of the central account.
        grants: What the user approved, sorted.
        rights: What the user may do; by OAuth 2.0 only what the grants leave of it.
        blocked: Whether the user is blocked on the wiki that was asked.
        claims: Everything the wiki said; with some grants the e-mail address and the real name.
    """

    username: str
    subject: str
    grants: tuple[str, ...]
    rights: tuple[str, ...]
    blocked: bool
    claims: Mapping[str, Any] = field(repr=False, hash=False)


def fetch_identity(
    wiki: Wiki, consumer: Consumer, access_token: AccessToken, *, username: str | None = None
) -> Identity:
    """Ask the wiki whose an access token is.

    Args:
        wiki: Any wiki of the farm; the one that issued the token is asked.
        consumer: The consumer that the token was given to.
        access_token: The token.
        username: Who it is thought to be, for the User-Agent; None if not known.

    Raises:
        LoginRequiredError: The wiki does not accept the token.
        IdentityError: The wiki does not name the user, or what it says cannot be trusted.
        ConfigurationError: Token and consumer are of different OAuth versions.
        TransportError: The wiki could not be asked.
    """
    central = wiki.central
    agent = user_agent(central, username=username, consumer_key=consumer.key)
    if consumer.oauth_version == "1.0a" and isinstance(access_token, OAuth1AccessToken):
        return _identity(central, _identify(central, consumer, access_token, agent))
    if consumer.oauth_version == "2.0" and isinstance(access_token, OAuth2AccessToken):
        return _identity(central, _profile(central, consumer, access_token, agent))
    raise ConfigurationError(
        f"An OAuth {consumer.oauth_version} consumer cannot use an access token of the other OAuth "
        "version. Give the token that belongs to the consumer."
    )


def _profile(
    wiki: Wiki, consumer: Consumer, access_token: OAuth2AccessToken, agent: str
) -> dict[str, Any]:
    response = send(
        "GET",
        f"{wiki.rest_url}/oauth2/resource/profile",
        user_agent=agent,
        headers={"Authorization": f"Bearer {access_token.value}"},
    )
    claims = json_object(response)
    if response.status_code == HTTPStatus.OK and claims is not None:
        return claims
    if not _refuses_token(response, claims):
        raise nonsense(wiki, response)
    hint = sentence((claims or {}).get("hint"), (access_token.value, consumer.secret))
    raise LoginRequiredError(
        f"{wiki.host} does not accept the access token: {hint or 'expired, or revoked'}. "
        "Log in again."
    )


def _refuses_token(response: Response, claims: dict[str, Any] | None) -> bool:
    """Whether the wiki, or Wikimedia's edge in its place, says that the token is of no use.

    Source: RFC 6750 section 3.1 and recordings; for the edge Phabricator T419034.
    """
    if response.status_code != HTTPStatus.UNAUTHORIZED:
        return False
    by_edge = 'error="invalid_token"' in response.headers.get("WWW-Authenticate", "")
    return by_edge or (claims is not None and claims.get("error") == "access_denied")


def _identify(
    wiki: Wiki, consumer: Consumer, access_token: OAuth1AccessToken, agent: str
) -> dict[str, Any]:
    signer = OAuth1Signer(consumer, access_token)
    advice = "Log in again; for an owner-only consumer, compare its four values."
    try:
        response = ask(wiki, "identify", signer, user_agent=agent, advice=advice)
    except TokenRequestError as error:
        raise LoginRequiredError(str(error), error.error) from None
    token = response.content.decode("ascii", "replace").strip()
    if token.count(".") != _JWT_DOTS:
        raise nonsense(wiki, response)
    claims = _decode(token, consumer)
    if not _issued_by(wiki, claims["iss"]):
        raise IdentityError(
            f"Another wiki than {wiki.host} answered. Use the address that the wiki itself uses."
        )
    if not same(str(claims["nonce"]), nonce_of(response.request)):
        raise IdentityError(
            f"{wiki.host} answered another request than ours, as if it were replayed. Try again."
        )
    return claims


def _decode(token: str, consumer: Consumer) -> dict[str, Any]:
    """Verify what identify answers, as strictly as mwoauth does.

    mwoauth's own function is of no use here: it sends the request itself, without a time-out, and
    repeats the answer in its errors.
    """
    try:
        return jwt.decode(
            token,
            str(consumer.secret),
            algorithms=["HS256"],
            audience=consumer.key,
            leeway=_LEEWAY,
            # The subject is checked with the profile's, in one place.
            options={"require": ["aud", "exp", "iat", "iss", "nonce"], "verify_sub": False},
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        problem = "is not of this moment. Set this computer's clock right, then try again."
    except jwt.PyJWTError:
        # PyJWT's text may hold claims.
        problem = "was not made by the wiki for this consumer. Check the wiki's address."
    raise IdentityError(f"The answer to the question whose access token this is {problem}")


def _issued_by(wiki: Wiki, issuer: object) -> bool:
    try:
        return Wiki.from_url(str(issuer)).host == wiki.host
    except ConfigurationError:
        return False


def _identity(wiki: Wiki, claims: dict[str, Any]) -> Identity:
    username, subject = claims.get("username"), claims.get("sub")
    # A lone surrogate, which JSON can hold, could not be sent back to any wiki.
    if not isinstance(username, str) or not username or _SURROGATE.search(username):
        raise IdentityError(
            f"{wiki.host} does not name the user of this access token, because the account is "
            "hidden or gone. Log in with another account."
        )
    if isinstance(subject, bool) or not isinstance(subject, (str, int)) or str(subject) in _NOBODY:
        raise IdentityError(
            f"On {wiki.host} this access token acts as nobody's account. Log in with the "
            "authorization code, or use an owner-only access token."
        )
    return Identity(
        username=username,
        subject=str(subject),
        grants=tuple(sorted(_names(wiki, claims.get("grants", ())))),
        rights=tuple(_names(wiki, claims.get("rights", ()))),
        blocked=claims.get("blocked") is True,
        claims=claims,
    )


def _names(wiki: Wiki, listed: object) -> list[str]:
    """Read a list, which PHP writes as an object once a number is left out."""
    names = list(listed.values() if isinstance(listed, dict) else _as_list(listed))
    if not all(isinstance(name, str) for name in names):
        raise IdentityError(
            f"What {wiki.host} says of the user of this access token is malformed. Try again later."
        )
    return names


def _as_list(listed: object) -> list[object]:
    return list(listed) if isinstance(listed, (list, tuple)) else [None]
