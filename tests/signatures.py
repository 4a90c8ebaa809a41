"""Signed requests, checked without the library that signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

if TYPE_CHECKING:
    import requests


def oauth_header(request: requests.PreparedRequest) -> dict[str, str]:
    """The parameters of an Authorization header."""
    text = request.headers["Authorization"]
    assert text.startswith("OAuth ")
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', text)}


def verifies(request: requests.PreparedRequest, secrets: str, body: str = "") -> bool:
    """Check a signature by RFC 5849 section 3.4, without the library that made it."""
    header = oauth_header(request)
    signature = header.pop("oauth_signature")
    parts = urlsplit(request.url)
    pairs = list(header.items())
    for text in (parts.query, body):
        pairs += [(n, v) for n, vs in parse_qs(text, keep_blank_values=True).items() for v in vs]

    def escape(text: str) -> str:
        return quote(text, safe="-._~")

    normal = "&".join(f"{n}={v}" for n, v in sorted((escape(n), escape(v)) for n, v in pairs))
    address = f"{parts.scheme}://{parts.netloc}{parts.path}"
    base = "&".join(map(escape, (request.method, address, normal)))
    made = hmac.digest(secrets.encode(), base.encode(), hashlib.sha1)
    return base64.b64encode(made).decode() == signature
