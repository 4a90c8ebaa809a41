"""What stands before Wikimedia's wikis: it refuses a bad JWT before the wiki sees it.

Source: a public report (T419034); no recording shows it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox import jwts, sessions

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.exchange import Context

CHALLENGE = 'Bearer realm="OAuth", error="invalid_token"'


def refuse(context: Context) -> Response | None:
    """Answer for the wiki if the version has an edge and the bearer token is no good.

    The edge knows the signature and the lifetime, but not whether a token was revoked.
    """
    token = sessions.bearer_token(context.request)
    if not context.wiki.behaviour.edge_checks_jwt or not token:
        return None
    problem = jwts.problem_at_the_edge(context.wiki, token)
    return refusal(problem) if problem else None


def refusal(reason: str) -> Response:
    """Make the edge's reply.

    Args:
        reason: ``Jwt is expired``.
    """
    body = json.dumps({"httpCode": 401, "httpReason": reason}, separators=(",", ":"))
    headers = {"WWW-Authenticate": CHALLENGE}
    return Response(body, 401, headers, content_type="application/json")
