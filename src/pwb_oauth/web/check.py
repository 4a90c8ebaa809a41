"""Whether the wiki knows a web tool's consumer as the tool is configured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pwb_oauth.checks.finding import Finding
from pwb_oauth.checks.trial import try_out

if TYPE_CHECKING:
    from pwb_oauth.checks.trial import Trial
    from pwb_oauth.web.settings import WebSettings


@dataclass(frozen=True)
class Verdict:
    """What the wiki thinks of a consumer.

    Attributes:
        findings: What is wrong; empty if nothing is, as far as the wiki tells.
        notes: What it knows, and what it does not tell.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def check_consumer(settings: WebSettings) -> Verdict:
    """Ask the wiki for a token that it cannot give, and read from the refusal what is wrong.

    Nobody's access is touched by it.

    Args:
        settings: What the web tool is configured with.

    Raises:
        TransportError: The wiki could not be asked, or answered nonsense.
        ConfigurationError: This computer's clock is wrong (OAuth 1.0a).
    """
    trial = try_out(settings.wiki.central, settings.consumer)
    if trial.key is False:
        return Verdict((_wrong_key(settings),), ())
    if trial.callback is False:
        return Verdict((_wrong_callback(settings),), ())
    return Verdict((), (_known(settings, trial), _not_seen(settings)))


def _wrong_key(settings: WebSettings) -> Finding:
    return Finding(
        f"{settings.wiki.central.name} does not accept PWB_OAUTH_CLIENT_ID and "
        "PWB_OAUTH_CLIENT_SECRET.",
        "Compare both with the consumer's registration, and see that it is an OAuth "
        f"{settings.consumer.oauth_version} consumer. A lost secret can be reset there.",
    )


def _wrong_callback(settings: WebSettings) -> Finding:
    return Finding(
        f"{settings.consumer.callback_url} is not the callback URL that the consumer is "
        f"registered with on {settings.wiki.central.name}.",
        "Let PWB_OAUTH_CALLBACK_URL be the registered one, byte for byte, or register another "
        "consumer.",
    )


def _known(settings: WebSettings, trial: Trial) -> str:
    name = settings.wiki.central.name
    if trial.key is None:
        return f"{name} does not say whether it knows the consumer."
    if trial.callback:
        return f"{name} knows the consumer, and PWB_OAUTH_CALLBACK_URL is the registered one."
    return (
        f"{name} knows the consumer. It does not say whether PWB_OAUTH_CALLBACK_URL is the "
        "registered one: compare them byte for byte."
    )


def _not_seen(settings: WebSettings) -> str:
    wiki = settings.wiki.central
    page = wiki.page_url(f"Special:OAuthListConsumers/view/{settings.consumer.key}")
    return (
        f"Whether the consumer is approved cannot be seen from here: see {page}. Until it is, only "
        "its owner can sign in."
    )
