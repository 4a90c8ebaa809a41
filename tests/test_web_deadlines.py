"""What a block's deadline reaches, and what it must not break."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

import pytest
import pywikibot

from pwb_oauth import deadline, plugin, prefetch, sites
from pwb_oauth.errors import DeadlineExceededError
from web_tool import edit, web_tool  # noqa: F401


class TestBlocks:
    """Each has a deadline of its own, whoever works in it."""

    def test_blocks_that_end_in_another_order_leave_nothing_behind(self, tool):
        """Two generators that are read side by side; the thread's next block has all its time."""
        session = tool.visitor().open()

        def names(seconds):
            with tool.flow.account(session, seconds=seconds) as account:
                yield account.site("en", "sandbox").userinfo["name"]
                yield "again"

        short, long = names(5), names(30)
        assert list(zip_longest(short, long)) == [("Alice", "Alice"), ("again", "again")]
        assert deadline._ends_at.get() is None

    def test_thread_that_the_view_starts_has_the_blocks_deadline(self, tool):
        """And its sites give up as soon as the view's own."""
        session = tool.visitor().open()
        with tool.flow.account(session, seconds=1) as account, ThreadPoolExecutor(1) as pool:
            site = pool.submit(account.site, "en", "sandbox").result()
            assert not site.patient
            time.sleep(1.05)
            with pytest.raises(DeadlineExceededError):
                pool.submit(account.identify).result()


class TestRefresh:
    """``VisitorCredential``."""

    def test_refresh_that_is_begun_late_is_waited_for(self, tool):
        """Its answer would be lost, and with it the tokens: the wiki has replaced them already."""
        visitor = tool.visitor()
        session = visitor.open()
        with tool.flow.account(session, seconds=1) as account:
            account.site("en", "sandbox")
            tool.wiki.clock.advance(5 * 3600)
            tool.wiki.fail_next("hang", path="oauth2/access_token", seconds=1.5)
            with pytest.raises(pywikibot.exceptions.Error):
                edit(account, "late")
        time.sleep(1.6)  # by now the wiki has answered, whether anybody waited or not
        session = visitor.open()
        assert session is not None
        with tool.flow.account(session) as account:
            edit(account, "in time")

    def test_no_refresh_is_begun_where_no_time_is_left(self, tool):
        """The tokens stay what they were."""
        visitor = tool.visitor()
        session = visitor.open()
        before = session.credential.access_token
        with tool.flow.account(session, seconds=0.3) as account:
            tool.wiki.clock.advance(5 * 3600)
            time.sleep(0.35)
            with pytest.raises(DeadlineExceededError):
                account.identify()
        assert visitor.open().credential.access_token == before


class TestFirstVisitors:
    """Two threads begin at once."""

    def test_hooks_are_set_before_either_goes_on(self, tool, monkeypatch):
        """The second one waits for the first."""
        plugin.uninstall()
        reached, go_on = threading.Event(), threading.Event()
        set_hooks = plugin._set_hooks

        def slowly():
            reached.set()
            go_on.wait(10)
            set_hooks()

        monkeypatch.setattr(plugin, "_set_hooks", slowly)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(plugin.install_for_visitors)
            assert reached.wait(10)
            second = pool.submit(plugin.install_for_visitors)
            time.sleep(0.1)
            assert not second.done()
            go_on.set()
            first.result()
            second.result()
        assert (pywikibot, "Site") in plugin._hooks.replaced


class TestLetGo:
    """``prefetch.let_go``."""

    def test_other_wikis_may_become_known_meanwhile(self, tool, monkeypatch):
        """By another visitor's thread: the dictionary changes while it is gone through."""

        class Growing:
            @property
            def properties(self):
                prefetch._wikis[f"http://{len(prefetch._wikis)}"] = prefetch._Wiki()
                return {}

        monkeypatch.setattr(prefetch, "_wikis", {"a": Growing(), "b": Growing()})
        with tool.flow.account(tool.visitor().open()) as account:
            account.site("en", "sandbox")
        assert len(prefetch._wikis) > 2
        assert sys.modules["pwb_oauth.sites"] is sites
