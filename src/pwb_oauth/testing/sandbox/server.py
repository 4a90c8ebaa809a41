"""The HTTP server: threads, routing, the log of requests."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox import edge
from pwb_oauth.testing.sandbox.exchange import Context, WikiRequest, text_reply
from pwb_oauth.testing.sandbox.faults import ConnectionCutError, Faults
from pwb_oauth.testing.sandbox.sessions import Caller

if TYPE_CHECKING:
    from datetime import datetime

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.datastructures import Headers

    from pwb_oauth.testing.sandbox.clock import Clock
    from pwb_oauth.testing.sandbox.model import WikiState

Handler = Callable[[Context], Response]
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class LogEntry:
    """One request and what was answered.

    Attributes:
        time: The wiki's time when the request came, aware UTC.
        method: ``GET``, ``POST``, ….
        path: Without the query.
        action: api.php's ``action``, None elsewhere.
        user: The account it was made by, None for anonymous or a refused credential.
        mechanism: ``none``, ``cookie``, ``botpassword``, ``oauth1``, ``oauth2``.
        status: HTTP status; 0 if the connection was cut without an answer.
        error: api.php's error code, None if there was none.
        params: Query and form. They may hold secrets, as may the headers.
        headers: Of the request; case does not matter.
    """

    time: datetime
    method: str
    path: str
    action: str | None
    user: str | None
    mechanism: str
    status: int
    error: str | None
    params: Mapping[str, str]
    headers: Headers

    def __repr__(self) -> str:
        """Show what happened, without headers and parameters: they hold secrets."""
        what = f"{self.method} {self.path} {self.action or ''}".rstrip()
        who = f"{self.user or 'nobody'} by {self.mechanism}"
        return f"<LogEntry {what}, {who}: {self.status} {self.error or ''}>"


class RequestLog:
    """The requests that the wiki answered last, the oldest first.

    Attributes:
        limit: How many are kept; None for all of them.
        dropped: How many were not.
    """

    def __init__(self) -> None:
        self.limit: int | None = 1000
        self.dropped = 0
        self._lock = threading.Lock()
        self._entries: deque[LogEntry] = deque()
        self._watcher: Callable[[LogEntry], None] | None = None

    def __iter__(self) -> Iterator[LogEntry]:
        """Give the entries that are kept, the oldest first."""
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        """Count the entries that are kept."""
        return len(self._entries)

    def __getitem__(self, index: int) -> LogEntry:
        """Give one entry; -1 is the newest."""
        return self._entries[index]

    def append(self, entry: LogEntry) -> None:
        """Add an entry."""
        with self._lock:
            self._entries.append(entry)
            while self.limit is not None and len(self._entries) > self.limit:
                self._entries.popleft()
                self.dropped += 1
            if self._watcher is not None:
                self._watcher(entry)

    def watch(self, watcher: Callable[[LogEntry], None]) -> None:
        """Call something for every entry from here on, one at a time, in the wiki's threads."""
        self._watcher = watcher

    def clear(self) -> None:
        """Forget what was asked so far."""
        with self._lock:
            self._entries.clear()
            self.dropped = 0

    def select(self, **wanted: Any) -> list[LogEntry]:
        """Find entries by their attributes: ``select(action="edit", user="Alice")``."""
        return [
            entry
            for entry in self
            if all(getattr(entry, name) == value for name, value in wanted.items())
        ]


class _QuietRequestHandler(WSGIRequestHandler):
    """Answers one request a connection, as PHP's own server does, and writes nothing to stderr."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Drop the line: the sandbox keeps its own log."""

    def connection_dropped(
        self,
        error: BaseException,  # noqa: ARG002 - werkzeug's signature
        environ: WSGIEnvironment | None = None,  # noqa: ARG002
    ) -> None:
        """Close the connection, be it that the client went away or that a test wanted it cut."""
        self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
        """Give the header ``Date``, by the wiki's clock."""
        return http_date(cast("_Server", self.server).clock.now)


class _Server(ThreadedWSGIServer):
    """Waits for its threads when it closes, and lets go of clients that never send a request."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, port: int, app: Any, clock: Clock) -> None:
        self.clock = clock
        self._open: set[socket.socket] = set()
        # Werkzeug ends the program where a port is taken; this raises OSError.
        with socket.create_server((_HOST, port), backlog=self.request_queue_size) as listener:
            super().__init__(_HOST, port, app, _QuietRequestHandler, fd=listener.fileno())

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection while it is open."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def stop_reading(self) -> None:
        """End every wait for a request; answers under way are still written."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Drop the line: the sandbox keeps its own log."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""


class WikiServer:
    """Listens on loopback and hands each request to the handler of its path.

    Args:
        wiki: The state; `wiki` may be set to another one later.
        handlers: By path; one that ends with a slash is for everything below it.
        faults: What is to go wrong.
        port: Where to listen, 0 for any free port.
    """

    def __init__(
        self, wiki: WikiState, handlers: Mapping[str, Handler], faults: Faults, port: int = 0
    ) -> None:
        self.wiki = wiki
        self.log = RequestLog()
        self.errors: list[Exception] = []
        self._handlers = handlers
        self._faults = faults
        self._server = _Server(port, self._answer, wiki.clock)
        self.port: int = self._server.port
        # A daemon, so that a wiki that nobody closed does not keep the program from ending.
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(0.02,),
            name=f"sandbox wiki :{self.port}",
            daemon=True,
        )
        self._thread.start()

    def wait(self) -> None:
        """Return when it is closed; Ctrl-C raises KeyboardInterrupt."""
        self._thread.join()

    def close(self) -> None:
        """Stop listening, let hanging requests go, and wait for every thread."""
        self._faults.close()
        self._server.shutdown()
        # Before the join: the serving thread waits for all others before it ends.
        self._server.stop_reading()
        self._thread.join()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            request = WikiRequest(environ)
        except (HTTPException, OSError):
            # Half a body, or one whose length is none: a web server's answer, not the wiki's.
            bad = text_reply("Bad Request", "text/plain; charset=UTF-8", 400)
            return bad(environ, start_response)
        context = Context(self.wiki, request)
        started = context.wiki.now
        try:
            reply = self._reply(context)
        except ConnectionCutError:
            self._note(context, started, None)
            raise
        for cookie in context.cookies:
            reply.headers.add("Set-Cookie", cookie)
        # Werkzeug would make Location absolute and drop what it does not like in it.
        reply.autocorrect_location_header = False
        self._note(context, started, reply)
        return reply(environ, start_response)

    def _reply(self, context: Context) -> Response:
        with context.wiki.lock:
            fault = self._faults.pick(context)
        if fault is None:
            return self._ask_wiki(context)
        reply = self._faults.act(fault)
        if reply is None:
            reply = self._ask_wiki(context)
            self._faults.spoil(fault, reply)
        return reply

    def _ask_wiki(self, context: Context) -> Response:
        handler = self._handler(context.request.path)
        with context.wiki.lock:
            try:
                reply = edge.refuse(context) or handler(context)
                # Asked now, under the lock, for the log.
                _ = context.caller
            except Exception as error:  # noqa: BLE001 - kept, and raised again by close()
                self.errors.append(error)
                text = f"[sandbox] Caught exception of type {type(error).__name__}"
                return text_reply(text, "text/plain; charset=UTF-8", 500)
        return reply

    def _handler(self, path: str) -> Handler:
        for place, handler in self._handlers.items():
            below = place.endswith("/") and place != "/" and path.startswith(place)
            if path == place or below:
                return handler
        return _not_found

    def _note(self, context: Context, started: datetime, reply: Response | None) -> None:
        request = context.request
        is_api = request.path.endswith("/api.php")
        # Not asked for here: asking burns a nonce, and a fault may have come before the wiki.
        caller = context.__dict__.get("caller", Caller())
        self.log.append(
            LogEntry(
                time=started,
                method=request.method,
                path=request.path,
                action=request.params.get("action") if is_api else None,
                user=caller.user.name if caller.user else None,
                mechanism=caller.mechanism,
                status=reply.status_code if reply else 0,
                error=reply.headers.get("MediaWiki-API-Error") if reply else None,
                params=request.params,
                headers=request.headers,
            )
        )


def _not_found(context: Context) -> Response:
    text = f"The requested resource {context.request.path} was not found on this server."
    return text_reply(text, "text/plain; charset=UTF-8", 404)
