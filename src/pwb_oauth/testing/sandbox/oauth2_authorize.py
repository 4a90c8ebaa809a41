"""OAuth 2.0's authorization endpoint: from an application's link to a code for its callback."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox import consent, html
from pwb_oauth.testing.sandbox.html import NO_CACHE
from pwb_oauth.testing.sandbox.oauth2_token import (
    BAD_SCOPE,
    OAuth2Error,
    invalid_client,
    is_registered,
    malformed,
    not_usable,
    opaque_token,
)
from pwb_oauth.testing.sandbox.tokens import AuthorizationCode

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.exchange import Context
    from pwb_oauth.testing.sandbox.model import Consumer, User, WikiState

_CHALLENGE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_PAGE_SENTENCES = {
    "invalid_client": (
        "Client authentication failed (e.g., unknown client, no client authentication included, "
        "or unsupported authentication method)"
    ),
    "unauthorized_client": (
        "The client is not authorized to request an authorization code using this method."
    ),
}
_REJECTED = "User has rejected the request from client application"


class _SentBackError(OAuth2Error):
    """An error that goes to the application's callback, whose address may hold the state."""

    def __init__(self, error: OAuth2Error, callback_url: str) -> None:
        super().__init__(error.status, error.error, error.description, error.hint)
        self.callback_url = callback_url


def handle(context: Context) -> Response:
    """Answer a browser at ``oauth2/authorize``."""
    try:
        return _authorize(context)
    except _SentBackError as error:
        return _redirect(302, html.with_query(error.callback_url, **error.fields(context.wiki)))
    except OAuth2Error as error:
        return _error_page(context, error)


def _authorize(context: Context) -> Response:
    query = context.request.query
    if query.get("response_type") != "code":
        raise malformed("Check the `response_type` parameter")
    if context.user is None:
        return _to_login(context)
    consumer = _client(context.wiki, query.get("client_id", ""))
    callback_url = _callback_url(context, consumer)
    scopes = _scopes(context, consumer, callback_url)
    _check_challenge(consumer, query)
    if not consumer.is_usable_by(context.user):
        raise not_usable(consumer, context.user.id)
    if query.get("approval_cancel"):
        rejected = OAuth2Error(400, "unauthorized_client", _REJECTED)
        raise _SentBackError(rejected, callback_url) if "redirect_uri" in query else rejected
    if query.get("approval_pass") and _is_approved(context.wiki, context.user, consumer, scopes):
        return _redirect(302, _with_code(context, context.user, consumer, scopes))
    return _redirect(307, _approval_link(context, consumer, scopes))


def _client(wiki: WikiState, client_id: str) -> Consumer:
    consumer = wiki.consumers.get(client_id)
    if consumer is None or consumer.oauth_version != "2.0":
        raise invalid_client()
    return consumer


def _callback_url(context: Context, consumer: Consumer) -> str:
    redirect_uri = context.request.query.get("redirect_uri")
    if redirect_uri is None:
        return consumer.callback_url
    if not is_registered(context.wiki, consumer, redirect_uri):
        raise invalid_client()
    return redirect_uri


def _scopes(context: Context, consumer: Consumer, callback_url: str) -> list[str]:
    query, wiki = context.request.query, context.wiki
    wanted = query.get("scope", "")
    for scope in wanted.split():
        if scope not in wiki.grants and scope not in consent.IDENTITY_GRANTS:
            error = OAuth2Error(400, "invalid_scope", BAD_SCOPE, f"Check the `{scope}` scope")
            if "state" in query and wiki.behaviour.scope_error_keeps_state:
                callback_url = html.with_query(callback_url, state=query["state"])
            raise _SentBackError(error, callback_url)
    if not wanted:
        return list(consumer.grants)
    return [scope for scope in wanted.split() if scope in consumer.grants]


def _check_challenge(consumer: Consumer, query: dict[str, str]) -> None:
    challenge = query.get("code_challenge")
    if challenge is None:
        if not consumer.confidential:
            raise malformed("Code challenge must be provided for public clients")  # [source]
        return
    if query.get("code_challenge_method", "plain") not in ("plain", "S256"):
        raise malformed("Code challenge method must be one of `S256`, `plain`")  # [source]
    if not _CHALLENGE.fullmatch(challenge):
        raise malformed("Code challenge must follow the specifications of RFC-7636.")


def _is_approved(wiki: WikiState, user: User, consumer: Consumer, scopes: list[str]) -> bool:
    accepted = wiki.acceptance(user.id, consumer.key)
    return accepted is not None and set(scopes) <= set(accepted.grants)


def _with_code(context: Context, user: User, consumer: Consumer, scopes: list[str]) -> str:
    query, wiki = context.request.query, context.wiki
    challenge = query.get("code_challenge")
    code = AuthorizationCode(
        opaque_token(),
        consumer.key,
        user.id,
        scopes,
        query.get("redirect_uri"),
        wiki.now + wiki.lifetimes.code,
        challenge,
        query.get("code_challenge_method", "plain") if challenge else None,
    )
    wiki.codes[code.id] = code
    state = {"state": query["state"]} if "state" in query else {}
    return html.with_query(_callback_url(context, consumer), code=code.id, **state)


def _approval_link(context: Context, consumer: Consumer, scopes: list[str]) -> str:
    request, site = context.request, context.wiki.site
    answers = ("approval_pass", "approval_cancel")
    query = {name: value for name, value in request.query.items() if name not in answers}
    parameters = {
        "returnto": request.path,
        "returntoquery": urlencode(query),
        "client_id": consumer.key,
        "oauth_version": "2",
        "scope": " ".join(scopes),
    }
    address = f"{site.server}{site.script_path}/index.php?title=Special:OAuth/approve"
    return f"{address}&{urlencode(parameters)}"


def _to_login(context: Context) -> Response:
    request, site = context.request, context.wiki.site
    rest_url = f"{request.raw_path}?{request.query_string}"
    parameters = {
        "returnto": "Special:OAuth/rest redirect",
        "returntoquery": urlencode({"rest_url": rest_url}),
    }
    address = f"{site.server}{site.script_path}/index.php?title=Special:UserLogin"
    return _redirect(307, f"{address}&{urlencode(parameters)}")


def _redirect(status: int, location: str) -> Response:
    shown = escape(location)
    body = f"<!DOCTYPE html><title>Redirect</title><p><a href='{shown}'>{shown}</a></p>"
    charset = "utf-8" if status == 307 else "UTF-8"  # noqa: PLR2004 - PHP writes the other one
    headers = {"Location": location, "Content-Type": f"text/html; charset={charset}"}
    return Response(body, status, headers)


def _error_page(context: Context, error: OAuth2Error) -> Response:
    sentence = escape(_PAGE_SENTENCES.get(error.error, error.description))
    if error.hint:
        sentence += f" Additional debug information: {escape(error.hint)}"
    reply = html.error_page(context.wiki, sentence, status=error.status)
    reply.headers["Cache-Control"] = NO_CACHE
    return reply
