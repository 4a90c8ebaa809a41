"""Compares what the sandbox answered with what the real wiki answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from pwb_oauth.testing.fidelity.compare_json import json_differences, jwt_differences, matches
from pwb_oauth.testing.fidelity.compare_page import page_differences
from pwb_oauth.testing.fidelity.difference import Difference
from pwb_oauth.testing.fidelity.places import json_value, query_of, set_cookies

if TYPE_CHECKING:
    from pwb_oauth.testing.fidelity.recording import Exchange, Reply

# What a client may act upon. Date, Vary, ETag and Last-Modified are not compared.
_HEADERS = (
    "Allow",
    "Cache-Control",
    "Content-Type",
    "MediaWiki-API-Error",
    "MediaWiki-Login-Suppressed",
    "Retry-After",
    "WWW-Authenticate",
    "X-Database-Lag",
)
_REDIRECTS = range(300, 400)
_LISTS = frozenset({"allow", "cache-control", "access-control-allow-methods"})


def differences(exchange: Exchange, live: Reply) -> list[Difference]:
    """List how a live reply differs from the recorded one; nothing is the aim.

    Args:
        exchange: The recorded exchange, which says what is volatile.
        live: What the sandbox answered.
    """
    recorded = exchange.reply
    found = []
    if recorded.status != live.status:
        found.append(Difference("status", recorded.status, live.status))
    if exchange.status_only:
        return found
    found += _location_differences(exchange, live)
    if not exchange.by_browser:
        found += _header_differences(recorded, live)
        found += _cookie_differences(exchange, live)
    if recorded.status not in _REDIRECTS:  # a redirect's page is seen by nobody
        found += _body_differences(exchange, live)
    return found


def _location_differences(exchange: Exchange, live: Reply) -> list[Difference]:
    there, here = exchange.reply.header("Location"), live.header("Location")
    if there is None or here is None:
        return [] if there == here else [Difference("Location", there, here)]
    if urlsplit(there)[:3] != urlsplit(here)[:3]:
        return [Difference("Location", there, here)]
    recorded, found = query_of(there), query_of(here)
    return [
        Difference(f"Location:{name}", recorded.get(name), found.get(name))
        for name in recorded | found
        if recorded.get(name) != found.get(name)
        and not (f"header:Location:{name}" in exchange.volatile and found.get(name))
    ]


def _header_differences(recorded: Reply, live: Reply) -> list[Difference]:
    cors = {n.title() for r in (recorded, live) for n, _ in r.headers if _is_cors(n)}
    return [
        Difference(name, recorded.header(name), live.header(name))
        for name in (*_HEADERS, *sorted(cors))
        if _normal(name, recorded.header(name)) != _normal(name, live.header(name))
    ]


def _is_cors(name: str) -> bool:
    return name.lower().startswith("access-control-")


def _normal(name: str, value: str | None) -> str | None:
    """Fold what makes no difference: case and spaces of a media type, order of a list."""
    if value is None:
        return None
    if name.lower() == "content-type":
        return re.sub(r"\s", "", value).lower()
    if name.lower() in _LISTS:
        return ",".join(sorted(part.strip().lower() for part in value.split(",")))
    return value


def _cookie_differences(exchange: Exchange, live: Reply) -> list[Difference]:
    recorded, here = set_cookies(exchange.reply), set_cookies(live)
    found = []
    for name in recorded | here:
        place = f"header:Set-Cookie:{name}"
        if name not in recorded or name not in here:
            values = (cookies.get(name) for cookies in (recorded, here))
            found.append(Difference(place, *(value and value[0] for value in values)))
            continue
        (there_value, there), (here_value, attributes) = recorded[name], here[name]
        if there_value != here_value and place not in exchange.volatile:
            found.append(Difference(place, there_value, here_value))
        if f"{place}:expires" in exchange.volatile and "expires" in attributes:
            there, attributes = there | {"expires": ""}, attributes | {"expires": ""}
        if there != attributes:
            found.append(Difference(f"{place} attributes", there, attributes))
    return found


def _body_differences(exchange: Exchange, live: Reply) -> list[Difference]:
    recorded = exchange.reply
    if recorded.page is not None:
        if live.page is None:
            return [Difference("body", f"page {recorded.page.title!r}", live.body)]
        return page_differences(exchange, recorded.page, live.page)
    if live.page is not None:
        return [Difference("body", recorded.body, f"page {live.page.title!r} {live.page.text}")]
    if isinstance(json_value(recorded.body), (dict, list)):
        return json_differences(exchange, live) + jwt_differences(exchange, live)
    return _text_differences(exchange, live) + jwt_differences(exchange, live)


def _text_differences(exchange: Exchange, live: Reply) -> list[Difference]:
    recorded = exchange.reply.body or ""
    here = live.body or ""
    if "body:*" in exchange.volatile:
        return [] if matches(here, exchange.template.get("body:*")) else [_text(recorded, here)]
    if not any(place.startswith("body:") for place in exchange.volatile):
        return [] if recorded == here else [_text(recorded, here)]
    there_pairs, here_pairs = dict(parse_qsl(recorded)), dict(parse_qsl(here))
    if there_pairs.keys() != here_pairs.keys():
        return [_text(recorded, here)]
    return [
        Difference(f"body:{name}", value, here_pairs[name])
        for name, value in there_pairs.items()
        if value != here_pairs[name] and f"body:{name}" not in exchange.volatile
    ]


def _text(recorded: str, live: str) -> Difference:
    return Difference("body", recorded, live)
