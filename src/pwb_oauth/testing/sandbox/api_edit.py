"""``action=edit``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import permissions, wikitext
from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_errors import ApiError, one_of, refuse, unsupported
from pwb_oauth.testing.sandbox.api_pages import (
    named_title,
    set_watched,
    wants_watching,
)
from pwb_oauth.testing.sandbox.history import save_revision

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import Page, Revision
    from pwb_oauth.testing.sandbox.titles import Title

_TEXTS = ("text", "appendtext", "prependtext", "undo")


def edit(call: Call) -> dict[str, Any]:
    """Save a page.

    Raises:
        ApiError: The caller may not, somebody else was faster, or the parameters do not fit.
    """
    given = call.parameters("edit")
    title = named_title(call, given)
    if all(given[name] is None for name in _TEXTS):
        raise one_of(list(_TEXTS), at_least=True)
    hops: list[dict[str, str]] = []
    if given["redirect"]:
        title, hops = _target(call, title)
    page = call.wiki.pages.get(title.full)
    _check_existence(given, page)
    permissions.check(call, "edit", title)
    text = _new_text(call, given, title, page)
    _check_hash(given)
    if page is None:
        permissions.check(call, "create", title)
        _check_deleted_since(call, given, title)
    else:
        _check_conflict(call, given, page)
    result = _save(call, given, title, text)
    return {"edit": {**result, **({"redirects": hops} if hops else {})}}


def _target(call: Call, title: Title) -> tuple[Title, list[dict[str, str]]]:
    page = call.wiki.pages.get(title.full)
    target = wikitext.redirect_target(call.wiki, page.latest.text) if page else None
    if target is None:
        return title, []
    return target, [{"from": title.full, "to": target.full}]


def _check_existence(given: dict[str, Any], page: Page | None) -> None:
    if page is None and given["nocreate"]:
        raise refuse("missingtitle", "The page you specified doesn't exist.")
    if page is not None and given["createonly"]:
        text = "The article you tried to create has been created already."
        raise refuse("articleexists", text)


def _check_hash(given: dict[str, Any]) -> None:
    if given["md5"] is None:
        return
    parts = [given[name] or "" for name in ("prependtext", "appendtext")]
    sent = "".join(parts) if given["text"] is None else given["text"]
    if hashlib.md5(sent.encode(), usedforsecurity=False).hexdigest() != given["md5"]:
        raise refuse("badmd5", "The supplied MD5 hash was incorrect.")


def _new_text(call: Call, given: dict[str, Any], title: Title, page: Page | None) -> str:
    old = page.latest.text if page else ""
    if given["undo"]:
        return _undone(given, page)
    if given["text"] is None:
        added_before, added_after = given["prependtext"] or "", given["appendtext"] or ""
        if given["section"] is not None:
            raise unsupported("appendtext and prependtext together with section")
        return _cleaned(added_before + old + added_after)
    text = _cleaned(given["text"])
    if given["section"] is None:
        return text
    return _with_section(call, given, old, text, title)


def _with_section(call: Call, given: dict[str, Any], old: str, text: str, title: Title) -> str:
    del call
    section = given["section"]
    if section == "new":
        heading = given["sectiontitle"] or given["summary"]
        added = f"== {heading} ==\n\n{text}" if heading else text
        return _cleaned(f"{old}\n\n{added}" if old else added)
    if not section.isdigit():
        text = 'The "section" parameter must be a valid section ID or "new".'
        raise refuse("invalidsection", text)
    replaced = wikitext.replace_section(old, section, text)
    if replaced is None:
        raise refuse("nosuchsection", f"There is no section {section} in {title.full}.")
    return _cleaned(replaced)


def _cleaned(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip()


def _undone(given: dict[str, Any], page: Page | None) -> str:
    revisions = {each.revid: each for each in page.revisions} if page else {}
    undone = revisions.get(given["undo"])
    if undone is None or page is None:
        raise refuse("nosuchrevid", f"There is no revision with ID {given['undo']}.")
    wanted = given["undoafter"] or undone.parentid
    before = revisions.get(wanted)
    if before is None:
        raise refuse("nosuchrevid", f"There is no revision with ID {wanted}.")
    if page.latest.text != undone.text:
        text = "The edit could not be undone due to conflicting intermediate edits."
        raise refuse("undofailure", text)
    return before.text


def _check_deleted_since(call: Call, given: dict[str, Any], title: Title) -> None:
    started = given["starttimestamp"]
    if started is None or given["recreate"]:
        return
    for event in call.wiki.log_events:
        deleted = (event.type, event.action, event.title) == ("delete", "delete", title.full)
        if deleted and event.timestamp > started:
            text = "The page has been deleted since you fetched its timestamp."
            raise refuse("pagedeleted", text)


def _check_conflict(call: Call, given: dict[str, Any], page: Page) -> None:
    newer = _newer_revisions(given, page)
    # Nobody is in conflict with themselves. Edits are not merged: that takes a wiki with diff3.
    if any(revision.user_id != call.context.user_id for revision in newer):
        raise refuse("editconflict", "Edit conflict.")


def _newer_revisions(given: dict[str, Any], page: Page) -> list[Revision]:
    if given["text"] is None or given["section"] == "new":
        return []
    if given["baserevid"]:
        return [each for each in page.revisions if each.revid > given["baserevid"]]
    base = given["basetimestamp"]
    return [each for each in page.revisions if base is not None and each.timestamp > base]


def _save(call: Call, given: dict[str, Any], title: Title, text: str) -> dict[str, Any]:
    page, context = call.wiki.pages.get(title.full), call.context
    result: dict[str, Any] = {"result": "Success"}
    watched = wants_watching(call, given, title)
    if page is None:
        _check_blank(given, text)
        result = {"new": True, **result}
    if page is not None and page.latest.text == text:
        facts: dict[str, Any] = {"nochange": True}
    else:
        revision = save_revision(
            context,
            title.full,
            text,
            comment=given["summary"] or _automatic_summary(given),
            minor=given["minor"] and not given["notminor"] and call.may("minoredit"),
            bot=given["bot"] and call.may("bot"),
            content_model=given["contentmodel"],
        )
        facts = {
            "oldrevid": revision.parentid,
            "newrevid": revision.revid,
            "newtimestamp": timestamp(revision.timestamp),
        }
        if context.user is None and not context.caller.is_oauth:
            context.session()
    set_watched(call, title, watched=watched)
    saved = call.wiki.pages[title.full]
    ids = {"pageid": saved.id, "title": saved.title, "contentmodel": saved.content_model}
    return {**result, **ids, **facts, **({"watched": True} if watched else {})}


def _check_blank(given: dict[str, Any], text: str) -> None:
    if not text and not given["contentmodel"]:
        raise _blank()


def _blank() -> ApiError:
    return refuse("emptypage", "Creating new, empty pages is not allowed.")


def _automatic_summary(given: dict[str, Any]) -> str:
    if given["section"] == "new" and given["sectiontitle"]:
        return f"/* {given['sectiontitle']} */ new section"
    return ""
