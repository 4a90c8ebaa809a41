"""What differs between MediaWiki's versions, as data.

What 1.43 does was seen on a real wiki. What the newer ones do differently was read in the source of
Extension:OAuth and is not proved by a recording.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True)
class Behaviour:
    """Switches for what changed over the versions.

    Attributes:
        generator: What siteinfo says of the version.
        refusal_status: HTTP status for a refresh token that is no good.
        refusal_code: The ``error`` beside it.
        bad_code_error: The ``error`` for an authorization code that is no good (status 400).
        verifier_needs_challenge: A verifier for a code made without a challenge is refused.
        any_loopback_port: ``redirect_uri`` may name another port of ``127.0.0.1`` or ``[::1]``.
        public_refresh_needs_secret: A public client must send its secret to refresh.
        used_refresh_grace: How long a refresh token that was used works for once more.
        access_lifetime: Default lifetime of OAuth 2.0 access tokens.
        refresh_lifetime: Default lifetime of refresh tokens.
        session_jwt_cookie: OAuth 1.0a and owner-only requests are sent a ``sessionJwt`` cookie;
            one that belongs to another token makes the request fail (T417833).
        edge_checks_jwt: Something before the wiki refuses expired and damaged JWTs (T419034).
    """

    generator: str = "MediaWiki 1.43.9"
    refusal_status: int = 401
    refusal_code: str = "invalid_request"
    bad_code_error: str = "invalid_request"
    verifier_needs_challenge: bool = False
    any_loopback_port: bool = False
    public_refresh_needs_secret: bool = True
    used_refresh_grace: timedelta = timedelta()
    access_lifetime: timedelta = timedelta(hours=1)
    refresh_lifetime: timedelta = timedelta(days=31)
    session_jwt_cookie: bool = False
    edge_checks_jwt: bool = False


_1_43 = Behaviour()
_1_46 = replace(
    _1_43,
    generator="MediaWiki 1.46.0",
    refusal_status=400,
    refusal_code="invalid_grant",
    bad_code_error="invalid_grant",
    verifier_needs_challenge=True,
    any_loopback_port=True,
    public_refresh_needs_secret=False,
)
# Wikimedia runs the newest branch, with lifetimes of its own.
_WIKIMEDIA = replace(
    _1_46,
    generator="MediaWiki 1.47.0-wmf.5",
    used_refresh_grace=timedelta(seconds=600),
    access_lifetime=timedelta(hours=4),
    refresh_lifetime=timedelta(days=365),
    session_jwt_cookie=True,
    edge_checks_jwt=True,
)

BEHAVIOURS = {"1.43": _1_43, "1.46": _1_46, "wikimedia": _WIKIMEDIA}


def behaviour_of(version: str) -> Behaviour:
    """Look a version's switches up.

    Args:
        version: ``"1.43"``, ``"1.46"`` or ``"wikimedia"``.

    Raises:
        ValueError: The sandbox does not know that version.
    """
    try:
        return BEHAVIOURS[version]
    except KeyError:
        known = ", ".join(map(repr, BEHAVIOURS))
        raise ValueError(f"No such version {version!r}; the sandbox wiki knows {known}.") from None
