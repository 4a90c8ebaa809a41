"""Letting one of a person's user sessions go first."""

from __future__ import annotations

import threading

import pytest

from bot_actions import in_threads
from pwb_oauth import forks
from pwb_oauth.web import precedence as module
from pwb_oauth.web.precedence import Precedence, TokenTurn, people
from web_tool import edit, web_tool  # noqa: F401


def waits(precedence: Precedence, who: object) -> bool:
    """Whether somebody has to wait."""
    thread = threading.Thread(target=precedence.respect, args=(who,), daemon=True)
    thread.start()
    thread.join(0.1)
    return thread.is_alive()


@pytest.fixture
def precedence(monkeypatch) -> Precedence:
    """Nobody goes first, and nobody would for long."""
    monkeypatch.setattr(module, "_LONGEST", 20.0)
    return Precedence()


class TestPrecedence:
    """``Precedence``."""

    def test_others_wait_until_it_is_released(self, precedence):
        """Who goes first does not wait for itself."""
        assert not waits(precedence, "other")
        precedence.take("first")
        assert not waits(precedence, "first")
        assert waits(precedence, "other")
        precedence.release("other")
        assert waits(precedence, "other")
        precedence.release("first")
        assert not waits(precedence, "other")

    def test_waiting_ends_with_the_release(self, precedence):
        """At once, for all of them."""
        precedence.take(0)
        threading.Timer(0.2, precedence.release, (0,)).start()
        assert in_threads(3, lambda number: precedence.respect(number + 1)) == []

    def test_nobody_goes_first_for_longer_than_a_moment(self, monkeypatch):
        """A write that is never sent holds nobody up."""
        monkeypatch.setattr(module, "_LONGEST", 0.05)
        precedence = Precedence()
        precedence.take("first")
        precedence.respect("other")
        precedence.take("other")
        precedence.release("other")

    def test_people_do_not_wait_for_each_other(self, precedence):
        """Nor does one at another wiki; one person's user sessions share theirs."""
        one = people.find("wiki", "1")
        assert people.find("wiki", "1") is one
        one.take("first")
        assert not waits(people.find("wiki", "2"), "other")
        assert not waits(people.find("elsewhere", "1"), "other")

    def test_who_is_not_at_work_is_not_remembered(self):
        """However many visitors come."""
        for number in range(100):
            people.find("of many", str(number))
        assert not [each for each in people._known if each[0] == "of many"]

    def test_child_of_a_fork_knows_nobody(self):
        """A lock may have been held by a thread that is the parent's."""
        kept = people.find("wiki", "1")
        with people._lock:
            forks._begin_anew()
            assert people.find("wiki", "1") is not kept


class TestTokenTurn:
    """``TokenTurn``."""

    def test_whoever_fetches_goes_first_afterwards_too(self, precedence):
        """Until the write is through."""
        turn = TokenTurn(precedence, "first")
        with turn:
            assert waits(precedence, "other")
        assert waits(precedence, "other")
        precedence.release("first")
        assert not waits(precedence, "other")
        with turn:
            pass

    def test_write_and_the_end_of_a_block_let_the_others_go_on(self, tool):
        """With whatever result."""
        alice = tool.visitor("Alice")
        with tool.flow.account(alice.open(), seconds=60) as account:
            shared = account._account._precedence
            tool.wiki.fail_next("badtoken", count=1, action="edit")
            edit(account, "x")
            assert not waits(shared, "other")
            with account._account.token_lock:
                pass
            assert waits(shared, "other")
        assert not waits(shared, "other")
