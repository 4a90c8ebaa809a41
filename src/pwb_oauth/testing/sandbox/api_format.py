"""How api.php writes a result down: JSON in two versions, XML, or nothing.

Handlers build results in the shape of formatversion 2. What version 1 writes differently is marked
with the classes of this module, and booleans are converted everywhere else: true becomes an empty
string, false is left out.

Source: https://www.mediawiki.org/wiki/API:JSON_version_2
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr


class Content(str):
    """The text of its object: version 1 keeps it under ``*``, XML between the tags."""

    __slots__ = ()


class AsIs(dict[str, Any]):
    """An object whose booleans stay booleans in version 1, such as a user's options."""


class PagesById(dict[int, dict[str, Any]]):
    """Pages by number, in the order found: a list in version 2, sorted by number."""


def to_json(result: Mapping[str, Any], version: int) -> str:
    """Write a result as JSON.

    Args:
        result: Shaped for version 2.
        version: 1 or 2.
    """
    if version == 1:
        return json.dumps(_as_version_1(result), separators=(",", ":"))
    return json.dumps(_as_version_2(result), separators=(",", ":"), ensure_ascii=False)


def _as_version_2(value: Any) -> Any:
    if isinstance(value, PagesById):
        return [_as_version_2(value[number]) for number in sorted(value)]
    if isinstance(value, Mapping):
        return {name: _as_version_2(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_version_2(item) for item in value]
    return value


def _as_version_1(value: Any) -> Any:
    if isinstance(value, AsIs):
        return dict(value)
    if isinstance(value, Mapping):
        return {
            "*" if isinstance(item, Content) else str(name): _as_version_1(item)
            for name, item in value.items()
            if item is not False
        }
    if isinstance(value, (list, tuple)):
        return [_as_version_1(item) for item in value]
    return "" if value is True else value


# What XML calls the items of a list; anything else is called as ApiResult's default, ``_v``.
_TAGS = {
    "pages": "page",
    "revisions": "rev",
    "allpages": "p",
    "recentchanges": "rc",
    "logevents": "item",
    "namespaces": "ns",
    "errors": "error",
    "rights": "r",
    "groups": "g",
    "normalized": "n",
    "redirects": "r",
    "protection": "pr",
    "imageinfo": "ii",
}


def to_xml(result: Mapping[str, Any]) -> str:
    """Write a result as XML."""
    return f'<?xml version="1.0"?>{_element("api", result)}'


def _element(tag: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return _tagged(tag, {}, "".join(_element(_TAGS.get(tag, "_v"), item) for item in value))
    if not isinstance(value, Mapping):
        return _tagged(tag, {}, escape(str(value)))
    if isinstance(value, PagesById):
        return _element(tag, list(value.values()))
    attributes, inside = {}, ""
    for name, item in value.items():
        if isinstance(item, Content):
            inside += escape(item)
            attributes["xml:space"] = "preserve"
        elif isinstance(item, (Mapping, list, tuple)):
            inside += _element(str(name), item)
        elif item is not False and item is not None:
            attributes[str(name)] = "" if item is True else str(item)
    return _tagged(tag, attributes, inside)


def _tagged(tag: str, attributes: Mapping[str, str], inside: str) -> str:
    start = tag + "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{start}>{inside}</{tag}>" if inside else f"<{start} />"


def render(result: Mapping[str, Any], name: str, version: int) -> tuple[str, str]:
    """Write a result in the format that a request names.

    Args:
        result: Shaped for version 2.
        name: The parameter ``format``; with ``fm`` behind it, a page for people to read.
        version: The parameter ``formatversion``.

    Returns:
        The body and its content type.
    """
    if name.endswith("fm"):
        text = escape(json.dumps(json.loads(to_json(result, version)), indent=4))
        page = f"<!DOCTYPE html><html><head><title>MediaWiki API result</title></head><body>{text}"
        return f"{page}</body></html>", "text/html; charset=utf-8"
    writers: dict[str, tuple[Callable[[], str], str]] = {
        "json": (lambda: to_json(result, version), "application/json; charset=utf-8"),
        "xml": (lambda: to_xml(result), "text/xml; charset=utf-8"),
        "none": (lambda: "", "text/plain; charset=utf-8"),
    }
    write, content_type = writers[name]
    return write(), content_type
