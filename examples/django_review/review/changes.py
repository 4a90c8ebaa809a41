"""What the tool asks of the wiki, with Pywikibot: what is new, who looked at it, and patrolling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pywikibot import Timestamp

from review.differences import Difference, compare

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pywikibot.site import APISite

MOST_CHANGES = 20
MOST_PATROLS = 8


@dataclass(frozen=True)
class Change:
    """An edit that nobody has patrolled yet; ``size_change`` is in bytes, ``url`` on the wiki."""

    revid: int
    title: str
    author: str
    comment: str
    made_at: datetime
    is_new: bool
    size_change: int
    url: str
    difference: Difference | None


@dataclass(frozen=True)
class Patrol:
    """An entry of the wiki's patrol log."""

    title: str
    revid: int
    username: str
    made_at: datetime
    url: str


def may_patrol(site: APISite) -> bool:
    """Tell whether the account has the right; without it the wiki hides what is patrolled."""
    return bool(site.has_right("patrol"))


def unpatrolled(site: APISite) -> list[Change]:
    """The latest edits that nobody has patrolled, the newest first.

    One request for the list and one for all the texts, however many edits there are.
    """
    found = list(site.recentchanges(patrolled=False, changetype="edit|new", total=MOST_CHANGES))
    texts = _texts(site, {each[name] for each in found for name in ("revid", "old_revid")})
    return [_change(site, each, texts) for each in found]


def patrols(site: APISite) -> list[Patrol]:
    """Who patrolled what, the newest first, as the wiki's own log tells."""
    found = []
    for entry in site.logevents("patrol", total=MOST_PATROLS):
        title, revid = entry["title"], entry.current_id
        url = _address(site, title, revid)
        found.append(Patrol(title, revid, entry.user() or "", entry.timestamp(), url))
    return found


def patrol(site: APISite, revid: int) -> str:
    """Mark an edit as patrolled, in the name of the account.

    Returns:
        The title of its page.

    Raises:
        pywikibot.exceptions.Error: The wiki refuses; the error says why.
    """
    [marked] = site.patrol(revid=revid)
    return str(marked["title"])


def _change(site: APISite, found: dict[str, Any], texts: dict[int, str]) -> Change:
    old, new = found["old_revid"], found["revid"]
    is_new = found["type"] == "new"
    return Change(
        revid=new,
        title=found["title"],
        author=found.get("user", ""),
        comment=found.get("comment", ""),
        made_at=Timestamp.fromISOformat(found["timestamp"]),
        is_new=is_new,
        size_change=found["newlen"] - found["oldlen"],
        url=_address(site, found["title"], new),
        difference=compare("" if is_new else texts.get(old), texts.get(new)),
    )


def _texts(site: APISite, revids: Iterable[int]) -> dict[int, str]:
    wanted = sorted(revid for revid in revids if revid)
    if not wanted:
        return {}
    request = site.simple_request(
        action="query",
        prop="revisions",
        revids=wanted,
        rvprop=["ids", "content"],
        rvslots="main",
        formatversion=2,
    )
    return {
        revision["revid"]: revision["slots"]["main"].get("content", "")
        for page in request.submit()["query"].get("pages", [])
        for revision in page.get("revisions", [])
    }


def _address(site: APISite, title: str, revid: int) -> str:
    """Where the wiki shows the edit."""
    title = quote(title.replace(" ", "_"))
    path = f"{site.scriptpath()}/index.php?title={title}&diff={revid}&oldid=prev"
    return f"{site.protocol()}://{site.hostname()}{path}"
