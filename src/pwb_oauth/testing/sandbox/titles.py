"""Page titles: what a wiki makes of what someone typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.model import WikiState

_CANONICAL = {"project": 4, "project talk": 5, "image": 6, "image talk": 7}
_INVALID = re.compile(r"[<>\[\]{}|\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}")
_MAX_BYTES = 255
FILE, MEDIAWIKI, CATEGORY = 6, 8, 14


class InvalidTitleError(ValueError):
    """Something that cannot be a title; its text is the reason as MediaWiki says it."""


@dataclass(frozen=True)
class Title:
    """A normalized title.

    Attributes:
        ns: The namespace's number.
        full: With the namespace before it, spaces instead of underscores.
        bare: Without the namespace.
    """

    ns: int
    full: str
    bare: str

    @property
    def is_talk(self) -> bool:
        """Whether it is in a talk namespace."""
        return self.ns > 0 and self.ns % 2 == 1

    @property
    def underscored(self) -> str:
        """As it stands in a URL, not yet percent-encoded."""
        return self.full.replace(" ", "_")


def parse_title(wiki: WikiState, text: str, default_ns: int = 0) -> Title:
    """Normalize a title: namespace, spaces, first letter.

    Args:
        wiki: Whose namespaces count.
        text: As typed; a fragment (``#…``) is dropped.
        default_ns: The namespace where the text names none.

    Raises:
        InvalidTitleError: It cannot be a title.
    """
    cleaned = re.sub(r"[ _]+", " ", text.partition("#")[0]).strip()
    if cleaned.startswith(":"):
        cleaned, default_ns = cleaned[1:].strip(), 0
    prefix, colon, rest = cleaned.partition(":")
    ns = _namespace(wiki, prefix.strip()) if colon else None
    bare = cleaned if ns is None else rest.strip()
    return make_title(wiki, default_ns if ns is None else ns, bare)


def make_title(wiki: WikiState, ns: int, bare: str) -> Title:
    """Put a title together from a namespace and the name in it.

    Raises:
        InvalidTitleError: It cannot be a title.
    """
    found = _INVALID.search(bare)
    if found:
        reason = f'The requested page title contains invalid characters: "{found.group()}".'
        raise InvalidTitleError(reason)
    if not bare:
        raise InvalidTitleError(
            "The requested page title is empty or contains only the name of a namespace."
        )
    if len(bare.encode()) > _MAX_BYTES:
        raise InvalidTitleError(
            "The requested page title is too long."
            f" It must be no longer than {_MAX_BYTES} bytes in UTF-8 encoding."
        )
    bare = bare[0].upper() + bare[1:]
    name = wiki.namespaces[ns]
    return Title(ns, f"{name}:{bare}" if name else bare, bare)


def _namespace(wiki: WikiState, prefix: str) -> int | None:
    names = {name.lower(): ns for ns, name in wiki.namespaces.items() if name}
    return (_CANONICAL | names).get(prefix.lower())


def talk_title(wiki: WikiState, title: Title) -> Title:
    """The talk page of a page; a talk page's is itself."""
    return title if title.is_talk else make_title(wiki, title.ns + 1, title.bare)


def subject_title(wiki: WikiState, title: Title) -> Title:
    """The page that a talk page is about; any other page's is itself."""
    return make_title(wiki, title.ns - 1, title.bare) if title.is_talk else title


def clean_user_name(text: str) -> str | None:
    """Normalize a user name, None for what cannot be one."""
    name = re.sub(r"[ _]+", " ", text).strip()
    if not name or re.search(r"[#<>\[\]{}|/]", name):
        return None
    return name[0].upper() + name[1:]
