"""What the modules that change pages have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox.api_errors import one_of, refuse
from pwb_oauth.testing.sandbox.model import LogEvent, RecentChange
from pwb_oauth.testing.sandbox.titles import (
    InvalidTitleError,
    Title,
    parse_title,
    subject_title,
)

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import Page, Revision


def read_title(call: Call, text: str) -> Title:
    """Parse a title that a change is about.

    Raises:
        ApiError: It cannot be one.
    """
    try:
        return parse_title(call.wiki, text)
    except InvalidTitleError:
        raise refuse("invalidtitle", f'Bad title "{text}".') from None


def named_title(call: Call, given: dict[str, Any], name: str = "title") -> Title:
    """Find the page that ``title`` or ``pageid`` (or ``from``, ``fromid``) names.

    Raises:
        ApiError: Neither is given, or there is no such page.
    """
    number_name = "pageid" if name == "title" else f"{name}id"
    number = given[number_name]
    if given[name] is not None:
        return read_title(call, given[name])
    if number is None:
        raise one_of([name, number_name])
    page = call.wiki.page_by_id(number)
    if page is None:
        raise refuse("nosuchpageid", f"There is no page with ID {number}.")
    return parse_title(call.wiki, page.title)


def existing_page(call: Call, title: Title) -> Page:
    """The page of that title.

    Raises:
        ApiError: It does not exist.
    """
    page = call.wiki.pages.get(title.full)
    if page is None:
        raise refuse("missingtitle", "The page you specified doesn't exist.")
    return page


def wants_watching(call: Call, given: dict[str, Any], title: Title) -> bool:
    """Whether the page is to be on the caller's watchlist after a change.

    By default as the caller's preferences say; for bots it stays as it is.
    """
    user, subject = call.context.user, subject_title(call.wiki, title).full
    is_watched = user is not None and subject in user.watchlist
    if given.get("unwatch"):
        return False
    choice = "watch" if given.get("watch") else given["watchlist"]
    if choice == "preferences":
        return is_watched or not call.may("bot")
    return {"watch": True, "unwatch": False}.get(choice, is_watched)


def set_watched(call: Call, title: Title, *, watched: bool) -> None:
    """Put a page on the caller's watchlist or take it off; without the right nothing happens."""
    user, subject = call.context.user, subject_title(call.wiki, title).full
    if user is None or not call.may("editmywatchlist"):
        return
    if watched:
        user.watchlist.add(subject)
    else:
        user.watchlist.discard(subject)


def add_log_event(
    call: Call,
    kind: tuple[str, str],
    title: Title,
    page_id: int,
    comment: str = "",
    revision: Revision | None = None,
    *,
    in_recent_changes: bool = True,
) -> LogEvent:
    """Note in Special:Log what the caller did.

    Args:
        call: Whose deed it is.
        kind: Type and action of the log, such as ``("delete", "delete")``.
        title: The page.
        page_id: Its number.
        comment: The reason.
        revision: The one that stands for it in the page's history.
        in_recent_changes: Whether it shows there, too.
    """
    wiki, context = call.wiki, call.context
    now = wiki.now.replace(microsecond=0)
    who, tags = (context.user_name, context.user_id), list(context.change_tags)
    event = LogEvent(
        wiki.next_id("log"), *kind, now, *who, title.ns, title.full, page_id, comment, tags=tags
    )
    wiki.log_events.append(event)
    if in_recent_changes:
        ids = (revision.revid, revision.parentid) if revision else (0, 0)
        number, where = wiki.next_id("rc"), (title.ns, title.full, page_id)
        change = RecentChange(
            number, "log", now, *where, *ids, *who, comment, patrolled=2, tags=tags, log_id=event.id
        )
        wiki.recent_changes.append(change)
    return event
