"""``action=move``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import permissions, wikitext
from pwb_oauth.testing.sandbox.api_errors import ApiError, Message
from pwb_oauth.testing.sandbox.api_pages import (
    add_log_event,
    existing_page,
    named_title,
    read_title,
    set_watched,
    wants_watching,
)
from pwb_oauth.testing.sandbox.history import save_revision
from pwb_oauth.testing.sandbox.titles import Title, parse_title, talk_title

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import Page

_WITHOUT_SUBPAGES = (0, 6, 14)


def move(call: Call) -> dict[str, Any]:
    """Rename a page, and its talk page if wanted; a redirect stays behind.

    Raises:
        ApiError: The caller may not, or the new title is taken.
    """
    given = call.parameters("move")
    source = named_title(call, given, "from")
    target = read_title(call, given["to"])
    page = existing_page(call, source)
    _check(call, source, target)
    leave_redirect = not (given["noredirect"] and call.may("suppressredirect"))
    _move(call, page, target, given["reason"], leave_redirect=leave_redirect)
    set_watched(call, target, watched=wants_watching(call, given, target))
    result: dict[str, Any] = {"from": source.full, "to": target.full, "reason": given["reason"]}
    if leave_redirect:
        result["redirectcreated"] = True
    if given["movetalk"]:
        result |= _move_talk(call, source, target, given["reason"], leave_redirect=leave_redirect)
    if given["movesubpages"]:
        result |= _move_subpages(call, source, target, given)
    return {"move": result}


def _check(call: Call, source: Title, target: Title) -> None:
    problems: dict[str, Message] = {}
    for problem in (*_invalid(call, source, target), *_forbidden(call, source, target)):
        problems.setdefault(problem.code, problem)
    if problems:
        raise ApiError(*problems.values())


def _invalid(call: Call, source: Title, target: Title) -> list[Message]:
    if source == target:
        return [Message("selfmove", "The title is the same; cannot move a page over itself.")]
    page = call.wiki.pages.get(target.full)
    if page is None or _is_plain_redirect_to(call, page, source):
        return []
    text = (
        f"A page already exists at [[:{target.full}]], or the page name you have chosen is not"
        " valid. Please choose another name."
    )
    return [Message("articleexists", text)]


def _is_plain_redirect_to(call: Call, page: Page, target: Title) -> bool:
    found = wikitext.redirect_target(call.wiki, page.latest.text)
    return found == target and len(page.revisions) == 1


def _forbidden(call: Call, source: Title, target: Title) -> list[Message]:
    found = [
        *permissions.errors(call, "move", source),
        *permissions.errors(call, "edit", source),
        *permissions.errors(call, "move-target", target),
        *permissions.errors(call, "edit", target),
    ]
    if target.full not in call.wiki.pages:
        found += permissions.errors(call, "create", target)
    return found


def _move(call: Call, page: Page, target: Title, reason: str, *, leave_redirect: bool) -> None:
    wiki, context = call.wiki, call.context
    source = parse_title(wiki, page.title)
    summary = f"{context.user_name} moved page [[{source.full}]] to [[{target.full}]]"
    comment = f"{summary}: {reason}" if reason else summary
    pages = {title: each for title, each in wiki.pages.items() if each is not page}
    pages.pop(target.full, None)
    wiki.pages = {**pages, target.full: page}
    page.title, page.ns = target.full, target.ns
    revision = save_revision(
        context, target.full, page.latest.text, comment=comment, minor=True, in_recent_changes=False
    )
    event = add_log_event(call, ("move", "move"), source, page.id, reason, revision)
    event.params = {"target_ns": target.ns, "target_title": target.full}
    if leave_redirect:
        text = f"#REDIRECT [[{target.full}]]"
        save_revision(context, source.full, text, comment=comment, in_recent_changes=False)


def _move_talk(
    call: Call, source: Title, target: Title, reason: str, *, leave_redirect: bool
) -> dict[str, Any]:
    if source.is_talk or target.is_talk:
        return {}
    old, new = talk_title(call.wiki, source), talk_title(call.wiki, target)
    page = call.wiki.pages.get(old.full)
    if page is None or new.full in call.wiki.pages:
        return {}
    _move(call, page, new, reason, leave_redirect=leave_redirect)
    return {"talkfrom": old.full, "talkto": new.full, "talkredirectcreated": leave_redirect}


def _move_subpages(
    call: Call, source: Title, target: Title, given: dict[str, Any]
) -> dict[str, Any]:
    talk: dict[str, Any] = {"subpages-talk": []} if given["movetalk"] else {}
    if source.ns in _WITHOUT_SUBPAGES:
        code = "namespace-nosubpages"
        name = call.wiki.namespaces[source.ns]
        error = {"message": code, "params": [name], "code": code, "type": "error"}
        return {"subpages": {"errors": [error]}, **talk}
    moved = []
    for name in [name for name in call.wiki.pages if name.startswith(f"{source.full}/")]:
        new = parse_title(call.wiki, target.full + name.removeprefix(source.full))
        if new.full not in call.wiki.pages:
            leave = not (given["noredirect"] and call.may("suppressredirect"))
            _move(call, call.wiki.pages[name], new, given["reason"], leave_redirect=leave)
            moved.append({"from": name, "to": new.full})
    return {"subpages": moved, **talk}
