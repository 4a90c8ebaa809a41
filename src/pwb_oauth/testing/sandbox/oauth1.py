"""OAuth 1.0a's three endpoints for programs: Special:OAuth/initiate, token and identify."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox import grants, oauth1_signature, sessions
from pwb_oauth.testing.sandbox.oauth1_signature import OAuth1Error
from pwb_oauth.testing.sandbox.tokens import RequestToken

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.exchange import Context
    from pwb_oauth.testing.sandbox.model import Acceptance, Consumer, User, WikiState

ENDPOINTS = ("initiate", "token", "identify")
REQUEST_TOKEN_LIFETIME = timedelta(minutes=10)
_IDENTITY_LIFETIME = 100
_NO_CACHE = "no-cache, no-store, max-age=0, must-revalidate"
_HELP = "https://www.mediawiki.org/wiki/Help:OAuth/Errors#"
_NOT_OOB = 'oauth_callback must be set, and must be set to "oob" (case-sensitive)'
_NOT_OOB_OR_PREFIX = (
    f"{_NOT_OOB}, or the configured callback must be a prefix of the supplied callback."
)


def handle(context: Context, endpoint: str) -> Response:
    """Answer a program; every error is HTTP 200, as text or, if asked for or at identify, JSON."""
    context.caller = sessions.Caller("oauth1" if context.request.authorization else "none")
    as_json = endpoint == "identify" or context.request.params.get("format") == "json"
    try:
        if endpoint == "initiate":
            return _token_reply(initiate(context), as_json=as_json, keep_confirmation=True)
        if endpoint == "token":
            return _token_reply(exchange(context), as_json=as_json, keep_confirmation=False)
        return _reply(identify(context), "application/json")
    except OAuth1Error as error:
        return _error_reply(error, as_json=as_json)


def initiate(context: Context) -> tuple[str, str]:
    """Give a consumer a request token.

    Raises:
        OAuth1Error: The request is badly signed, or the callback is not allowed.
    """
    wiki = context.wiki
    signed = oauth1_signature.signed_request(wiki, context.request)
    consumer = oauth1_signature.consumer_of(wiki, context.request, signed)
    if consumer.owner_only:
        raise OAuth1Error(
            f'"{consumer.name}" is an owner-only Connected App.',
            "mwoauthserver-consumer-owner-only",
        )
    oauth1_signature.verify(wiki, signed, consumer, "")
    callback_url = signed.get("oauth_callback")
    _check_callback(consumer, callback_url)
    token = RequestToken(
        secrets.token_hex(16), secrets.token_hex(16), consumer.key, callback_url, wiki.now
    )
    wiki.request_tokens[token.key] = token
    return token.key, token.secret


def _check_callback(consumer: Consumer, callback_url: str) -> None:
    if callback_url == "oob":
        return
    if not consumer.callback_is_prefix:
        raise OAuth1Error(_NOT_OOB, "mwoauth-callback-not-oob")
    if not callback_url.startswith(consumer.callback_url):
        raise OAuth1Error(_NOT_OOB_OR_PREFIX, "mwoauth-callback-not-oob-or-prefix")


def exchange(context: Context) -> tuple[str, str]:
    """Give the access token for a request token that a user has approved.

    Raises:
        OAuth1Error: The request is badly signed; the token is unknown, used or not approved; the
            verifier is wrong, after which the right one still works.
    """
    wiki = context.wiki
    signed = oauth1_signature.signed_request(wiki, context.request)
    consumer = oauth1_signature.consumer_of(wiki, context.request, signed)
    token = live_request_token(wiki, consumer, signed.get("oauth_token"))
    oauth1_signature.verify(wiki, signed, consumer, token.secret)
    if token.verifier is None or token.user_id is None:
        raise OAuth1Error("No token was found matching your request.", "mwoauthdatastore-bad-token")
    if token.verifier != signed.get("oauth_verifier"):
        raise OAuth1Error(
            "The verification code provided was not valid.", "mwoauthdatastore-bad-verifier"
        )
    acceptance = wiki.acceptance(token.user_id, consumer.key)
    if acceptance is None:
        raise oauth1_signature.no_grant()
    token.used = True
    return acceptance.access_token, acceptance.access_secret


def live_request_token(wiki: WikiState, consumer: Consumer, key: str) -> RequestToken:
    """Find a request token that can still be used.

    Raises:
        OAuth1Error: It is unknown, older than 10 minutes, or used.
    """
    token = wiki.request_tokens.get(key)
    if (
        token is None
        or token.consumer_key != consumer.key
        or wiki.now - token.issued_at > REQUEST_TOKEN_LIFETIME
    ):
        raise OAuth1Error(
            "Sorry, something went wrong connecting this application.\n"
            "Go back and try to connect your account again, or contact the application author."
            "\n\n" + _details("OAuth token not found", "E004"),
            "mwoauthdatastore-request-token-not-found",
        )
    if token.used:
        raise OAuth1Error(
            "This request has already been completed and cannot be resubmitted.\n"
            "Go back to the application and try to connect your account again, "
            "or contact the application author.\n\n" + _details("OAuth token already used", "E009"),
            "mwoauthdatastore-request-token-already-used",
        )
    return token


def _details(text: str, number: str) -> str:
    link = f'<a class="external" href="{_HELP}{number}">{number}</a>'
    return f'<span class="plainlinks mw-mwoautherror-details">{text}, {link}</span>'


def identify(context: Context) -> str:
    """Say who the access token belongs to, as a JWT signed with the consumer's secret.

    Raises:
        OAuth1Error: The request is badly signed, or the consumer may not act for the user.
    """
    wiki = context.wiki
    signed, consumer, acceptance = oauth1_signature.accepted_request(wiki, context.request)
    user = wiki.user_by_id(acceptance.user_id)
    failure = sessions.refusal(wiki, consumer, user)
    if failure is not None or user is None:
        raise OAuth1Error(failure.text, failure.code) if failure else oauth1_signature.no_grant()
    context.caller = sessions.Caller("oauth1", user, list(acceptance.grants), consumer)
    claims = _claims(wiki, user, consumer, acceptance) | {"nonce": signed.get("oauth_nonce")}
    return jwt.encode(claims, consumer.secret, "HS256")


def _claims(
    wiki: WikiState, user: User, consumer: Consumer, acceptance: Acceptance
) -> dict[str, Any]:
    now = int(wiki.now.timestamp())
    return {
        "iss": wiki.site.server,
        "aud": consumer.key,
        "exp": now + _IDENTITY_LIFETIME,
        "iat": now,
        "sub": str(user.id),
        **identity(wiki, user, grants.rights_of(wiki, user, None)),
        "grants": grants.as_php_array(acceptance.grants),
        **private_identity(user, acceptance.grants),
    }


def identity(wiki: WikiState, user: User, rights: list[str]) -> dict[str, Any]:
    """What identify and resource/profile say alike of an account."""
    name = {} if user.hidden else {"username": user.name}
    return {
        **name,
        "editcount": user.editcount,
        "email_verified": user.email_confirmed_at is not None,
        "confirmed_email": user.email_confirmed_at is not None,
        "blocked": user.block is not None and not _is_over(wiki, user),
        "registered": user.registered_at.strftime("%Y%m%d%H%M%S"),
        "groups": user.effective_groups,
        "rights": rights,
    }


def private_identity(user: User, granted: list[str]) -> dict[str, Any]:
    """Real name and address, which only the grant for them shows."""
    if "mwoauth-authonlyprivate" not in granted:
        return {}
    return {"realname": user.real_name, "email": user.email}


def _is_over(wiki: WikiState, user: User) -> bool:
    ends = user.block.expires_at if user.block else None
    return ends is not None and ends <= wiki.now


def _token_reply(pair: tuple[str, str], *, as_json: bool, keep_confirmation: bool) -> Response:
    key, secret = pair
    confirmed = {"oauth_callback_confirmed": "true"}
    if as_json:
        named = {"key": key, "secret": secret} | (confirmed if keep_confirmation else {})
        return _reply(json.dumps(named, separators=(",", ":")), "application/json")
    named = {"oauth_token": key, "oauth_token_secret": secret, **confirmed}
    return _reply(urlencode(named), "text/plain;charset=UTF-8")


def _error_reply(error: OAuth1Error, *, as_json: bool) -> Response:
    text = error.text
    if error.code == "mwoauth-oauth-exception":
        text = f"An error occurred in the OAuth protocol: {text}"
    if not as_json:
        return _reply(f"Error: {_escaped(text)}", "text/plain;charset=UTF-8")
    # PHP's JSON writes angle brackets as escapes.
    body = json.dumps({"error": error.code, "message": text}, separators=(",", ":"))
    body = body.replace("<", "\\u003C").replace(">", "\\u003E")
    return _reply(body, "application/json")


def _escaped(text: str) -> str:
    # The wiki escapes the sentence, but not the link that it puts into it.
    before, anchor, rest = text.partition("<a ")
    link, end, after = rest.partition("</a>")
    return _escape(before) + anchor + link + end + _escape(after)


def _escape(text: str) -> str:
    return escape(text).replace("&#x27;", "&#039;")


def _reply(body: str, content_type: str) -> Response:
    return Response(body, 200, {"Content-Type": content_type, "Cache-Control": _NO_CACHE})
