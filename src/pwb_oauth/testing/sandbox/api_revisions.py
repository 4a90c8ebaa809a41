"""``prop=revisions``: the versions of a page."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import wikitext
from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_errors import refuse
from pwb_oauth.testing.sandbox.api_format import Content
from pwb_oauth.testing.sandbox.api_listing import take_part

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.api_pageset import Entry, PageSet
    from pwb_oauth.testing.sandbox.model import Revision

_FORMATS = {
    "wikitext": "text/x-wiki",
    "json": "application/json",
    "css": "text/css",
    "javascript": "text/javascript",
}
_OF_ONE_PAGE = ("limit", "startid", "endid", "start", "end", "user", "excludeuser", "continue")
_DEFAULT_LIMIT = 10


def add_revisions(call: Call, given: dict[str, Any], found: PageSet) -> dict[str, str]:
    """Add revisions to each page: those asked for, the latest, or the history of one page."""
    history = given["dir"] == "newer" or any(given[name] is not None for name in _OF_ONE_PAGE)
    if found.revisions:
        for entry in found.existing:
            _show(call, given, entry, found.revisions.get(entry.number, []))
        return {}
    if not history:
        for entry in found.existing:
            if entry.page is not None:
                _show(call, given, entry, [entry.page.latest])
        return {}
    if len(found.entries) > 1:
        raise _only_one_page()
    return _add_history(call, given, found)


def _only_one_page() -> Exception:
    text = (
        "titles, pageids or a generator was used to supply multiple pages, but the rvlimit,"
        " rvstartid, rvendid, rvdir=newer, rvuser, rvexcludeuser, rvstart, and rvend parameters"
        " may only be used on a single page."
    )
    return refuse("invalidparammix", text)


def _add_history(call: Call, given: dict[str, Any], found: PageSet) -> dict[str, str]:
    for entry in found.existing:
        if entry.page is None:
            continue
        newer = given["dir"] == "newer"
        revisions = [each for each in entry.page.revisions if _wanted(each, given, newer=newer)]
        if not newer:
            revisions.reverse()
        limit = given["limit"] or _DEFAULT_LIMIT
        part, following = take_part(revisions, _key, limit, given["continue"])
        _show(call, given, entry, part)
        if following:
            return {"rvcontinue": following}
    return {}


def _key(revision: Revision) -> str:
    return f"{revision.timestamp:%Y%m%d%H%M%S}|{revision.revid}"


def _wanted(revision: Revision, given: dict[str, Any], *, newer: bool) -> bool:
    first, last = ("start", "end") if newer else ("end", "start")
    since, until = given[first], given[last]
    from_id, to_id = given[f"{first}id"], given[f"{last}id"]
    return (
        (since is None or revision.timestamp >= since)
        and (until is None or revision.timestamp <= until)
        and (from_id is None or revision.revid >= from_id)
        and (to_id is None or revision.revid <= to_id)
        and (given["user"] is None or revision.user == given["user"])
        and (given["excludeuser"] is None or revision.user != given["excludeuser"])
        and (given["tag"] is None or given["tag"] in revision.tags)
    )


def _show(call: Call, given: dict[str, Any], entry: Entry, revisions: list[Revision]) -> None:
    if revisions:
        entry.facts["revisions"] = [_describe(call, given, each) for each in revisions]


def _describe(call: Call, given: dict[str, Any], revision: Revision) -> dict[str, Any]:
    props = set(given["prop"] or [])
    facts: dict[str, dict[str, Any]] = {
        "ids": {"revid": revision.revid, "parentid": revision.parentid},
        "flags": {"minor": revision.minor},
        "user": _author(revision),
        "userid": {"userid": revision.user_id},
        "timestamp": {"timestamp": timestamp(revision.timestamp)},
        "size": {"size": len(revision.text.encode())},
        "sha1": {"sha1": _sha1(revision)},
        "roles": {"roles": ["main"]},
        "comment": {"comment": revision.comment},
        "parsedcomment": {"parsedcomment": wikitext.parsed_comment(call.wiki, revision.comment)},
        "tags": {"tags": revision.tags},
    }
    described: dict[str, Any] = {}
    for name, fact in facts.items():
        if name in props:
            described |= fact
    if given["slots"]:
        described["slots"] = {"main": _slot(props, revision)}
    else:
        described |= _legacy_content(call, props, revision)
    return described


def _author(revision: Revision) -> dict[str, Any]:
    return {"user": revision.user, **({} if revision.user_id else {"anon": True})}


def _sha1(revision: Revision) -> str:
    return hashlib.sha1(revision.text.encode(), usedforsecurity=False).hexdigest()


def _slot(props: set[str], revision: Revision) -> dict[str, Any]:
    slot: dict[str, Any] = {}
    if "slotsize" in props:
        slot["size"] = len(revision.text.encode())
    if "slotsha1" in props:
        slot["sha1"] = _sha1(revision)
    if {"content", "contentmodel"} & props:
        slot["contentmodel"] = revision.content_model
    if "content" in props:
        slot["contentformat"] = _FORMATS.get(revision.content_model, "text/plain")
        slot["content"] = Content(revision.text)
    return slot


def _legacy_content(call: Call, props: set[str], revision: Revision) -> dict[str, Any]:
    if not {"content", "contentmodel"} & props:
        return {}
    legacy: dict[str, Any] = {"contentmodel": revision.content_model}
    if "content" in props:
        legacy["contentformat"] = _FORMATS.get(revision.content_model, "text/plain")
        legacy["content"] = Content(revision.text)
        text = (
            'Because "rvslots" was not specified, a legacy format has been used for the output.'
            " This format is deprecated, and in the future the new format will always be used."
        )
        call.warn("revisions", text, "deprecation")
    return legacy
