"""``list=recentchanges`` and ``list=usercontribs``: what was done, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import wikitext
from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_errors import one_of, refuse
from pwb_oauth.testing.sandbox.api_listing import Listing, take_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import Page, RecentChange, Revision, WikiState

_SHOWN: dict[str, Callable[[WikiState, RecentChange], bool]] = {
    "minor": lambda _wiki, change: change.minor,
    "bot": lambda _wiki, change: change.bot,
    "anon": lambda _wiki, change: change.user_id == 0,
    "redirect": lambda wiki, change: _is_redirect(wiki, change.title),
    "patrolled": lambda _wiki, change: change.patrolled > 0,
    "autopatrolled": lambda _wiki, change: change.patrolled == _AUTOPATROLLED,
}
_AUTOPATROLLED = 2


def _is_redirect(wiki: WikiState, title: str) -> bool:
    page = wiki.pages.get(title)
    return page is not None and wikitext.redirect_target(wiki, page.latest.text) is not None


def recentchanges(call: Call, given: dict[str, Any]) -> Listing:
    """The latest changes of the whole wiki."""
    show, props = given["show"] or [], given["prop"] or []
    if "patrolled" in props or any("patrolled" in name for name in show):
        _check_may_see_patrol_flags(call)
    changes = [change for change in call.wiki.recent_changes if _wanted(call, change, given)]
    changes.sort(key=lambda change: (change.timestamp, change.rcid))
    if given["dir"] == "older":
        changes.reverse()
    part, following = take_part(changes, _key, given["limit"], given["continue"])
    items = [_describe(call, change, props) for change in part]
    return Listing(items, list(dict.fromkeys(change.title for change in part)), following)


def _check_may_see_patrol_flags(call: Call) -> None:
    if not (call.may("patrol") or call.may("patrolmarks")):
        text = 'You need the "patrol" or "patrolmarks" right to request the patrolled flag.'
        raise refuse("permissiondenied", text)


def _key(change: RecentChange) -> str:
    return f"{change.timestamp:%Y%m%d%H%M%S}|{change.rcid}"


def _wanted(call: Call, change: RecentChange, given: dict[str, Any]) -> bool:
    newer = given["dir"] == "newer"
    since, until = given["start" if newer else "end"], given["end" if newer else "start"]
    return (
        change.type in (given["type"] or [])
        and (not given["namespace"] or change.ns in given["namespace"])
        and (since is None or change.timestamp >= since)
        and (until is None or change.timestamp <= until)
        and given["user"] in (None, change.user)
        and given["excludeuser"] != change.user
        and given["title"] in (None, change.title)
        and (given["tag"] is None or given["tag"] in change.tags)
        and (not given["toponly"] or _is_top(call.wiki, change))
        and all(_is_shown(call.wiki, change, name) for name in given["show"] or [])
    )


def _is_shown(wiki: WikiState, change: RecentChange, name: str) -> bool:
    if name == "unpatrolled":
        return change.patrolled == 0
    return _SHOWN[name.lstrip("!")](wiki, change) != name.startswith("!")


def _is_top(wiki: WikiState, change: RecentChange) -> bool:
    page = wiki.pages.get(change.title)
    return page is not None and page.latest.revid == change.revid


def _describe(call: Call, change: RecentChange, props: list[str]) -> dict[str, Any]:
    facts: dict[str, dict[str, Any]] = {
        "title": {"ns": change.ns, "title": change.title},
        "ids": {
            "pageid": change.page_id,
            "revid": change.revid,
            "old_revid": change.old_revid,
            "rcid": change.rcid,
        },
        "user": {"user": change.user, **({} if change.user_id else {"anon": True})},
        "userid": {"userid": change.user_id},
        "flags": {"bot": change.bot, "new": change.type == "new", "minor": change.minor},
        "sizes": {"oldlen": change.old_len, "newlen": change.new_len},
        "timestamp": {"timestamp": timestamp(change.timestamp)},
        "comment": {"comment": change.comment},
        "parsedcomment": {"parsedcomment": wikitext.parsed_comment(call.wiki, change.comment)},
        "redirect": {"redirect": _is_redirect(call.wiki, change.title)},
        "patrolled": {
            "patrolled": change.patrolled == 1,
            "unpatrolled": change.patrolled == 0,
            "autopatrolled": change.patrolled == _AUTOPATROLLED,
        },
        "loginfo": _log_info(call.wiki, change),
        "tags": {"tags": change.tags},
    }
    described: dict[str, Any] = {"type": change.type}
    for name, fact in facts.items():
        if name in props:
            described |= fact
    return described


def _log_info(wiki: WikiState, change: RecentChange) -> dict[str, Any]:
    event = next((each for each in wiki.log_events if each.id == change.log_id), None)
    if event is None:
        return {}
    return {
        "logid": event.id,
        "logtype": event.type,
        "logaction": event.action,
        "logparams": event.params,
    }


def usercontribs(call: Call, given: dict[str, Any]) -> Listing:
    """The revisions by some users."""
    names = set(given["user"] or [])
    by_id = (call.wiki.user_by_id(number) for number in given["userids"] or [])
    names |= {user.name for user in by_id if user is not None}
    prefix = given["userprefix"]
    if not names and prefix is None:
        raise one_of(["user", "userids", "userprefix", "iprange"])
    rows = [
        (page, revision)
        for page in call.wiki.pages.values()
        for revision in page.revisions
        if (revision.user in names or (prefix is not None and revision.user.startswith(prefix)))
        and _contribution_wanted(page, revision, given)
    ]
    rows.sort(key=lambda row: (row[1].timestamp, row[1].revid), reverse=given["dir"] == "older")
    part, following = take_part(
        rows,
        lambda row: f"{row[1].timestamp:%Y%m%d%H%M%S}|{row[1].revid}",
        given["limit"],
        given["continue"],
    )
    props = given["prop"] or []
    items = [_describe_contribution(page, revision, props) for page, revision in part]
    return Listing(items, [], following)


def _contribution_wanted(page: Page, revision: Revision, given: dict[str, Any]) -> bool:
    newer, show = given["dir"] == "newer", given["show"] or []
    since, until = given["start" if newer else "end"], given["end" if newer else "start"]
    is_new, is_top = revision.parentid == 0, page.latest is revision
    flags = {"minor": revision.minor, "new": is_new, "top": is_top}
    return (
        (not given["namespace"] or page.ns in given["namespace"])
        and (since is None or revision.timestamp >= since)
        and (until is None or revision.timestamp <= until)
        and (given["tag"] is None or given["tag"] in revision.tags)
        and all(flags.get(name.lstrip("!"), True) != name.startswith("!") for name in show)
    )


def _describe_contribution(page: Page, revision: Revision, props: list[str]) -> dict[str, Any]:
    size = len(revision.text.encode())
    parent = next((each for each in page.revisions if each.revid == revision.parentid), None)
    facts: dict[str, dict[str, Any]] = {
        "ids": {"pageid": page.id, "revid": revision.revid, "parentid": revision.parentid},
        "title": {"ns": page.ns, "title": page.title},
        "timestamp": {"timestamp": timestamp(revision.timestamp)},
        "flags": {
            "new": revision.parentid == 0,
            "minor": revision.minor,
            "top": page.latest is revision,
        },
        "comment": {"comment": revision.comment},
        "size": {"size": size},
        "sizediff": {"sizediff": size - (len(parent.text.encode()) if parent else 0)},
        "tags": {"tags": revision.tags},
    }
    described: dict[str, Any] = {"userid": revision.user_id, "user": revision.user}
    for name, fact in facts.items():
        if name in props:
            described |= fact
    return described
