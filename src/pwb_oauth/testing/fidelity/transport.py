"""Sends a request to the sandbox over HTTP, without cookies or redirects of its own."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pwb_oauth.testing.fidelity.pages import Page
from pwb_oauth.testing.fidelity.recording import Reply

if TYPE_CHECKING:
    from pwb_oauth.testing.fidelity.outgoing import Outgoing

_TIMEOUT_SECONDS = 20


class NoReplyError(Exception):
    """The sandbox did not answer a request."""


def send(address: str, request: Outgoing) -> Reply:
    """Send a request and read the reply.

    Args:
        address: ``HOST:PORT`` where the sandbox listens. The request keeps the recorded server's
            URL: its path, query and ``Host`` are sent, its port is not connected to.
        request: What to send.

    Raises:
        NoReplyError: The connection was refused or cut, or nothing came in 20 seconds.
    """
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    try:
        _write(connection, request)
        response = connection.getresponse()
        return _reply(response, response.read())
    except (OSError, http.client.HTTPException) as error:
        raise NoReplyError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _write(connection: http.client.HTTPConnection, request: Outgoing) -> None:
    parts = urlsplit(request.url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    if request.header("Host") is None:
        connection.putheader("Host", parts.netloc)
    for name, value in request.headers:
        connection.putheader(name, value)
    if request.body is not None or request.method in {"POST", "PUT", "PATCH"}:
        connection.putheader("Content-Length", str(len(request.body or b"")))
    connection.putheader("Connection", "close")
    connection.endheaders(request.body)


def _reply(response: http.client.HTTPResponse, content: bytes) -> Reply:
    text = content.decode("utf-8", "replace")
    headers = tuple(response.getheaders())
    content_type = response.getheader("Content-Type") or ""
    if text and content_type.startswith("text/html"):
        return Reply(response.status, headers, None, Page.from_html(text))
    return Reply(response.status, headers, text)
