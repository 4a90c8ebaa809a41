"""Where a wiki is, of which somebody gives the host or a page: not each has its api.php in /w."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from pwb_oauth import configuration, deadline
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.sender import Nobody
from pwb_oauth.transport import user_agent
from pwb_oauth.wiki import WIKIMEDIA_CENTRAL, Wiki, is_loopback

_ENTRY_POINT = re.compile(r"/(?:api|index|rest)\.php")
_SECONDS = 10.0
_MOST = 1 << 20
"""Bytes of a page that are looked at: its head is at the beginning."""


def known(text: str) -> Wiki | None:
    """A wiki whose place is named, or known to us or to Pywikibot; None if it is none of these.

    Args:
        text: A host name, or a URL of one of the wiki's pages or entry points.

    Raises:
        ConfigurationError: It is no address.
    """
    wiki = Wiki.from_url(text)
    if _ENTRY_POINT.search(text) or wiki.central.host == WIKIMEDIA_CENTRAL:
        return wiki
    if is_loopback(urlsplit(wiki.server).hostname or ""):
        return wiki if _is_bare(text) else None
    with suppress(ConfigurationError):  # a user-config.py that cannot be run is for others to say
        return configuration.wiki_of_host(wiki.host)
    return None


def asked(text: str) -> Wiki:
    """The same of any wiki; where it is not known its page is asked, which says so in its head.

    Returns:
        What has its entry points in ``/w`` if the page cannot be read, or is no wiki's.
    """
    wiki = known(text)
    if wiki is not None:
        return wiki
    guessed = Wiki.from_url(text)
    path = "/" if _is_bare(text) else text.partition("://")[2].partition("/")[1:]
    address = f"{guessed.server}{''.join(path)}"
    guessed.require_safe_transport()
    return _said_by(address, guessed) or guessed


def _is_bare(text: str) -> bool:
    """Whether no page is named."""
    return not text.partition("://")[2].partition("/")[2] if "://" in text else "/" not in text


def _said_by(address: str, guessed: Wiki) -> Wiki | None:
    """What a page says; None if it says nothing, or leads to another host."""
    try:
        url, page = _read(address, user_agent(guessed))
        api_url = configuration.api_url_in(page, url)
        found = None if api_url is None else Wiki.from_url(api_url)
    except (requests.RequestException, HTTPError, ConfigurationError):
        return None  # what is wrong is said by whatever asks there
    return found if found is not None and found.server == guessed.server else None


def _read(address: str, agent: str) -> tuple[str, str]:
    """The beginning of a page, and the address that it came from after redirects."""
    headers = {"User-Agent": agent}
    with (
        deadline.within(_SECONDS),
        requests.Session() as base,
        Nobody().request("GET", address, base=base, headers=headers, stream=True) as response,
    ):
        page = response.raw.read(_MOST, decode_content=True)
        return response.url, page.decode("utf-8", "replace")
