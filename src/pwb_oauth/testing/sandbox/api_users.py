"""``list=users`` and ``list=allusers``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import grants
from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_listing import Listing, take_part
from pwb_oauth.testing.sandbox.api_meta import block_info
from pwb_oauth.testing.sandbox.titles import clean_user_name

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import User


def _describe(call: Call, user: User, props: set[str]) -> dict[str, Any]:
    memberships = [{"group": name, "expiry": "infinity"} for name in user.groups]
    facts: dict[str, dict[str, Any]] = {
        "editcount": {"editcount": user.editcount},
        "registration": {"registration": timestamp(user.registered_at)},
        "groups": {"groups": user.effective_groups},
        "groupmemberships": {"groupmemberships": memberships},
        "implicitgroups": {"implicitgroups": ["*", "user", "autoconfirmed"]},
        "rights": {"rights": grants.rights_of(call.wiki, user, None)},
        "blockinfo": block_info(call, user.block) if user.block else {},
        "emailable": {"emailable": user.email_confirmed_at is not None},
        "gender": {"gender": "unknown"},
        "centralids": {"centralids": {"local": user.id}, "attachedlocal": {"local": True}},
    }
    described: dict[str, Any] = {"userid": user.id, "name": user.name}
    for name in props & facts.keys():
        described |= facts[name]
    return described


def users(call: Call, given: dict[str, Any]) -> Listing:
    """Describe the accounts that are named."""
    props, items = set(given["prop"] or []), []
    for text in given["users"] or []:
        name = clean_user_name(text)
        user = call.wiki.users.get(name) if name else None
        if user is not None:
            items.append(_describe(call, user, props))
        else:
            kind = "invalid" if name is None else "missing"
            items.append({"name": name or text, kind: True})
    for number in given["userids"] or []:
        user = call.wiki.user_by_id(number)
        missing = {"userid": number, "missing": True}
        items.append(_describe(call, user, props) if user else missing)
    return Listing(items)


def allusers(call: Call, given: dict[str, Any]) -> Listing:
    """List the accounts by name."""
    descending = given["dir"] == "descending"
    start, end = given["from"] or "", given["to"] or ""
    if descending:
        start, end = end, start
    wanted = [
        user
        for name, user in sorted(call.wiki.users.items(), reverse=descending)
        if name >= start
        and (not end or name <= end)
        and name.startswith(given["prefix"] or "")
        and _matches(call, user, given)
    ]
    part, following = take_part(wanted, lambda user: user.name, given["limit"], None)
    props = set(given["prop"] or [])
    return Listing([_describe(call, user, props) for user in part], [], following, "from")


def _matches(call: Call, user: User, given: dict[str, Any]) -> bool:
    rights = set(given["rights"] or [])
    return (
        (not given["group"] or bool(set(given["group"]) & set(user.effective_groups)))
        and not set(given["excludegroup"] or []) & set(user.effective_groups)
        and (not rights or bool(rights & set(grants.rights_of(call.wiki, user, None))))
        and (not given["witheditsonly"] or user.editcount > 0)
    )
