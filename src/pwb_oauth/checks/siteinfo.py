"""What a wiki tells everybody: its extensions, and its time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pwb_oauth import clock
from pwb_oauth.answers import json_object
from pwb_oauth.errors import TransportError
from pwb_oauth.transport import send, user_agent

if TYPE_CHECKING:
    from datetime import datetime

    from requests import Response

    from pwb_oauth.wiki import Wiki

_QUERY = {
    "action": "query",
    "meta": "siteinfo",
    "siprop": "extensions",
    "format": "json",
    "formatversion": "2",
}
# HTTP gives the time without the fraction of its second.
_HALF_A_SECOND = timedelta(seconds=0.5)


@dataclass(frozen=True)
class SiteInfo:
    """What a wiki answered.

    Attributes:
        extensions: The names of its extensions; None where only its users may read them.
        seconds_ahead: How far this machine's clock is ahead of the wiki's, to about a second;
            None if the wiki does not tell its time.
    """

    extensions: frozenset[str] | None
    seconds_ahead: float | None


def ask_siteinfo(wiki: Wiki) -> SiteInfo:
    """Ask a wiki anonymously.

    Raises:
        TransportError: It could not be asked, or did not answer as api.php does.
        ConfigurationError: Its address is one that tokens must not be sent to.
    """
    sent_at = clock.now()
    response = send("GET", wiki.api_url, user_agent=user_agent(wiki), params=_QUERY)
    between = sent_at + (clock.now() - sent_at) / 2
    return SiteInfo(_extensions(wiki, response), _seconds_ahead(response, between))


def _extensions(wiki: Wiki, response: Response) -> frozenset[str] | None:
    answer = json_object(response)
    if answer is None or answer.keys().isdisjoint(("query", "error")):
        raise TransportError(
            f"{wiki.api_url} does not answer as api.php does (HTTP {response.status_code}). Check "
            "the wiki's address: the URL of its api.php can be given as WIKI."
        )
    query = answer.get("query")
    listed = query.get("extensions") if isinstance(query, dict) else None
    if not isinstance(listed, list):
        return None
    return frozenset(str(one.get("name")) for one in listed if isinstance(one, dict))


def _seconds_ahead(response: Response, here: datetime) -> float | None:
    try:
        theirs = parsedate_to_datetime(response.headers.get("Date", ""))
        return (here - theirs - _HALF_A_SECOND).total_seconds()
    except (TypeError, ValueError):
        return None
