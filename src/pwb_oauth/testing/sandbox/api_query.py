"""``action=query``: pages, what is known about them, lists, and the wiki itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import (
    api_info,
    api_links,
    api_lists,
    api_logevents,
    api_messages,
    api_meta,
    api_pageset,
    api_recentchanges,
    api_revisions,
    api_siteinfo,
    api_users,
    media,
)
from pwb_oauth.testing.sandbox.api_errors import bad_continue, refuse, unsupported
from pwb_oauth.testing.sandbox.api_format import PagesById
from pwb_oauth.testing.sandbox.api_modules import modules
from pwb_oauth.testing.sandbox.api_pageset import PageSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.api_listing import Listing

Continue = dict[str, str]

_PROPS: dict[str, Callable[[Call, dict[str, Any], PageSet], Continue]] = {
    "categories": api_links.add_categories,
    "categoryinfo": api_links.add_category_info,
    "imageinfo": media.add_image_info,
    "info": api_info.add_info,
    "langlinks": api_links.add_nothing,
    "links": api_links.add_links,
    "pageprops": api_links.add_nothing,
    "revisions": api_revisions.add_revisions,
    "templates": api_links.add_templates,
}
_LISTS: dict[str, Callable[[Call, dict[str, Any]], Listing]] = {
    "allpages": api_lists.allpages,
    "allusers": api_users.allusers,
    "backlinks": api_lists.backlinks,
    "categorymembers": api_lists.categorymembers,
    "embeddedin": api_lists.embeddedin,
    "logevents": api_logevents.logevents,
    "recentchanges": api_recentchanges.recentchanges,
    "usercontribs": api_recentchanges.usercontribs,
    "users": api_users.users,
    "watchlistraw": api_lists.watchlistraw,
}
_LINK_GENERATORS: dict[str, Callable[[Call, dict[str, Any], PageSet], Listing]] = {
    "categories": api_links.generate_categories,
    "links": api_links.generate_links,
    "templates": api_links.generate_templates,
}
_META: dict[str, Callable[[Call, dict[str, Any]], dict[str, Any]]] = {
    "allmessages": api_messages.allmessages,
    "authmanagerinfo": api_meta.authmanagerinfo,
    "siteinfo": api_siteinfo.siteinfo,
    "tokens": api_meta.tokens,
    "userinfo": api_meta.userinfo,
}
_PRIVATE_META = {"authmanagerinfo", "tokens", "userinfo"}
_SOURCES = ("titles", "pageids", "revids")


@dataclass
class _Progress:
    """Where a query stands that comes in several replies (MediaWiki's ``continue=``)."""

    done: set[str]
    generator_done: bool

    @classmethod
    def read(cls, text: str | None) -> _Progress:
        if not text:
            return cls(set(), generator_done=False)
        generator, separator, finished = text.partition("||")
        if not separator:
            raise bad_continue()
        return cls({name for name in finished.split("|") if name}, generator == "-")


def _chosen(call: Call, name: str) -> list[str]:
    return [value for value in (call.raw(name) or "").split("|") if value]


def needs_read(call: Call) -> bool:
    """Whether this query needs the right ``read``: all but some of ``meta=`` alone does."""
    if any(call.raw(name) for name in (*_SOURCES, "generator", "prop", "list")):
        return True
    known = modules()
    paths = [f"query+{name}" for name in _chosen(call, "meta")]
    return not paths or any(known[path].is_read for path in paths if path in known)


def is_public(call: Call) -> bool:
    """Whether caches may keep the reply to this request apart by user, instead of not at all."""
    if call.raw("action") != "query" or call.context.request.method == "POST":
        return False
    return not _PRIVATE_META.intersection(_chosen(call, "meta"))


def query(call: Call) -> dict[str, Any]:
    """Answer a query with all that it names."""
    given = call.parameters("query")
    if given["export"] or given["exportnowrap"]:
        raise unsupported("export")
    progress = _Progress.read(given["continue"])
    body: dict[str, Any] = {}
    found, generator_continue = _page_set(call, given, progress)
    body |= found.extras
    pages_continue, finished = _run_props(call, given, found, progress)
    _show_pages(given, found, body)
    for name in given["list"] or []:
        _need(name, _LISTS, "list")
    lists_continue, lists_finished = _run_lists(call, given, body, progress)
    finished += lists_finished
    for name in given["meta"] or []:
        handler = _need(name, _META, "meta")
        if name not in progress.done:
            body |= handler(call, call.parameters(f"query+{name}"))
        finished.append(name)
    result = _continuation(call, pages_continue, generator_continue, lists_continue, finished)
    return {**result, **({"query": body} if body else {})}


def _continuation(
    call: Call,
    pages: Continue,
    generator: Continue,
    lists: Continue,
    finished: list[str],
) -> dict[str, Any]:
    props = set(_chosen(call, "prop"))
    result: dict[str, Any] = {}
    if not pages:
        result["batchcomplete"] = True
        finished = [name for name in finished if name not in props]
    if not (pages or generator or lists):
        return result
    if pages:
        sent = _sent_generator_continue(call)
        start, following = "|".join(sent), {**sent, **pages}
    elif generator:
        start, following = "|".join(generator), generator
    else:
        start, following = "-", {}
    marker = f"{start}||{'|'.join(finished)}"
    return {**result, "continue": {**following, **lists, "continue": marker}}


def _sent_generator_continue(call: Call) -> Continue:
    name = call.raw("generator")
    key = f"g{modules()[f'query+{name}'].prefix}continue" if name else ""
    value = call.raw(key) if key else None
    return {key: value} if value else {}


def _need(name: str, handlers: dict[str, Any], kind: str) -> Any:
    if name not in handlers:
        raise unsupported(f"{kind}={name}")
    return handlers[name]


def _page_set(call: Call, given: dict[str, Any], progress: _Progress) -> tuple[PageSet, Continue]:
    sources = [name for name in _SOURCES if given[name]]
    generator = given["generator"]
    if len(sources) > 1:
        listed = ", ".join(f'"{name}"' for name in sources)
        raise refuse("invalidparammix", f"The parameters {listed} can not be used together.")
    if progress.generator_done:
        return PageSet(), {}
    found = named_pages(call, given)
    if not generator:
        return found, {}
    _need(generator, {**_LINK_GENERATORS, **_LISTS}, "generator")
    module = modules()[f"query+{generator}"]
    parameters = call.parameters(module.path, "g")
    if generator in _LINK_GENERATORS:
        listing = _LINK_GENERATORS[generator](call, parameters, found)
    else:
        listing = _LISTS[generator](call, parameters)
    following = api_pageset.by_titles(
        call.wiki, listing.titles, redirects=given["redirects"], keep_order=True
    )
    key = f"g{module.prefix}continue"
    return following, {key: listing.next} if listing.next else {}


def named_pages(call: Call, given: dict[str, Any]) -> PageSet:
    """Find the pages that ``titles``, ``pageids`` or ``revids`` name, for purge and watch too."""
    if given["pageids"]:
        return api_pageset.by_page_ids(call.wiki, given["pageids"])
    if given["revids"]:
        return api_pageset.by_revision_ids(call.wiki, given["revids"])
    return api_pageset.by_titles(call.wiki, given["titles"] or [], redirects=given["redirects"])


def _run_props(
    call: Call, given: dict[str, Any], found: PageSet, progress: _Progress
) -> tuple[Continue, list[str]]:
    following: Continue = {}
    finished: list[str] = []
    for name in given["prop"] or []:
        handler = _need(name, _PROPS, "prop")
        parameters = call.parameters(f"query+{name}")
        more = handler(call, parameters, found) if name not in progress.done else {}
        following |= more
        if not more:
            finished.append(name)
    return following, finished


def _show_pages(given: dict[str, Any], found: PageSet, body: dict[str, Any]) -> None:
    if not found.entries:
        return
    if given["indexpageids"]:
        body["pageids"] = [str(entry.number) for entry in found.entries]
    body["pages"] = PagesById({entry.number: entry.facts for entry in found.entries})


def _run_lists(
    call: Call, given: dict[str, Any], body: dict[str, Any], progress: _Progress
) -> tuple[Continue, list[str]]:
    following: Continue = {}
    finished: list[str] = []
    for name in given["list"] or []:
        parameters = call.parameters(f"query+{name}")
        if name not in progress.done:
            listing = _LISTS[name](call, parameters)
            body[name] = listing.items
            if listing.next:
                prefix = modules()[f"query+{name}"].prefix
                following[prefix + listing.continue_name] = listing.next
                continue
        finished.append(name)
    return following, finished
