"""The link to a wiki's form for registering a consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth import clock

if TYPE_CHECKING:
    from pwb_oauth.credential import OAuthVersion
    from pwb_oauth.wiki import Wiki

_NAME = "Pywikibot"
_DESCRIPTION = "A bot that runs on Pywikibot and signs in by pwb-oauth."


def form_url(
    wiki: Wiki, oauth_version: OAuthVersion, callback_url: str | None, name: str | None = None
) -> str:
    """The form, filled in as far as it can be.

    Args:
        wiki: Any wiki of the farm.
        oauth_version: ``1.0a`` or ``2.0``.
        callback_url: Where the browser is to come back to; None for an owner-only consumer.
        name: What the consumer is to be called; None for a name that fits any bot.
    """
    return wiki.registration_url(
        oauth_version,
        name=name or _NAME,
        # The next one, for a second machine, is another version.
        version=f"{clock.now():%Y.%m.%d.%H%M}",
        description=_DESCRIPTION,
        callback_url=callback_url,
    )
