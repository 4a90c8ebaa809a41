"""Checks of a wiki."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth.checks.finding import CannotTellError, Finding
from pwb_oauth.errors import PwbOAuthError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.checks.machine import AccountSeen, WikiSeen

MAX_SECONDS_OFF = 30
"""How far the clocks may differ: more, and what a wiki signs for OAuth 1.0a is not believed."""


def check_wiki(wiki: WikiSeen) -> list[Finding]:
    """The wiki can be reached, and answers as a wiki does."""
    try:
        wiki.siteinfo.answer()
    except PwbOAuthError as error:
        return [Finding.of(error)]
    troubles = {str(error): Finding.of(error) for error in _troubles(wiki.accounts)}
    return list(troubles.values())


def check_extension(wiki: WikiSeen) -> list[Finding]:
    """The wiki has the extension OAuth."""
    if wiki.siteinfo.known("the wiki cannot be asked").extensions is None:
        raise CannotTellError("the wiki lists its extensions to its users only")
    if not wiki.lacks_oauth:
        return []
    return [
        Finding(
            f"{wiki.wiki.host} does not have the extension OAuth.",
            "Ask whoever runs it to install it, or go on with a password there.",
        )
    ]


def check_clock(wiki: WikiSeen) -> list[Finding]:
    """This machine's clock is right, by the wiki's."""
    seconds = wiki.siteinfo.known("the wiki cannot be asked").seconds_ahead
    if seconds is None:
        raise CannotTellError("the wiki does not tell its time")
    if abs(seconds) <= MAX_SECONDS_OFF:
        return []
    way = "ahead of" if seconds > 0 else "behind"
    return [
        Finding(
            f"This machine's clock is {abs(round(seconds))} seconds {way} that of "
            f"{wiki.wiki.host}.",
            "Set it right, and let it be kept right (NTP).",
        )
    ]


def is_clock_wrong(wiki: WikiSeen) -> bool:
    """Whether the clock can be what keeps an access token from being accepted."""
    seconds = wiki.central.siteinfo.answer().seconds_ahead
    return seconds is not None and abs(seconds) > MAX_SECONDS_OFF


def _troubles(accounts: list[AccountSeen]) -> Iterator[TransportError]:
    """What went wrong with the wiki when it was asked as an account."""
    for account in accounts:
        # Any other error is for other checks to name.
        for error in (account.trial.error(), account.access_error()):
            if isinstance(error, TransportError):
                yield error
