"""Proving that a stored credential serves: by a request that a script could have made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from pwb_oauth.account import Account
from pwb_oauth.errors import IdentityError, LoginRequiredError, TransportError
from pwb_oauth.transport import user_agent

if TYPE_CHECKING:
    from pwb_oauth.tokens import TokenKey, TokenStore
    from pwb_oauth.wiki import Wiki

_TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for the answer."""


def serves(store: TokenStore, key: TokenKey, wiki: Wiki) -> bool:
    """Whether what a store holds for an account signs requests to a wiki as that account.

    Returns:
        False if nothing is stored, or if the wiki does not accept it.

    Raises:
        IdentityError: The wiki takes it for somebody else's.
        TransportError: The wiki could not be asked.
        TokenStoreError: What is stored cannot be read.
    """
    if store.load(key) is None:
        return False
    try:
        name = username_by_api(Account(key, store, wiki.central), wiki)
    except LoginRequiredError:
        return False
    if name != key.username:
        raise IdentityError(
            f"{wiki.host} does not take what is stored for {key.username} for that account's. "
            f"Log in again: {key.login_command}"
        )
    return True


def username_by_api(account: Account, wiki: Wiki) -> object:
    """The name that api.php knows an account by, asked as a script would ask.

    Raises:
        AuthorizationError: The wiki does not let the account in, or its consumer.
        TransportError: The wiki could not be asked.
    """
    question = {"action": "query", "meta": "userinfo", "format": "json"}
    agent = user_agent(wiki, username=account.key.username)
    try:
        with requests.Session() as session:
            answer = account.request(
                "GET",
                wiki.api_url,
                base=session,
                params=question,
                headers={"User-Agent": agent},
                timeout=_TIMEOUT,
            )
            return answer.json()["query"]["userinfo"]["name"]
    except (requests.RequestException, ValueError, LookupError, TypeError):
        pass
    # Outside the except block: requests' own text may hold more than we want to show.
    raise TransportError(f"{wiki.host} does not answer as a wiki's API does. Try again later.")
