"""Acting as a web tool's visitor in a block, on a real wiki."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta

import pytest
import pywikibot
from pywikibot.exceptions import Error

from bot_actions import fail_at_a_prompt, in_threads  # noqa: F401
from pwb_oauth import clock, oauth2
from pwb_oauth.errors import (
    DeadlineExceededError,
    IdentityError,
    LoginRequiredError,
    PwbOAuthError,
    StoreUnavailableError,
    TransportError,
)
from web_tool import (  # noqa: F401
    TITLE,
    Requests,
    WebTool,
    edit,
    lines,
    web_tool,
    web_tool_of_each_version,
    who_wrote,
)


def raised(error: BaseException) -> BaseException:
    """Ours, out of what Pywikibot wraps it in."""
    return getattr(error, "reason", error)


def try_to_edit(tool: WebTool, browser, text: str, **options) -> BaseException | None:
    """Edit as a visitor, and give what went wrong."""
    try:
        with tool.flow.account(browser.open(), **options) as account:
            edit(account, text)
    except (PwbOAuthError, Error) as error:
        return raised(error)
    return None


class TestEdit:
    """A page that is saved by the visitor who pressed the button."""

    def test_each_visitor_is_the_author(self, any_tool):
        """In turn, in one process, on one wiki."""
        visitors = {user: any_tool.visitor(user) for user in ("Alice", "Bob")}
        for number in range(2):
            for user, browser in visitors.items():
                with any_tool.flow.account(browser.open()) as account:
                    edit(account, f"{user} {number}")
                    assert account.username == user
        for user in visitors:
            assert who_wrote(any_tool.wiki, f"{user} 0") == user
            assert who_wrote(any_tool.wiki, f"{user} 1") == user

    def test_blocks_within_each_other_do_not_mix(self, any_tool):
        """One page that two people work on."""
        alice, bob = any_tool.visitor("Alice"), any_tool.visitor("Bob")
        flow = any_tool.flow
        with flow.account(alice.open()) as one, flow.account(bob.open()) as other:
            sites = [account.site("en", "sandbox") for account in (one, other)]
            edit(one, "by Alice")
            edit(other, "by Bob")
            edit(one, "by Alice again")
            assert [site.user() for site in sites] == ["Alice", "Bob"]
        assert who_wrote(any_tool.wiki, "by Bob") == "Bob"
        assert who_wrote(any_tool.wiki, "by Alice again") == "Alice"

    def test_every_write_says_as_whom_it_is_meant(self, any_tool):
        """``assertuser``, so that a mistake is an error and not another's edit."""
        alice = any_tool.visitor("Alice")
        requests = Requests(any_tool.wiki)
        with any_tool.flow.account(alice.open()) as account:
            edit(account, "x")
            edit(account, "y")
            site = account.site("en", "sandbox")
            # Pywikibot does not know every action that writes.
            request = site.simple_request(action="stabilize", token="x")
            assert request["assertuser"] == ["Alice"]
        writes = [each for each in requests if each.params.get("token")]
        assert len(writes) == 2
        assert {each.params.get("assertuser") for each in writes} == {"Alice"}

    def test_first_edit_on_a_wiki_that_is_known_takes_four_requests(self, any_tool):
        """Who it is with the tokens, the page twice at most, and the edit."""
        with any_tool.flow.account(any_tool.visitor("Alice").open()) as account:
            edit(account, "by the first")
        bob = any_tool.visitor("Bob")
        requests = Requests(any_tool.wiki)
        with any_tool.flow.account(bob.open()) as account:
            edit(account, "by the second")
        assert who_wrote(any_tool.wiki, "by the second") == "Bob"
        assert len(requests) <= 4

    def test_expired_token_is_refreshed_and_sealed_again(self, tool):
        """Under way; the next click uses the new one."""
        alice = tool.visitor("Alice")
        (before,) = tool.rows()
        tool.wiki.expire_tokens()
        with tool.flow.account(alice.open()) as account:
            edit(account, "refreshed")
        (after,) = tool.rows()
        assert after["sealed"] != before["sealed"]
        assert {**after, "sealed": ""} == {**before, "sealed": ""}
        requests = Requests(tool.wiki)
        with tool.flow.account(alice.open()) as account:
            edit(account, "once more")
        assert not [each for each in requests if each.error or "oauth2" in each.path]

    def test_view_that_fails_after_a_refresh_loses_nothing(self, tool):
        """The new token was written before it was used."""
        alice = tool.visitor("Alice")
        tool.wiki.expire_tokens()
        with pytest.raises(ZeroDivisionError), tool.flow.account(alice.open()) as account:
            fail_after(edit(account, "before it failed"))
        assert try_to_edit(tool, alice, "afterwards") is None

    def test_refreshed_token_of_another_user_is_not_used(self, tool, monkeypatch):
        """Whatever the wiki or an attacker between gives."""
        alice, bob = tool.visitor("Alice"), tool.visitor("Bob")
        theirs = bob.open().credential.access_token
        monkeypatch.setattr(oauth2, "refresh", lambda *args, **kwargs: theirs)
        with tool.flow.account(alice.open()) as account:
            edit(account, "by herself")
            tool.wiki.expire_tokens("Alice")
            requests = Requests(tool.wiki)
            with pytest.raises((PwbOAuthError, Error)) as caught:
                edit(account, "as somebody else")
        assert isinstance(raised(caught.value), IdentityError)
        assert "as somebody else" not in lines(tool.wiki)
        asked = {each.path.rpartition("/")[2] for each in requests if each.user == "Bob"}
        assert asked == {"profile"}
        assert alice.open().username == "Alice"

    def test_renamed_in_mid_session_acts_on_by_the_new_name(self, any_tool):
        """The ``sub`` says that it is the same user."""
        alice = any_tool.visitor("Alice")
        with any_tool.flow.account(alice.open()) as account:
            edit(account, "by the old name")
        rename(any_tool.wiki, "Alice", "Alicia")
        assert alice.open().username == "Alice"  # nobody has asked yet
        requests = Requests(any_tool.wiki)
        with any_tool.flow.account(alice.open()) as account:
            edit(account, "by the new name")
            assert account.username == "Alicia"
        assert who_wrote(any_tool.wiki, "by the new name") == "Alicia"
        assert requests.writes()[-1].params["assertuser"] == "Alicia"
        assert alice.open().username == "Alicia"
        assert try_to_edit(any_tool, alice, "by the next click") is None

    def test_another_has_the_name_now_nobody_is_mixed_up(self, any_tool):
        """Alice was renamed, and somebody else has registered her old name."""
        alice = any_tool.visitor("Alice")
        rename(any_tool.wiki, "Alice", "Alicia")
        any_tool.wiki.add_user("Alice")
        assert try_to_edit(any_tool, alice, "by the first Alice") is None
        assert who_wrote(any_tool.wiki, "by the first Alice") == "Alicia"


class TestEnd:
    """What ends a user session, and what does not."""

    def test_grant_withdrawn_between_two_clicks_ends_it(self, any_tool):
        """``ended_at`` is set, nothing is edited, and the next click asks nobody."""
        alice = any_tool.visitor("Alice")
        assert try_to_edit(any_tool, alice, "before") is None
        any_tool.wiki.revoke("Alice")
        assert isinstance(try_to_edit(any_tool, alice, "after"), LoginRequiredError)
        assert "after" not in lines(any_tool.wiki)
        assert any_tool.rows()[0]["ended_at"] is not None
        assert alice.open() is None

    def test_withdrawn_in_mid_block_ends_it(self, any_tool):
        """The site was signed in by then."""
        alice = any_tool.visitor("Alice")
        with suppress(LoginRequiredError, Error), any_tool.flow.account(alice.open()) as account:
            edit(account, "before")
            any_tool.wiki.revoke("Alice")
            edit(account, "after")
        assert lines(any_tool.wiki)[-1] == "before"
        assert any_tool.rows()[0]["ended_at"] is not None

    def test_consumer_disabled_leaves_it(self, any_tool):
        """The operator's trouble, not the visitor's."""
        alice = any_tool.visitor("Alice")
        any_tool.wiki.disable(any_tool.consumer)
        error = try_to_edit(any_tool, alice, "x")
        assert isinstance(error, LoginRequiredError)
        assert "consumer is not approved, or was disabled" in str(error)
        any_tool.wiki.set_consumer_state(any_tool.consumer.key, "approved")
        assert try_to_edit(any_tool, alice, "enabled again") is None

    def test_consumer_disabled_is_found_by_a_refresh_leaves_it(self, tool, monkeypatch):
        """Which the wiki refuses for that reason."""
        alice = tool.visitor("Alice")
        tool.wiki.disable(tool.consumer)
        an_hour_later = clock.now() + timedelta(hours=1)
        monkeypatch.setattr(clock, "now", lambda: an_hour_later)
        requests = Requests(tool.wiki)
        error = try_to_edit(tool, alice, "x")
        assert isinstance(error, LoginRequiredError)
        assert error.error == "access_denied"
        assert [each.path.rpartition("/")[2] for each in requests] == ["access_token"]
        assert tool.rows()[0]["ended_at"] is None

    @pytest.mark.parametrize("how", ["block", "lock"])
    def test_account_blocked_or_locked_leaves_it(self, any_tool, how):
        """It may be unblocked again; nothing is edited."""
        alice = any_tool.visitor("Alice")
        getattr(any_tool.wiki, how)("Alice")
        assert try_to_edit(any_tool, alice, "x") is not None
        assert "x" not in lines(any_tool.wiki)
        assert any_tool.rows()[0]["ended_at"] is None

    @pytest.mark.parametrize("fault", ["503", "cut", "html", "half-json", "empty"])
    def test_wiki_down_leaves_it(self, any_tool, fault):
        """Trying again helps."""
        alice = any_tool.visitor("Alice")
        any_tool.wiki.fail_next(fault, count=20)
        assert try_to_edit(any_tool, alice, "x") is not None
        any_tool.wiki._faults.clear()
        assert any_tool.rows()[0]["ended_at"] is None
        assert try_to_edit(any_tool, alice, "up again") is None

    def test_wiki_down_while_refreshing_leaves_it(self, tool):
        """The old refresh token is still good."""
        alice = tool.visitor("Alice")
        tool.wiki.expire_tokens()
        tool.wiki.fail_next("503", path="oauth2/access_token", count=20)
        assert isinstance(try_to_edit(tool, alice, "x"), TransportError)
        tool.wiki._faults.clear()
        assert try_to_edit(tool, alice, "up again") is None


class TestLogout:
    """Signing out while something is under way."""

    def test_in_another_tab_ends_the_writes_of_this_one(self, any_tool):
        """Before anything more is written."""
        alice = any_tool.visitor("Alice")
        requests = Requests(any_tool.wiki)
        with any_tool.flow.account(alice.open()) as account:
            edit(account, "before")
            alice.sign_out()
            with pytest.raises(Exception) as caught:  # noqa: PT011  # the next line says which
                edit(account, "after")
            assert isinstance(raised(caught.value), LoginRequiredError)
        assert lines(any_tool.wiki)[-1] == "before"
        assert len(requests.writes()) == 1
        assert any_tool.rows() == []

    def test_while_a_job_runs_it_writes_at_most_once_more(self, any_tool):
        """What was under way already."""
        alice = any_tool.visitor("Alice")
        handle = any_tool.flow.handle(alice.open(), "write")
        with any_tool.flow.job(handle, "write") as account:
            for number in range(3):
                edit(account, f"job {number}")
            alice.sign_out()
            for number in range(3, 8):
                with suppress(PwbOAuthError, Error):
                    edit(account, f"job {number}")
            with pytest.raises((PwbOAuthError, Error)) as caught:
                edit(account, "the last")
            assert isinstance(raised(caught.value), LoginRequiredError)
        written = [line for line in lines(any_tool.wiki) if line.startswith("job")]
        assert len(written) <= 4
        assert any_tool.rows() == []

    def test_before_a_job_begins_it_does_not(self, any_tool):
        """The handle is of no use any more."""
        alice = any_tool.visitor("Alice")
        handle = any_tool.flow.handle(alice.open(), "write")
        alice.sign_out()
        with (
            pytest.raises(LoginRequiredError, match="has signed out"),
            any_tool.flow.job(handle, "write"),
        ):
            pytest.fail("the block was entered")

    def test_job_outlives_the_web_requests_deadline(self, tool):
        """Nobody waits for it."""
        alice = tool.visitor("Alice")
        handle = tool.flow.handle(alice.open(), "write")
        with tool.flow.job(handle, "write") as account:
            site = account.site("en", "sandbox")
            assert site.patient
            assert site.userinfo["name"] == "Alice"

    def test_job_of_another_task_is_refused(self, tool):
        """And the wiki is not asked."""
        handle = tool.flow.handle(tool.visitor("Alice").open(), "write")
        requests = Requests(tool.wiki)
        with pytest.raises(LoginRequiredError), tool.flow.job(handle, "delete"):
            pytest.fail("the block was entered")
        assert len(requests) == 0


class TestDeadline:
    """What takes too long for a web request."""

    @pytest.mark.parametrize("fault", ["hang", "trickle"])
    def test_wiki_is_slow_raises_before_the_server_gives_up(self, any_tool, fault):
        """Out of the middle of an edit; Pywikibot does not wait and try again."""
        alice = any_tool.visitor("Alice")
        with any_tool.flow.account(alice.open()) as account:
            edit(account, "known")  # so that the next block has little to ask
        any_tool.wiki.fail_next(fault, count=20, seconds=8)
        began = time.monotonic()
        error = try_to_edit(any_tool, alice, "x", seconds=0.5)
        assert time.monotonic() - began < 6
        any_tool.wiki._faults.close()
        assert isinstance(error, (DeadlineExceededError, IdentityError))

    @pytest.mark.parametrize("fault", ["hang", "trickle"])
    def test_wiki_is_slow_while_saving_says_that_it_is_not_known(self, any_tool, fault):
        """The visitor is told to look."""
        alice = any_tool.visitor("Alice")
        any_tool.wiki.fail_next(fault, count=20, action="edit", seconds=3)
        error = try_to_edit(any_tool, alice, "x", seconds=1.5)
        any_tool.wiki._faults.close()
        assert isinstance(error, DeadlineExceededError)
        assert "look before you try again" in str(error)

    def test_wiki_lags_for_longer_raises_at_once(self, any_tool, monkeypatch):
        """Nobody sleeps through the deadline."""
        monkeypatch.setattr(pywikibot, "sleep", lambda seconds: pytest.fail(f"slept {seconds}"))
        alice = any_tool.visitor("Alice")
        any_tool.wiki.fail_next("maxlag", count=20, action="edit", seconds=30)
        assert isinstance(try_to_edit(any_tool, alice, "x", seconds=5), DeadlineExceededError)

    def test_wiki_is_down_it_is_asked_twice_at_most(self, any_tool):
        """One retry."""
        alice = any_tool.visitor("Alice")
        assert try_to_edit(any_tool, alice, "known") is None
        requests = Requests(any_tool.wiki)
        any_tool.wiki.fail_next("503", count=50, action="edit")
        assert try_to_edit(any_tool, alice, "x") is not None
        assert 1 <= len(requests.writes()) <= 2

    def test_other_visitors_are_not_hurried(self, tool):
        """Each block has its own time."""
        alice, bob = tool.visitor("Alice"), tool.visitor("Bob")
        with (
            tool.flow.account(alice.open(), seconds=None) as one,
            tool.flow.account(bob.open(), seconds=5) as other,
        ):
            assert one.identify().username == "Alice"
            assert other.identify().username == "Bob"


class TestDatabase:
    """The database goes away in a block."""

    def test_nothing_is_written_without_it(self, any_tool):
        """Whether the visitor is still signed in cannot be known."""
        alice = any_tool.visitor("Alice")
        with any_tool.flow.account(alice.open()) as account:
            edit(account, "before")
            any_tool.database.rename(any_tool.database.with_suffix(".gone"))
            any_tool.database.mkdir()
            with pytest.raises(Exception) as caught:  # noqa: PT011  # the next line says which
                edit(account, "after")
            assert isinstance(raised(caught.value), StoreUnavailableError)
        assert lines(any_tool.wiki)[-1] == "before"


class TestAtTheSameTime:
    """Several visitors in several threads."""

    def test_each_edit_is_by_the_right_one(self, any_tool):
        """On one wiki at once, whose properties nobody knows yet."""
        names = ["Alice", "Bob", "Admin", "BotOwner"]
        browsers = {name: any_tool.visitor(name) for name in names}

        def work(number: int) -> None:
            name = names[number % len(names)]
            for turn in range(2):
                with any_tool.flow.account(browsers[name].open(), seconds=60) as account:
                    edit(account, "x", title=f"Thread {number} {turn} of {name}")

        assert in_threads(8, work) == []
        for number in range(8):
            name = names[number % len(names)]
            for turn in range(2):
                title = f"Thread {number} {turn} of {name}"
                assert who_wrote(any_tool.wiki, "x", title) == name

    def test_threads_of_one_block_share_one_refresh(self, tool):
        """The token ends under their hands."""
        alice = tool.visitor("Alice")
        with tool.flow.account(alice.open(), seconds=60) as account:
            account.site("en", "sandbox")
            tool.wiki.expire_tokens()
            wiki_requests = Requests(tool.wiki)
            errors = in_threads(
                4, lambda number: edit(account, "x", title=f"Thread {number} of a block")
            )
        assert errors == []
        refreshes = [each for each in wiki_requests if "oauth2/access_token" in each.path]
        assert len(refreshes) == 1

    def test_two_browsers_and_a_job_of_one_visitor_lose_nothing(self, any_tool):
        """Their live access tokens void each other's CSRF tokens (OAuth 2.0)."""
        browsers = [any_tool.visitor("Alice"), any_tool.visitor("Alice")]
        handle = any_tool.flow.handle(browsers[0].open(), "write")
        titles = [f"Two browsers and a job {number}" for number in range(3)]
        for title in titles:
            any_tool.wiki.add_page(title, "begun")
        texts = [f"edit {number}" for number in range(8)]

        def work(number: int) -> None:
            if number == 2:
                with any_tool.flow.job(handle, "write") as account:
                    for text in texts:
                        edit(account, text, titles[number])
                return
            for text in texts:
                with any_tool.flow.account(browsers[number].open()) as account:
                    edit(account, text, titles[number])

        assert in_threads(3, work) == []
        for title in titles:
            assert lines(any_tool.wiki, title) == ["begun", *texts]


def fail_after(_result: object) -> None:
    """What a view with a bug does."""
    raise ZeroDivisionError


def rename(wiki, old: str, new: str) -> None:
    """What a renamer does: the user's id stays."""
    state = wiki._state
    user = state.users.pop(old)
    user.name = new
    state.users[new] = user
