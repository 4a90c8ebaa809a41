"""Clients for the sandbox wiki's tests that share no code with the project: plain oauthlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from oauthlib.oauth2 import WebApplicationClient
from requests_oauthlib import OAuth1

if TYPE_CHECKING:
    from pwb_oauth.testing import SandboxWiki
    from pwb_oauth.testing.sandbox import Consumer

CALLBACK = "http://127.0.0.1:9999/cb"


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}


def special(wiki: SandboxWiki, name: str) -> str:
    """The address of a subpage of Special:OAuth."""
    return f"{wiki.index_url}?{urlencode({'title': f'Special:OAuth/{name}'})}"


def pkce() -> tuple[str, dict[str, str]]:
    """A verifier and the address's parameters for it, made by oauthlib."""
    maker = WebApplicationClient("x")
    verifier = maker.create_code_verifier(64)
    challenge = maker.create_code_challenge(verifier, "S256")
    return verifier, {"code_challenge": challenge, "code_challenge_method": "S256"}


class OAuth1Client:
    """Walks OAuth 1.0a's three legs with requests-oauthlib."""

    def __init__(self, wiki: SandboxWiki, consumer: Consumer) -> None:
        self.wiki, self.consumer = wiki, consumer

    def post(self, endpoint: str, **credentials: Any) -> requests.Response:
        auth = OAuth1(self.consumer.key, self.consumer.secret, **credentials)
        return requests.post(special(self.wiki, endpoint), auth=auth, timeout=10)

    def initiate(self, callback: str = CALLBACK) -> dict[str, str]:
        reply = self.post("initiate", callback_uri=callback)
        return {name: values[0] for name, values in parse_qs(reply.text).items()}

    def link(self, request_token: dict[str, str], page: str = "authenticate") -> str:
        parameters = {
            "oauth_token": request_token["oauth_token"],
            "oauth_consumer_key": self.consumer.key,
        }
        return f"{special(self.wiki, page)}&{urlencode(parameters)}"

    def obtain(self, user: str = "Alice", callback: str = CALLBACK) -> OAuth1:
        request_token = self.initiate(callback)
        ended_on = self.wiki.approve(self.link(request_token), user=user)
        return self.exchange(request_token, query_of(ended_on)["oauth_verifier"])

    def exchange(self, request_token: dict[str, str], verifier: str) -> OAuth1:
        reply = self.post(
            "token",
            resource_owner_key=request_token["oauth_token"],
            resource_owner_secret=request_token["oauth_token_secret"],
            verifier=verifier,
        )
        token = {name: values[0] for name, values in parse_qs(reply.text).items()}
        return OAuth1(
            self.consumer.key,
            self.consumer.secret,
            token["oauth_token"],
            token["oauth_token_secret"],
        )


class OAuth2Client:
    """Walks OAuth 2.0's code grant with plain requests."""

    def __init__(self, wiki: SandboxWiki, consumer: Consumer) -> None:
        self.wiki, self.consumer = wiki, consumer

    def link(self, **parameters: str) -> str:
        wanted = {"response_type": "code", "client_id": self.consumer.key, **parameters}
        return f"{self.wiki.rest_url}/oauth2/authorize?{urlencode(wanted)}"

    def code(self, user: str = "Alice", **parameters: str) -> str:
        return query_of(self.wiki.approve(self.link(**parameters), user=user))["code"]

    def token(self, **fields: str) -> requests.Response:
        known = {"client_id": self.consumer.key, "client_secret": self.consumer.secret}
        data = {name: value for name, value in {**known, **fields}.items() if value}
        return requests.post(f"{self.wiki.rest_url}/oauth2/access_token", data=data, timeout=10)

    def obtain(self, user: str = "Alice", **parameters: str) -> dict[str, Any]:
        code = self.code(user, **parameters)
        return self.token(grant_type="authorization_code", code=code).json()

    def refresh(self, refresh_token: str, **fields: str) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **fields)


def bearer(token: str) -> dict[str, str]:
    """The header for an access token."""
    return {"Authorization": f"Bearer {token}"}


def ask(
    wiki: SandboxWiki,
    *,
    auth: OAuth1 | None = None,
    token: str | None = None,
    cookies: dict[str, str] | None = None,
    **params: str,
) -> requests.Response:
    """Ask api.php, by GET."""
    return requests.get(
        wiki.api_url,
        params={"format": "json", "formatversion": "2", **params},
        auth=auth,
        headers=bearer(token) if token else {},
        cookies=cookies,
        timeout=10,
    )


def who(wiki: SandboxWiki, **credential: Any) -> str:
    """The name of the account a credential acts for, or the error code."""
    reply = ask(wiki, action="query", meta="userinfo", **credential)
    return reply.headers.get("MediaWiki-API-Error") or reply.json()["query"]["userinfo"]["name"]


def edit(
    wiki: SandboxWiki,
    *,
    auth: OAuth1 | None = None,
    token: str | None = None,
    csrf: str | None = None,
    title: str = "Sandbox",
) -> dict[str, Any]:
    """Edit a page; fetches the CSRF token unless one is given."""
    if csrf is None:
        reply = ask(wiki, auth=auth, token=token, action="query", meta="tokens")
        csrf = reply.json()["query"]["tokens"]["csrftoken"]
    fields = {"action": "edit", "title": title, "text": "Edited.", "token": csrf, "format": "json"}
    headers = bearer(token) if token else {}
    reply = requests.post(wiki.api_url, data=fields, auth=auth, headers=headers, timeout=10)
    result: dict[str, Any] = reply.json()
    return result
