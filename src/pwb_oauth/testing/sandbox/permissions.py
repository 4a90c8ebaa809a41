"""Whether the caller may do something to a page, and the errors if not.

The order of the errors is MediaWiki's, and so are codes and sentences; the first is what most
clients see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_errors import ApiError, Message
from pwb_oauth.testing.sandbox.titles import MEDIAWIKI, Title

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call

_GROUP_PAGES = {
    "user": "Users",
    "autoconfirmed": "Autoconfirmed users",
    "bot": "Bots",
    "sysop": "Administrators",
    "interface-admin": "Interface administrators",
    "bureaucrat": "Bureaucrats",
    "suppress": "Suppressors",
}
_RIGHT_OF_LEVEL = {"sysop": "editprotected", "autoconfirmed": "editsemiprotected"}
_PROJECT_NS = 4


def check(call: Call, action: str, title: Title) -> None:
    """Refuse what the caller may not do to a page.

    Raises:
        ApiError: With every reason.
    """
    found = errors(call, action, title)
    if found:
        raise ApiError(*found)


def check_right(call: Call, right: str) -> None:
    """Refuse what needs a right that the caller does not have."""
    if not call.may(right):
        raise ApiError(lacks_right(call, right))


def errors(call: Call, action: str, title: Title) -> list[Message]:
    """Why the caller may not do something to a page, empty if nothing is in the way.

    Args:
        call: Whose rights count.
        action: ``edit``, ``create``, ``move``, ``move-target``, ``delete``, ….
        title: The page.
    """
    found = [*_block_errors(call), *_action_errors(call, action, title)]
    if action in ("edit", "create", "move-target") and title.ns == MEDIAWIKI:
        found += _interface_errors(call)
    return [*found, *_protection_errors(call, action, title)]


def _action_errors(call: Call, action: str, title: Title) -> list[Message]:
    registered = call.context.user is not None
    if action == "create":
        allowed = call.may("edit") and call.may("createtalk" if title.is_talk else "createpage")
        if allowed:
            return []
        code = "cantcreate" if registered else "cantcreate-anon"
        return [Message(code, "You do not have permission to create new pages.")]
    if action in ("move", "move-target"):
        if call.may("move"):
            return []
        if registered:
            return [Message("cantmove", "You do not have permission to move pages.")]
        text = "You must be a registered user and [[Special:UserLogin|logged in]] to move a page."
        return [Message("cantmove-anon", text)]
    return [] if call.may(action) else [lacks_right(call, action)]


def lacks_right(call: Call, right: str) -> Message:
    """Say that a right is needed, and which groups have it."""
    groups = group_names(call, right)
    if not groups:
        text = "You are not allowed to execute the action you have requested."
        return Message("permissiondenied", text, key="badaccess-group0")
    among = "in the group" if len(groups) == 1 else "in one of the groups"
    text = f"The action you have requested is limited to users {among}: {', '.join(groups)}."
    return Message("permissiondenied", text, key="badaccess-groups")


def group_names(call: Call, right: str) -> list[str]:
    """The groups that give a right, the implicit ones first, as wikitext links."""
    groups, project = call.wiki.groups, call.wiki.namespaces[_PROJECT_NS]
    implicit = [name for name in ("*", "user", "autoconfirmed") if name in groups]
    ordered = [*implicit, *(name for name in groups if name not in implicit)]
    pages = {name: _GROUP_PAGES.get(name) for name in ordered if right in groups[name]}
    return [f"[[{project}:{page}|{page}]]" if page else name for name, page in pages.items()]


def _block_errors(call: Call) -> list[Message]:
    user = call.context.user
    if user is None or user.block is None:
        return []
    block = user.block
    if block.expires_at is not None and block.expires_at <= call.wiki.now:
        return []
    info = {
        "blockid": block.id,
        "blockedby": block.by,
        "blockreason": block.reason,
        "blockedtimestamp": timestamp(block.created_at),
        "blockexpiry": timestamp(block.expires_at) if block.expires_at else "infinite",
    }
    return [Message("blocked", "You have been blocked from editing.", {"blockinfo": info})]


def _interface_errors(call: Call) -> list[Message]:
    if call.may("editinterface"):
        return []
    text = (
        "This page provides interface text for the software on this wiki,"
        " and is protected to prevent abuse."
    )
    return [Message("protectednamespace-interface", text)]


def _protection_errors(call: Call, action: str, title: Title) -> list[Message]:
    page = call.wiki.pages.get(title.full)
    kind = "edit" if action == "delete" else action.removesuffix("-target")
    rule = page.protection.get(kind) if page else None
    if rule is None or (rule.expires_at is not None and rule.expires_at <= call.wiki.now):
        return []
    if call.may(_RIGHT_OF_LEVEL.get(rule.level, rule.level)):
        return []
    text = "This page has been protected to prevent editing or other actions."
    return [Message("protectedpage", text)]
