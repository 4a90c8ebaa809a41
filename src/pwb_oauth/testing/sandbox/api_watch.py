"""``action=watch`` and ``action=purge``: both go through a set of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox.api_errors import refuse
from pwb_oauth.testing.sandbox.api_pages import read_title, set_watched
from pwb_oauth.testing.sandbox.api_query import named_pages

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.api_pageset import Entry
    from pwb_oauth.testing.sandbox.titles import Title


def watch(call: Call) -> dict[str, Any]:
    """Put pages on the caller's watchlist, or take them off.

    Raises:
        ApiError: The caller may not.
    """
    given = call.parameters("watch")
    if call.context.user is None:
        raise refuse("notloggedin", "You must be logged-in to have a watchlist.")
    if not call.may("editmywatchlist"):
        text = "You don't have permission to edit your watchlist."
        raise refuse("permissiondenied", text)
    call.context.note_write()
    if given["title"] is not None:
        title = read_title(call, given["title"])
        return {"watch": _watch(call, title, given)}
    found = named_pages(call, given)
    done = [_watch_entry(call, entry, given) for entry in found.entries]
    return {"batchcomplete": True, "watch": done, **found.extras}


def _watch_entry(call: Call, entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
    if entry.title is None:
        return entry.facts
    missing = {"missing": True} if "missing" in entry.facts else {}
    return {**_watch(call, entry.title, given), **missing}


def _watch(call: Call, title: Title, given: dict[str, Any]) -> dict[str, Any]:
    set_watched(call, title, watched=not given["unwatch"])
    done = "unwatched" if given["unwatch"] else "watched"
    return {"title": title.full, "ns": title.ns, done: True}


def purge(call: Call) -> dict[str, Any]:
    """Forget what is cached of pages: here only the time of the last change of their looks."""
    given = call.parameters("purge")
    found = named_pages(call, given)
    done = []
    for entry in found.entries:
        facts = {name: fact for name, fact in entry.facts.items() if name != "pageid"}
        if entry.page is not None:
            entry.page.touched = call.wiki.now.replace(microsecond=0)
            facts["purged"] = True
        done.append(facts)
    return {"batchcomplete": True, "purge": done, **found.extras}
