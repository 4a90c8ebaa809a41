"""Whether the wiki knows a web tool's consumer as the tool is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth.checks.finding import Finding
from pwb_oauth.checks.trial import try_out

if TYPE_CHECKING:
    from pwb_oauth.web.settings import WebSettings


def check_consumer(settings: WebSettings) -> list[Finding]:
    """Ask the wiki for a token that it cannot give, and read from the refusal what is wrong.

    Nobody's access is touched by it.

    Args:
        settings: What the web tool is configured with.

    Returns:
        What is wrong; empty if nothing is, as far as the wiki tells.

    Raises:
        TransportError: The wiki could not be asked, or answered nonsense.
        ConfigurationError: This computer's clock is wrong (OAuth 1.0a).
    """
    wiki, consumer = settings.wiki.central, settings.consumer
    trial = try_out(wiki, consumer)
    if trial.key is False:
        return [
            Finding(
                f"{wiki.name} does not accept PWB_OAUTH_CLIENT_ID and PWB_OAUTH_CLIENT_SECRET.",
                "Compare both with the consumer's registration, and see that it is an OAuth "
                f"{consumer.oauth_version} consumer. A lost secret can be reset there.",
            )
        ]
    if trial.callback is False:
        return [
            Finding(
                f"{consumer.callback_url} is not the callback URL that the consumer is registered "
                f"with on {wiki.name}.",
                "Let PWB_OAUTH_CALLBACK_URL be the registered one, byte for byte, or register "
                "another consumer.",
            )
        ]
    return []


def what_it_cannot_see(settings: WebSettings) -> str:
    """What :func:`check_consumer` leaves to a person, and where to look."""
    consumer = settings.consumer
    page = settings.wiki.central.page_url(f"Special:OAuthListConsumers/view/{consumer.key}")
    return (
        "Whether the consumer is approved cannot be seen from here, nor on every wiki whether the "
        f"callback URL is right. See {page}; until it is approved only its owner can sign in."
    )
