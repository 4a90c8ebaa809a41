"""Which user session the current request belongs to, and what the response has to say about it.

Flask's own session holds the row id of the user session, beside the cookie that opens the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import after_this_request, current_app, request, session

from pwb_oauth.errors import ConfigurationError, TokenStoreError
from pwb_oauth.web.cookies import CookieNames, SessionCookie
from pwb_oauth.web.flask.signals import signed_in, signed_out
from pwb_oauth.web.problems import LOGGER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask, Response

    from pwb_oauth.web.cookies import Cookie
    from pwb_oauth.web.flow import WebFlow
    from pwb_oauth.web.user_session import UserSession

EXTENSION = "pwb_oauth"
"""Where the flow is kept in ``app.extensions``."""

ROW = "pwb_oauth_row"
"""Where Flask's session holds the row id."""

_STATE = "pwb_oauth.state"


@dataclass(eq=False)
class _State:
    """What is known in one request.

    Attributes:
        touched: Whether the response depends on who the visitor is.
        answered: Whether the response is on its way.
        opened: Whether ``user_session`` says who that is.
        ended: Whether the user session was ended here.
        user_session: None if nobody is signed in.
    """

    touched: bool = False
    answered: bool = False
    opened: bool = False
    ended: bool = False
    user_session: UserSession | None = None


def flow() -> WebFlow:
    """The flow of the current application.

    Raises:
        ConfigurationError: The application was not set up.
    """
    found: WebFlow | None = current_app.extensions.get(EXTENSION)
    if found is None:
        raise ConfigurationError("Call wiki_oauth.init_app(app) where the application is made.")
    return found


def user_session() -> UserSession | None:
    """The visitor's user session; the row is read when a request first asks.

    Raises:
        TokenStoreError: The database cannot be used.
    """
    touch()
    state = _state()
    if not state.opened:
        state.opened = True  # Where this fails the error page must not fail as well.
        row_id = session.get(ROW)
        state.user_session = flow().open(request.cookies, row_id)
        if state.user_session is None:
            _forget_stray(row_id)
            if row_id is not None:
                _end_framework_session(row_id)
    return state.user_session


def touch() -> None:
    """Note that the response is for this visitor only.

    Raises:
        RuntimeError: It is on its way already, and did not say so.
    """
    state = _state()
    if state.answered and not state.touched:
        raise RuntimeError("Ask for the user session before the response begins.")
    state.touched = True


def finish_response(response: Response) -> Response:
    """Keep what is one visitor's out of caches, and notice that the application logged out.

    An application logs out by clearing Flask's session. The browser's own cache would show the
    pages again, by its back button, when the visitor has logged out.
    """
    if _cookie_name() in request.cookies:
        _forget_what_was_cleared()
        _send_no_older_session()
    state = _state()
    state.answered = True
    if state.touched:
        response.vary.add("Cookie")
        response.cache_control.private = response.cache_control.no_store = True
        for shared in ("public", "s-maxage"):
            response.cache_control.pop(shared, None)
    return response


def look_again() -> None:
    """Let the user session be opened anew: something may have ended it."""
    state = _state()
    state.opened, state.user_session = False, None


def log_in(new: UserSession) -> None:
    """Let Flask's session belong to a user session that begins, and to nothing before it.

    What it held may be another visitor's, or made up by somebody who wants to be in this session
    too. It lasts beyond the browser's end, since the user session does.
    """
    session.clear()
    session.permanent = True
    session[ROW] = new.row_id
    # Flask-Session keeps the data on the server: there the id has to change as well.
    regenerate = getattr(current_app.session_interface, "regenerate", None)
    if regenerate is not None:
        regenerate(session)
    state = _state()
    state.touched, state.opened, state.user_session = True, True, new
    signed_in.send(_application(), user_session=new)


def log_out() -> None:
    """Let Flask's session belong to nobody."""
    _end_framework_session(session.get(ROW))
    _state().user_session = None


def set_cookies(cookies: Iterable[Cookie]) -> None:
    """Let the response set or delete cookies, be it an error page or not."""

    @after_this_request
    def add(response: Response) -> Response:
        for cookie in cookies:
            response.set_cookie(
                cookie.name,
                cookie.value,
                max_age=cookie.max_age,
                secure=cookie.secure,
                httponly=True,
                samesite="Lax",
            )
        return response


def _forget_what_was_cleared() -> None:
    if not session.modified or ROW in session or _state().ended:
        return
    before = current_app.session_interface.open_session(_application(), request)
    row_id = before and before.get(ROW)
    if row_id:
        _forget(row_id)
        signed_out.send(_application(), row_id=row_id)


def _send_no_older_session() -> None:
    """Let the browser keep the session that it has, where this request did not change it.

    Flask sends a permanent session with every answer, as it was when the request began: the answer
    to a tab that waited would undo what another tab signed in meanwhile. One that is changed is
    permanent again: Flask-Session stores the mark with each answer.
    """
    if ROW in session:
        changed = session.modified
        session.permanent = changed
        session.modified = changed  # The line before set it.


def _forget_stray(row_id: str | None) -> None:
    """Delete the row that the cookie opens but Flask's session does not name: nobody could end it.

    An answer that changed the session, and came late, leaves a browser so.
    """
    cookie = SessionCookie.parse(request.cookies.get(_cookie_name(), ""))
    if cookie is None or cookie.row_id == row_id:
        return
    # What is over stays in the browser, and was told when its visitor was signed out.
    if flow().open(request.cookies, cookie.row_id, tell=False) is not None:
        _forget(cookie.row_id)


def _forget(row_id: str) -> None:
    try:
        flow().forget(row_id)
    except TokenStoreError as error:  # The visitor is signed out all the same.
        LOGGER.error("A user session was ended but not deleted; purge does it later: %s", error)


def _cookie_name() -> str:
    return CookieNames(str(flow().settings.consumer.callback_url)).session


def _application() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return app


def _end_framework_session(row_id: str | None) -> None:
    session.clear()
    _state().ended = True
    if row_id is not None:
        signed_out.send(_application(), row_id=row_id)


def _state() -> _State:
    # Not in flask.g, which several requests share while somebody holds an application context.
    state: _State = request.environ.setdefault(_STATE, _State())
    return state
