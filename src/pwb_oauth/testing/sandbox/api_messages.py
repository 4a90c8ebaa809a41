"""``meta=allmessages``: the few texts of the interface that scripts ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox.api_format import Content

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MESSAGES = {
    "colon-separator": ": ",
    "comma-separator": ", ",
    "semicolon-separator": "; ",
    **{f"{month.lower()}{end}": month for month in _MONTHS for end in ("", "-gen")},
    # The short names; May's is its long one, whose own key has another ending.
    **{month[:3].lower(): month[:3] for month in _MONTHS},
    "may_long": "May",
}


def allmessages(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Tell messages by their names; a page of the namespace MediaWiki has the last word."""
    wanted = given["messages"] or []
    names = sorted(_MESSAGES) if wanted == ["*"] else wanted
    return {"allmessages": [_message(call, name) for name in names]}


def _message(call: Call, name: str) -> dict[str, Any]:
    normalized = name[:1].lower() + name[1:].replace(" ", "_")
    described: dict[str, Any] = {"name": name, "normalizedname": normalized}
    page = call.wiki.pages.get(f"MediaWiki:{normalized[:1].upper()}{normalized[1:]}")
    text = page.latest.text if page else _MESSAGES.get(normalized)
    if text is None:
        return described | {"missing": True}
    return described | {"content": Content(text)}
