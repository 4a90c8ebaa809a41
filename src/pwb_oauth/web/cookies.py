"""The cookies of a web tool, as its framework is to set them.

A cookie that is named ``__Host-`` comes from this host and no other, over https, for every path.
Source: RFC 6265bis, section 4.1.3.2.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pwb_oauth.credential import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY_BYTES = 32
_VALUE = re.compile(r"v1\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")
_PENDING = "pwb_oauth_pending_"
_STATE_DIGITS = 16


@dataclass(frozen=True)
class Cookie(Secret):
    """A cookie to set: HttpOnly, SameSite=Lax, Path=/, without a Domain.

    Attributes:
        name: Its name.
        value: What it holds; empty where it is to be deleted.
        max_age: How many seconds it lives; 0 deletes it.
        secure: Whether it goes over https alone.
    """

    name: str
    value: str = field(repr=False)
    max_age: int
    secure: bool


@dataclass(frozen=True)
class SessionCookie(Secret):
    """What the cookie of a user session holds: ``v1.<row id>.<key>``.

    Attributes:
        row_id: Which row of the store it opens: 32 hexadecimal digits.
        key: 32 random bytes that are nowhere else: the browser's half of what unseals the row.
    """

    row_id: str
    key: bytes = field(repr=False)

    @classmethod
    def new(cls) -> SessionCookie:
        """Make one for a new user session."""
        return cls(secrets.token_hex(16), secrets.token_bytes(_KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> SessionCookie | None:
        """Read one; None if it is anything else than :attr:`text` of one."""
        match = _VALUE.fullmatch(text)
        if match is None:
            return None
        cookie = cls(match[1], base64.urlsafe_b64decode(f"{match[2]}="))
        return cookie if cookie.text == text else None

    @property
    def text(self) -> str:
        """What the browser keeps."""
        return f"v1.{self.row_id}.{base64.urlsafe_b64encode(self.key).decode().rstrip('=')}"


class CookieNames:
    """What the cookies are called: where the callback URL is https, ``__Host-`` and secure.

    Attributes:
        secure: Whether they go over https alone.
        session: The name of the user session's.
    """

    def __init__(self, callback_url: str) -> None:
        """Go by the callback URL, which says how visitors reach this site."""
        self.secure = urlsplit(callback_url).scheme == "https"
        self._prefix = "__Host-" if self.secure else ""
        self.session = f"{self._prefix}pwb_oauth"

    def pending(self, state: str) -> str:
        """The name of the cookie of the attempt with this ``state`` or request token."""
        digest = hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self._prefix}{_PENDING}{digest[:_STATE_DIGITS]}"

    def all_pending(self, cookies: Iterable[str]) -> list[str]:
        """Those of the given names that are attempts'."""
        return [name for name in cookies if name.startswith(f"{self._prefix}{_PENDING}")]

    def deleted(self, name: str) -> Cookie:
        """What deletes a cookie."""
        return Cookie(name, "", 0, self.secure)
