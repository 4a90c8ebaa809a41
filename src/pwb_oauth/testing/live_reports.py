"""Keeping the secrets of live tests out of what pytest shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.live_environment import VARIABLES, secret_of

if TYPE_CHECKING:
    import pytest

_HIDDEN = "***"
_PIECE = 8
_PYTEST = {"_pytest", "pluggy"}


def hide_in(report: pytest.TestReport, error: pytest.ExceptionInfo[BaseException] | None) -> None:
    """Take the secrets out of the report on a live test.

    Values are not shown at all, since the arguments and variables of a library's functions hold the
    access token in many shapes; what the test printed or compared is searched for it.
    """
    if report.failed and error is not None:
        if getattr(error.value, "pytrace", True):
            report.longrepr = error.getrepr(style="short", funcargs=False, tbfilter=_frames)
        text = str(report.longrepr)
        if hide(text) != text:
            report.longrepr = hide(text)
    report.sections = [(hide(title), hide(text)) for title, text in report.sections]


def _frames(error: pytest.ExceptionInfo[BaseException]) -> Any:
    """The frames of an error, without those of pytest."""
    return (
        error.traceback.filter(lambda entry: _PYTEST.isdisjoint(Path(entry.path).parts))
        or error.traceback
    )


def hide(text: str) -> str:
    """Put asterisks in the place of every piece of a secret; reports cut long values short."""
    secrets = [secret_of(oauth_version) for oauth_version in VARIABLES]
    pieces = {one[at : at + _PIECE] for one in secrets for at in range(len(one) - _PIECE + 1)}
    shown, end = [], 0
    for at in range(len(text)):
        if text[at : at + _PIECE] in pieces:
            shown.append("" if at < end else _HIDDEN)
            end = at + _PIECE
        elif at >= end:
            shown.append(text[at])
    return "".join(shown)
