"""``action=delete`` and ``action=rollback``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import permissions
from pwb_oauth.testing.sandbox.api_errors import refuse
from pwb_oauth.testing.sandbox.api_pages import (
    add_log_event,
    existing_page,
    named_title,
    set_watched,
    wants_watching,
)
from pwb_oauth.testing.sandbox.history import save_revision

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import Page, Revision

_EXCERPT = 150


def delete(call: Call) -> dict[str, Any]:
    """Delete a page with its history.

    Raises:
        ApiError: The caller may not, or there is no such page.
    """
    given = call.parameters("delete")
    title = named_title(call, given)
    page = existing_page(call, title)
    permissions.check(call, "delete", title)
    reason = given["reason"] or _automatic_reason(page)
    watched = wants_watching(call, {**given, "watchlist": _keep(given)}, title)
    del call.wiki.pages[title.full]
    call.wiki.files.pop(title.bare, None)
    event = add_log_event(call, ("delete", "delete"), title, page.id, reason)
    set_watched(call, title, watched=watched)
    call.context.note_write()
    return {"delete": {"title": title.full, "reason": reason, "logid": event.id}}


def _keep(given: dict[str, Any]) -> str:
    # Deleting does not put a page on the watchlist unless it is asked for (``watchdeletion``).
    chosen: str = given["watchlist"]
    return "nochange" if chosen == "preferences" else chosen


def _automatic_reason(page: Page) -> str:
    excerpt = page.latest.text[:_EXCERPT].replace("\n", " ")
    authors = {revision.user for revision in page.revisions}
    reason = f'content was: "{excerpt}"'
    if len(authors) == 1:
        name = authors.pop()
        links = f'"[[Special:Contributions/{name}|{name}]]" ([[User talk:{name}|talk]])'
        return f"{reason}, and the only contributor was {links}"
    return reason


def rollback(call: Call) -> dict[str, Any]:
    """Put a page back to before the last edits of one user.

    Raises:
        ApiError: The caller may not, or there is nothing to roll back.
    """
    given = call.parameters("rollback")
    title = named_title(call, given)
    page = existing_page(call, title)
    permissions.check_right(call, "rollback")
    permissions.check(call, "edit", title)
    current, before = page.latest, _last_by_somebody_else(page, given["user"])
    summary = given["summary"] or _rollback_summary(given["user"], before.user)
    revision = save_revision(
        call.context,
        title.full,
        before.text,
        comment=summary,
        minor=True,
        bot=given["markbot"] and call.may("markbotedits"),
        tags=["mw-rollback"],
    )
    result = {
        "title": title.full,
        "pageid": page.id,
        "summary": summary,
        "revid": revision.revid,
        "old_revid": current.revid,
        "last_revid": before.revid,
    }
    return {"rollback": result}


def _last_by_somebody_else(page: Page, user: str) -> Revision:
    if page.latest.user != user:
        text = (
            f"Cannot rollback the last edit of [[:{page.title}]] by [[User:{user}|{user}]];"
            " someone else has edited or rolled back the page already."
        )
        raise refuse("alreadyrolled", text)
    before = next((each for each in reversed(page.revisions) if each.user != user), None)
    if before is None:
        text = "Cannot revert edit; last contributor is only author of this page."
        raise refuse("onlyauthor", text)
    return before


def _rollback_summary(user: str, before: str) -> str:
    return (
        f"Reverted edits by [[Special:Contributions/{user}|{user}]] ([[User talk:{user}|talk]])"
        f" to last revision by [[User:{before}|{before}]]"
    )
