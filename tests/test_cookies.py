"""Cookies belong to an account: on a wiki that sets them, and refuses those of another session."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from pywikibot.comms import http

from bot_actions import authors, in_threads, noted_waits, save  # noqa: F401
from pwb_oauth import authorization, sites
from pwb_oauth.account import Account
from pwb_oauth.credential import OAuth2AccessToken
from pwb_oauth.errors import LoginRequiredError
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.wiki import Wiki

# Wikimedia sets sessionJwt for these, not for OAuth 2.0 tokens that are renewed.
KINDS = ("1.0a", "1.0a owner-only", "2.0 owner-only")
EACH = pytest.mark.parametrize("kind", KINDS)
USER_OF = {"1.0a": "Alice", "1.0a owner-only": "Bob", "2.0 owner-only": "Admin"}


@pytest.fixture
def wiki():
    """A wiki that behaves as Wikimedia's do."""
    with SandboxWiki(version="wikimedia") as sandbox:
        yield sandbox


def jwt_of(entry):
    """The sessionJwt cookie of a request; None without one."""
    for part in entry.headers.get("Cookie", "").split("; "):
        name, _, value = part.partition("=")
        if name == "sessionJwt":
            return value
    return None


def sent(bot, user):
    """The sessionJwt cookies of an account's requests, in order."""
    return [jwt_of(entry) for entry in bot.wiki.log.select(path="/w/api.php", user=user)]


def refused(bot):
    """The codes with which the wiki refused requests of api.php."""
    return [entry.error for entry in bot.wiki.log.select(path="/w/api.php") if entry.error]


def log_in_again(bot, credential):
    """What ``pwb-oauth login`` does in another process, with the same OAuth 1.0a consumer."""
    wiki = Wiki.from_url(bot.wiki.api_url)
    pending = authorization.begin_authorization(wiki, credential.consumer)
    answer = bot.wiki.approve(pending.url, "Alice")
    again = authorization.complete_authorization(wiki, pending, answer)
    bot.store.save(bot.key("Alice"), again)
    return again


def end_sessions(bot):
    """Let the wiki begin each session of an access token anew; cookies of the old ones are void."""
    for acceptance in bot.wiki._state.acceptances:
        acceptance.accepted_at += timedelta(seconds=1)


class TestKept:
    """A cookie that the wiki has set."""

    @EACH
    def test_cookie_is_sent_back_with_every_later_request(self, bot, kind):
        """The wiki limits clients that drop it harder."""
        bot.log_in(kind)
        site = bot.site("Alice")
        for number in range(3):
            save(site, f"Page {number}")
        first, *later = sent(bot, "Alice")
        assert first is None
        assert len(later) > 5
        assert len(set(later)) == 1
        assert later[0]

    @EACH
    def test_new_site_object_of_the_account_sends_it_too(self, bot, kind):
        """It belongs to the account, not to the site."""
        bot.log_in(kind)
        save(bot.site("Alice"))
        bot.wiki.log.clear()
        save(bot.site("Alice"), text="more")
        assert None not in sent(bot, "Alice")

    def test_renewed_token_needs_none(self, bot):
        """The wiki sets none for OAuth 2.0 tokens that expire."""
        bot.log_in("2.0")
        save(bot.site("Alice"))
        assert set(sent(bot, "Alice")) == {None}


class TestSeparate:
    """Several accounts in one process."""

    def test_accounts_side_by_side_each_sends_its_own(self, bot):
        """By turns; the wiki would refuse another's."""
        for kind, user in USER_OF.items():
            bot.log_in(kind, user)
        pages = {user: bot.site(user) for user in USER_OF.values()}
        for number in range(3):
            for user, site in pages.items():
                save(site, f"{user} {number}")
        cookies = [set(sent(bot, user)) - {None} for user in pages]
        assert [len(each) for each in cookies] == [1, 1, 1]
        assert len(set.union(*cookies)) == 3
        assert refused(bot) == []

    def test_accounts_in_many_threads_each_sends_its_own(self, bot):
        """At the same time."""
        users = []
        for kind, user in USER_OF.items():
            bot.log_in(kind, user)
            users.append(user)
        accounts = {user: bot.site(user) for user in users}

        def work(number):
            user = users[number % len(users)]
            for count in range(3):
                save(accounts[user], f"{user} {number} {count}")

        assert in_threads(6, work) == []
        assert refused(bot) == []
        for number in range(6):
            user = users[number % len(users)]
            assert authors(bot.wiki, f"{user} {number} 0") == [user]

    def test_cookie_of_another_account_would_be_refused(self, bot):
        """So that the tests above can fail."""
        token = bot.log_in("2.0 owner-only", "Admin").access_token
        bot.log_in("1.0a")
        save(bot.site("Alice"))
        assert isinstance(token, OAuth2AccessToken)
        reply = requests.get(
            bot.wiki.api_url,
            {"action": "query", "format": "json"},
            headers={"Authorization": f"Bearer {token.value}"},
            cookies={"sessionJwt": sent(bot, "Alice")[-1]},
            timeout=10,
        )
        assert reply.headers["MediaWiki-API-Error"] == "mwoauth-invalid-authorization-jwt"

    @EACH
    def test_pywikibots_own_session_neither_gets_nor_lends_one(self, bot, kind):
        """A site without a credential has its cookies, and an account has not."""
        http.cookie_jar.set_cookie(
            requests.cookies.create_cookie("sessionJwt", "of nobody", domain="127.0.0.1")
        )
        bot.log_in(kind)
        save(bot.site("Alice"))
        assert "of nobody" not in sent(bot, "Alice")
        assert [cookie.value for cookie in http.cookie_jar] == ["of nobody"]
        _ = bot.site("Bob").userinfo
        assert bot.wiki.log[-1].mechanism == "none"
        assert jwt_of(bot.wiki.log[-1]) == "of nobody"


class TestGone:
    """When a cookie must not be sent any more."""

    @EACH
    def test_logout_ends_it(self, bot, kind):
        """The next login begins without, and so does what goes out anonymously."""
        bot.log_in(kind)
        site = bot.site("Alice")
        save(site)
        site.logout()
        bot.wiki.log.clear()
        assert "anon" in site.userinfo
        site.login()
        save(site, text="more")
        first, second, *later = bot.wiki.log
        assert [first.user, second.user] == [None, "Alice"]
        assert [jwt_of(first), jwt_of(second)] == [None, None]
        assert jwt_of(later[-1])

    @EACH
    def test_other_token_begins_without(self, bot, kind):
        """Another process has logged the account in with another consumer."""
        bot.log_in(kind)
        site = bot.site("Alice")
        save(site)
        old = sent(bot, "Alice")[-1]
        bot.wiki.revoke("Alice")
        bot.log_in(kind)
        bot.wiki.log.clear()
        save(site, text="more")
        assert old not in sent(bot, "Alice")
        assert "mwoauth-invalid-authorization-jwt" not in refused(bot)
        assert authors(bot.wiki, "Test") == ["Alice", "Alice"]

    def test_second_login_with_the_same_token_begins_without(self, bot, waits):
        """OAuth 1.0a gives the same access token again, perhaps of another session."""
        first = bot.log_in("1.0a")
        site = bot.site("Alice")
        save(site)
        assert log_in_again(bot, first).access_token == first.access_token
        end_sessions(bot)
        bot.wiki.log.clear()
        save(site, text="more")
        assert authors(bot.wiki, "Test") == ["Alice", "Alice"]
        assert refused(bot) in ([], ["badtoken"])
        assert waits == []

    @EACH
    def test_session_that_the_wiki_ended_is_begun_anew_and_the_edit_done_once(
        self, bot, waits, kind
    ):
        """Nobody has logged in, and the stored credential is the same."""
        bot.log_in(kind)
        site = bot.site("Alice")
        save(site)
        old = sent(bot, "Alice")[-1]
        end_sessions(bot)
        bot.wiki.log.clear()
        save(site, text="more")
        assert authors(bot.wiki, "Test") == ["Alice", "Alice"]
        assert refused(bot)[0] == "mwoauth-invalid-authorization-jwt"
        assert sent(bot, "Alice")[-1] not in (None, old)
        assert waits == []

    def test_many_threads_meet_a_void_cookie_and_none_fails(self, bot):
        """One takes the cookies away for all."""
        bot.log_in("1.0a")
        site = bot.site("Alice")
        save(site)
        end_sessions(bot)
        assert in_threads(6, lambda number: save(site, f"Page {number}")) == []

    def test_token_that_is_dead_is_dead_without_cookies_too(self, bot, waits):
        """One request more, and then none."""
        bot.log_in("1.0a")
        site = bot.site("Alice")
        save(site)
        bot.wiki.revoke("Alice")
        bot.wiki.log.clear()
        for _ in range(2):
            with pytest.raises(LoginRequiredError):
                site.simple_request(action="query", meta="userinfo").submit()
        asked = bot.wiki.log.select(path="/w/api.php")
        assert [bool(jwt_of(entry)) for entry in asked] == [True, False]

    def test_consumer_that_was_disabled_serves_again_after_a_login(self, bot, waits):
        """The access token may be the same as the one that was dead."""
        first = bot.log_in("1.0a")
        site = bot.site("Alice")
        save(site)
        bot.wiki.set_consumer_state(first.consumer.key, "disabled")
        with pytest.raises(LoginRequiredError):
            site.simple_request(action="query", meta="userinfo").submit()
        bot.wiki.set_consumer_state(first.consumer.key, "approved")
        with pytest.raises(LoginRequiredError):
            site.simple_request(action="query", meta="userinfo").submit()
        log_in_again(bot, first)
        save(site, text="more")
        assert authors(bot.wiki, "Test") == ["Alice", "Alice"]

    def test_account_that_others_hold_is_alive_after_a_login_with_the_same_token(self, bot):
        """Such as a thread that began before the login."""
        first = bot.log_in("1.0a")
        account = Account(bot.key("Alice"), bot.store, Wiki.from_url(bot.wiki.api_url))
        account.refuse(LoginRequiredError("The consumer was disabled. Log in."))
        with requests.Session() as base:
            with pytest.raises(LoginRequiredError):
                account.request("GET", bot.wiki.api_url, base=base)
            again = log_in_again(bot, first)
            assert again.access_token == first.access_token
            assert account.request("GET", bot.wiki.api_url, base=base).ok


class TestDisk:
    """What is written."""

    @EACH
    def test_no_file_holds_one(self, bot, kind, tmp_path):
        """Not even when Pywikibot saves its own cookies."""
        bot.log_in(kind)
        site = bot.site("Alice")
        save(site)
        jar = tmp_path / "pywikibot.lwp"
        http.cookie_jar.save(str(jar), ignore_discard=True, ignore_expires=True)
        site.logout()
        values = {cookie.encode() for cookie in sent(bot, "Alice") if cookie}
        assert values
        assert jar.exists()
        for folder in (tmp_path, Path(os.environ["PYWIKIBOT_DIR"])):
            for file in folder.rglob("*"):
                content = file.read_bytes() if file.is_file() else b""
                assert not any(value in content for value in values), file

    def test_store_holds_none(self, bot):
        """A stored credential is what it was before the first request."""
        stored = bot.log_in("1.0a")
        save(bot.site("Alice"))
        assert sites.accounts.store.load(bot.key("Alice")).to_json() == stored.to_json()
