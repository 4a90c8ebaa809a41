"""The pages that a request is about: ``titles=``, ``pageids=``, ``revids=`` or a generator's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox.titles import InvalidTitleError, Title, parse_title
from pwb_oauth.testing.sandbox.wikitext import redirect_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pwb_oauth.testing.sandbox.model import Page, Revision, WikiState

_MAX_REDIRECTS = 10


@dataclass
class Entry:
    """One page of the set.

    Attributes:
        number: The page's, or a negative one for what has none.
        facts: What the result says of it; modules add to it.
        title: None for what cannot have one.
        page: None if it does not exist.
    """

    number: int
    facts: dict[str, Any]
    title: Title | None = None
    page: Page | None = None


@dataclass
class PageSet:
    """The pages found, in the order in which a wiki lists them, and what was done on the way.

    Attributes:
        entries: Pages that do not exist first.
        extras: ``normalized``, ``redirects``, ``badrevids`` for the result, where there are some.
        revisions: Those that ``revids=`` asked for, by page number.
    """

    entries: list[Entry] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)
    revisions: dict[int, list[Revision]] = field(default_factory=dict)

    @property
    def existing(self) -> list[Entry]:
        """The pages that exist."""
        return [entry for entry in self.entries if entry.page is not None]


def by_titles(
    wiki: WikiState, titles: Iterable[str], *, redirects: bool, keep_order: bool = False
) -> PageSet:
    """Find pages by title.

    Args:
        wiki: Where to look.
        titles: As sent.
        redirects: Whether to put the target in the place of a redirect.
        keep_order: True for a generator, whose order counts; else they are sorted.
    """
    found = PageSet()
    parsed: dict[Title, None] = {}
    invalid: dict[str, str] = {}
    for text in titles:
        try:
            title = parse_title(wiki, text)
        except InvalidTitleError as reason:
            invalid[text] = str(reason)
            continue
        if title.full != text:
            normalized = {"fromencoded": False, "from": text, "to": title.full}
            found.extras.setdefault("normalized", []).append(normalized)
        parsed[title] = None
    wanted = list(parsed)
    if redirects:
        wanted = _follow_redirects(wiki, wanted, found)
    _add_titles(wiki, wanted, invalid, found, keep_order=keep_order)
    return found


def _add_titles(
    wiki: WikiState,
    titles: list[Title],
    invalid: dict[str, str],
    found: PageSet,
    *,
    keep_order: bool,
) -> None:
    number = -1
    for title in titles:
        if title.full not in wiki.pages:
            kind = "special" if title.ns < 0 else "missing"
            facts = {"ns": title.ns, "title": title.full, kind: True}
            found.entries.append(Entry(number, facts, title))
            number -= 1
    for text, reason in invalid.items():
        facts = {"title": text, "invalidreason": reason, "invalid": True}
        found.entries.append(Entry(number, facts))
        number -= 1
    pages = [wiki.pages[title.full] for title in titles if title.full in wiki.pages]
    if not keep_order:
        pages.sort(key=lambda page: (page.ns, page.title))
    found.entries += [_entry_of(wiki, page) for page in pages]


def _follow_redirects(wiki: WikiState, titles: list[Title], found: PageSet) -> list[Title]:
    targets: dict[Title, None] = {}
    for title in titles:
        current = title
        for _ in range(_MAX_REDIRECTS):
            page = wiki.pages.get(current.full)
            target = redirect_target(wiki, page.latest.text) if page else None
            if target is None:
                break
            hop = {"from": current.full, "to": target.full}
            if hop not in found.extras.setdefault("redirects", []):
                found.extras["redirects"].append(hop)
            current = target
        targets[current] = None
    return list(targets)


def by_page_ids(wiki: WikiState, numbers: Iterable[int]) -> PageSet:
    """Find pages by number."""
    found = PageSet()
    wanted = sorted(set(numbers))
    for number in wanted:
        if wiki.page_by_id(number) is None:
            found.entries.append(Entry(number, {"pageid": number, "missing": True}))
    pages = (wiki.page_by_id(number) for number in wanted)
    found.entries += [_entry_of(wiki, page) for page in pages if page is not None]
    return found


def by_revision_ids(wiki: WikiState, numbers: Iterable[int]) -> PageSet:
    """Find pages by the numbers of their revisions, and remember which were asked for."""
    found = PageSet()
    revisions = {
        revision.revid: (page, revision)
        for page in wiki.pages.values()
        for revision in page.revisions
    }
    pages: dict[int, Page] = {}
    for number in sorted(set(numbers)):
        if number in revisions:
            page, revision = revisions[number]
            pages[page.id] = page
            found.revisions.setdefault(page.id, []).append(revision)
        else:
            bad = {"revid": number, "missing": True}
            found.extras.setdefault("badrevids", {})[str(number)] = bad
    found.entries = [_entry_of(wiki, pages[number]) for number in sorted(pages)]
    return found


def _entry_of(wiki: WikiState, page: Page) -> Entry:
    facts = {"pageid": page.id, "ns": page.ns, "title": page.title}
    return Entry(page.id, facts, parse_title(wiki, page.title), page)
