"""One thing in which two replies differ."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

_SHOWN = 90


@dataclass(frozen=True)
class Difference:
    """What the recorded and the live reply have in one place; None is nothing."""

    place: str
    recorded: Any
    live: Any

    def __str__(self) -> str:
        """Say it in one line, shortened for a terminal."""
        return self.text(_SHOWN)

    def text(self, limit: int) -> str:
        """Say it in one line.

        Args:
            limit: Characters of each value that are shown.
        """
        recorded, live = _shortened([repr(self.recorded), repr(self.live)], limit)
        return f"{self.place}: recorded {recorded}, got {live}"


def _shortened(texts: list[str], limit: int) -> list[str]:
    """Shorten texts around the first character in which they differ."""
    if max(map(len, texts)) <= limit:
        return texts
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False))
    start = max(0, len(list(alike)) - limit // 3)
    return [_window(text, start, limit) for text in texts]


def _window(text: str, start: int, limit: int) -> str:
    before, after = "…" if start else "", "…" if len(text) > start + limit else ""
    return f"{before}{text[start : start + limit]}{after}"
