"""A worker that edits by requests of an account to api.php, without Pywikibot."""

from __future__ import annotations

import threading
from typing import Any

import requests

from pwb_oauth.account import Account
from pwb_oauth.tokens import TokenKey, open_token_store
from pwb_oauth.wiki import Wiki
from workplace import WireClock, serve, task

_TRIES = 20


class Editor:
    """Edits as one account. Each thread has a CSRF token of its own."""

    def __init__(self, api_url: str, user: str) -> None:
        wiki = Wiki.from_url(api_url).central
        self._api_url = api_url
        self._user = user
        self._account = Account(TokenKey(wiki.host, user), open_token_store(), wiki)
        self._base = requests.Session()
        self._base.mount("http://", WireClock())
        self._own = threading.local()

    def edit(self, title: str, text: str) -> None:
        """Save a text, with another CSRF token where the wiki calls one bad."""
        for _ in range(_TRIES):
            answer = self._ask(
                "POST", action="edit", title=title, text=text, assertuser=self._user,
                token=self._token(),
            )  # fmt: skip
            code = answer.get("error", {}).get("code")
            if code != "badtoken":
                break
            del self._own.token
        if answer.get("edit", {}).get("result") != "Success":
            raise RuntimeError(f"The wiki said {answer}.")

    def _token(self) -> str:
        if not hasattr(self._own, "token"):
            answer = self._ask("GET", action="query", meta="tokens")
            self._own.token = answer["query"]["tokens"]["csrftoken"]
        return str(self._own.token)

    def _ask(self, method: str, **params: str) -> dict[str, Any]:
        params |= {"format": "json", "formatversion": "2"}
        where = "params" if method == "GET" else "data"
        response = self._account.request(
            method, self._api_url, base=self._base, timeout=60, **{where: params}
        )
        answer: dict[str, Any] = response.json()
        return answer


def main() -> None:
    """Do as told."""
    told = task()
    serve(Editor(told["api_url"], told["user"]).edit, told)


if __name__ == "__main__":
    main()
