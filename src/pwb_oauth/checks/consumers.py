"""Checks of the consumer that an account's access token was given to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth.checks.claims import consumer_key
from pwb_oauth.checks.finding import CannotTellError, Finding
from pwb_oauth.refusal import Refusal

if TYPE_CHECKING:
    from pwb_oauth.checks.machine import AccountSeen

_REFUSALS = {"1.0a": "'Invalid signature' or 'Invalid consumer'", "2.0": "invalid_client"}
_NOT_ASKED = "the wiki did not say whether it knows the consumer"


def check_consumer_key(account: AccountSeen) -> list[Finding]:
    """The wiki knows the consumer by its key and secret."""
    knows = account.trial.known(_NOT_ASKED).key
    if knows is None and account.access().refusal is not Refusal.SIGNATURE:
        if account.is_accepted():
            return []
        raise CannotTellError(_NOT_ASKED)
    if knows:
        return []
    version = account.credential.answer().oauth_version
    return [
        Finding(
            f"{account.key.wiki} does not accept the key and the secret of the consumer of "
            f"{account.key.username}, as it says by {_REFUSALS[version]}.",
            "Compare both with its registration; whoever owns it may have reset the secret. "
            f"Then log in again: {account.key.login_command}",
        )
    ]


def check_callback(account: AccountSeen) -> list[Finding]:
    """The consumer's callback URL is the one that it was registered with."""
    consumer = account.credential.known("its credential cannot be read").consumer
    if consumer.callback_url is None:
        raise CannotTellError("its consumer has no callback URL")
    trial = account.trial.known(_NOT_ASKED)
    if trial.key is False:
        raise CannotTellError("the wiki does not accept its consumer's key")
    if trial.callback is None:
        raise CannotTellError("the wiki looks at it only when somebody logs in")
    if trial.callback:
        return []
    return [
        Finding(
            f"{consumer.callback_url} is not the callback URL that the consumer of "
            f"{account.key.username} is registered with on {account.key.wiki} (redirect_uri).",
            "What is stored works on; for the next login give the registered address, byte for "
            f"byte: {account.key.login_command} --consumer {consumer.key} "
            f"--oauth {consumer.oauth_version} --callback URL",
        )
    ]


def check_consumer(account: AccountSeen) -> list[Finding]:
    """The consumer is approved."""
    if account.access().refuses_consumer:
        return [_not_approved(account)]
    if account.is_accepted():
        return []
    raise CannotTellError("the wiki does not accept the access token")


def _not_approved(account: AccountSeen) -> Finding:
    key = consumer_key(account.credential.answer())
    page = f"Special:OAuthListConsumers{f'/view/{key}' if key else ''}"
    return Finding(
        f"The consumer of {account.key.username} is not approved on {account.key.wiki}, or was "
        "disabled.",
        f"See its page, {account.wiki.central.wiki.page_url(page)}, and wait for the approval or "
        f"log in by another consumer: {account.key.login_command}",
    )
