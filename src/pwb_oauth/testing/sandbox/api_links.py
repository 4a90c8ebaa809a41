"""What a page links to: ``prop=categories``, ``links``, ``templates``, and ``categoryinfo``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import wikitext
from pwb_oauth.testing.sandbox.api_listing import Listing, take_part
from pwb_oauth.testing.sandbox.titles import CATEGORY, FILE, Title, parse_title

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.api_pageset import Entry, PageSet
    from pwb_oauth.testing.sandbox.model import Page, WikiState

_Finder = Callable[["WikiState", str], list[Title]]
_Row = tuple["Entry", Title]


def add_categories(call: Call, given: dict[str, Any], found: PageSet) -> dict[str, str]:
    """Add the categories that each page is in."""
    return _add(call, given, found, "categories", "cl")


def add_links(call: Call, given: dict[str, Any], found: PageSet) -> dict[str, str]:
    """Add the pages that each page links to."""
    return _add(call, given, found, "links", "pl")


def add_templates(call: Call, given: dict[str, Any], found: PageSet) -> dict[str, str]:
    """Add the templates that each page uses."""
    return _add(call, given, found, "templates", "tl")


def add_nothing(call: Call, given: dict[str, Any], found: PageSet) -> dict[str, str]:
    """Answer for what no page of the sandbox wiki has: interlanguage links, page properties."""
    del call, given, found
    return {}


def generate_categories(call: Call, given: dict[str, Any], found: PageSet) -> Listing:
    """Go on with the categories that the pages are in."""
    return _generate(call, given, found, "categories")


def generate_links(call: Call, given: dict[str, Any], found: PageSet) -> Listing:
    """Go on with the pages that the pages link to."""
    return _generate(call, given, found, "links")


def generate_templates(call: Call, given: dict[str, Any], found: PageSet) -> Listing:
    """Go on with the templates that the pages use."""
    return _generate(call, given, found, "templates")


_FINDERS: dict[str, _Finder] = {
    "categories": wikitext.categories,
    "links": wikitext.links,
    "templates": wikitext.templates,
}


def _part(
    call: Call, given: dict[str, Any], found: PageSet, kind: str
) -> tuple[list[_Row], str | None]:
    find, namespaces, only = _FINDERS[kind], given.get("namespace"), _only(call, given, kind)
    rows = [
        (entry, title)
        for entry in found.existing
        if entry.page is not None
        for title in find(call.wiki, entry.page.latest.text)
        if (not namespaces or title.ns in namespaces) and (only is None or title.full in only)
    ]
    return take_part(rows, _key, given["limit"], given["continue"])


def _only(call: Call, given: dict[str, Any], kind: str) -> set[str] | None:
    names = given.get("titles" if kind == "links" else kind)
    return {parse_title(call.wiki, name).full for name in names} if names else None


def _key(row: _Row) -> str:
    entry, title = row
    return f"{entry.number}|{title.ns}|{title.underscored}"


def _add(
    call: Call, given: dict[str, Any], found: PageSet, kind: str, prefix: str
) -> dict[str, str]:
    rows, following = _part(call, given, found, kind)
    for entry, title in rows:
        entry.facts.setdefault(kind, []).append({"ns": title.ns, "title": title.full})
    return {f"{prefix}continue": following} if following else {}


def _generate(call: Call, given: dict[str, Any], found: PageSet, kind: str) -> Listing:
    rows, following = _part(call, given, found, kind)
    return Listing([], [title.full for _, title in rows], following)


def members(wiki: WikiState, category: str) -> list[Page]:
    """The pages in a category, by title."""
    found = [
        page
        for page in wiki.pages.values()
        if any(each.full == category for each in wikitext.categories(wiki, page.latest.text))
    ]
    return sorted(found, key=lambda page: (page.title.upper(), page.id))


def add_category_info(call: Call, given: dict[str, Any], found: PageSet) -> dict[str, str]:
    """Add how much is in each page that is a category with something in it."""
    del given
    for entry in found.entries:
        if entry.title is None or entry.title.ns != CATEGORY:
            continue
        inside = members(call.wiki, entry.title.full)
        if inside:
            files = sum(page.ns == FILE for page in inside)
            subcategories = sum(page.ns == CATEGORY for page in inside)
            entry.facts["categoryinfo"] = {
                "size": len(inside),
                "pages": len(inside) - files - subcategories,
                "files": files,
                "subcats": subcategories,
                "hidden": False,
            }
    return {}
