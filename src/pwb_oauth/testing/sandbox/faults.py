"""What can go wrong on the way: the wiki fails the next requests in a way that a test asks for."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox import edge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.testing.sandbox.exchange import Context

FaultKind = Literal[
    "401",
    "429",
    "503",
    "badtoken",
    "cut",
    "edge-401",
    "empty",
    "half-json",
    "hang",
    "html",
    "jwt",
    "lost",
    "maxlag",
    "redirect",
    "trickle",
]

_JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"

# Status, type and body of what comes in the place of the wiki's answer.
_REPLIES: dict[str, tuple[int, str, str]] = {
    "401": (401, _HTML, "<!DOCTYPE html><title>401</title><p>This token is not accepted."),
    "429": (429, _HTML, "<!DOCTYPE html><title>429</title><p>Too many requests."),
    "503": (
        503,
        _TEXT,
        "Service Unavailable: our servers are under maintenance or have a problem.",
    ),
    "empty": (200, _JSON, ""),
    "half-json": (200, _JSON, '{"batchcomplete":true,"query":{"userinfo":{"id":4,"na'),
    "html": (200, _HTML, "<!DOCTYPE html><title>Error</title><p>Something is wrong.</p>"),
    "redirect": (302, _HTML, ""),
}

# Code and text of errors of api.php, which have the status 200.
_API_ERRORS: dict[str, tuple[str, str]] = {
    "badtoken": ("badtoken", "Invalid CSRF token."),
    "jwt": (
        "mwoauth-invalid-authorization-jwt",
        "Invalid 'sessionJwt' cookie: JWT error: wrong subject",
    ),
    "maxlag": ("maxlag", "Waiting for db1: 7 seconds lagged."),
}

_MAY_RETRY = ("429", "503", "maxlag")


class ConnectionCutError(ConnectionError):
    """Raised inside the server to close a connection without an answer."""


@dataclass
class Fault:
    """A way to fail, and for which requests.

    Attributes:
        kind: One of `FaultKind`.
        count: How many requests are left to fail.
        path: The end of the path, ``/api.php`` or ``oauth2/access_token``; None for any.
        action: api.php's ``action``; None for any.
        user: The name of the account that makes a request of api.php or rest.php; None for any.
        seconds: How long to hang, how long the answer takes, or what ``Retry-After`` says.
    """

    kind: FaultKind
    count: int
    path: str | None = None
    action: str | None = None
    user: str | None = None
    seconds: float = 5

    def matches(self, context: Context) -> bool:
        """Whether it is meant for a request."""
        request = context.request
        return (
            self.count > 0
            and (self.path is None or request.path.endswith(self.path))
            and (self.action is None or request.params.get("action") == self.action)
            and (self.user is None or self.user == context.user_name)
        )


class Faults:
    """The faults that are waiting for a request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._closing = threading.Event()

    def add(self, fault: Fault) -> None:
        """Let the next matching requests fail.

        Raises:
            ValueError: No such kind of fault.
        """
        if fault.kind not in get_args(FaultKind):
            known = ", ".join(get_args(FaultKind))
            raise ValueError(f"No such fault {fault.kind!r}; there are {known}.")
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()

    def close(self) -> None:
        """Let go of every request that hangs."""
        self._closing.set()

    def pick(self, context: Context) -> Fault | None:
        """Find the fault that waits for a request, and count it."""
        with self._lock:
            self._waiting = [fault for fault in self._waiting if fault.count > 0]
            for fault in self._waiting:
                if fault.matches(context):
                    fault.count -= 1
                    return fault
        return None

    def act(self, fault: Fault) -> Response | None:
        """Fail before the wiki sees the request.

        Returns:
            What to answer instead of the wiki; None to let the wiki do what was asked, be it after
            having hung, be it before :meth:`spoil` is asked.

        Raises:
            ConnectionCutError: The connection is to be closed without an answer.
        """
        if fault.kind in ("lost", "trickle"):
            return None
        if fault.kind == "cut":
            raise ConnectionCutError
        if fault.kind == "hang":
            if self._closing.wait(fault.seconds):
                raise ConnectionCutError
            return None
        return _reply(fault)

    def spoil(self, fault: Fault, reply: Response) -> None:
        """Fail after the wiki did what was asked.

        Raises:
            ConnectionCutError: The answer is to be lost.
        """
        if fault.kind == "lost":
            raise ConnectionCutError
        if fault.kind == "trickle":
            body = reply.get_data()
            reply.response = self._trickle(body, fault.seconds)
            reply.content_length = len(body)

    def _trickle(self, body: bytes, seconds: float) -> Iterator[bytes]:
        """Give a body in a hundred parts, over so many seconds."""
        size = len(body) // 100 + 1
        for start in range(0, len(body), size):
            if self._closing.wait(seconds * size / len(body)):
                raise ConnectionCutError
            yield body[start : start + size]


def _reply(fault: Fault) -> Response:
    if fault.kind == "edge-401":
        return edge.refusal("Jwt is expired")
    if fault.kind in _API_ERRORS:
        code, info = _API_ERRORS[fault.kind]
        body = json.dumps({"error": {"code": code, "info": info}})
        reply = Response(body, 200, {"MediaWiki-API-Error": code}, content_type=_JSON)
    else:
        status, content_type, body = _REPLIES[fault.kind]
        reply = Response(body, status, content_type=content_type)
    reply.headers.extend(_headers(fault))
    return reply


def _headers(fault: Fault) -> dict[str, str]:
    headers = {"Retry-After": f"{fault.seconds:g}"} if fault.kind in _MAY_RETRY else {}
    if fault.kind == "401":
        headers["WWW-Authenticate"] = edge.CHALLENGE
    if fault.kind == "maxlag":
        headers["X-Database-Lag"] = "7"
    if fault.kind == "redirect":
        headers["Location"] = "http://elsewhere.invalid/w/api.php"
    return headers
