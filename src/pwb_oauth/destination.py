"""As whom a request of a site goes out, decided by the absolute URL that it goes to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pwb_oauth import signing_in, sites
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.fatal import fatal_for_pywikibot
from pwb_oauth.sender import Nobody
from pwb_oauth.wiki import Wiki
from pwb_oauth.writes import holds_token

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from pywikibot.site import APISite


# With or without a path behind it, which api.php ignores.
_AN_API = re.compile(r"/(api|rest)\.php(/|$)")


def send(
    request: Callable[..., requests.Response],
    site: APISite,
    uri: str | None = None,
    headers: dict[str, str] | None = None,
    **rest: Any,
) -> requests.Response:
    """Send a request of a site as ``pywikibot.comms.http.request`` does, as the site's account.

    Args:
        request: That function.
        site: Whose request it is.
        uri: What ``site.base_url`` makes a URL of.
        headers: Its headers.
        **rest: What it takes besides; who says ``auth`` has chosen already.
    """
    with fatal_for_pywikibot():
        if "auth" not in rest:
            rest |= _auth_for(site, uri, rest)
        response = request(site, uri, headers, **rest)
        if signing_in.is_signing_in():
            signing_in.require_json(site, response)
        return response


def _auth_for(site: APISite, uri: str | None, rest: dict[str, Any]) -> dict[str, Any]:
    """The ``auth`` argument for a request of a site; empty where Pywikibot is to choose.

    Raises:
        ConfigurationError: It asks another API, would go out in clear text, or would write in a
            visitor's block as somebody else.
        LoginRequiredError: The site's credential is of no use, or was forgotten meanwhile.
    """
    api_path = site.apipath()
    api_url = site.base_url(api_path)
    wiki = Wiki.from_url(api_url)
    account = sites.account_of(site, wiki)
    if account is None:
        if holds_token(rest.get("data")):
            sites.require_visitors(site)
        signing_in.require_stored(site)
        return {"auth": Nobody()} if sites.is_elsewhere(site) else {}
    protocol = rest.get("protocol")
    # Most requests ask api.php by its path, and Pywikibot takes its time to make a URL of it.
    is_asked = uri == api_path and protocol is None
    url = api_url if is_asked else site.base_url(uri, protocol=protocol)
    if signing_in.is_signed_out(site) or not _is_api(wiki, url):
        return {"auth": Nobody()}
    wiki.require_safe_transport()
    if not signing_in.is_signing_in():
        signing_in.sign_in_unless_confirmed(site, account)
    return {"auth": account}


def _is_api(wiki: Wiki, url: str) -> bool:
    """Whether a request to this URL carries the access token.

    Raises:
        ConfigurationError: It asks an API, but not that of this wiki: neither may it get the
            token, nor may it be asked anonymously in the account's place.
    """
    if wiki.accepts_tokens_at(url):
        return True
    parts = urlsplit(url)
    if _AN_API.search(unquote(parts.path)):
        raise ConfigurationError(
            f"A request of {wiki.server} would go to another API, at {parts.scheme}://"
            f"{parts.hostname}{parts.path}. An access token does not go there: correct the address "
            "in the family file or in the script."
        )
    return False
