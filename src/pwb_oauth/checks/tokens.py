"""Checks of an account's access token."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pwb_oauth import grants
from pwb_oauth.checks.finding import CannotTellError, Finding
from pwb_oauth.checks.wikis import is_clock_wrong
from pwb_oauth.errors import TransportError
from pwb_oauth.refusal import Refusal

if TYPE_CHECKING:
    from pwb_oauth.checks.access import Access
    from pwb_oauth.checks.machine import AccountSeen
    from pwb_oauth.credential import Consumer


def check_access_token(account: AccountSeen) -> list[Finding]:
    """The wiki accepts the access token."""
    access = account.access()
    if account.is_accepted():
        return []
    _leave_to_other_checks(account, access)
    if access.error is not None:
        return [Finding.of(access.error)]
    return [
        Finding(
            f"{account.key.wiki} does not accept the access token of "
            f"{account.key.username}: {_reason(access)}.",
            account.log_in_again,
        )
    ]


def check_grants(account: AccountSeen) -> list[Finding]:
    """The access token has the grants that a bot usually needs."""
    granted = account.identity().grants
    remedy = (
        "Grants are chosen when the consumer is registered, for a bot that edits by: "
        f"{register_command(account.key.wiki, account.credential.answer().consumer)} --for editing"
    )
    return [
        Finding(f"The access token of {account.key.username} falls short. {lack}", remedy)
        for lack in grants.shortcomings(granted)
    ]


def register_command(wiki: str, consumer: Consumer) -> str:
    """What a person types to register another consumer like one that they have."""
    words = ["pwb-oauth", "register", wiki]
    words += ["--owner-only"] if consumer.owner_only else ["--callback"]
    if not consumer.owner_only and consumer.callback_url:
        words.append(consumer.callback_url)
    if consumer.oauth_version != "2.0":
        words += ["--oauth", consumer.oauth_version]
    return shlex.join(words)


def check_cookies(account: AccountSeen) -> list[Finding]:
    """The cookie that a wiki sets for the access token, if it does, is sent back."""
    account.identity()
    if not account.access().loses_cookie:
        return []
    return [
        Finding(
            f"The cookie sessionJwt, which {account.key.wiki} sets for {account.key.username}, is "
            "not kept, so that the wiki limits requests harder.",
            "Use the address that the wiki itself uses, https included; see that no proxy on the "
            "way changes cookies.",
        )
    ]


def _leave_to_other_checks(account: AccountSeen, access: Access) -> None:
    """Raise CannotTellError where it is not the access token that is wrong."""
    if is_clock_wrong(account.wiki):
        raise CannotTellError("the clock is wrong")
    if isinstance(access.error, TransportError) or access.refusal is Refusal.NONCE:
        raise CannotTellError("the wiki could not be asked")
    if access.refuses_consumer:
        raise CannotTellError("its consumer is not approved")
    key_is_good = account.trial.known("the wiki could not be asked").key
    if key_is_good is False or (access.refusal is Refusal.SIGNATURE and not key_is_good):
        raise CannotTellError("the wiki does not accept its consumer's key")


def _reason(access: Access) -> str:
    if access.refusal is Refusal.SIGNATURE:
        return "the access secret is wrong"
    if access.refusal is Refusal.TOKEN:
        return "it was revoked, or has expired"
    return f"{access.code or access.refusal}, as for accounts that are blocked or locked"
