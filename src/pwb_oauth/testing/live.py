"""Tests against a real wiki: as whom, where they may write, and what is put back afterwards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import pywikibot
from pywikibot.data.api import Request

from pwb_oauth import authorization
from pwb_oauth.credential import parse_owner_only
from pwb_oauth.errors import ConfigurationError, PwbOAuthError
from pwb_oauth.fatal import fatal_for_pywikibot
from pwb_oauth.testing import live_environment
from pwb_oauth.wiki import Wiki, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.credential import Credential
    from pwb_oauth.testing.isolation import Workplace

# test.wikipedia.org, test-commons.wikimedia.org, en.wikipedia.beta.wmcloud.org, …
_TEST_WIKI = re.compile(r"test|(.*\.)?beta\.")
_USER_NAMESPACE = 2


def open_site(workplace: Workplace, oauth_version: str) -> Any:
    """Sign a site of the live wiki in, as whomever the wiki says that the token belongs to.

    A failure ends the test without a traceback: its frames would hold the token.
    """
    try:
        wiki = Wiki.from_url(live_environment.wiki())
        return workplace.open(wiki, _credential(wiki, oauth_version))
    except PwbOAuthError as error:
        problem = str(error)
    pytest.fail(f"{live_environment.VARIABLES[oauth_version]}: {problem}", pytrace=False)


def guard_writes(patch: pytest.MonkeyPatch) -> None:
    """Refuse every write of the test but to its user's own space, and that only when allowed.

    On every wiki: one token serves all of a farm.
    """
    submit = Request.submit

    def guarded(request: Request) -> Any:
        with fatal_for_pywikibot():
            if request.write or "token" in request:
                _require_permission(request.site, request)
        return submit(request)

    patch.setattr(Request, "submit", guarded)


def own_page(site: Any, oauth_version: str) -> Iterator[Any]:
    """Give the test a page that it may write to, and put its text back.

    A page that was not there before is left empty: deleting it is for administrators.
    """
    reason = why_read_only(site)
    if reason is not None:
        pytest.skip(reason)
    title = f"User:{site.username()}/pwb_oauth test {oauth_version}"
    before = pywikibot.Page(site, title).text
    yield pywikibot.Page(site, title)
    page = pywikibot.Page(site, title)
    if page.text != before:
        page.text = before
        page.save(summary="Putting back what a test has changed", minor=False)


def why_read_only(site: Any) -> str | None:
    """Why tests must not write to a wiki; None if they may."""
    host = str(urlsplit(site.base_url("")).hostname)
    if not is_loopback(host) and not _TEST_WIKI.match(host):
        return f"{host} is no test wiki by its name; {live_environment.WIKI} can name another wiki"
    return live_environment.why_read_only()


def _credential(wiki: Wiki, oauth_version: str) -> Credential:
    consumer, access_token = parse_owner_only(live_environment.secret_of(oauth_version))
    if consumer.oauth_version != oauth_version:
        raise ConfigurationError(f"That is no access token of OAuth {oauth_version}.")
    return authorization.adopt(wiki, consumer, access_token)


def _require_permission(site: Any, request: Request) -> None:
    reason = why_read_only(site)
    if reason is None and not _is_in_own_space(site, request):
        reason = "Live tests write to pages in their own user space alone"
    if reason is not None:
        raise ConfigurationError(f"action={request.action} was not sent. {reason}.")


def _is_in_own_space(site: Any, request: Request) -> bool:
    pages = [
        title if isinstance(title, pywikibot.Page) else pywikibot.Page(site, title)
        for title in request.get("title", ())
    ]
    return bool(pages) and all(
        page.namespace() == _USER_NAMESPACE
        and page.title(with_ns=False).partition("/")[0] == site.username()
        for page in pages
    )
