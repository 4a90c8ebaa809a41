"""``prop=info``: what a page is, and who may do what to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pwb_oauth.testing.sandbox import permissions
from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.titles import FILE, Title, subject_title, talk_title
from pwb_oauth.testing.sandbox.wikitext import redirect_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.api_pageset import Entry, PageSet
    from pwb_oauth.testing.sandbox.model import Page


def add_info(call: Call, given: dict[str, Any], found: PageSet) -> dict[str, str]:
    """Add the facts of ``prop=info`` to every page that can have some."""
    for entry in found.entries:
        if entry.title is None or entry.title.ns < 0:
            continue
        entry.facts |= _basics(call, entry)
        for name in given["prop"] or []:
            if name in _EXTRAS:
                entry.facts |= _EXTRAS[name](call, entry, entry.title)
        if given["testactions"]:
            entry.facts["actions"] = {
                action: not permissions.errors(call, action, entry.title)
                for action in given["testactions"]
            }
    return {}


def _basics(call: Call, entry: Entry) -> dict[str, Any]:
    language, page = call.wiki.site.language, entry.page
    facts: dict[str, Any] = {
        "contentmodel": page.content_model if page else "wikitext",
        "pagelanguage": language,
        "pagelanguagehtmlcode": language,
        "pagelanguagedir": "ltr",
    }
    return facts | _facts_of(call, page) if page else facts


def _facts_of(call: Call, page: Page) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "touched": timestamp(page.touched),
        "lastrevid": page.latest.revid,
        "length": len(page.latest.text.encode()),
    }
    if redirect_target(call.wiki, page.latest.text) is not None:
        facts["redirect"] = True
    if page.latest.parentid == 0:
        facts["new"] = True
    return facts


def _protection(call: Call, entry: Entry, title: Title) -> dict[str, Any]:
    protection = entry.page.protection if entry.page else {}
    described = [
        {
            "type": action,
            "level": rule.level,
            "expiry": timestamp(rule.expires_at) if rule.expires_at else "infinity",
            **({"cascade": True} if rule.cascade else {}),
        }
        for action, rule in protection.items()
    ]
    types = list(call.wiki.description["site"]["restriction_types"])
    wanted = [name for name in types if (name == "create") != (entry.page is not None)]
    if entry.page is None:
        wanted += ["upload"]
    if title.ns != FILE:
        wanted = [name for name in wanted if name != "upload"]
    return {"protection": described, "restrictiontypes": list(dict.fromkeys(wanted))}


def _urls(call: Call, entry: Entry, title: Title) -> dict[str, Any]:
    del entry
    site, path = call.wiki.site, quote(title.underscored, safe="/:!@$*(),;~")
    full = f"{site.server}/wiki/{path}"
    edit = f"{site.server}{site.script_path}/index.php?title={path}&action=edit"
    return {"fullurl": full, "editurl": edit, "canonicalurl": full}


def _talk_id(call: Call, entry: Entry, title: Title) -> dict[str, Any]:
    del entry
    page = None if title.is_talk else call.wiki.pages.get(talk_title(call.wiki, title).full)
    return {"talkid": page.id} if page else {}


def _subject_id(call: Call, entry: Entry, title: Title) -> dict[str, Any]:
    del entry
    page = call.wiki.pages.get(subject_title(call.wiki, title).full) if title.is_talk else None
    return {"subjectid": page.id} if page else {}


def _display_title(call: Call, entry: Entry, title: Title) -> dict[str, Any]:
    del call, entry
    return {"displaytitle": title.full}


def _watched(call: Call, entry: Entry, title: Title) -> dict[str, Any]:
    del entry
    user = call.context.user
    watched = user is not None and subject_title(call.wiki, title).full in user.watchlist
    return {"watched": watched and call.may("viewmywatchlist")}


_EXTRAS: dict[str, Callable[[Call, Entry, Title], dict[str, Any]]] = {
    "displaytitle": _display_title,
    "protection": _protection,
    "subjectid": _subject_id,
    "talkid": _talk_id,
    "url": _urls,
    "watched": _watched,
}
