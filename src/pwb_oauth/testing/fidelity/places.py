"""The recordings' names of places in a reply: ``body:/query/tokens/csrftoken`` and the like."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from pwb_oauth.testing.fidelity.recording import Reply


def value_at(reply: Reply, place: str) -> Any:
    """Give the value at a place of a reply, None where the reply has no such place.

    Args:
        reply: A recorded or a live reply.
        place: A name as in ``volatile`` of a recording.
    """
    kind, _, rest = place.partition(":")
    if kind == "body":
        return _in_body(reply, rest)
    if kind == "header":
        return _in_header(reply, rest)
    if kind == "html":
        return _in_page(reply, rest)
    return None


def json_value(body: str | None) -> Any:
    """Read a JSON body, None where it is none."""
    try:
        return json.loads(body or "")
    except ValueError:
        return None


def at_pointer(document: Any, pointer: str) -> Any:
    """Follow a JSON pointer (RFC 6901), None where it leads nowhere."""
    for raw in pointer.split("/")[1:]:
        key = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    return document


def set_cookies(reply: Reply) -> dict[str, tuple[str, dict[str, str]]]:
    """Give the cookies a reply sets: name to value and attributes (lower case); the last counts."""
    cookies = {}
    for name, text in reply.headers:
        if name.lower() != "set-cookie":
            continue
        pair, *attributes = (part.strip() for part in text.split(";"))
        key, _, value = pair.partition("=")
        split = (attribute.partition("=") for attribute in attributes)
        cookies[key] = (value, {n.strip().lower(): v.strip() for n, _, v in split})
    return cookies


def query_of(url: str) -> dict[str, str]:
    """Give the query parameters of a URL, decoded; the last of equal names counts."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def _in_body(reply: Reply, rest: str) -> Any:
    if rest == "*":
        return reply.body
    if rest.startswith("/"):
        return at_pointer(json_value(reply.body), rest)
    return dict(parse_qsl(reply.body or "", keep_blank_values=True)).get(rest)


def _in_header(reply: Reply, rest: str) -> str | None:
    name, _, inside = rest.partition(":")
    if name.lower() == "location" and inside:
        return query_of(reply.header("Location") or "").get(inside)
    if name.lower() == "set-cookie":
        cookie, _, attribute = inside.partition(":")
        value, attributes = set_cookies(reply).get(cookie, (None, {}))
        return attributes.get(attribute) if attribute else value
    return reply.header(name)


def _in_page(reply: Reply, rest: str) -> str | None:
    if reply.page is None:
        return None
    if not rest.startswith("forms/"):
        return str(getattr(reply.page, rest))
    index, _, inside = rest.removeprefix("forms/").partition(":")
    if int(index) >= len(reply.page.forms):
        return None
    form = reply.page.forms[int(index)]
    if inside.startswith("action:"):
        return query_of(form.action).get(inside.removeprefix("action:"))
    return next((f.value for f in form.fields if f.name == inside), None)
