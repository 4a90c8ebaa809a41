"""Whose an access token is, and if the wiki refuses it, why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth.errors import LoginRequiredError
from pwb_oauth.identity import fetch_identity
from pwb_oauth.migration.proof import username_by_api

if TYPE_CHECKING:
    from pwb_oauth.account import Account
    from pwb_oauth.identity import Identity


def identify(account: Account) -> Identity:
    """Ask the wiki whose an account's access token is.

    A refusal of the wiki's profile may mean anything, so api.php is asked then, which tells a
    consumer that is not approved from an access token that has ended. Only the latter is renewed.

    Raises:
        LoginRequiredError: The access token or its consumer is of no use any more.
        PwbOAuthError: The wiki could not be asked, or the store not be used.
    """
    credential = account.credential
    try:
        return fetch_identity(
            account.wiki,
            credential.consumer,
            credential.access_token,
            username=account.key.username,
        )
    except LoginRequiredError:
        username_by_api(account, account.wiki)
    return account.identify()
