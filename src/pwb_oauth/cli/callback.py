"""A listener on this machine's loopback address, where the wiki sends the browser back to."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

from pwb_oauth.cli.waiting import wait_for
from pwb_oauth.credential import PENDING_LIFETIME
from pwb_oauth.errors import PendingExpiredError, PwbOAuthError, StateMismatchError
from pwb_oauth.wiki import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

DEFAULT_URL = "http://127.0.0.1:7926/callback"
"""What consumers are registered with unless somebody says otherwise.

Newer wikis let a consumer on 127.0.0.1 come back to any port, but not one on localhost. The port
lies below those that systems give away, and spells pwbo on a telephone.
"""

_SECONDS = PENDING_LIFETIME.total_seconds()
_DONE = "Done. Close this page, and go back to the terminal."
_FAILED = "That did not work. Close this page: the terminal says why."
_STRANGE = (
    "This address does not belong to the login that waits here. If you began another one, paste "
    "the address of this page there."
)

_SECONDS_FOR_REQUEST = 2

_T = TypeVar("_T")


class Source(Protocol):
    """Where the address that the browser ended on may come from."""

    def fileno(self) -> int:
        """What to wait for."""

    def take(self, offer: Callable[[str], bool]) -> None:
        """Offer what came, if it is an address.

        Raises:
            EOFError: Nothing more will come.
            StateMismatchError: What came belongs to something else, and there is no other.
        """


class CallbackListener:
    """Waits for the browser at a callback URL, and beside that for a typed address.

    Attributes:
        url: The callback URL, with the real port if port 0 was asked for.
        problem: Why nobody listens there; None if somebody does.
    """

    def __init__(self, url: str) -> None:
        """Begin to listen, if the URL is one of this machine."""
        self.url = url
        self.problem: str | None = None
        self._servers: list[_Server] = []
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "http" or not is_loopback(host):
            self.problem = f"{url} does not lead to this program"
            return
        try:
            self._listen(host, 80 if parts.port is None else parts.port, parts.path)
        except OSError as error:
            self.close()
            self.problem = _explain(error, url)
        if self._servers and parts.port == 0:
            self.url = url.replace(":0/", f":{self._servers[0].server_port}/", 1)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Free the port."""
        self.close()

    def close(self) -> None:
        """Free the port."""
        while self._servers:
            self._servers.pop().server_close()

    def wait(
        self,
        complete: Callable[[str], _T],
        *typed: Source,
        seconds: float = _SECONDS,
        say: Callable[[str], object] = str,
    ) -> _T:
        """Wait for the address that the browser ended on.

        An address that does not belong to what was begun changes nothing, so that nobody can end
        the wait, or log somebody in as another user, by sending a browser here. Nor does an error
        that a browser brings without state, as MediaWiki sends it and anybody could.

        Args:
            complete: Makes the result of the address, query included.
            *typed: Where the address may come from beside the browser.
            seconds: How long to wait.
            say: Tells the person what changes nothing.

        Raises:
            PendingExpiredError: Nobody came in time.
            EOFError: Nobody listens, and nothing more is typed.
            Exception: What ``complete`` raised, other than StateMismatchError.
        """
        attempt = _Attempt(complete, say)
        deadline = time.monotonic() + seconds
        sources: list[Source] = [*self._servers, *typed]
        while not attempt.outcome.done():
            if not sources:
                raise EOFError
            for source in _ready(sources, deadline - time.monotonic()):
                if not attempt.outcome.done():
                    _take(source, sources, attempt)
        return attempt.outcome.result()

    def _listen(self, host: str, port: int, path: str) -> None:
        for address in ("127.0.0.1", "::1") if host == "localhost" else (host,):
            try:
                self._servers.append(_Server(address, port, path or "/"))
            except OSError as error:
                # A machine without IPv6 has localhost all the same.
                if not self._servers or error.errno == errno.EADDRINUSE:
                    raise
            port = self._servers[0].server_port


def _ready(sources: list[Source], seconds: float) -> list[Source]:
    ready = wait_for(sources, seconds)
    if not ready:
        raise PendingExpiredError(
            "Nobody came back from the wiki within ten minutes, and it has forgotten what was "
            "begun. Begin again."
        )
    return ready


def _take(source: Source, sources: list[Source], attempt: _Attempt[_T]) -> None:
    try:
        is_browser = isinstance(source, _Server)
        source.take(attempt.offer_unproven if is_browser else attempt.offer)
    except EOFError:
        sources.remove(source)


def _explain(error: OSError, url: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Another program listens at {url}, perhaps another login"
    return f"Nobody can listen at {url} ({error.strerror})"


class _Attempt(Generic[_T]):
    """What came of the addresses that were offered."""

    def __init__(self, complete: Callable[[str], _T], say: Callable[[str], object]) -> None:
        self._complete = complete
        self._say = say
        self._said: set[str] = set()
        self.outcome: Future[_T] = Future()

    def offer(self, address: str) -> bool:
        """Try an address.

        Returns:
            Whether it worked; if not, the outcome says why.

        Raises:
            StateMismatchError: It belongs to something else. Wait on.
        """
        try:
            self.outcome.set_result(self._complete(address))
        except StateMismatchError:
            raise
        except Exception as error:  # noqa: BLE001  # the outcome raises it, past the HTTP server
            self.outcome.set_exception(error)
        return self.outcome.exception() is None

    def offer_unproven(self, address: str) -> bool:
        """Try an address that anybody may have sent a browser to."""
        query = parse_qs(urlsplit(address).query, keep_blank_values=True)
        if "error" not in query or "state" in query:
            return self.offer(address)
        try:
            self._complete(address)
        except PwbOAuthError as error:
            if isinstance(error, StateMismatchError):
                raise
            self._report(str(error).partition(". ")[0])
        return False

    def _report(self, reason: str) -> None:
        if reason not in self._said:
            self._said.add(reason)
            self._say(f"The browser reported: {reason}. Still waiting; press Ctrl-C to give up.")


class _Server(HTTPServer):
    # On Windows the same option lets others take the port away.
    allow_reuse_address = os.name == "posix"
    timeout = 0

    def __init__(self, host: str, port: int, path: str) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.path = path
        self.offer: Callable[[str], bool] = bool

    def server_bind(self) -> None:
        """Bind without asking the name service who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, self.allow_reuse_address)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def take(self, offer: Callable[[str], bool]) -> None:
        """Answer the request that is waiting; offer its address if it is to the callback."""
        self.offer = offer
        self.handle_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a browser that hangs up go; anything else is a mistake of ours."""


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # the other side was faster
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    # Browsers open connections in advance on which they never say anything.
    timeout = 1
    server_version, sys_version = "pwb-oauth", ""

    def setup(self) -> None:
        """Hang up on who takes too long in all, since a person may be typing meanwhile."""
        super().setup()
        self._hanging_up = threading.Timer(_SECONDS_FOR_REQUEST, _hang_up, [self.connection])
        self._hanging_up.daemon = True
        self._hanging_up.start()

    def finish(self) -> None:
        """Nothing is left to hang up."""
        self._hanging_up.cancel()
        super().finish()

    def do_GET(self) -> None:
        """Take the address, and tell the person to go back to the terminal."""
        self._hanging_up.cancel()
        server = cast("_Server", self.server)
        if self.path.partition("?")[0] != server.path:
            self._show(HTTPStatus.NOT_FOUND, "There is nothing here.")
            return
        try:
            worked = server.offer(self.path)
        except StateMismatchError:
            self._show(HTTPStatus.BAD_REQUEST, _STRANGE)
        else:
            self._show(HTTPStatus.OK, _DONE if worked else _FAILED)

    def _show(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        # The address holds the code.
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the address holds the code."""
