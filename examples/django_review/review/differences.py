"""What an edit changed, line by line."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

MOST_LINES = 30
_LONGEST = 100_000
_LINES_AROUND = 1
_HEAD = 3  # two lines that would name files, and where the first change is
_KINDS = {"+": "added", "-": "removed", " ": "same", "@": "gap"}


@dataclass(frozen=True)
class Line:
    """A line of a difference; ``kind`` is added, removed, same, or gap between two places."""

    kind: str
    text: str


@dataclass(frozen=True)
class Difference:
    """The lines to show, and how many are left out after them."""

    lines: list[Line]
    left_out: int


def compare(old: str | None, new: str | None) -> Difference | None:
    """Compare two texts; None where one is not known, or too long to be compared here."""
    if old is None or new is None or max(len(old), len(new)) > _LONGEST:
        return None
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=_LINES_AROUND)
    lines = [_line(text) for text in list(found)[_HEAD:]]
    return Difference(lines[:MOST_LINES], max(0, len(lines) - MOST_LINES))


def _line(text: str) -> Line:
    kind = _KINDS[text[0]]
    return Line(kind, "" if kind == "gap" else text[1:])
