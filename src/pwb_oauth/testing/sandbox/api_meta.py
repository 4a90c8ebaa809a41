"""``meta=userinfo``, ``tokens`` and ``authmanagerinfo``: the caller, seen by the wiki."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pwb_oauth.testing.sandbox import permissions
from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_format import AsIs
from pwb_oauth.testing.sandbox.api_siteinfo import static_siteinfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.exchange import TokenKind
    from pwb_oauth.testing.sandbox.model import Block, User

_NO_CHANGES = ("add", "remove", "add-self", "remove-self")


def userinfo(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Describe who makes the request and what the request may do."""
    info: dict[str, Any] = {"id": call.context.user_id, "name": call.context.user_name}
    if call.context.user is None:
        info["anon"] = True
    for name in given["prop"] or []:
        if name in _USER_PROPS:
            info |= _USER_PROPS[name](call)
    return {"userinfo": info}


def _groups(call: Call) -> dict[str, Any]:
    user = call.context.user
    return {"groups": user.effective_groups if user else ["*"]}


def _memberships(call: Call) -> dict[str, Any]:
    user = call.context.user
    groups = user.groups if user else []
    return {"groupmemberships": [{"group": name, "expiry": "infinity"} for name in groups]}


def _implicit_groups(call: Call) -> dict[str, Any]:
    return {"implicitgroups": ["*", "user", "autoconfirmed"] if call.context.user else ["*"]}


def _changeable_groups(call: Call) -> dict[str, Any]:
    every = [name for name in call.wiki.groups if name not in ("*", "user", "autoconfirmed")]
    may = every if call.may("userrights") else []
    groups: dict[str, list[str]] = {name: [] for name in _NO_CHANGES}
    return {"changeablegroups": {**groups, "add": may, "remove": may}}


def _options(call: Call) -> dict[str, Any]:
    own = call.context.user.options if call.context.user else {}
    return {"options": AsIs({**static_siteinfo()["defaultoptions"], **own})}


def _edit_count(call: Call) -> dict[str, Any]:
    return {"editcount": call.context.user.editcount if call.context.user else 0}


def _email(call: Call) -> dict[str, Any]:
    if not call.may("viewmyprivateinfo"):
        return {}
    user = call.context.user
    info: dict[str, Any] = {"email": user.email if user else ""}
    if user and user.email_confirmed_at:
        info["emailauthenticated"] = timestamp(user.email_confirmed_at)
    return info


def _registration(call: Call) -> dict[str, Any]:
    user = call.context.user
    return {"registrationdate": timestamp(user.registered_at)} if user else {}


def _real_name(call: Call) -> dict[str, Any]:
    return {"realname": call.context.user.real_name if call.context.user else ""}


def _central_ids(call: Call) -> dict[str, Any]:
    number = call.context.user_id
    return {"centralids": AsIs(local=number), "attachedlocal": AsIs(local=bool(number))}


def _can_create_account(call: Call) -> dict[str, Any]:
    if call.may("createaccount"):
        return {"cancreateaccount": True}
    message = permissions.lacks_right(call, "createaccount")
    groups = permissions.group_names(call, "createaccount")
    reason = {
        "message": message.key,
        "params": [{"list": groups, "type": "comma"}, len(groups)],
        "code": message.code,
        "type": "error",
    }
    return {"cancreateaccount": False, "cancreateaccounterror": [reason]}


def _latest_contribution(call: Call) -> dict[str, Any]:
    times = [
        revision.timestamp
        for page in call.wiki.pages.values()
        for revision in page.revisions
        if call.context.user and revision.user_id == call.context.user_id
    ]
    return {"latestcontrib": timestamp(max(times))} if times else {}


def _block(call: Call) -> dict[str, Any]:
    user = call.context.user
    return block_info(call, user.block) if user and user.block else {}


def block_info(call: Call, block: Block) -> dict[str, Any]:
    """Describe a block as userinfo and ``list=users`` do; a block that has ended is none."""
    if block.expires_at is not None and block.expires_at <= call.wiki.now:
        return {}
    by: User | None = call.wiki.users.get(block.by)
    return {
        "blockid": block.id,
        "blockedby": block.by,
        "blockedbyid": by.id if by else 0,
        "blockreason": block.reason,
        "blockedtimestamp": timestamp(block.created_at),
        "blockexpiry": timestamp(block.expires_at) if block.expires_at else "infinite",
        "blocknocreate": bool(block.parameters.get("nocreate")),
        "blockpartial": bool(block.parameters.get("partial")),
    }


_USER_PROPS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "acceptlang": lambda _call: {"acceptlang": []},
    "blockinfo": _block,
    "cancreateaccount": _can_create_account,
    "centralids": _central_ids,
    "changeablegroups": _changeable_groups,
    "editcount": _edit_count,
    "email": _email,
    "groupmemberships": _memberships,
    "groups": _groups,
    "hasmsg": lambda _call: {"messages": False},
    "implicitgroups": _implicit_groups,
    "latestcontrib": _latest_contribution,
    "options": _options,
    "ratelimits": lambda _call: {"ratelimits": {}},
    "realname": _real_name,
    "registrationdate": _registration,
    "rights": lambda call: {"rights": call.context.rights},
    "theoreticalratelimits": lambda _call: {"theoreticalratelimits": {}},
    "unreadcount": lambda _call: {"unreadcount": 0},
}


def tokens(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Give out tokens of the kinds that are asked for."""
    kinds = cast("list[TokenKind]", given["type"] or [])
    return {"tokens": {f"{kind}token": call.context.token(kind) for kind in kinds}}


def authmanagerinfo(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Say what ``action=clientlogin`` needs to know."""
    mechanism = call.context.caller.mechanism
    info: dict[str, Any] = {
        "canauthenticatenow": mechanism in ("none", "cookie"),
        "cancreateaccounts": True,
        "canlinkaccounts": False,
        "haspreservedstate": False,
        "hasprimarypreservedstate": False,
        "preservedusername": "",
    }
    if given["requestsfor"] == "login":
        info["requests"] = [_password_request(), _remember_me_request()]
    return {"authmanagerinfo": info}


def _password_request() -> dict[str, Any]:
    def field(label: str, *, sensitive: bool) -> dict[str, Any]:
        return {
            "type": "password" if sensitive else "string",
            "label": label,
            "help": f"{label} for authentication.",
            "optional": False,
            "sensitive": sensitive,
        }

    return {
        "id": "MediaWiki\\Auth\\PasswordAuthenticationRequest",
        "metadata": {},
        "required": "primary-required",
        "provider": "Password-based authentication",
        "account": "",
        "fields": {
            "username": field("Username", sensitive=False),
            "password": field("Password", sensitive=True),
        },
    }


def _remember_me_request() -> dict[str, Any]:
    name = "MediaWiki\\Auth\\RememberMeAuthenticationRequest"
    return {
        "id": name,
        "metadata": {},
        "required": "optional",
        "provider": name,
        "account": name,
        "fields": {},
    }
