"""Lists of pages: ``allpages``, ``backlinks``, ``categorymembers``, ``watchlistraw``, ….."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import wikitext
from pwb_oauth.testing.sandbox.api_errors import one_of, refuse
from pwb_oauth.testing.sandbox.api_links import members
from pwb_oauth.testing.sandbox.api_listing import Listing, take_part
from pwb_oauth.testing.sandbox.titles import (
    CATEGORY,
    FILE,
    InvalidTitleError,
    Title,
    parse_title,
    talk_title,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import Page, WikiState


_Finder = Callable[["WikiState", str], "Iterable[Title]"]


def _listing(pages: list[Page], following: str | None) -> Listing:
    items = [{"pageid": page.id, "ns": page.ns, "title": page.title} for page in pages]
    return Listing(items, [page.title for page in pages], following)


def _bare(wiki: WikiState, page: Page) -> str:
    return parse_title(wiki, page.title).bare


def _matches_redirect(call: Call, page: Page, wanted: str) -> bool:
    is_redirect = wikitext.redirect_target(call.wiki, page.latest.text) is not None
    return wanted == "all" or is_redirect == (wanted == "redirects")


def allpages(call: Call, given: dict[str, Any]) -> Listing:
    """Every page of a namespace, by title."""
    wiki, descending = call.wiki, given["dir"] == "descending"

    def wanted(page: Page) -> bool:
        name, size = _bare(wiki, page), len(page.latest.text.encode())
        least, most = given["minsize"], given["maxsize"]
        return (
            page.ns == (given["namespace"] or 0)
            and name.startswith(_first_upper(given["prefix"]))
            and (least is None or size >= least)
            and (most is None or size <= most)
            and _within(name, given, descending=descending)
            and _matches_redirect(call, page, given["filterredir"])
            and _is_protected_as(page, given)
        )

    pages = sorted(
        filter(wanted, wiki.pages.values()),
        key=lambda page: _bare(wiki, page),
        reverse=descending,
    )
    return _listing(*take_part(pages, _title_key(wiki), given["limit"], given["continue"]))


def _title_key(wiki: WikiState) -> Callable[[Page], str]:
    return lambda page: _bare(wiki, page).replace(" ", "_")


def _first_upper(text: str | None) -> str:
    cleaned = (text or "").replace("_", " ")
    return cleaned[:1].upper() + cleaned[1:]


def _within(name: str, given: dict[str, Any], *, descending: bool) -> bool:
    start, end = _first_upper(given["from"]), _first_upper(given["to"])
    if descending:
        start, end = end, start
    return name >= start and (not end or name <= end)


def _is_protected_as(page: Page, given: dict[str, Any]) -> bool:
    if not given["prtype"]:
        return True
    rules = [page.protection[name] for name in given["prtype"] if name in page.protection]
    levels = [level for level in given["prlevel"] or [] if level]
    return any(not levels or rule.level in levels for rule in rules)


def _one_title(call: Call, given: dict[str, Any], prefix: str) -> Title:
    if given["pageid"] is not None:
        page = call.wiki.page_by_id(given["pageid"])
        if page is None:
            raise refuse("nosuchpageid", f"There is no page with ID {given['pageid']}.")
        return parse_title(call.wiki, page.title)
    if given["title"] is None:
        raise one_of([f"{prefix}title", f"{prefix}pageid"])
    try:
        return parse_title(call.wiki, given["title"])
    except InvalidTitleError:
        raise refuse("invalidtitle", f'Bad title "{given["title"]}".') from None


def _pages_that(call: Call, given: dict[str, Any], find: _Finder, target: str) -> Listing:
    namespaces = given["namespace"]
    pages = sorted(
        (
            page
            for page in call.wiki.pages.values()
            if (not namespaces or page.ns in namespaces)
            and any(title.full == target for title in find(call.wiki, page.latest.text))
            and _matches_redirect(call, page, given["filterredir"])
        ),
        key=lambda page: (page.ns, page.id),
        reverse=given["dir"] == "descending",
    )
    limit, start = given["limit"], given["continue"]
    return _listing(*take_part(pages, lambda page: f"{page.ns}|{page.id}", limit, start))


def backlinks(call: Call, given: dict[str, Any]) -> Listing:
    """The pages that link to one."""
    return _pages_that(call, given, wikitext.links, _one_title(call, given, "bl").full)


def embeddedin(call: Call, given: dict[str, Any]) -> Listing:
    """The pages that use a template."""
    return _pages_that(call, given, wikitext.templates, _one_title(call, given, "ei").full)


def categorymembers(call: Call, given: dict[str, Any]) -> Listing:
    """The pages in a category."""
    title = _one_title(call, given, "cm")
    if title.ns != CATEGORY:
        raise refuse("invalidcategory", "The category name you entered is not valid.")
    kinds, namespaces = given["type"] or [], given["namespace"]
    pages = [
        page
        for page in members(call.wiki, title.full)
        if _member_kind(page) in kinds and (not namespaces or page.ns in namespaces)
    ]
    if given["dir"] in ("desc", "descending", "older"):
        pages.reverse()
    limit, start = given["limit"], given["continue"]
    part, following = take_part(pages, lambda page: f"{_member_kind(page)}|{page.id}", limit, start)
    listing = _listing(part, following)
    if "type" in (given["prop"] or []):
        for item, page in zip(listing.items, part, strict=True):
            item["type"] = _member_kind(page)
    return listing


def _member_kind(page: Page) -> str:
    return {CATEGORY: "subcat", FILE: "file"}.get(page.ns, "page")


def watchlistraw(call: Call, given: dict[str, Any]) -> Listing:
    """The pages on the caller's watchlist, talk pages too."""
    user = call.context.user
    if user is None:
        raise refuse("notloggedin", "You must be logged-in to have a watchlist.")
    if not call.may("viewmywatchlist"):
        text = "You don't have permission to view your watchlist."
        raise refuse("permissiondenied", text)
    subjects = [parse_title(call.wiki, name) for name in user.watchlist]
    titles = [*subjects, *(talk_title(call.wiki, title) for title in subjects)]
    wanted = [t for t in titles if not given["namespace"] or t.ns in given["namespace"]]
    wanted.sort(key=lambda t: (t.ns, t.bare), reverse=given["dir"] == "descending")
    limit, start = given["limit"], given["continue"]
    part, following = take_part(wanted, lambda t: f"{t.ns}|{t.underscored}", limit, start)
    items = [{"ns": title.ns, "title": title.full} for title in part]
    return Listing(items, [title.full for title in part], following)
