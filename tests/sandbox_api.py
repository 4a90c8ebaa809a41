"""A client for the sandbox wiki's api.php that knows nothing of pwb_oauth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pwb_oauth.testing import SandboxWiki

FEW_GRANTS = ("basic", "highvolume", "editpage", "createeditmovepage")


class Api:
    """Calls api.php over HTTP with formatversion 2, anonymously or with a Bearer token."""

    def __init__(self, wiki: SandboxWiki, token: str | None = None) -> None:
        self.url = wiki.api_url
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def reply(self, *, method: str = "POST", **params: Any) -> requests.Response:
        """The whole HTTP reply."""
        params = {"format": "json", "formatversion": "2", **params}
        where = {"data": params} if method == "POST" else {"params": params}
        return self.session.request(method, self.url, timeout=10, **where)

    def __call__(self, action: str = "query", **params: Any) -> dict[str, Any]:
        """What the API answers."""
        return self.reply(action=action, **params).json()

    def token(self, kind: str = "csrf") -> str:
        return self("query", meta="tokens", type=kind)["query"]["tokens"][f"{kind}token"]

    def write(self, action: str, **params: Any) -> dict[str, Any]:
        """Do something that needs a CSRF token."""
        return self(action, token=self.token(), **params)

    def error(self, action: str, **params: Any) -> str:
        """The code of the error that the API answers with."""
        return self(action, **params)["error"]["code"]


def signed_in(wiki: SandboxWiki, user: str, grants: Sequence[str] = FEW_GRANTS) -> Api:
    """A client with an owner-only OAuth 2.0 consumer of that user."""
    consumer = wiki.add_consumer(f"{user}'s", owner=user, owner_only=True, grants=grants)
    return Api(wiki, consumer.access_token)
