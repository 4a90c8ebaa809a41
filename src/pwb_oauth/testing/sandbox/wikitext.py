"""The little of wikitext that the sandbox wiki understands: links, redirects, sections."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from pwb_oauth.testing.sandbox.titles import (
    CATEGORY,
    FILE,
    InvalidTitleError,
    Title,
    parse_title,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pwb_oauth.testing.sandbox.model import WikiState

_LINK = re.compile(r"\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]*))?\]\]")
_TEMPLATE = re.compile(r"\{\{([^{}|\n#]+)")
_REDIRECT = re.compile(r"\s*#REDIRECT:?\s*\[\[([^\[\]|\n]+)", re.IGNORECASE)
_HEADING = re.compile(r"^(=+)[ \t]*(.+?)[ \t]*\1[ \t]*$", re.MULTILINE)
_TEMPLATE_NS = 10


def redirect_target(wiki: WikiState, text: str) -> Title | None:
    """Where a page's text redirects to, None if it does not."""
    found = _REDIRECT.match(text)
    return _parsed(wiki, found.group(1)) if found else None


def links(wiki: WikiState, text: str) -> list[Title]:
    """The pages that a text links to, sorted, each once; no categories and files."""
    found = (_parsed(wiki, match.group(1)) for match in _LINK.finditer(text))
    return _sorted(each for each in found if each and each.ns not in (CATEGORY, FILE))


def categories(wiki: WikiState, text: str) -> list[Title]:
    """The categories that a text puts its page into, sorted, each once."""
    names = (match.group(1) for match in _LINK.finditer(text))
    found = (_parsed(wiki, name) for name in names if not name.lstrip().startswith(":"))
    return _sorted(each for each in found if each and each.ns == CATEGORY)


def templates(wiki: WikiState, text: str) -> list[Title]:
    """The templates that a text uses, sorted, each once."""
    names = (match.group(1) for match in _TEMPLATE.finditer(text))
    return _sorted(each for each in (_parsed(wiki, name, _TEMPLATE_NS) for name in names) if each)


def _parsed(wiki: WikiState, name: str, default_ns: int = 0) -> Title | None:
    try:
        return parse_title(wiki, name, default_ns)
    except InvalidTitleError:
        return None


def _sorted(found: Iterable[Title]) -> list[Title]:
    return sorted(dict.fromkeys(found), key=lambda title: (title.ns, title.bare))


def parsed_comment(wiki: WikiState, comment: str) -> str:
    """Write an edit summary as HTML, with its links."""
    html, end = "", 0
    for match in _LINK.finditer(comment):
        html += escape(comment[end : match.start()], quote=True).replace("&#x27;", "&#039;")
        html += _html_link(wiki, match.group(1), match.group(2) or match.group(1))
        end = match.end()
    return html + escape(comment[end:], quote=True).replace("&#x27;", "&#039;")


def _html_link(wiki: WikiState, target: str, label: str) -> str:
    title = _parsed(wiki, target)
    if title is None:
        return escape(label)
    path, name = quote(title.underscored, safe="/:!@$*(),;~"), escape(title.full)
    if title.full in wiki.pages or title.ns < 0:
        return f'<a href="/wiki/{path}" title="{name}">{escape(label.lstrip(":"))}</a>'
    href = f"/w/index.php?title={path}&amp;action=edit&amp;redlink=1"
    new = f'class="new" title="{name} (page does not exist)"'
    return f'<a href="{href}" {new}>{escape(label.lstrip(":"))}</a>'


def replace_section(text: str, section: str, new_text: str) -> str | None:
    """Put a text in the place of one section.

    Args:
        text: The whole page.
        section: Its number; 0 is what stands before the first heading.
        new_text: The section's new text, its heading included.

    Returns:
        The page's new text, None if there is no such section.
    """
    headings = list(_HEADING.finditer(text))
    number = int(section)
    if number > len(headings):
        return None
    start = headings[number - 1].start() if number else 0
    level = len(headings[number - 1].group(1)) if number else 0
    following = (
        heading.start() for heading in headings[number:] if not level or _level(heading) <= level
    )
    end = next(following, len(text))
    rest = text[end:]
    return text[:start] + new_text.rstrip() + (f"\n\n{rest}" if rest else "")


def _level(heading: re.Match[str]) -> int:
    return len(heading.group(1))
