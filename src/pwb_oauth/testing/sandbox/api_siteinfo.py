"""``meta=siteinfo``: what the wiki is. Most of it is data (``data/siteinfo.json``)."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_format import Content
from pwb_oauth.testing.sandbox.wikitext import links, redirect_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import Page, WikiState

_WITHOUT_SUBPAGES = {-2, -1, 0, 6, 14}
_CANONICAL = {-2: "Media", -1: "Special", 4: "Project", 5: "Project talk"}
_GROUP_ORDER = (
    "*",
    "user",
    "autoconfirmed",
    "bot",
    "sysop",
    "interface-admin",
    "bureaucrat",
    "suppress",
)


@cache
def static_siteinfo() -> dict[str, Any]:
    """Read what is the same in every sandbox wiki; by the name in ``siprop=``."""
    text = resources.files(__package__).joinpath("data/siteinfo.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def siteinfo(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Describe the wiki by the properties that are asked for."""
    return {
        name: _LIVE[name](call) if name in _LIVE else _as_content(name, static_siteinfo()[name])
        for name in given["prop"] or []
    }


# Which entry of a property's objects version 1 keeps under ``*``.
_CONTENT = {"languages": "name", "namespacealiases": "alias", "skins": "name"}


def _as_content(name: str, value: Any) -> Any:
    key = _CONTENT.get(name)
    if key is None:
        return value
    return [{**item, key: Content(item[key])} for item in value]


def _general(call: Call) -> dict[str, Any]:
    site, settings = call.wiki.site, call.wiki.description["site"]
    script = site.script_path
    own = {
        "mainpage": "Main Page",
        "base": f"{site.server}/wiki/Main_Page",
        "sitename": site.name,
        "logo": f"{site.server}{script}/resources/assets/change-your-logo.svg",
        "favicon": f"{site.server}/favicon.ico",
        "generator": call.wiki.behaviour.generator,
        "lang": site.language,
        "articlepath": "/wiki/$1",
        "scriptpath": script,
        "script": f"{script}/index.php",
        "server": site.server,
        "servername": urlsplit(site.server).hostname or "",
        "wikiid": site.dbname,
        "time": timestamp(call.wiki.now),
        "uploadsenabled": settings["uploads"],
        "minuploadchunksize": settings["min_upload_chunk_size"],
    }
    return {**static_siteinfo()["general"], **own}


def _namespaces(call: Call) -> dict[str, Any]:
    described: dict[str, Any] = {}
    for ns, name in sorted(call.wiki.namespaces.items()):
        described[str(ns)] = {
            "id": ns,
            "case": "first-letter",
            "name": Content(name),
            "subpages": ns not in _WITHOUT_SUBPAGES,
            **({"canonical": _CANONICAL.get(ns, name)} if ns else {}),
            "content": ns == 0,
            "nonincludable": False,
            **({"namespaceprotection": "editinterface"} if name == "MediaWiki" else {}),
        }
    return described


def _statistics(call: Call) -> dict[str, Any]:
    wiki, set_up = call.wiki, call.wiki.description
    last = max((_last_revision(page) for page in set_up["pages"]), default=0)
    revisions = [each.revid for page in wiki.pages.values() for each in page.revisions]
    return {
        "pages": len(wiki.pages),
        "articles": sum(_is_article(wiki, page) for page in wiki.pages.values()),
        "edits": set_up["statistics"]["edits"] + sum(revid > last for revid in revisions),
        "images": len(wiki.files),
        "users": set_up["statistics"]["users"] + len(wiki.users) - len(set_up["users"]),
        "activeusers": set_up["statistics"]["activeusers"],
        "admins": sum("sysop" in user.groups for user in wiki.users.values()),
        "jobs": 0,
    }


def _last_revision(page: dict[str, Any]) -> int:
    latest = page["latest_revision"]
    return int(latest if isinstance(latest, int) else latest["revid"])


def _is_article(wiki: WikiState, page: Page) -> bool:
    text = page.latest.text
    return page.ns == 0 and redirect_target(wiki, text) is None and bool(links(wiki, text))


def _user_groups(call: Call) -> list[dict[str, Any]]:
    groups = call.wiki.groups
    known = [name for name in _GROUP_ORDER if name in groups]
    ordered = [*known, *(name for name in groups if name not in known)]
    return [{"name": name, "rights": groups[name]} for name in ordered]


def _extensions(call: Call) -> list[dict[str, Any]]:
    del call
    start = "/wiki/Special:Version/License/"
    return [
        {**each, "license": start + each["license"]} for each in static_siteinfo()["extensions"]
    ]


def _file_extensions(call: Call) -> list[dict[str, Any]]:
    return [{"ext": name} for name in call.wiki.description["site"]["file_extensions"]]


def _restrictions(call: Call) -> dict[str, Any]:
    settings = call.wiki.description["site"]
    return {
        "types": settings["restriction_types"],
        "levels": settings["restriction_levels"],
        "cascadinglevels": ["sysop"],
        "semiprotectedlevels": ["autoconfirmed"],
    }


_LIVE: dict[str, Callable[[Call], Any]] = {
    "dbrepllag": lambda _call: [{"host": "", "lag": -1}],
    "extensions": _extensions,
    "fileextensions": _file_extensions,
    "general": _general,
    "namespaces": _namespaces,
    "restrictions": _restrictions,
    "statistics": _statistics,
    "usergroups": _user_groups,
}
