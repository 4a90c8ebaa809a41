"""Many visitors of a web tool in one process, in turn and at once."""

from __future__ import annotations

import copy
import gc
import logging
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pywikibot

from bot_actions import in_threads
from pwb_oauth.web.visitor import VisitorAccount
from web_tool import edit, lines, patrollers, unpatrolled, web_tool  # noqa: F401

if TYPE_CHECKING:
    from pwb_oauth.web.user_session import UserSession
    from web_tool import WebTool

KIB = 1024
AT_ONCE = 50
MOST_WHILE_ACTING, MOST_LEFT = 20 * KIB, KIB
"""Bytes a visitor; a stock site object takes 138 KiB."""

# The wiki is in this process as well, and keeps what was done.
_OF_THE_WIKI = (
    tracemalloc.Filter(False, "*/pwb_oauth/testing/*", all_frames=True),
    tracemalloc.Filter(False, "*/werkzeug/*", all_frames=True),
    tracemalloc.Filter(False, tracemalloc.__file__),
)
_FRAMES = 25


def allocated() -> int:
    """What the web tool holds of what it has allocated since it is traced, in bytes."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces(_OF_THE_WIKI)
    return sum(trace.size for trace in snapshot.traces)


def resident() -> int:
    """What this process has in memory, in bytes."""
    if sys.platform != "linux":
        return 0
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * KIB


class Crowd:
    """Signed-in visitors, each with a new page to look at for each round."""

    def __init__(self, tool: WebTool, count: int) -> None:
        self.tool = tool
        tool.wiki.log.limit = 10
        self.sessions = [self._signed_in(f"Visitor {number}") for number in range(count)]
        self._rounds = 0

    def _signed_in(self, name: str) -> UserSession:
        self.tool.wiki.add_user(name, groups=["sysop"])
        session = self.tool.visitor(name).open()
        assert session is not None
        return session

    def new_round(self) -> None:
        """Write the pages."""
        self._rounds += 1
        self._changes = {
            session.username: unpatrolled(self.tool.wiki, self._page(session.username))
            for session in self.sessions
        }

    def patrol(self, session: UserSession, then=lambda: None) -> None:
        """Look at one's own page, and do something else before the block ends."""
        with self.tool.flow.account(session, seconds=300) as account:
            site = account.site("en", "sandbox")
            assert list(site.patrol(rcid=self._changes[session.username]))
            then()

    def check(self) -> None:
        """Each page of this round was looked at by the right one."""
        found = patrollers(self.tool.wiki)
        expected = {self._page(each.username): each.username for each in self.sessions}
        assert {title: found.get(title) for title in expected} == expected

    def _page(self, username: str) -> str:
        return f"Round {self._rounds} of {username}"


class TestManyVisitors:
    """A web tool that many people use."""

    def test_every_patrol_is_by_the_right_one_and_memory_comes_back(
        self, tool, scale, note, monkeypatch
    ):
        """One after the other, then fifty at once."""
        # pytest would keep what it says of connections beyond the tenth.
        monkeypatch.setattr(logging.getLogger("urllib3.connectionpool"), "disabled", True)
        crowd = Crowd(tool, scale.visitors)
        crowd.new_round()
        for session in crowd.sessions[:AT_ONCE]:  # until every cache is warm
            crowd.patrol(session)
        crowd.new_round()
        gc.collect()
        resident_before = resident()
        for session in crowd.sessions:
            crowd.patrol(session)
        gc.collect()
        in_turn = (resident() - resident_before) / len(crowd.sessions)
        crowd.check()
        acting, left = self.at_once(crowd)
        note(
            f"{len(crowd.sessions)} visitors in turn: {in_turn / KIB:.1f} KiB resident each, the "
            f"wiki included; {AT_ONCE} at once: {acting / KIB:.1f} KiB each while they act, "
            f"{left / KIB:.2f} KiB left"
        )
        assert in_turn < MOST_WHILE_ACTING
        assert acting < MOST_WHILE_ACTING
        assert left < MOST_LEFT
        assert len(pywikibot._sites) == 1
        assert not [each for each in gc.get_objects() if type(each) is VisitorAccount]

    @classmethod
    def at_once(cls, crowd: Crowd) -> tuple[float, float]:
        """Let fifty act, twice; bytes a visitor while all are in their blocks, and afterwards."""
        crowd = copy.copy(crowd)
        crowd.sessions = crowd.sessions[:AT_ONCE]
        tracemalloc.start(_FRAMES)
        try:
            cls.together(crowd)  # what fifty threads need the first time is theirs for good
            before = allocated()
            while_acting = cls.together(crowd)
            after = allocated()
        finally:
            tracemalloc.stop()
        return (while_acting - before) / AT_ONCE, (after - before) / AT_ONCE

    @staticmethod
    def together(crowd: Crowd) -> int:
        """Let all act at once; what is allocated while all are in their blocks."""
        crowd.new_round()
        barrier = threading.Barrier(len(crowd.sessions) + 1)
        seen = []

        def wait() -> None:
            barrier.wait(120)
            barrier.wait(120)

        def measure() -> None:
            barrier.wait(120)
            seen.append(allocated())
            barrier.wait(120)

        watcher = threading.Thread(target=measure)
        watcher.start()
        errors = in_threads(
            len(crowd.sessions), lambda number: crowd.patrol(crowd.sessions[number], wait)
        )
        watcher.join()
        assert errors == []
        crowd.check()
        return seen[0]


class TestOneVisitor:
    """Somebody who is signed in more than once."""

    def test_two_browsers_and_a_job_write_everything_once(self, tool, scale, note):
        """Without a pause; their access tokens void each other's CSRF tokens."""
        browsers = [tool.visitor("Alice"), tool.visitor("Alice")]
        handle = tool.flow.handle(browsers[0].open(), "write")
        titles = [f"Written by {number}" for number in range(3)]
        for title in titles:
            tool.wiki.add_page(title, "begun")
        tool.wiki.log.limit = None
        texts = [f"edit {number}" for number in range(scale.visitor_edits)]

        def work(number: int) -> None:
            if number == 2:
                with tool.flow.job(handle, "write") as account:
                    for text in texts:
                        edit(account, text, titles[number])
                return
            for text in texts:
                with tool.flow.account(browsers[number].open()) as account:
                    edit(account, text, titles[number])

        errors = in_threads(3, work)
        bad = sum(entry.error == "badtoken" for entry in tool.wiki.log)
        note(f"{3 * len(texts)} edits, {bad} times badtoken")
        assert errors == []
        for title in titles:
            assert lines(tool.wiki, title) == ["begun", *texts]
