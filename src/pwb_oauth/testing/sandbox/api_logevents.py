"""``list=logevents``: what Special:Log tells of, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import wikitext
from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_errors import refuse
from pwb_oauth.testing.sandbox.api_listing import Listing, take_part
from pwb_oauth.testing.sandbox.titles import InvalidTitleError, parse_title

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import LogEvent, WikiState

_PLACES = ("title", "prefix", "namespace")


def logevents(call: Call, given: dict[str, Any]) -> Listing:
    """The events of one log, or of all."""
    places = [name for name in _PLACES if given[name] is not None]
    if len(places) > 1:
        listed = " and ".join(f'"le{name}"' for name in places)
        raise refuse("invalidparammix", f"The parameters {listed} can not be used together.")
    title, prefix = _full_title(call, given["title"]), _full_title(call, given["prefix"])
    events = [
        event
        for event in call.wiki.log_events
        if _wanted(event, given)
        and title in (None, event.title)
        and (prefix is None or event.title.startswith(prefix))
    ]
    events.sort(key=lambda event: (event.timestamp, event.id), reverse=given["dir"] == "older")
    part, following = take_part(events, _key, given["limit"], given["continue"])
    props = given["prop"] or []
    return Listing([_describe(call.wiki, event, props) for event in part], next=following)


def _full_title(call: Call, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return parse_title(call.wiki, text).full
    except InvalidTitleError:
        raise refuse("invalidtitle", f'Bad title "{text}".') from None


def _key(event: LogEvent) -> str:
    return f"{event.timestamp:%Y%m%d%H%M%S}|{event.id}"


def _wanted(event: LogEvent, given: dict[str, Any]) -> bool:
    newer = given["dir"] == "newer"
    since, until = given["start" if newer else "end"], given["end" if newer else "start"]
    kind = given["action"] is None and given["type"] in (None, "", event.type)
    return (
        (kind or given["action"] == f"{event.type}/{event.action}")
        and (given["namespace"] is None or event.ns == given["namespace"])
        and (since is None or event.timestamp >= since)
        and (until is None or event.timestamp <= until)
        and given["user"] in (None, event.user)
        and (given["tag"] is None or given["tag"] in event.tags)
    )


def _describe(wiki: WikiState, event: LogEvent, props: list[str]) -> dict[str, Any]:
    page = wiki.pages.get(event.title)
    numbers = {"pageid": page.id if page else 0, "logpage": event.page_id}
    facts: list[tuple[str, dict[str, Any]]] = [
        ("ids", {"logid": event.id}),
        ("title", {"ns": event.ns, "title": event.title}),
        ("ids", numbers),
        ("details", {"params": event.params}),
        ("type", {"type": event.type, "action": event.action}),
        ("user", {"user": event.user, **({} if event.user_id else {"anon": True})}),
        ("userid", {"userid": event.user_id}),
        ("timestamp", {"timestamp": timestamp(event.timestamp)}),
        ("comment", {"comment": event.comment}),
        ("parsedcomment", {"parsedcomment": wikitext.parsed_comment(wiki, event.comment)}),
        ("tags", {"tags": event.tags}),
    ]
    described: dict[str, Any] = {}
    for name, fact in facts:
        if name in props:
            described |= fact
    return described
