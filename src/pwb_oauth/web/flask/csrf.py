"""Login and logout happen only where a visitor of this site wanted them.

Flask has no protection of its own. A form has to carry the random token that Flask's signed session
holds, and the browser must not say that another site sent it.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from flask import request, session
from markupsafe import Markup
from werkzeug.exceptions import Forbidden

from pwb_oauth.web.flask.request_state import flow, touch

FIELD = "pwb_oauth_csrf"
"""The name of the form's field, and of the token in Flask's session."""

_BYTES = 32
_SAME = "same-origin"
_HIDDEN = "null"


class ForgedRequestError(Forbidden):
    """A form was not sent from a page of this site."""


def field() -> Markup:
    """The hidden field for the forms of this visitor."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token())


def token() -> str:
    """The token of this visitor; from the first time that it is asked for it is in the session."""
    touch()
    if FIELD not in session:
        session[FIELD] = secrets.token_urlsafe(_BYTES)
    return str(session[FIELD])


def require_own_form() -> None:
    """Refuse a form that another site sent, or made this visitor's browser send.

    Raises:
        ForgedRequestError: It was, or may have been.
    """
    touch()
    if not _is_own_origin():
        raise ForgedRequestError(
            f"This form has to be sent from a page of {_own_origin()}. "
            "Open the page there, and press the button again."
        )
    held, sent = session.get(FIELD), request.form.get(FIELD, "")
    if not held or not hmac.compare_digest(str(held).encode(), sent.encode()):
        raise ForgedRequestError(
            "This page was open for too long, or your browser keeps no cookies of this site. "
            "Go back, reload the page, and press the button again."
        )


def _is_own_origin() -> bool:
    """Whether the browser says that it was, as far as it says anything.

    A page whose address is not to be told (``Referrer-Policy: no-referrer``) has the origin null,
    and so has a sandboxed frame on another site: only ``Sec-Fetch-Site`` tells them apart.

    Source: Fetch, "append a request Origin header"; Fetch Metadata, section 2.3.
    """
    origin, relation = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if relation not in (None, _SAME):
        return False
    if origin == _HIDDEN:
        return relation == _SAME
    return origin in (None, _own_origin())


def _own_origin() -> str:
    """The site's origin as it is registered, whatever the request says about itself."""
    callback = urlsplit(str(flow().settings.consumer.callback_url))
    return f"{callback.scheme}://{callback.netloc}"
