"""What a person at a browser does: sign in, read, press Allow or Cancel, over real HTTP."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests

if TYPE_CHECKING:
    from typing_extensions import Self

_MOST_HOPS = 12
_TIMEOUT = 30


class FormReader(HTMLParser):
    """Reads the first form of a page: where it goes, its fields and its buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self.buttons: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form, a field or a button."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = found.get("action", "")
        elif tag == "button":
            self.buttons[found["name"]] = found["value"]
        elif tag == "input" and (found["type"] != "checkbox" or "checked" in found):
            self.fields.append((found["name"], found["value"]))


class Browser:
    """A browser with cookies of its own, on one wiki.

    Args:
        url: Where the wiki really listens; the server name in its redirects may be another.
        server: That server name.
    """

    def __init__(self, url: str, server: str) -> None:
        self._url = url
        self._server = server
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = "A person's browser"

    def __enter__(self) -> Self:
        """Give the browser."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its connections."""
        self._session.close()

    def approve(self, address: str, *, user: str, password: str, allow: bool) -> str:
        """Follow an authorization link to its end.

        Args:
            address: The link that an application sent the user to.
            user: Who signs in, when the wiki asks.
            password: Their password.
            allow: Which button to press.

        Returns:
            The address on which the browser ends: outside the wiki, not fetched, or the wiki's
            page that has nothing more to press.
        """
        reply = self._get(address)
        for _ in range(_MOST_HOPS):
            if reply.is_redirect:
                address = urljoin(address, reply.headers["Location"])
                if not self._is_own(address):
                    return address
                reply = self._get(address)
                continue
            form = FormReader(reply.text)
            answers = self._answers(form, user, password, allow=allow)
            if form.action is None or answers is None:
                return address
            address = urljoin(address, form.action)
            reply = self._send(address, answers)
            if not reply.is_redirect:
                return address
        return address

    def _answers(
        self, form: FormReader, user: str, password: str, *, allow: bool
    ) -> list[tuple[str, str]] | None:
        typed = {"wpName": user, "wpPassword": password}
        fields = [(name, typed.get(name, value)) for name, value in form.fields]
        for name in ("wploginattempt", "accept" if allow else "cancel"):
            if name in form.buttons:
                return [*fields, (name, form.buttons[name])]
        return None

    def _is_own(self, address: str) -> bool:
        places = {urlsplit(self._url)[:2], urlsplit(self._server)[:2]}
        path = urlsplit(address).path
        return urlsplit(address)[:2] in places and path.startswith(("/w/", "/wiki/"))

    def _real(self, address: str) -> str:
        own = urlsplit(self._url)
        return urlsplit(address)._replace(scheme=own.scheme, netloc=own.netloc).geturl()

    def _get(self, address: str) -> requests.Response:
        return self._session.get(self._real(address), allow_redirects=False, timeout=_TIMEOUT)

    def _send(self, address: str, fields: list[tuple[str, str]]) -> requests.Response:
        return self._session.post(
            self._real(address), data=fields, allow_redirects=False, timeout=_TIMEOUT
        )
