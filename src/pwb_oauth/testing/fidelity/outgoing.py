"""Turns a recorded request into the one that is sent: values followed, signature made anew."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from pwb_oauth.testing.fidelity import signing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pwb_oauth.testing.fidelity.follow import Follower
    from pwb_oauth.testing.fidelity.recording import Exchange, Headers

_BOUNDARY = "----fidelity-7d1f0a52c3b84e96"
_FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Outgoing:
    """A request that is ready to be sent; ``url`` is that of the recorded server."""

    method: str
    url: str
    headers: Headers
    body: bytes | None

    def header(self, name: str) -> str | None:
        """Give the first header of that name, None if there is none; case makes no difference."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    @property
    def form_text(self) -> str | None:
        """The body where it is a form, else None: no other body is signed."""
        content_type = (self.header("Content-Type") or "").partition(";")[0].strip().lower()
        return (self.body or b"").decode() if content_type == _FORM_TYPE else None

    def with_header(self, name: str, value: str) -> Outgoing:
        """Give the same request with another value of a header that it has."""
        headers = ((n, value if n.lower() == name.lower() else v) for n, v in self.headers)
        return replace(self, headers=tuple(headers))

    def with_url(self, url: str) -> Outgoing:
        """Give the same request with another URL."""
        return replace(self, url=url)


def as_recorded(exchange: Exchange) -> Outgoing:
    """Give the request as it was sent to the recorded wiki (boundary of multipart bodies aside)."""
    headers, body = exchange.headers, (exchange.body or "").encode() or None
    if exchange.parts:
        body = _multipart([(part, part.get("value")) for part in exchange.parts])
        headers = _with_boundary(headers)
    return Outgoing(exchange.method, exchange.url, headers, body)


def followed(exchange: Exchange, follower: Follower, secrets: signing.Secrets) -> Outgoing:
    """Give the request with the live wiki's values in the place of the recorded ones.

    A request with OAuth 1.0a parameters is signed anew if a value was replaced: with the right
    secrets where the recorded signature verifies, with a wrong one where it does not. One in which
    nothing was replaced is sent with the signature it has.
    """
    recorded = as_recorded(exchange)
    request = Outgoing(
        exchange.method,
        _url(exchange, follower),
        tuple((n, _header(n, v, exchange, follower)) for n, v in recorded.headers),
        _body(exchange, follower),
    )
    if request == recorded or exchange.signature_verifies is None:
        return request
    return signing.signed(request, secrets, rightly=exchange.signature_verifies)


def announced(exchange: Exchange, prefix: str) -> frozenset[str]:
    """Give the names of the request's parameters that a recording calls volatile.

    Args:
        exchange: The exchange with its ``volatile``.
        prefix: ``request.url:`` and the like.
    """
    return frozenset(v.removeprefix(prefix) for v in exchange.volatile if v.startswith(prefix))


def _url(exchange: Exchange, follower: Follower) -> str:
    parts = urlsplit(exchange.url)
    query = follower.encoded_pairs(parts.query, announced(exchange, "request.url:"))
    return urlunsplit(parts._replace(query=query, path=follower.text(parts.path)))


def _header(name: str, value: str, exchange: Exchange, follower: Follower) -> str:
    if name.lower() == "authorization" and signing.is_oauth1(value):
        names = announced(exchange, "request.header:Authorization:")
        return signing.map_header(value, lambda n, v: follower.value(v, n in names))
    return follower.text(value)


def _body(exchange: Exchange, follower: Follower) -> bytes | None:
    if exchange.parts:
        names = announced(exchange, "request.part:")
        parts = (
            (part, None if "value" not in part else follower.value(part["value"], name in names))
            for part in exchange.parts
            for name in [part["name"]]
        )
        return _multipart(list(parts))
    if not exchange.body:
        return None
    types = [v.partition(";")[0].strip() for n, v in exchange.headers if n == "Content-Type"]
    if types == [_FORM_TYPE]:
        names = announced(exchange, "request.body:")
        return follower.encoded_pairs(exchange.body, names).encode()
    return _other_body(exchange.body, follower).encode()


def _other_body(body: str, follower: Follower) -> str:
    try:
        return follower.json_text(body)
    except ValueError:
        return follower.text(body)


def _multipart(parts: list[tuple[Mapping[str, Any], str | None]]) -> bytes:
    lines: list[bytes] = []
    for part, value in parts:
        lines.append(f"--{_BOUNDARY}".encode())
        lines += [f"{name}: {text}".encode() for name, text in part["headers"]]
        content = base64.b64decode(part["base64"]) if value is None else value.encode()
        lines += [b"", content]
    return b"\r\n".join([*lines, f"--{_BOUNDARY}--".encode(), b""])


def _with_boundary(headers: Headers) -> Headers:
    new = f'multipart/form-data; boundary="{_BOUNDARY}"'
    return tuple((n, new if n.lower() == "content-type" else v) for n, v in headers)
