"""Who the visitor of a request is, on the wiki and for Django, and that both agree.

Django's session holds the row id of the user session, beside the cookie that opens the row. Where
one of them, or the signed-in user of this site, does not fit the others, nobody is signed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.contrib import auth
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import AnonymousUser

from pwb_oauth.web.cookies import SessionCookie
from pwb_oauth.web.django import backends, conf, signals, users
from pwb_oauth.web.django.connection import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest, HttpResponse

    from pwb_oauth.web.cookies import Cookie
    from pwb_oauth.web.user_session import UserSession

ROW = "pwb_oauth_row"
"""Where Django's session holds the row id."""

_STATE = "_pwb_oauth"


@dataclass
class _State:
    """What is known in one request.

    Attributes:
        touched: Whether the response depends on who the visitor is on the wiki.
        answered: Whether the response is on its way.
        opened: Whether ``session`` says who that is.
        signing_in: Whether we are calling Django's ``login``.
        session: None if nobody is signed in to the wiki.
        user: Who Django's session says is signed in here, once it was asked.
        cookies: What the response sets.
    """

    touched: bool = False
    answered: bool = False
    opened: bool = False
    signing_in: bool = False
    session: UserSession | None = None
    user: AbstractBaseUser | AnonymousUser | None = None
    cookies: list[Cookie] = field(default_factory=list)


def user_session(request: HttpRequest) -> UserSession | None:
    """The visitor's user session; the row is read when a request first asks.

    Raises:
        StoreUnavailableError: The database cannot be used.
        ConfigurationError: A setting is missing or malformed.
        RuntimeError: The response is on its way already, and did not say that it depends on this.
    """
    _touch(request)
    _open(request)
    return _state(request).session


def user(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    """The user of this site: nobody, where we signed them in and the user session is over.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    with unavailable():
        ours = ROW in request.session
    if ours:
        _open(request)
    return _user(request)


def sign_in(request: HttpRequest, session: UserSession, user: AbstractBaseUser) -> None:
    """Sign a user of this site in, and nobody who was in this browser before.

    The id of Django's session changes, whoever knew it: that of a user who signs in again too.
    """
    state = _state(request)
    state.signing_in = True
    auth.login(request, user, backend=backends.PATH)
    request.session.cycle_key()
    request.session[ROW] = session.row_id
    state.touched, state.opened, state.session = True, True, session
    signals.signed_in.send(type(user), request=request, user=user, user_session=session)


def end(request: HttpRequest, row_id: str) -> None:
    """Let a user session be over, and nobody be signed in to the wiki.

    Raises:
        StoreUnavailableError: The database cannot be used, so that it is not over.
    """
    flow = conf.flow()
    flow.forget(row_id)
    request.session.pop(ROW, None)
    set_cookies(request, flow.logout(None))
    be_nobody(request)
    signals.signed_out.send(None, request=request, row_id=row_id)


def end_others(request: HttpRequest) -> None:
    """Let the user session of this browser be over, since another back end signed somebody in.

    Django has emptied its session by then, if that is somebody else; the cookie still says which
    row it was.
    """
    if _state(request).signing_in:
        return
    row_id = _row_of_cookie(request)
    if row_id is not None:
        end(request, row_id)


def be_nobody(request: HttpRequest) -> None:
    """Take the visitor for signed out in the rest of this request, without asking the database."""
    state = _state(request)
    state.opened, state.session = True, None


def be_anonymous(request: HttpRequest) -> None:
    """The same, and for Django too: a page that greets its visitor needs no database then."""
    be_nobody(request)
    request.user = AnonymousUser()


def set_cookies(request: HttpRequest, cookies: Iterable[Cookie]) -> None:
    """Let the response set or delete cookies."""
    _state(request).cookies += cookies


def answer(request: HttpRequest) -> bool:
    """Let the response go: whether it depends on who the visitor is on the wiki."""
    state = _state(request)
    state.answered = True
    return state.touched


def write_cookies(request: HttpRequest, response: HttpResponse) -> None:
    """Write what was to be set."""
    for cookie in _state(request).cookies:
        response.set_cookie(
            cookie.name,
            cookie.value,
            max_age=cookie.max_age,
            secure=cookie.secure,
            httponly=True,
            samesite="Lax",
        )


def _touch(request: HttpRequest) -> None:
    state = _state(request)
    if state.answered and not state.touched:
        raise RuntimeError("Ask for request.wiki_account before the response begins.")
    state.touched = True
    # A cache_page around the view keeps what it returns before the middleware can object.
    request._cache_update_cache = False  # type: ignore[attr-defined]  # noqa: SLF001


def _open(request: HttpRequest) -> None:
    state = _state(request)
    if state.opened:
        return
    with unavailable():
        row_id = request.session.get(ROW)
        session = conf.flow().open(request.COOKIES, row_id)
        # This empties Django's session where the password was changed.
        user = _user(request)
        fits = session is not None and users.belongs(user, session)
        state.opened = True
        if fits:
            state.session = session
        elif row_id is not None:
            _end_both(request, row_id)


def _user(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    state = _state(request)
    if state.user is None:
        with unavailable():
            state.user = auth.get_user(request)
    return state.user


def _end_both(request: HttpRequest, row_id: str) -> None:
    ours = request.session.get(BACKEND_SESSION_KEY) == backends.PATH
    end(request, row_id)
    if ours:
        request.user = _user(request)  # logout() asks it, and may run because it was asked
        _state(request).user = AnonymousUser()
        auth.logout(request)


def _row_of_cookie(request: HttpRequest) -> str | None:
    """The row that the cookie opens; None if it opens none."""
    found = [cookie for cookie in map(SessionCookie.parse, request.COOKIES.values()) if cookie]
    for cookie in found:
        if conf.flow().open(request.COOKIES, cookie.row_id, tell=False) is not None:
            return cookie.row_id
    return None


def _state(request: HttpRequest) -> _State:
    state: _State | None = getattr(request, _STATE, None)
    if state is None:
        state = _State()
        setattr(request, _STATE, state)
    return state
