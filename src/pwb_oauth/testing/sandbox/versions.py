"""What differs between MediaWiki's versions, as data.

What 1.43 does was seen on a real wiki. What the newer ones do differently was read in the source of
Extension:OAuth (branch REL1_46; master for what Wikimedia runs) and of league/oauth2-server, whose
9.3.0 REL1_46 took in the place of a state before 9.0.0. No recording proves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True)
class Behaviour:
    """Switches for what changed over the versions, each with where the new value was read.

    Attributes:
        generator: What siteinfo says of the version.
        refusal_status: HTTP status for a refresh token that is no good. Source: league's changelog,
            9.0.0.
        refusal_code: The ``error`` beside it.
        bad_code_error: The ``error`` for an authorization code that is expired, used or garbage
            (status 400). Source: league's changelog, 9.1.0; ``AuthCodeGrant``.
        repeats_description: Errors say their ``error_description`` once more as ``message``.
            Source: league's changelog, 9.0.0.
        scope_error_keeps_state: ``state`` goes back with ``invalid_scope``. Source: league's
            changelog, 9.0.1.
        client_checks_redirect: A ``redirect_uri`` of the token request that is not the registered
            one is ``invalid_client``. Else it is ``invalid_request``, as is one that the
            authorization request did not have. Source: ``AbstractGrant.validateClient``,
            ``AuthCodeGrant.validateAuthorizationCode``.
        missing_secret_error: The ``error`` for a confidential client that sends no secret.
            Source: ``AbstractGrant.validateClient``.
        verifier_needs_challenge: A verifier for a code made without a challenge is refused.
            Source: ``AuthCodeGrant.respondToAccessTokenRequest``.
        any_loopback_port: ``redirect_uri`` may name another port of ``127.0.0.1`` or ``[::1]``.
            Source: ``RedirectUriValidator``.
        public_refresh_needs_secret: A public client must send its secret to refresh. Source:
            league's changelog, 9.2.0.
        subject_names_wiki: An access token's ``sub`` is ``mw:local:DBNAME:ID``, save for owner-only
            consumers. Source: ``AccessTokenEntity.getUserIdentifierForJwt``.
        used_refresh_grace: How long a refresh token that was used goes on working. Source:
            ``$wgOAuth2RefreshTokenGracePeriod``, 1.47.
        access_lifetime: Default lifetime of OAuth 2.0 access tokens.
        refresh_lifetime: Default lifetime of refresh tokens.
        session_jwt_cookie: OAuth 1.0a and owner-only requests are sent a ``sessionJwt`` cookie;
            one that belongs to another token makes the request fail. Source: T417833,
            ``SessionProvider.shouldUseJwtCookie``.
        edge_checks_jwt: Something before the wiki refuses expired and damaged JWTs. Source: a
            public report, T419034.
    """

    generator: str = "MediaWiki 1.43.9"
    refusal_status: int = 401
    refusal_code: str = "invalid_request"
    bad_code_error: str = "invalid_request"
    repeats_description: bool = True
    scope_error_keeps_state: bool = False
    client_checks_redirect: bool = True
    missing_secret_error: str = "invalid_client"
    verifier_needs_challenge: bool = False
    any_loopback_port: bool = False
    public_refresh_needs_secret: bool = True
    subject_names_wiki: bool = False
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
    repeats_description=False,
    scope_error_keeps_state=True,
    client_checks_redirect=False,
    missing_secret_error="invalid_request",
    verifier_needs_challenge=True,
    any_loopback_port=True,
    public_refresh_needs_secret=False,
    subject_names_wiki=True,
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
