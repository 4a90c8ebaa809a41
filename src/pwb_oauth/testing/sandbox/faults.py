"""What can go wrong on the way: the wiki fails the next requests in a way that a test asks for."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox import edge

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.exchange import Context

FaultKind = Literal[
    "503", "hang", "cut", "html", "half-json", "empty", "edge-401", "maxlag", "badtoken"
]


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
        seconds: How long to hang, or what ``Retry-After`` says.
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
        """Fail.

        Returns:
            What to answer instead of the wiki; None to answer as usual, after having hung.

        Raises:
            ConnectionCutError: The connection is to be closed without an answer.
        """
        if fault.kind == "cut":
            raise ConnectionCutError
        if fault.kind == "hang":
            if self._closing.wait(fault.seconds):
                raise ConnectionCutError
            return None
        return _reply(fault)


def _reply(fault: Fault) -> Response:
    json_type = "application/json; charset=utf-8"
    wait = {"Retry-After": f"{fault.seconds:g}"}
    if fault.kind == "503":
        text = "Service Unavailable: our servers are under maintenance or have a problem."
        return Response(text, 503, wait, content_type="text/plain; charset=utf-8")
    if fault.kind == "html":
        return Response(
            "<!DOCTYPE html><title>Error</title><p>Something is wrong.</p>",
            200,
            content_type="text/html; charset=utf-8",
        )
    if fault.kind == "edge-401":
        return edge.refusal("Jwt is expired")
    if fault.kind == "maxlag":
        text = "Waiting for db1: 7 seconds lagged."
        return _api_error("maxlag", text, wait | {"X-Database-Lag": "7"})
    if fault.kind == "badtoken":
        return _api_error("badtoken", "Invalid CSRF token.", {})
    body = (
        '{"batchcomplete":true,"query":{"userinfo":{"id":4,"na' if fault.kind == "half-json" else ""
    )
    return Response(body, 200, content_type=json_type)


def _api_error(code: str, text: str, headers: dict[str, str]) -> Response:
    body = json.dumps({"error": {"code": code, "info": text}})
    named = headers | {"MediaWiki-API-Error": code}
    return Response(body, 200, named, content_type="application/json; charset=utf-8")
