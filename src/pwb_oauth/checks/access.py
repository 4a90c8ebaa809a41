"""Whether a wiki accepts an account's access token, asked as a script's requests ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from requests.cookies import get_cookie_header

from pwb_oauth.answers import error_code
from pwb_oauth.credential import OAuth1AccessToken
from pwb_oauth.errors import LoginRequiredError, PwbOAuthError, TransportError
from pwb_oauth.refusal import API_ERROR_HEADER, Refusal, refusal_of
from pwb_oauth.signing import OAuth1Signer
from pwb_oauth.transport import send, user_agent

if TYPE_CHECKING:
    from pwb_oauth.account import Account
    from pwb_oauth.credential import Credential
    from pwb_oauth.identity import Identity
    from pwb_oauth.wiki import Wiki

# Wikimedia's; requests without it are limited harder. Source: Phabricator T417833.
_COOKIE = "sessionJwt"
_QUERY = {"action": "query", "meta": "userinfo", "format": "json", "formatversion": "2"}


@dataclass(frozen=True)
class Access:
    """What the wiki said to the access token.

    Attributes:
        refusal: Why api.php refused it, if it did and a renewed one was not to be had.
        code: api.php's code for that.
        error: What else went wrong.
        identity: Whose it is, if it was accepted.
        loses_cookie: Whether the wiki set the cookie that belongs to the access token, and it would
            not be sent back.
    """

    refusal: Refusal | None = None
    code: str | None = None
    error: PwbOAuthError | None = None
    identity: Identity | None = None
    loses_cookie: bool = False

    @property
    def refuses_consumer(self) -> bool:
        """Whether it is the consumer that is not accepted: by api.php, or when renewing."""
        if isinstance(self.error, LoginRequiredError):
            return self.error.error == "access_denied"
        return self.refusal is Refusal.CONSUMER


def ask_access(account: Account) -> Access:
    """Ask api.php with the access token, then whose it is.

    api.php is asked first, since it tells a consumer that is not approved from a token that has
    ended. Only for the latter is the token renewed: that would end one that may be good again.
    Of a farm it is the central wiki that is asked, since the token is surely for that.

    Args:
        account: The account, whose credential can be read.
    """
    try:
        response = _ask_api(account.credential, account.wiki, account.key.username)
        refusal = refusal_of(response)
        code = error_code(response.headers.get(API_ERROR_HEADER), ())
        if refusal not in (None, Refusal.DOUBTFUL) and not _can_renew(refusal, account):
            return Access(refusal, code)
        identity = account.identify()
    except PwbOAuthError as error:
        return Access(error=error)
    if refusal is Refusal.DOUBTFUL:
        return Access(error=_no_entry(account.wiki, response), identity=identity)
    return Access(identity=identity, loses_cookie=_loses_cookie(response))


def _can_renew(refusal: Refusal | None, account: Account) -> bool:
    return refusal is Refusal.TOKEN and account.credential.refreshable


def _ask_api(credential: Credential, wiki: Wiki, username: str) -> requests.Response:
    token, headers, auth = credential.access_token, {}, None
    if isinstance(token, OAuth1AccessToken):
        auth = OAuth1Signer(credential.consumer, token)
    else:
        headers["Authorization"] = f"Bearer {token.value}"
    agent = user_agent(wiki, username=username)
    return send("GET", wiki.api_url, user_agent=agent, headers=headers, params=_QUERY, auth=auth)


def _no_entry(wiki: Wiki, response: requests.Response) -> TransportError:
    return TransportError(
        f"{wiki.host} does not let requests in to api.php (HTTP {response.status_code}), although "
        "it says nothing against the access token. Try again later."
    )


def _loses_cookie(response: requests.Response) -> bool:
    """Whether requests would not send the cookie back that belongs to the access token."""
    cookie = f"{_COOKIE}="
    again = requests.Request("GET", response.url).prepare()
    kept = get_cookie_header(response.cookies, again) or ""  # type: ignore[no-untyped-call]
    lines = response.raw.headers.getlist("Set-Cookie")
    return cookie not in kept and any(line.startswith(cookie) for line in lines)
