"""OAuth 2.0's token endpoint: codes, PKCE, refreshing, client credentials.

The order of the checks and the words of the errors are league/oauth2-server's, which MediaWiki
uses; they were seen on a real 1.43, save where a comment says otherwise.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any

from oauthlib.oauth2.rfc6749.grant_types.authorization_code import (
    code_challenge_method_plain,
    code_challenge_method_s256,
)
from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox import jwts
from pwb_oauth.testing.sandbox.tokens import IssuedRefreshToken

if TYPE_CHECKING:
    from datetime import datetime

    from pwb_oauth.testing.sandbox.exchange import Context
    from pwb_oauth.testing.sandbox.model import Consumer, User, WikiState
    from pwb_oauth.testing.sandbox.tokens import AuthorizationCode, IssuedAccessToken

MALFORMED = (
    "The request is missing a required parameter, includes an invalid parameter value, "
    "includes a parameter more than once, or is otherwise malformed."
)
DENIED = "The resource owner or authorization server denied the request."
BAD_SCOPE = "The requested scope is invalid, unknown, or malformed"
_BAD_GRANT = (
    "The provided authorization grant (e.g., authorization code, resource owner credentials) or "
    "refresh token is invalid, expired, revoked, does not match the redirection URI used in the "
    "authorization request, or was issued to another client."
)
_GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


class OAuth2Error(Exception):
    """The wiki refuses a request.

    Attributes:
        status: HTTP status.
        error: The code, ``invalid_client``.
        description: The sentence to it.
        hint: What the wiki adds, None for nothing.
    """

    def __init__(self, status: int, error: str, description: str, hint: str | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description
        self.hint = hint

    def fields(self, wiki: WikiState) -> dict[str, str]:
        """The members of the JSON reply, and the parameters of a redirect."""
        fields = {"error": self.error, "error_description": self.description}
        if self.hint is not None:
            fields["hint"] = self.hint
        if wiki.behaviour.repeats_description:
            fields["message"] = self.description
        return fields


def invalid_client() -> OAuth2Error:
    """The client is unknown, its secret wrong, or it may not use this kind of grant."""
    return OAuth2Error(401, "invalid_client", "Client authentication failed")


def not_usable(consumer: Consumer, user_id: int) -> OAuth2Error:
    """The client is not approved, or was disabled."""
    hint = f"Client {consumer.key} is not usable by user with ID {user_id}"
    return OAuth2Error(401, "access_denied", DENIED, hint)


def malformed(hint: str) -> OAuth2Error:
    """A parameter is missing or wrong."""
    return OAuth2Error(400, "invalid_request", MALFORMED, hint)


def invalid_grant(hint: str) -> OAuth2Error:
    """The code, or the verifier for it, is wrong."""
    return OAuth2Error(400, "invalid_grant", _BAD_GRANT, hint)


def handle(context: Context) -> Response:
    """Answer a POST to ``oauth2/access_token``."""
    try:
        reply = _grant(context)
    except OAuth2Error as error:
        return _error_reply(context, error)
    context.note_write()
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    body = json.dumps(reply, separators=(",", ":"))
    return Response(body, 200, headers, content_type="application/json; charset=UTF-8")


def _error_reply(context: Context, error: OAuth2Error) -> Response:
    headers = {"Cache-Control": "private,no-cache,s-maxage=0"}
    if error.error == "invalid_client" and "Authorization" in context.request.headers:
        headers["WWW-Authenticate"] = 'Basic realm="OAuth"'
    body = json.dumps(error.fields(context.wiki), separators=(",", ":"))
    return Response(body, error.status, headers, content_type="application/json")


def _grant(context: Context) -> dict[str, Any]:
    form = context.request.form
    grant_type = form.get("grant_type")
    if not grant_type or grant_type not in _GRANT_TYPES:
        raise _bad_grant_type(grant_type)
    consumer = _client(context, grant_type)
    if grant_type == "authorization_code":
        return _from_code(context, consumer)
    if grant_type == "refresh_token":
        return _from_refresh_token(context, consumer)
    return _from_client_credentials(context, consumer)


def _bad_grant_type(grant_type: str | None) -> OAuth2Error:
    if grant_type:
        problem = f'Unrecognized value for parameter "grant_type": {grant_type}.'
    else:
        problem = 'The "grant_type" parameter must be set.'
    text = f"Invalid request: Invalid request body: {problem}"
    return OAuth2Error(400, "invalid_request", text, "Check the `grant_type` parameter")


def _client(context: Context, grant_type: str) -> Consumer:
    client_id, secret = _client_credentials(context)
    consumer = context.wiki.consumers.get(client_id)
    if consumer is None or consumer.oauth_version != "2.0":
        raise invalid_client()
    if grant_type not in consumer.grant_types:
        raise invalid_client()
    if not _needs_secret(context.wiki, consumer, grant_type):
        return consumer
    if not secret and context.wiki.behaviour.missing_secret_error == "invalid_request":
        raise malformed("Check the `client_secret` parameter")
    if not hmac.compare_digest(secret.encode(), consumer.secret.encode()):
        raise invalid_client()
    redirect_uri = context.request.form.get("redirect_uri")
    checked = context.wiki.behaviour.client_checks_redirect
    if checked and redirect_uri is not None and redirect_uri != consumer.callback_url:
        raise invalid_client()
    return consumer


def _needs_secret(wiki: WikiState, consumer: Consumer, grant_type: str) -> bool:
    if consumer.confidential:
        return True
    return grant_type == "refresh_token" and wiki.behaviour.public_refresh_needs_secret


def _client_credentials(context: Context) -> tuple[str, str]:
    form = context.request.form
    scheme, _, encoded = context.request.authorization.partition(" ")
    if scheme == "Basic":
        try:
            client_id, _, secret = b64decode(encoded).decode().partition(":")
        except (Base64Error, UnicodeDecodeError):
            raise invalid_client() from None
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def is_registered(wiki: WikiState, consumer: Consumer, redirect_uri: str) -> bool:
    """Whether an address is the client's registered one, byte for byte.

    Newer versions let the port of a loopback address differ, but not ``localhost``'s.
    """
    if redirect_uri == consumer.callback_url:
        return True
    if not wiki.behaviour.any_loopback_port:
        return False
    port = re.compile(r"(?<=^http://127\.0\.0\.1)(:\d+)?|(?<=^http://\[::1\])(:\d+)?")
    loopback = consumer.callback_url.startswith(("http://127.0.0.1", "http://[::1]"))
    return loopback and port.sub("", redirect_uri) == port.sub("", consumer.callback_url)


def _from_code(context: Context, consumer: Consumer) -> dict[str, Any]:
    wiki, form = context.wiki, context.request.form
    code = _live_code(wiki, consumer, form.get("code"))
    redirect_uri = form.get("redirect_uri")
    if code.redirect_uri is not None and redirect_uri is None:
        raise malformed("Check the `redirect_uri` parameter")
    if redirect_uri != code.redirect_uri and not (
        code.redirect_uri is None and wiki.behaviour.client_checks_redirect
    ):
        raise malformed("Invalid redirect URI")
    _check_verifier(wiki, code, form.get("code_verifier"))
    user = wiki.user_by_id(code.user_id)
    if user is None or not consumer.is_usable_by(user):
        raise not_usable(consumer, code.user_id)
    code.used = True
    return _issue_pair(wiki, consumer, user, code.scopes)


def _live_code(wiki: WikiState, consumer: Consumer, value: str | None) -> AuthorizationCode:
    if not value:
        raise malformed("Check the `code` parameter")
    code = wiki.codes.get(value)
    if code is None and wiki.behaviour.bad_code_error == "invalid_grant":
        raise invalid_grant("Cannot validate the provided authorization code")
    if code is None:
        raise malformed("Cannot decrypt the authorization code")
    hint = None
    if code.expires_at <= wiki.now:
        hint = "Authorization code has expired"  # [source]
    elif code.used:
        hint = "Authorization code has been revoked"
    if hint is not None:
        bad = invalid_grant if wiki.behaviour.bad_code_error == "invalid_grant" else malformed
        raise bad(hint)
    if code.consumer_key != consumer.key:
        raise malformed("Authorization code was not issued to this client")
    return code


def _check_verifier(wiki: WikiState, code: AuthorizationCode, verifier: str | None) -> None:
    if code.challenge is None:
        if verifier and wiki.behaviour.verifier_needs_challenge:
            raise malformed("code_verifier received when no code_challenge is present")
        return
    if not verifier:
        raise malformed("Check the `code_verifier` parameter")
    if not _VERIFIER.fullmatch(verifier):
        raise malformed("Code Verifier must follow the specifications of RFC-7636.")  # [source]
    plain = code.challenge_method == "plain"
    matches = code_challenge_method_plain if plain else code_challenge_method_s256
    if not matches(verifier, code.challenge):
        raise invalid_grant("Failed to verify `code_verifier`.")


def _from_refresh_token(context: Context, consumer: Consumer) -> dict[str, Any]:
    wiki, form = context.wiki, context.request.form
    old = _live_refresh_token(wiki, consumer, form.get("refresh_token"))
    scopes = _narrowed(old.scopes, form.get("scope"))
    old.used_at = old.used_at or wiki.now
    _end_access_token(wiki, old.access_token_id)
    context.note_write()
    user = wiki.user_by_id(old.user_id)
    if user is None or not consumer.is_usable_by(user):
        raise not_usable(consumer, old.user_id)
    return _issue_pair(wiki, consumer, user, scopes)


def _live_refresh_token(
    wiki: WikiState, consumer: Consumer, value: str | None
) -> IssuedRefreshToken:
    if not value:
        raise malformed("Check the `refresh_token` parameter")
    token = wiki.refresh_tokens.get(value)
    hint = None
    if token is None:
        hint = "Cannot decrypt the refresh token"
    elif token.consumer_key != consumer.key:
        hint = "Token is not linked to client"
    elif token.expires_at <= wiki.now:
        hint = "Token has expired"
    elif token.revoked or _is_used_up(wiki, token.used_at):
        hint = "Token has been revoked"
    if token is None or hint is not None:
        behaviour = wiki.behaviour
        raise OAuth2Error(
            behaviour.refusal_status, behaviour.refusal_code, "The refresh token is invalid.", hint
        )
    return token


def _is_used_up(wiki: WikiState, used_at: datetime | None) -> bool:
    return used_at is not None and wiki.now - used_at >= wiki.behaviour.used_refresh_grace


def _narrowed(scopes: list[str], wanted: str | None) -> list[str]:
    if not wanted:
        return scopes
    for scope in wanted.split():
        if scope not in scopes:
            raise OAuth2Error(400, "invalid_scope", BAD_SCOPE, f"Check the `{scope}` scope")
    return wanted.split()


def _end_access_token(wiki: WikiState, token_id: str) -> None:
    token = wiki.access_tokens.get(token_id)
    if token is not None:
        token.revoked = True


def _issue_pair(
    wiki: WikiState, consumer: Consumer, user: User, scopes: list[str]
) -> dict[str, Any]:
    acceptance = wiki.acceptance(user.id, consumer.key)
    if acceptance is None:
        raise not_usable(consumer, user.id)
    token, record = jwts.issue(wiki, consumer, user, scopes, acceptance_id=acceptance.id)
    refresh_token = opaque_token()
    wiki.refresh_tokens[refresh_token] = IssuedRefreshToken(
        refresh_token,
        consumer.key,
        user.id,
        record.id,
        scopes,
        wiki.now + wiki.lifetimes.refresh,
    )
    return _reply(wiki, token, record) | {"refresh_token": refresh_token}


def _from_client_credentials(context: Context, consumer: Consumer) -> dict[str, Any]:
    wiki = context.wiki
    owner = wiki.users[consumer.owner] if consumer.owner_only else None
    if not consumer.is_usable_by(owner):
        raise not_usable(consumer, owner.id if owner else 0)
    accepted = wiki.acceptance(owner.id, consumer.key) if owner else None
    scopes = list(consumer.grants)
    acceptance_id = accepted.id if accepted else None
    return _reply(wiki, *jwts.issue(wiki, consumer, owner, scopes, acceptance_id=acceptance_id))


def _reply(wiki: WikiState, token: str, record: IssuedAccessToken) -> dict[str, Any]:
    lifetime = record.expires_at - wiki.now
    return {
        "token_type": "Bearer",
        "expires_in": round(lifetime.total_seconds()),
        "access_token": token,
    }


def opaque_token() -> str:
    """Make a code or refresh token: longer than 800 characters, telling nothing."""
    return "def50200" + secrets.token_hex(400)
