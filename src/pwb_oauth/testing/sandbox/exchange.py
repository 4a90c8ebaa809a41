"""One request, as PHP hands it to MediaWiki, and what its handler needs to answer it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, unquote

from werkzeug.datastructures import FileStorage, Headers
from werkzeug.http import dump_cookie, http_date
from werkzeug.wrappers import Request, Response

from pwb_oauth.testing.sandbox import grants, sessions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pwb_oauth.testing.sandbox.model import BotPassword, Session, User, WikiState

TokenKind = Literal["csrf", "watch", "patrol", "rollback", "userrights", "login", "createaccount"]
_ANONYMOUS_TOKEN = "+\\"
_FORM = "application/x-www-form-urlencoded"


class _Request(Request):
    """A request with a form of any size, of which nothing is left on disk or open.

    Werkzeug refuses a long page in a multipart body, and puts files where somebody has to close
    them, those of equal names and those of half a body too.
    """

    max_form_memory_size = sys.maxsize
    max_form_parts = sys.maxsize

    def _get_file_stream(self, *_: object, **__: object) -> BytesIO:
        return BytesIO()


class WikiRequest:
    """A request with its parameters as PHP parses them.

    Attributes:
        method: ``GET``, ``POST``, ….
        path: The decoded path, ``/w/api.php``.
        raw_path: The path as sent.
        query_string: As sent, without the question mark.
        headers: Case does not matter.
        body: The bytes as sent; for ``multipart/form-data`` use ``form`` and ``files``.
        query: Parameters of the address; of equal names the last. ``x[]`` is not among them.
        query_pairs: All pairs of the address, in order.
        form: Parameters of the body, likewise.
        form_pairs: All pairs of a URL-encoded body, in order, for signatures.
        files: Files of a multipart body, by field name.
        cookies: By name.
    """

    def __init__(self, environ: Mapping[str, object]) -> None:
        request = _Request(dict(environ))
        self.method = request.method
        self.path = request.path
        self.raw_path = str(environ.get("REQUEST_URI") or request.path).partition("?")[0]
        self.query_string = request.query_string.decode("latin-1")
        self.headers: Headers = Headers(request.headers)
        self.content_type = request.mimetype
        self.remote_address = str(environ.get("REMOTE_ADDR") or "127.0.0.1")
        self.cookies: Mapping[str, str] = request.cookies
        self.body = b"" if self.content_type == "multipart/form-data" else request.get_data()
        self.query_pairs = _pairs(self.query_string)
        self.query = _as_php(self.query_pairs)
        self.form_pairs: list[tuple[str, str]] = []
        self.files: dict[str, FileStorage] = {}
        if self.content_type == _FORM:
            self.form_pairs = _pairs(self.body.decode("utf-8", "replace"))
            self.form = _as_php(self.form_pairs)
        else:
            self.form = _as_php(list(request.form.items(multi=True)))
            self.files = dict(request.files.items())

    @cached_property
    def params(self) -> dict[str, str]:
        """Query and form together; the form's win, as in MediaWiki."""
        return {**self.query, **self.form}

    @property
    def authorization(self) -> str:
        """The Authorization header, empty if there is none."""
        return self.headers.get("Authorization", "")


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)


def _as_php(pairs: list[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in pairs if "[" not in name}


@dataclass
class Context:
    """What a handler gets: the request, the wiki, and who is asking.

    Attributes:
        wiki: The state; its lock is held until the handler returns.
        request: What was sent.
        cookies: ``Set-Cookie`` values to send besides the handler's own.
    """

    wiki: WikiState
    request: WikiRequest
    cookies: list[str] = field(default_factory=list)

    @cached_property
    def caller(self) -> sessions.Caller:
        """Who makes this request; asked once, since asking burns an OAuth 1.0a nonce."""
        caller = sessions.identify(self.wiki, self.request)
        if caller.session_jwt is not None:
            self._add_cookie(sessions.SESSION_JWT, caller.session_jwt)
        return caller

    @property
    def user(self) -> User | None:
        """The account that acts, None for anonymous."""
        return self.caller.user

    @property
    def user_name(self) -> str:
        """The account's name, or the IP address of an anonymous user."""
        return self.user.name if self.user else self.wiki.site.client_ip

    @property
    def user_id(self) -> int:
        """The account's number, 0 for anonymous."""
        return self.user.id if self.user else 0

    @cached_property
    def rights(self) -> list[str]:
        """What this request may do, in the wiki's order: the user's rights within the grants."""
        return grants.rights_of(self.wiki, self.user, self.caller.grants)

    @property
    def change_tags(self) -> list[str]:
        """The tags that an edit of this request carries."""
        consumer = self.caller.consumer
        return [consumer.change_tag] if consumer and consumer.change_tag else []

    def token(self, kind: TokenKind = "csrf") -> str:
        r"""Make a token of that kind; starts a cookie session where one is needed.

        Returns:
            32 hexadecimal digits, the time in hexadecimal, and ``+\\``; the last alone for what
            anonymous users need no secret for.
        """
        if self.user is None and kind not in ("login", "createaccount"):
            return _ANONYMOUS_TOKEN
        return sessions.make_token(self.session(), kind, self.wiki.now)

    def token_is_good(self, kind: TokenKind, token: str) -> bool:
        """Check a token that came with a request."""
        if self.user is None and kind not in ("login", "createaccount"):
            return token == _ANONYMOUS_TOKEN
        session = self.caller.session
        return session is not None and sessions.check_token(session, kind, token)

    def session(self) -> Session:
        """The session of this request; an anonymous one is started, with its cookie."""
        if self.caller.session is None:
            session = sessions.start(self.wiki)
            self.caller.session = session
            self.set_cookie("_session", session.id)
        return self.caller.session

    def drop_user(self) -> None:
        """Answer as to nobody (``origin=*``), still within the grants of the credential."""
        self.caller.user = None
        self.__dict__.pop("rights", None)

    def log_in(self, user: User, *, remember_days: int | None = None) -> None:
        """Make the cookie session the user's, under a new id.

        Args:
            user: Who signed in.
            remember_days: For "keep me logged in": lets the cookies live, and adds the token's.
        """
        sessions.end(self.wiki, self.caller.session)
        session = sessions.start(self.wiki, user)
        self.caller.become(user, session)
        self.__dict__.pop("rights", None)
        self.set_cookie("_session", session.id)
        days = remember_days or 30
        self.set_cookie("UserID", str(user.id), days=days)
        self.set_cookie("UserName", user.name, days=days)
        if remember_days:
            self.set_cookie("Token", sessions.user_token(session), days=days)

    def log_in_bot_password(self, user: User, bot_password: BotPassword) -> None:
        """Start a session that is limited to the bot password's grants."""
        session = sessions.start(self.wiki, user)
        session.mechanism = "botpassword"
        session.grants = list(bot_password.grants)
        self.set_cookie("_BPsession", session.id)

    def log_out(self) -> None:
        """End the cookie session and take its cookies back."""
        sessions.end(self.wiki, self.caller.session)
        for name in ("_session", "UserID", "Token"):
            self._add_cookie(
                self.wiki.site.cookie_prefix + name, "deleted", "Thu, 01 Jan 1970 00:00:01 GMT", 0
            )

    def note_write(self) -> None:
        """Send the cookie that a wiki sends after a change to its database; once is enough."""
        if any(cookie.startswith("UseDC=") for cookie in self.cookies):
            return
        expires = http_date(self.wiki.now + timedelta(seconds=10))
        self._add_cookie("UseDC", "master", expires, 10)

    def set_cookie(self, name: str, value: str, *, days: int | None = None) -> None:
        """Send a cookie whose name starts with the wiki's prefix.

        Args:
            name: Without the prefix.
            value: What it holds.
            days: How long the browser keeps it; None is as long as it runs.
        """
        name = self.wiki.site.cookie_prefix + name
        if days is None:
            self._add_cookie(name, value)
        else:
            expires = http_date(self.wiki.now + timedelta(days=days))
            self._add_cookie(name, value, expires, days * 86400)

    def _add_cookie(
        self, name: str, value: str, expires: str | None = None, max_age: int | None = None
    ) -> None:
        plain = dump_cookie(name, value, path=None)
        ends = "" if expires is None else f"; expires={expires}; Max-Age={max_age}"
        self.cookies.append(f"{plain}{ends}; path=/; HttpOnly")


def title_of(request: WikiRequest) -> str:
    """The page a request of index.php or of the article path is for, underscores as spaces."""
    if request.path.startswith("/wiki/"):
        title = unquote(request.raw_path).removeprefix("/wiki/")
    else:
        title = request.params.get("title", "")
    return title.replace("_", " ").strip()


def text_reply(text: str, content_type: str, status: int = 200) -> Response:
    """Make a reply that is not a page."""
    return Response(text, status, {"Content-Type": content_type})
