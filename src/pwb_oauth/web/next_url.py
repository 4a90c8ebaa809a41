"""Where a visitor goes after signing in or out: to a path of this site, whatever was asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

HOME = "/"
MAX_LENGTH = 500
"""Bytes; what is pending goes into a cookie, and there may be five of them."""

# Browsers take a backslash for a slash, and leave tabs and line ends out.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u2028\u2029\ud800-\udfff]")


def safe_next_url(text: str | None, own_paths: Collection[str] = ()) -> str:
    """The path itself, or ``/`` for anything that could lead elsewhere.

    Args:
        text: What a form or a query asks for.
        own_paths: The paths at which visitors sign in and out; nobody goes back to them.
    """
    if not text or " " in text or len(text.encode("utf-8", "surrogatepass")) > MAX_LENGTH:
        return HOME
    path = unquote(urlsplit(text).path) if _is_path(text) else ""
    return text if path and path not in own_paths else HOME


def _is_path(text: str) -> bool:
    """Whether it is a path of this site, also for what decodes it once more on the way."""
    for _ in range(3):
        if _UNSAFE.search(text) or not text.startswith("/") or text.startswith("//"):
            return False
        decoded = unquote(text.partition("?")[0])
        if decoded == text:
            return True
        text = decoded
    return False
