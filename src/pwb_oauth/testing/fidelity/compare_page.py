"""Compares HTML pages as far as a person or a program acts upon them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pwb_oauth.testing.fidelity.difference import Difference
from pwb_oauth.testing.fidelity.places import query_of

if TYPE_CHECKING:
    from pwb_oauth.testing.fidelity.pages import Field, Form, Page
    from pwb_oauth.testing.fidelity.recording import Exchange

_RECORDED_TEXT = 1500
_FIRST_ERROR = 400


def page_differences(exchange: Exchange, recorded: Page, live: Page) -> list[Difference]:
    """Compare title, the sentence that says what happened, and the forms."""
    found = []
    if recorded.title != live.title:
        found.append(Difference("page title", recorded.title, live.title))
    if "html:text" not in exchange.volatile and _message(exchange, recorded) != _message(
        exchange, live
    ):
        message = _message(exchange, recorded), _message(exchange, live)
        found.append(Difference("page text", *message))
    if len(recorded.forms) != len(live.forms):
        found.append(Difference("number of forms", len(recorded.forms), len(live.forms)))
    for index, (there, here) in enumerate(zip(recorded.forms, live.forms, strict=False)):
        found += _form_differences(exchange, f"html:forms/{index}", there, here)
    return found


def _message(exchange: Exchange, page: Page) -> str:
    """Give the sentence that says what happened.

    That is all the text of an error page and the first sentence of another page without a form. A
    page with a form speaks by its fields.
    """
    if exchange.reply.status >= _FIRST_ERROR or "Error" in page.title:
        return page.text[:_RECORDED_TEXT]
    return "" if page.forms else page.text.partition(". ")[0].rstrip(".")


def _form_differences(exchange: Exchange, place: str, there: Form, here: Form) -> list[Difference]:
    found = _action_differences(exchange, place, there.action, here.action)
    if there.method != here.method:
        found.append(Difference(f"{place} method", there.method, here.method))
    if set(there.buttons) != set(here.buttons):
        found.append(Difference(f"{place} buttons", there.buttons, here.buttons))
    recorded, live = _by_name(there.fields), _by_name(here.fields)
    for name in recorded | live:
        volatile = f"{place}:{name}" in exchange.volatile
        shown = [_comparable(fields.get(name, []), volatile) for fields in (recorded, live)]
        if shown[0] != shown[1]:
            found.append(Difference(f"{place}:{name}", *(fields or None for fields in shown)))
    return found


def _action_differences(exchange: Exchange, place: str, there: str, here: str) -> list[Difference]:
    volatile = {
        name.removeprefix(f"{place}:action:")
        for name in exchange.volatile
        if name.startswith(f"{place}:action:")
    }
    queries = [
        {n: v for n, v in query_of(url).items() if n not in volatile} for url in (there, here)
    ]
    if urlsplit(there).path == urlsplit(here).path and queries[0] == queries[1]:
        return []
    return [Difference(f"{place} action", there, here)]


def _by_name(fields: list[Field]) -> dict[str, list[Field]]:
    named: dict[str, list[Field]] = {}
    for one in fields:
        named.setdefault(one.name, []).append(one)
    return named


def _comparable(fields: list[Field], volatile: bool) -> list[tuple[object, ...]]:
    return [
        (one.type, "…" if volatile and one.value else one.value, one.checked, one.options)
        for one in fields
    ]
