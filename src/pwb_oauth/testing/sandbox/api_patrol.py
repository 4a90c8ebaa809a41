"""``action=patrol``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import permissions
from pwb_oauth.testing.sandbox.api_errors import one_of, refuse
from pwb_oauth.testing.sandbox.api_pages import add_log_event
from pwb_oauth.testing.sandbox.titles import parse_title

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import RecentChange


def patrol(call: Call) -> dict[str, Any]:
    """Mark a change as looked at; a change that already is stays as it is.

    Raises:
        ApiError: The caller may not, or there is no such change.
    """
    given = call.parameters("patrol")
    change = _change(call, given)
    title = parse_title(call.wiki, change.title)
    permissions.check(call, "patrol", title)
    if change.user_id == call.context.user_id and not call.may("autopatrol"):
        text = "You are not allowed to mark your own changes as patrolled."
        raise refuse("noautopatrol", text)
    if change.patrolled == 0:
        change.patrolled = 1
        kind = ("patrol", "patrol")
        event = add_log_event(call, kind, title, change.page_id, in_recent_changes=False)
        event.params = {"curid": change.revid, "previd": change.old_revid, "auto": False}
        call.context.note_write()
    return {"patrol": {"rcid": change.rcid, "ns": change.ns, "title": change.title}}


def _change(call: Call, given: dict[str, Any]) -> RecentChange:
    rcid, revid = given["rcid"], given["revid"]
    if (rcid is None) == (revid is None):
        if rcid is None:
            raise one_of(["rcid", "revid"])
        text = 'The parameters "rcid" and "revid" can not be used together.'
        raise refuse("invalidparammix", text)
    changes = call.wiki.recent_changes
    if rcid is not None:
        found = next((each for each in changes if each.rcid == rcid), None)
        if found is None:
            raise refuse("nosuchrcid", f"There is no recent change with ID {rcid}.")
        return found
    found = next((each for each in changes if each.revid == revid and each.type != "log"), None)
    if found is None:
        raise refuse("nosuchrevid", f"There is no revision with ID {revid}.")
    return found
