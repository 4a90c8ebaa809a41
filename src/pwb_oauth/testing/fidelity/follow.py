"""Follows the values that a wiki makes up from its replies to the later requests."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote_plus

from pwb_oauth.testing.fidelity.places import value_at

if TYPE_CHECKING:
    from pwb_oauth.testing.fidelity.recording import Exchange, Reply

# Shorter strings (page ids, dates) occur by accident; they are followed only as a whole value
# and only where the recording says that the request's value is made anew.
_LONG = 14
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d{14}")
_NESTING = 3


class Follower:
    """What the live wiki gave in the place of each recorded value."""

    def __init__(self) -> None:
        self._long: dict[str, str] = {}
        self._whole: dict[str, str] = {}

    def learn(self, exchange: Exchange, live: Reply) -> None:
        """Remember the made-up values of a reply: the recorded one and its live counterpart."""
        for place in exchange.volatile:
            if not place.startswith("request."):
                self.learn_pair(value_at(exchange.reply, place), value_at(live, place))

    def learn_pair(self, recorded: Any, live: Any) -> None:
        """Remember one value; anything but a string or a number is no value to follow."""
        if not isinstance(recorded, (str, int)) or not isinstance(live, (str, int)):
            return
        old, new = str(recorded), str(live)
        if len(old) >= _LONG and not _TIMESTAMP.fullmatch(old):
            self._learn_long(old, new)
        else:
            self._whole[old] = new

    def _learn_long(self, old: str, new: str) -> None:
        if self.text(old) == new:
            return  # a URL or query made of values that are known already
        for _ in range(_NESTING):
            for encode in (str, quote, quote_plus):
                self._long[encode(old)] = encode(new)
            old, new = quote(old, safe=""), quote(new, safe="")

    def text(self, text: str) -> str:
        """Replace all long values that occur anywhere in a text."""
        present = sorted((old for old in self._long if old in text), key=len, reverse=True)
        if not present:
            return text
        pattern = "|".join(map(re.escape, present))
        return re.sub(pattern, lambda match: self._long[match.group()], text)

    def value(self, value: str, announced: bool) -> str:
        """Replace a parameter's value, decoded.

        Args:
            value: The recorded value.
            announced: Whether the recording names it in ``volatile``.
        """
        if announced and value in self._whole:
            return self._whole[value]
        return self.text(value)

    def encoded_pairs(self, text: str, announced: frozenset[str]) -> str:
        """Replace values in a query or form; pairs that hold none stay byte for byte.

        Args:
            text: ``a=1&b=2``, percent-encoded.
            announced: Names of the pairs that the recording calls volatile.
        """
        return "&".join(self._pair(pair, announced) for pair in text.split("&"))

    def _pair(self, pair: str, announced: frozenset[str]) -> str:
        name, equals, raw = pair.partition("=")
        value = unquote_plus(raw)
        followed = self.value(value, unquote_plus(name) in announced)
        return pair if followed == value else f"{name}{equals}{quote_plus(followed)}"

    def json_text(self, text: str) -> str:
        """Replace values in a JSON body; a body that holds none stays byte for byte."""
        document = json.loads(text)
        followed = self._json(document)
        return text if followed == document else json.dumps(followed)

    def _json(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._json(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._json(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value
