"""``origin=`` and OPTIONS requests: what a script on another site may do.

Source: https://www.mediawiki.org/wiki/API:Cross-site_requests
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.exchange import Context

_EXPOSED = "MediaWiki-API-Error, Retry-After, X-Database-Lag, MediaWiki-Login-Suppressed"
_ALLOWED_HEADERS = "Accept, Accept-Language, Content-Language, Content-Type, DNT, User-Agent"


def apply_cors(context: Context, reply: Response) -> None:
    """Treat a request with ``origin=*`` as anonymous, and let any site read the reply.

    The credential's grants go on limiting what the request may do. Another ``origin`` is not
    among the sites that the wiki trusts and changes nothing.
    """
    if context.request.params.get("origin") != "*":
        return
    if context.caller.failure is None:
        context.drop_user()
    reply.headers["MediaWiki-Login-Suppressed"] = "true"
    reply.headers["Access-Control-Allow-Origin"] = "*"
    reply.headers["Access-Control-Allow-Credentials"] = "false"
    reply.headers["Access-Control-Expose-Headers"] = _EXPOSED


def answer_preflight(context: Context) -> Response:
    """Answer what a browser asks before a request to another site."""
    reply = Response(content_type="text/html; charset=UTF-8")
    if context.request.params.get("origin") == "*":
        reply.headers["Access-Control-Allow-Origin"] = "*"
        reply.headers["Access-Control-Allow-Credentials"] = "false"
        reply.headers["Access-Control-Allow-Methods"] = "POST, GET"
        reply.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
    return reply
