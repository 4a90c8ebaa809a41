"""Which rights groups and grants give, and how grants limit a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pwb_oauth.testing.sandbox.model import Page, User, WikiState


def rights_of(wiki: WikiState, user: User | None, grants: Iterable[str] | None) -> list[str]:
    """List what a user may do.

    Args:
        wiki: Whose groups and grants count.
        user: The account, None for anonymous.
        grants: What limits the account, None for nothing.

    Returns:
        Rights in the wiki's order, each once.
    """
    groups = user.effective_groups if user else ["*"]
    rights = dict.fromkeys(right for group in groups for right in wiki.groups.get(group, []))
    if grants is None:
        return list(rights)
    allowed = granted_rights(wiki, grants)
    return [right for right in rights if right in allowed]


def granted_rights(wiki: WikiState, grants: Iterable[str]) -> set[str]:
    """The rights that a set of grants can give at most."""
    return {right for grant in grants for right in wiki.grants.get(grant, [])}


def full_names(grants: Iterable[str]) -> list[str]:
    """Write the two identity-only grants out: ``authonly`` is ``mwoauth-authonly``."""
    short = {"authonly": "mwoauth-authonly", "authonlyprivate": "mwoauth-authonlyprivate"}
    return [short.get(grant, grant) for grant in grants]


def as_php_array(grants: list[str]) -> list[str] | dict[str, str]:
    """Shape a consumer's grants as the wiki's JSON does.

    PHP took the second entry out of the array and kept the numbers of the others, so that a list
    of several grants that starts with ``basic`` comes as an object without ``"1"``.
    """
    if len(grants) < 2 or grants[0] != "basic":  # noqa: PLR2004 - nothing was taken out
        return grants
    return {"0": grants[0]} | {str(n): grant for n, grant in enumerate(grants[1:], start=2)}


def may_edit(rights: Iterable[str], page: Page | None) -> bool:
    """Whether rights suffice to edit a page, or to create one where there is none yet."""
    held = set(rights)
    if page is None:
        return {"edit", "createpage"} <= held
    limit = page.protection.get("edit")
    needed = {"sysop": "editprotected", "autoconfirmed": "editsemiprotected"}
    return "edit" in held and (limit is None or needed.get(limit.level, limit.level) in held)
