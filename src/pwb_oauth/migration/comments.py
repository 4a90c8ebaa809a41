"""Comments that are code which somebody has put out of use, secrets and all."""

from __future__ import annotations

import re
import tokenize
from itertools import accumulate
from typing import TYPE_CHECKING

from pwb_oauth.migration.source import PythonSource

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 8
"""How many lines a commented-out entry may take."""
# Pywikibot's own example of a configuration has a thousand lines of comments.
_BEGINS_ENTRY = re.compile(r"authenticate\b|['\"]")


def comments_of(source: PythonSource) -> dict[int, str]:
    """What the comments of a source say, by their lines."""
    return {
        token.start[0]: token.string.lstrip("# \t")
        for token in source.tokens
        if token.type == tokenize.COMMENT
    }


def entries_in_comments(source: PythonSource) -> Iterator[tuple[int, PythonSource]]:
    """Entries of ``authenticate`` that are commented out, by the lines in which they begin.

    They are taken to end with the first line that makes them Python.
    """
    comments = comments_of(source)
    for first, comment in comments.items():
        if _BEGINS_ENTRY.match(comment):
            numbers = range(first, first + _LONGEST)
            texts = accumulate((comments.get(one, "") for one in numbers), "{}\n{}".format)
            # As a statement, or as an entry of the dictionary.
            codes = (code for text in texts for code in (text, f"authenticate = {{{text}\n}}"))
            parsed = next(filter(None, map(parsed_comment, codes)), None)
            if parsed is not None:
                yield first, parsed


def parsed_comment(code: str) -> PythonSource | None:
    """What a comment says as Python; None if it is none."""
    try:
        return PythonSource(code)
    except (SyntaxError, ValueError, tokenize.TokenError):
        return None
