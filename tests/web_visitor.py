"""A visitor of a web tool without a browser: cookies, pages, forms, and the wiki's consent."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import requests

if TYPE_CHECKING:
    from typing_extensions import Self

    from web_examples import Tool


@dataclass
class Form:
    """A form of a page; ``says`` is the text of its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    says: str = ""


class _Forms(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._in_button = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", "")))
        elif tag == "input" and self.found:
            self.found[-1].fields[given.get("name", "")] = given.get("value", "")
        self._in_button = tag == "button"

    def handle_endtag(self, tag: str) -> None:
        self._in_button = self._in_button and tag != "button"

    def handle_data(self, data: str) -> None:
        if self._in_button and self.found:
            self.found[-1].says += data.strip()


class Visitor:
    """Somebody with an account on the wiki, on a web tool.

    Attributes:
        reply: The page that is open.
    """

    def __init__(self, name: str, tool: Tool) -> None:
        self.name = name
        self.tool = tool
        self.session = requests.Session()
        self.session.trust_env = False
        self.reply = requests.Response()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    @property
    def text(self) -> str:
        """The page that is open."""
        return self.reply.text

    def open(self, path: str = "/") -> requests.Response:
        """Go to a page of the tool."""
        self.reply = self.session.get(urljoin(self.tool.url, path), timeout=30)
        return self.reply

    def press(self, says: str, action: str = "", *, follow: bool = True) -> requests.Response:
        """Press the first button that says so, in a form that goes to an address that ends so."""
        [form, *_] = [
            form
            for form in _Forms(self.reply.text).found
            if form.says == says and form.action.endswith(action)
        ]
        address = urljoin(self.reply.url, form.action)
        headers = {"Referer": self.reply.url, "Origin": self.tool.url}
        self.reply = self.session.post(
            address, data=form.fields, headers=headers, timeout=30, allow_redirects=follow
        )
        return self.reply

    def sign_in(self, says: str) -> Self:
        """Press the tool's button, allow the access on the wiki, and come back."""
        self.open()
        self.press(says, follow=False)
        back = self.tool.wiki.approve(self.reply.headers["Location"], self.name)
        self.reply = self.session.get(back, timeout=30)
        return self
