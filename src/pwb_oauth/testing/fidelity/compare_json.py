"""Compares JSON bodies and the JWTs in them: names, types, values that are not made anew."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.fidelity.difference import Difference
from pwb_oauth.testing.fidelity.places import json_value, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pwb_oauth.testing.fidelity.recording import Exchange, Reply

# These tell about the machine of the recording, not about MediaWiki.
_MACHINE = frozenset(
    {
        "/query/general/phpversion",
        "/query/general/phpsapi",
        "/query/general/dbtype",
        "/query/general/dbversion",
        "/query/libraries",
        "/query/statistics/jobs",
    }
)
_VARYING = "{…}"


def json_differences(exchange: Exchange, live: Reply) -> list[Difference]:
    """Compare two JSON bodies; the live one must be JSON."""
    here = json_value(live.body)
    if here is None:
        return [Difference("body", exchange.reply.body, live.body)]
    volatile = {v.removeprefix("body:") for v in exchange.volatile if v.startswith("body:/")}
    templates = {place.removeprefix("body:"): t for place, t in exchange.template.items()}
    walk = _Walk(frozenset(volatile) | _MACHINE, templates)
    walk.compare("", json_value(exchange.reply.body), here)
    return walk.found


def jwt_differences(exchange: Exchange, live: Reply) -> list[Difference]:
    """Compare header and claims of the JWTs that the recording has decoded."""
    found = []
    for recorded in exchange.jwts:
        decoded = _decoded(value_at(live, recorded["at"]))
        walk = _Walk(frozenset(recorded["volatile"]), {}, recorded["at"])
        walk.compare("", {name: recorded[name] for name in ("header", "claims")}, decoded)
        found += walk.found
    return found


def matches(text: str, template: str | None) -> bool:
    """Tell whether a volatile sentence has the template's fixed words.

    Args:
        text: The live sentence.
        template: ``{…}`` stands for what varies; None lets any text pass that is not empty.
    """
    if template is None:
        return text != ""
    pattern = ".+".join(map(re.escape, template.split(_VARYING)))
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _decoded(token: Any) -> dict[str, Any] | None:
    if not isinstance(token, str):
        return None
    try:
        header, claims, _ = token.split(".")
        return {"header": _part(header), "claims": _part(claims)}
    except ValueError:
        return None


def _part(encoded: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


class _Walk:
    """Walks through two JSON documents at once and collects in what they differ."""

    def __init__(
        self, volatile: frozenset[str], templates: Mapping[str, str], prefix: str = "body"
    ) -> None:
        self.found: list[Difference] = []
        self._volatile = volatile
        self._templates = templates
        self._prefix = prefix

    def compare(self, pointer: str, recorded: Any, live: Any) -> None:
        """Compare the values at a JSON pointer and all below."""
        if type(recorded) is not type(live):
            self._differ(pointer, recorded, live)
        elif pointer in self._volatile:
            self._compare_volatile(pointer, recorded, live)
        elif isinstance(recorded, dict):
            self._compare_objects(pointer, recorded, live)
        elif isinstance(recorded, list):
            self._compare_lists(pointer, recorded, live)
        elif recorded != live and not _is_lifetime(pointer, recorded, live):
            self._differ(pointer, recorded, live)

    def _compare_objects(self, pointer: str, recorded: Any, live: Any) -> None:
        for name in recorded | live:
            below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in recorded and name in live:
                self.compare(below, recorded[name], live[name])
            else:
                self._differ(below, recorded.get(name), live.get(name))

    def _compare_lists(self, pointer: str, recorded: Any, live: Any) -> None:
        if len(recorded) != len(live):
            self._differ(pointer, recorded, live)
            return
        for index, (there, here) in enumerate(zip(recorded, live, strict=True)):
            self.compare(f"{pointer}/{index}", there, here)

    def _compare_volatile(self, pointer: str, recorded: Any, live: Any) -> None:
        if isinstance(live, str) and not matches(live or "", self._templates.get(pointer)):
            self._differ(pointer, recorded, live)

    def _differ(self, pointer: str, recorded: Any, live: Any) -> None:
        self.found.append(Difference(f"{self._prefix}:{pointer or '/'}", recorded, live))


def _is_lifetime(pointer: str, recorded: Any, live: Any) -> bool:
    """Allow a lifetime to be a second less: it is counted from before the reply was made."""
    return pointer.endswith("/expires_in") and recorded - live == 1
