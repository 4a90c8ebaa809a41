"""Several visitors of a web tool in one process; ``tests/stress`` has a thousand of them."""

from __future__ import annotations

import gc

import pytest
import pywikibot

from bot_actions import in_threads
from pwb_oauth.web.visitor import VisitorAccount
from web_tool import (  # noqa: F401
    Requests,
    patrollers,
    unpatrolled,
    web_tool,
    web_tool_of_each_version,
)

NAMES = [f"Reviewer {number}" for number in range(6)]


@pytest.fixture
def sessions(any_tool):
    """Of reviewers, by their names."""
    for name in NAMES:
        any_tool.wiki.add_user(name, groups=["sysop"])
    return {name: any_tool.visitor(name).open() for name in NAMES}


def patrol(tool, session, change: int) -> None:
    """Mark a change as looked at."""
    with tool.flow.account(session, seconds=60) as account:
        assert list(account.site("en", "sandbox").patrol(rcid=change))


class TestManyVisitors:
    """Whose patrol is whose, and what is left."""

    def test_in_turn_each_patrol_is_by_the_right_one(self, any_tool, sessions):
        """As the wiki's log says."""
        for name, session in sessions.items():
            patrol(any_tool, session, unpatrolled(any_tool.wiki, f"Seen by {name}"))
        assert patrollers(any_tool.wiki) == {f"Seen by {name}": name for name in NAMES}

    def test_at_once_each_patrol_is_by_the_right_one(self, any_tool, sessions):
        """Six threads, six people, one wiki that nobody in this process knows yet."""
        changes = [unpatrolled(any_tool.wiki, f"Seen by {name}") for name in NAMES]
        requests = Requests(any_tool.wiki)
        errors = in_threads(
            len(NAMES), lambda number: patrol(any_tool, sessions[NAMES[number]], changes[number])
        )
        assert errors == []
        assert patrollers(any_tool.wiki) == {f"Seen by {name}": name for name in NAMES}
        assert len([each for each in requests if each.params.get("siprop")]) == 1
        asked = [each.params["modules"] for each in requests.of("paraminfo")]
        assert len(asked) == len(set(asked))

    def test_what_they_share_is_asked_for_once(self, any_tool, sessions):
        """Site information and parameter information; the others ask who they are, and patrol."""
        asked = []
        for name, session in sessions.items():
            change = unpatrolled(any_tool.wiki, f"Seen by {name}")
            requests = Requests(any_tool.wiki)
            patrol(any_tool, session, change)
            asked.append([each for each in requests if each.params.get("siprop")])
            paraminfo = requests.of("paraminfo")
            assert name == NAMES[0] or paraminfo == []
        assert [len(each) for each in asked[1:]] == [0] * (len(NAMES) - 1)
        assert len(asked[0]) == 1

    def test_nothing_of_them_is_left(self, any_tool, sessions):
        """Pywikibot's table of sites holds the place alone."""
        for session in sessions.values():
            with any_tool.flow.account(session) as account:
                account.site("en", "sandbox")
        del account
        gc.collect()
        assert len(pywikibot._sites) == 1
        assert not [each for each in gc.get_objects() if type(each) is VisitorAccount]
