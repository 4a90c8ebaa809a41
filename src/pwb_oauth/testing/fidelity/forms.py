"""Fills in the sandbox's own form as the recorded person filled in the real wiki's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urljoin

if TYPE_CHECKING:
    from pwb_oauth.testing.fidelity.outgoing import Outgoing
    from pwb_oauth.testing.fidelity.pages import Form, Page
    from pwb_oauth.testing.fidelity.recording import Exchange


@dataclass(frozen=True)
class Shown:
    """A page with forms that a browser shows: the recorded one and the sandbox's, and its URL."""

    url: str
    recorded: Page
    live: Page


def submitted(exchange: Exchange, request: Outgoing, shown: Shown) -> Outgoing:
    """Make the request that pressing the button in the sandbox's form sends.

    Args:
        exchange: The recorded submission: what the person typed, which button was pressed.
        request: The recorded request with its values followed.
        shown: The page on which the button is.

    Returns:
        ``request`` with action and fields of the sandbox's form; unchanged where the recorded
        request does not come from a form of that page, or the sandbox's page lacks the form.
    """
    index = _index(exchange, shown)
    if index is None or index >= len(shown.live.forms):
        return request
    form = shown.live.forms[index]
    body = urlencode(_pairs(form, parse_qsl(exchange.body or "", keep_blank_values=True)))
    url = urljoin(shown.url, form.action) if form.action else shown.url
    return replace(request, url=url, body=body.encode())


def _index(exchange: Exchange, shown: Shown) -> int | None:
    for index, form in enumerate(shown.recorded.forms):
        if urljoin(shown.url, form.action) == exchange.url:
            return index
    return None


def _pairs(form: Form, typed: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give the pairs in the recorded order; hidden fields that were not recorded come last."""
    hidden = {f.name: f.value for f in form.fields if f.type == "hidden"}
    others = {f.name for f in form.fields if f.type != "hidden"} | {b.name for b in form.buttons}
    pairs = []
    for name, value in typed:
        if name in hidden:
            pairs.append((name, hidden.pop(name)))
        elif name in others:
            pairs.append((name, value))
    return pairs + list(hidden.items())
