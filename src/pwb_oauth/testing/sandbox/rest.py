"""rest.php: OAuth 2.0's endpoints, and as much of the page API as shows who a token belongs to."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug.http import http_date
from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox import (
    grants,
    history,
    jwts,
    oauth1,
    oauth2_authorize,
    oauth2_token,
    sessions,
)
from pwb_oauth.testing.sandbox.grants import may_edit

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.exchange import Context
    from pwb_oauth.testing.sandbox.model import Consumer, Page, User

Endpoint = Callable[["Context", str], Response]
_STAGES = {"proposed": 0, "approved": 1, "rejected": 2, "expired": 3, "disabled": 4}
_PRIVATE = "private,must-revalidate,s-maxage=0"


def handle(context: Context) -> Response:
    """Answer any request to rest.php."""
    path = context.request.raw_path.removeprefix(f"{context.wiki.site.script_path}/rest.php")
    for pattern, methods in _ROUTES:
        match = re.fullmatch(pattern, path)
        if match:
            reply = _call(context, methods, unquote(match["rest"] if match.groupdict() else ""))
            break
    else:
        reply = _no_route(path)
    reply.headers["Vary"] = "x-restbase-compat"
    return reply


def _call(context: Context, methods: dict[str, Endpoint], argument: str) -> Response:
    method = context.request.method
    endpoint = methods.get("GET" if method == "HEAD" else method)
    if endpoint is not None:
        return endpoint(context, argument)
    allowed = ["HEAD", "GET"] if "GET" in methods else []
    allowed += [name for name in methods if name != "GET"]
    listed = ", ".join(allowed)
    few = f"one of the allowed methods for this path ({listed})"
    only = f"the allowed method for this path ({listed})"
    text = f"The request method ({method}) was not {few if len(allowed) > 1 else only}"
    reply = _http_error(405, {"messageTranslations": {"en": text}})
    reply.headers["Allow"] = listed
    return reply


def _no_route(path: str) -> Response:
    text = f"The requested relative path ({path}) did not match any known handler"
    return _http_error(404, {"errorKey": "rest-no-match", "messageTranslations": {"en": text}})


def _json(data: Any, status: int = 200) -> Response:
    body = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return Response(body, status, content_type="application/json")


def _http_error(status: int, data: dict[str, Any]) -> Response:
    return _json(data | {"httpCode": status, "httpReason": HTTPStatus(status).phrase}, status)


def _read_denied(context: Context) -> Response | None:
    if context.caller.failure is None and "read" in context.rights:
        return None
    return _http_error(403, {"error": "rest-read-denied"})


def _for_the_user(context: Context, reply: Response) -> Response:
    if context.user:
        reply.headers["Cache-Control"] = _PRIVATE
    return reply


def _authorize(context: Context, _: str) -> Response:
    return _for_the_user(context, oauth2_authorize.handle(context))


def _access_token(context: Context, _: str) -> Response:
    if context.request.content_type != "application/x-www-form-urlencoded":
        text = f"Unsupported Content-Type: {context.request.content_type}"
        return _http_error(
            415,
            {"errorKey": "rest-unsupported-content-type", "messageTranslations": {"en": text}},
        )
    return oauth2_token.handle(context)


def _resource(context: Context, kind: str) -> Response:
    if kind not in ("profile", "scopes"):
        return _unknown_resource(kind)
    return _for_the_user(context, _known_resource(context, kind))


def _known_resource(context: Context, kind: str) -> Response:
    try:
        token = jwts.read(context.wiki, sessions.bearer_token(context.request))
    except jwts.TokenRefused as refused:
        return _denied(context, refused.hint)
    consumer = context.wiki.consumers[token.consumer_key]
    user = context.wiki.user_by_id(token.user_id)
    if kind == "scopes":
        return _json({"scopes": grants.as_php_array(consumer.grants)})
    if user is not None and not consumer.is_usable_by(user):
        return _json(oauth2_token.not_usable(consumer, user.id).fields(context.wiki), 401)
    return _json(_profile(context, user, token.scopes))


def _unknown_resource(kind: str) -> Response:
    return _http_error(
        400,
        {
            "error": "parameter-validation-failed",
            "name": "type",
            "value": kind,
            "failureCode": "badvalue",
            "failureData": [],
            "errorKey": "badvalue",
            "messageTranslations": {"en": f'Unrecognized value for parameter "type": {kind}.'},
        },
    )


def _denied(context: Context, hint: str) -> Response:
    error = oauth2_token.OAuth2Error(401, "access_denied", oauth2_token.DENIED, hint)
    return _json(error.fields(context.wiki), 401)


def _profile(context: Context, user: User | None, scopes: list[str]) -> dict[str, Any]:
    wiki = context.wiki
    rights = grants.rights_of(wiki, user, scopes)
    if user is None:
        return {
            "sub": "0",
            "username": wiki.site.client_ip,
            "editcount": 0,
            "email_verified": False,
            "confirmed_email": False,
            "blocked": False,
            "registered": False,
            "groups": ["*"],
            "rights": rights,
            "grants": scopes,
        }
    return {
        "sub": str(user.id),
        **oauth1.identity(wiki, user, rights),
        "grants": scopes,
        **oauth1.private_identity(user, scopes),
    }


def _clients(context: Context, _: str) -> Response:
    denied = _read_denied(context)
    if denied is not None:
        return denied
    own = [
        _client(context, consumer)
        for _, consumer in sorted(context.wiki.consumers.items())
        if consumer.owner == context.user_name and consumer.oauth_version == "2.0"
    ]
    return _for_the_user(context, _json({"clients": own, "total": len(own)}))


def _client(context: Context, consumer: Consumer) -> dict[str, Any]:
    day = consumer.registered_at
    return {
        "email": context.wiki.users[consumer.owner].email,
        "name": consumer.name,
        "version": consumer.version,
        "callback_url": consumer.callback_url,
        "description": consumer.description,
        "client_key": consumer.key,
        "owner_only": consumer.owner_only,
        "stage": _STAGES[consumer.state],
        "oauth_version": 2,
        "registration_formatted": f"{day:%H:%M}, {day.day} {day:%B %Y}",
        "allowed_grants": consumer.grant_types,
        "scopes": grants.as_php_array(consumer.grants),
    }


def _get_page(context: Context, title: str) -> Response:
    denied = _read_denied(context)
    if denied is not None:
        return denied
    page = context.wiki.pages.get(title.replace("_", " "))
    if page is None:
        return _missing_page(title)
    order = ("id", "key", "title", "latest", "content_model", "license", "source")
    data = _page(page)
    reply = _json({name: data[name] for name in order})
    reply.headers["Cache-Control"] = "max-age=5"
    reply.headers["Last-Modified"] = http_date(page.touched)
    digest = hashlib.sha1(f"{page.id}:{page.latest.revid}".encode()).hexdigest()  # noqa: S324
    reply.headers["ETag"] = f'"{digest}"'
    return _for_the_user(context, reply)


def _missing_page(title: str) -> Response:
    text = f"The specified title ({title}) does not exist"
    return _http_error(
        404, {"errorKey": "rest-nonexistent-title", "messageTranslations": {"en": text}}
    )


def _page(page: Page) -> dict[str, Any]:
    latest = page.latest
    return {
        "id": page.id,
        "title": page.title,
        "key": page.title.replace(" ", "_"),
        "latest": {"id": latest.revid, "timestamp": f"{latest.timestamp:%Y-%m-%dT%H:%M:%SZ}"},
        "license": {"url": "", "title": ""},
        "content_model": page.content_model,
        "source": latest.text,
    }


def _put_page(context: Context, title: str) -> Response:
    denied = _read_denied(context)
    if denied is not None:
        return denied
    try:
        wish = json.loads(context.request.body)
        source, comment = str(wish["source"]), str(wish["comment"])
        base = int(wish["latest"]["id"]) if "latest" in wish else None
    except (ValueError, KeyError, TypeError):
        return _http_error(400, {"errorKey": "rest-bad-json-body"})
    title = title.replace("_", " ")
    page = context.wiki.pages.get(title)
    if not context.caller.is_oauth and not context.token_is_good("csrf", wish.get("token", "")):
        return _http_error(403, {"errorKey": "rest-badtoken"})
    if not may_edit(context.rights, page):
        return _http_error(403, {"errorKey": "rest-cannot-create-page"})
    if page is not None and base != page.latest.revid:
        return _http_error(409, {"errorKey": "rest-edit-conflict"})
    history.save_revision(context, title, source, comment=comment)
    # Unlike api.php, rest.php does not send the browser to the master after a write.
    context.cookies.clear()
    return _for_the_user(context, _json(_page(context.wiki.pages[title])))


_ROUTES: list[tuple[str, dict[str, Endpoint]]] = [
    ("/oauth2/authorize", {"GET": _authorize}),
    ("/oauth2/access_token", {"POST": _access_token}),
    ("/oauth2/resource/(?P<rest>[^/]*)", {"GET": _resource}),
    ("/oauth2/client", {"GET": _clients}),
    ("/v1/page/(?P<rest>[^/]+)", {"GET": _get_page, "PUT": _put_page}),
]
