"""Writing to a page: the revision, recent changes, the user's edit count, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth.testing.sandbox import grants
from pwb_oauth.testing.sandbox.model import Page, RecentChange, Revision

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.exchange import Context
    from pwb_oauth.testing.sandbox.model import User, WikiState


def namespace_of(wiki: WikiState, title: str) -> int:
    """Find a title's namespace by its prefix; 0 without one."""
    prefix, colon, _ = title.partition(":")
    names = {name.lower(): number for number, name in wiki.namespaces.items() if name}
    names |= {"project": 4, "project talk": 5, "image": 6, "image talk": 7}
    return names.get(prefix.strip().replace("_", " ").lower(), 0) if colon else 0


def save_revision(
    context: Context,
    title: str,
    text: str,
    *,
    comment: str = "",
    minor: bool = False,
    bot: bool = False,
    content_model: str | None = None,
    tags: list[str] | None = None,
    in_recent_changes: bool = True,
) -> Revision:
    """Save a page as the caller; creates it where it is missing. Checks no rights.

    Args:
        context: Whose request it is: gives the author and the consumer's change tag.
        title: Normalized, namespace included.
        text: The page's new text.
        comment: The edit summary.
        minor: Marked as minor.
        bot: Marked as a bot's in recent changes.
        content_model: Of a new page, or a change of it.
        tags: Besides the consumer's.
        in_recent_changes: False where another line of recent changes stands for it (a move).

    Returns:
        The new revision; it is ``wiki.pages[title].latest``.
    """
    wiki = context.wiki
    page = wiki.pages.get(title)
    old = page.latest if page else None
    revision = Revision(
        revid=wiki.next_id("revision"),
        parentid=old.revid if old else 0,
        user=context.user_name,
        user_id=context.user_id,
        text=text,
        comment=comment,
        timestamp=wiki.now.replace(microsecond=0),
        minor=minor,
        tags=[*(tags or []), *context.change_tags],
        content_model=content_model or (page.content_model if page else "wikitext"),
    )
    page = _with_revision(wiki, title, revision)
    if context.user:
        context.user.editcount += 1
    if in_recent_changes:
        patrolled = _patrolled_by_itself(context.rights)
        change = _recent_change(wiki, page, revision, old, bot=bot, patrolled=patrolled)
        wiki.recent_changes.append(change)
    context.note_write()
    return revision


def set_page_up(wiki: WikiState, title: str, text: str, user: User) -> Page:
    """Write a page without a request.

    Args:
        wiki: Where.
        title: Normalized, namespace included. A page that is there gets one more revision.
        text: The page's new text.
        user: Its author.
    """
    page = wiki.pages.get(title)
    old = page.latest if page else None
    revision = Revision(
        revid=wiki.next_id("revision"),
        parentid=old.revid if old else 0,
        user=user.name,
        user_id=user.id,
        text=text,
        comment="",
        timestamp=wiki.now.replace(microsecond=0),
        content_model=page.content_model if page else "wikitext",
    )
    page = _with_revision(wiki, title, revision)
    patrolled = _patrolled_by_itself(grants.rights_of(wiki, user, None))
    change = _recent_change(wiki, page, revision, old, bot=False, patrolled=patrolled)
    wiki.recent_changes.append(change)
    return page


def _patrolled_by_itself(rights: list[str]) -> int:
    return 2 if "autopatrol" in rights else 0


def _with_revision(wiki: WikiState, title: str, revision: Revision) -> Page:
    page = wiki.pages.get(title)
    if page is None:
        ns = namespace_of(wiki, title)
        page = Page(wiki.next_id("page"), ns, title, [revision], revision.timestamp)
        wiki.pages[title] = page
    else:
        page.revisions.append(revision)
    page.touched, page.content_model = revision.timestamp, revision.content_model
    return page


def _recent_change(
    wiki: WikiState,
    page: Page,
    revision: Revision,
    old: Revision | None,
    *,
    bot: bool,
    patrolled: int,
) -> RecentChange:
    return RecentChange(
        rcid=wiki.next_id("rc"),
        type="edit" if old else "new",
        timestamp=revision.timestamp,
        ns=page.ns,
        title=page.title,
        page_id=page.id,
        revid=revision.revid,
        old_revid=revision.parentid,
        user=revision.user,
        user_id=revision.user_id,
        comment=revision.comment,
        old_len=len(old.text.encode()) if old else 0,
        new_len=len(revision.text.encode()),
        minor=revision.minor,
        bot=bot,
        patrolled=patrolled,
        tags=list(revision.tags),
    )
