"""What the wiki's own log and its pages say of the edits and refreshes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pwb_oauth.testing import SandboxWiki
    from pwb_oauth.testing.sandbox import LogEntry

ALLOWANCE = 0.5
"""Seconds that an edit may stand still longer than the refresh itself takes."""


@dataclass(frozen=True)
class Refresh:
    """A request to the token endpoint, in seconds since the epoch."""

    began: float
    ended: float
    status: int


class Record:
    """The wiki's log, with the moment at which each answer was made."""

    def __init__(self, wiki: SandboxWiki) -> None:
        """Note the moments from here on."""
        self.wiki = wiki
        wiki.log.limit = None
        self._answered: dict[int, datetime] = {}
        self._append = wiki.log.append
        wiki.log.append = self._note  # type: ignore[method-assign]

    def _note(self, entry: LogEntry) -> None:
        self._answered[id(entry)] = datetime.now(timezone.utc)
        self._append(entry)

    def refreshes(self) -> list[Refresh]:
        """The requests that renew an access token."""
        return [
            Refresh(entry.time.timestamp(), self._answered[id(entry)].timestamp(), entry.status)
            for entry in self.wiki.log
            if entry.params.get("grant_type") == "refresh_token"
        ]

    def refused(self) -> int:
        """How many requests the wiki refused for their access token."""
        return sum(entry.error == "mwoauth-invalid-authorization" for entry in self.wiki.log)

    def accepted(self) -> list[LogEntry]:
        """The edits that the wiki took, by its log."""
        return [
            entry
            for entry in self.wiki.log
            if (entry.action, entry.status, entry.error) == ("edit", 200, None)
        ]

    def check_saved(self, texts: Iterable[str]) -> None:
        """Each text was taken once, by the account that it names first, and nothing else was."""
        expected = Counter(texts)
        if set(expected.values()) > {1}:
            pytest.fail("The test itself has given two edits the same text.")
        by_log = [(entry.params["text"], entry.user) for entry in self.accepted()]
        revisions = [
            (revision.text, revision.user)
            for page in self.wiki.pages.values()
            for revision in page.revisions
            if page.title.startswith("Stress ")
        ]
        for where, seen in (("log", by_log), ("pages", revisions)):
            found = Counter(text for text, _ in seen)
            problems = {
                "lost": expected - found,
                "twice, or never meant": found - expected,
                "by somebody else": [pair for pair in seen if pair[1] != pair[0].partition(" ")[0]],
            }
            if any(problems.values()):
                pytest.fail(f"By the wiki's {where}: {problems}")

    def measured(self, reports: list[dict[str, Any]]) -> str:
        """The figures of a run, for its summary."""
        longest = {
            "refresh": max(refresh.ended - refresh.began for refresh in self.refreshes()),
            "edit": max(report["ended"] - report["began"] for report in reports),
            "stall beyond the refresh": self.longest_stall(reports),
        }
        said = ", ".join(f"longest {what} {seconds:.2f} s" for what, seconds in longest.items())
        return f"{len(reports)} edits, {len(self.refreshes())} refreshes, {said}"

    def longest_stall(self, reports: list[dict[str, Any]]) -> float:
        """By how many seconds an edit stood still longer than the refreshes that it met.

        An edit stands still while none of its requests is under way. Those before the first
        refresh do not count: their process was still warming up.
        """
        refreshes = self.refreshes()
        first = min(refresh.began for refresh in refreshes)

        def excess(report: dict[str, Any]) -> float:
            met = sum(
                refresh.ended - refresh.began
                for refresh in refreshes
                if refresh.began < report["ended"] and report["began"] < refresh.ended
            )
            stood: float = report["ended"] - report["began"] - report["wire"]
            return stood - met

        return max(excess(report) for report in reports if report["ended"] > first)
