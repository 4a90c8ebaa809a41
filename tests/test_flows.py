"""Signing in, editing and signing out, by either version of OAuth."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
import pywikibot
from pywikibot.comms import http
from pywikibot.exceptions import OtherPageSaveError

import pwb_oauth
from bot_actions import (
    KINDS,
    RENEWABLE,
    TOKEN_ENDPOINT,
    authors,
    edits,
    fail_at_a_prompt,  # noqa: F401
    noted_waits,  # noqa: F401
    refreshes,
    save,
    secrets_sent,
)
from pwb_oauth import clock, sites
from pwb_oauth.accounts import Accounts
from pwb_oauth.credential import Credential
from pwb_oauth.errors import (
    AuthorizationError,
    ConfigurationError,
    LoginRequiredError,
    PwbOAuthError,
    StoreUnavailableError,
    TokenStoreError,
    TransportError,
    UsernameMismatchError,
)

pytestmark = pytest.mark.usefixtures("no_prompt")


def saved_page(bot):
    """A page that Alice saved, whose next save asks for nothing beforehand but its tokens."""
    page = save(bot.site("Alice"))
    page.text = "more"
    return page


def reason_of(page) -> PwbOAuthError:
    """Why a page cannot be saved."""
    with pytest.raises(OtherPageSaveError) as caught:
        page.save(quiet=True)
    assert isinstance(caught.value.reason, PwbOAuthError)
    return caught.value.reason


@pytest.mark.parametrize("kind", KINDS)
class TestLoginAndLogout:
    """``site.login()`` and ``site.logout()``."""

    def test_userinfo_follows_each_step(self, bot, kind):
        """Nobody, the account, nobody, the account."""
        site = bot.site("Alice")
        assert "anon" in site.userinfo
        assert not site.logged_in()
        bot.log_in(kind)
        for _ in range(2):
            site.login()
            assert site.userinfo["name"] == "Alice"
            assert site.userinfo["id"] == bot.wiki.users["Alice"].id
            assert site.logged_in()
            assert site.user() == "Alice"
            site.logout()
            assert "anon" in site.userinfo
            assert site.userinfo["id"] == 0
            assert not site.logged_in()
            assert site.user() is None

    def test_no_request_after_logout_carries_a_token_or_a_cookie(self, bot, kind):
        """Whatever is read: pages, the site, index.php, rest.php."""
        bot.log_in(kind)
        site = bot.site("Alice")
        save(site, "Sandbox", "more")
        site.logout()
        count = len(bot.wiki.log)
        assert pywikibot.Page(site, "Sandbox").get() == "more"
        assert list(site.recentchanges(total=1))
        assert list(site.allusers(total=2))
        assert site.siteinfo["general"]
        http.request(site, "/w/index.php?title=Sandbox")
        http.request(site, "/w/rest.php/oauth2/resource/scopes")
        later = list(bot.wiki.log)[count:]
        assert len(later) > 5
        assert {secrets_sent(entry) for entry in later} == {(None, None)}
        assert {entry.user for entry in later} == {None}

    def test_edit_is_the_accounts(self, bot, kind):
        """The wiki says so, and so does Pywikibot."""
        bot.log_in(kind)
        page = save(bot.site("Alice"))
        assert authors(bot.wiki, "Test") == ["Alice"]
        assert page.latest_revision.user == "Alice"
        assert len(edits(bot.wiki)) == 1

    def test_edit_after_logout_signs_in_again_as_stock_does(self, bot, kind):
        """It is the account's or it fails; it is never anonymous."""
        bot.log_in(kind)
        site = bot.site("Alice")
        site.logout()
        save(site)
        assert authors(bot.wiki, "Test") == ["Alice"]

    def test_token_of_another_account_is_refused_before_anything_is_edited(self, bot, kind):
        """Both names are in the message, for every request, without asking the wiki again."""
        bot.store.save(bot.key("Alice"), bot.credential(kind, "Bob"))
        site = bot.site("Alice")
        assert not site.logged_in()
        count = len(bot.wiki.log)
        for attempt in (site.login, lambda: site.userinfo, lambda: save(site)):
            with pytest.raises(UsernameMismatchError, match=r"'Bob'.*'Alice'") as caught:
                attempt()
            assert (caught.value.expected, caught.value.actual) == ("Alice", "Bob")
        assert len(bot.wiki.log) == count
        assert edits(bot.wiki) == []

    def test_revoked_token_is_log_in_again_and_stays_so_without_a_request(self, bot, waits, kind):
        """The credential is still there: only forgetting deletes it."""
        stored = bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.revoke("Alice")
        assert isinstance(reason_of(page), LoginRequiredError)
        count = len(bot.wiki.log)
        for _ in range(3):
            error = reason_of(page)
            assert isinstance(error, LoginRequiredError)
            assert f"pwb-oauth login {bot.host} --user Alice" in str(error)
        assert len(bot.wiki.log) == count
        assert waits == []
        assert bot.store.load(bot.key("Alice")) is stored
        assert authors(bot.wiki, "Test") == ["Alice"]

    def test_login_of_another_process_revives_a_dead_token(self, bot, kind):
        """The next save is done, with nothing started anew."""
        bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.revoke("Alice")
        reason_of(page)
        bot.log_in(kind)
        page.save(quiet=True)
        assert authors(bot.wiki, "Test") == ["Alice", "Alice"]

    def test_disabled_consumer_is_said_at_once(self, bot, waits, kind):
        """An administrator disabled it; what is stored is still there."""
        stored = bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.disable(bot.wiki.consumers[stored.consumer.key])
        error = reason_of(page)
        assert isinstance(error, AuthorizationError)
        assert "consumer" in str(error)
        assert waits == []
        assert bot.store.load(bot.key("Alice")) is stored
        assert authors(bot.wiki, "Test") == ["Alice"]

    def test_locked_account_is_said_at_once(self, bot, waits, kind):
        """A steward locked it."""
        bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.lock("Alice")
        assert isinstance(reason_of(page), AuthorizationError)
        assert waits == []
        assert authors(bot.wiki, "Test") == ["Alice"]

    def test_rest_php_is_asked_as_the_account(self, bot, kind):
        """By ``http.request``, as scripts do it."""
        bot.log_in(kind)
        site = bot.site("Alice")
        body = {"source": "by REST", "comment": ""}
        http.request(site, "/w/rest.php/v1/page/Made_by_REST", method="PUT", json=body)
        assert authors(bot.wiki, "Made by REST") == ["Alice"]
        assert http.request(site, "/w/rest.php/v1/page/Made_by_REST").json()["source"] == "by REST"
        assert bot.wiki.log[-1].user == "Alice"


@pytest.mark.parametrize("kind", ["1.0a", "1.0a owner-only"])
def test_401_of_rest_php_does_not_end_a_token_that_is_good(bot, kind):
    """rest.php/oauth2/ is for OAuth 2.0 alone, which says nothing of an OAuth 1.0a token."""
    bot.log_in(kind)
    site = bot.site("Alice")
    answer = http.request(site, "/w/rest.php/oauth2/resource/profile")
    assert answer.status_code == 401
    save(site)
    assert authors(bot.wiki, "Test") == ["Alice"]


@pytest.mark.parametrize("kind", RENEWABLE)
class TestRefresh:
    """Access tokens that expire."""

    def test_expired_token_is_renewed_once_and_the_edit_done_once(self, bot, kind):
        """The wiki calls it invalid; a refused request was not executed."""
        bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.expire_tokens("Alice")
        page.save(quiet=True)
        assert len(refreshes(bot.wiki)) == 1
        assert authors(bot.wiki, "Test") == ["Alice", "Alice"]

    def test_token_is_renewed_before_it_expires(self, bot, monkeypatch, kind):
        """When both clocks say that it is about to: no request is refused."""
        stored = bot.log_in(kind)
        page = saved_page(bot)
        lifetime = timedelta(hours=1)
        bot.wiki.clock.advance((lifetime - timedelta(seconds=50)).total_seconds())
        ahead = lifetime - timedelta(seconds=50)
        monkeypatch.setattr(clock, "now", lambda: datetime.now(timezone.utc) + ahead)
        page.save(quiet=True)
        assert len(refreshes(bot.wiki)) == 1
        assert {entry.error for entry in bot.wiki.log if entry.error != "badtoken"} == {None}
        renewed = bot.store.load(bot.key("Alice")).access_token
        assert renewed.refresh_token != stored.access_token.refresh_token

    def test_token_that_the_edge_refuses_is_renewed(self, bot, waits, kind):
        """HTTP 401 with a body that Pywikibot alone would take for the result of the edit."""
        bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.fail_next("edge-401", action="edit")
        page.save(quiet=True)
        assert len(refreshes(bot.wiki)) == 1
        assert authors(bot.wiki, "Test") == ["Alice", "Alice"]
        assert waits == []

    def test_wiki_that_cannot_renew_just_now_is_asked_again_later(self, bot, waits, kind):
        """Pywikibot retries; the credential is as it was."""
        bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.expire_tokens("Alice")
        bot.wiki.fail_next("503", count=2, path=TOKEN_ENDPOINT)
        page.save(quiet=True)
        assert len(refreshes(bot.wiki)) == 3
        assert len(waits) == 2
        assert authors(bot.wiki, "Test") == ["Alice", "Alice"]

    def test_refresh_token_that_expired_is_log_in_again(self, bot, waits, kind):
        """After a month on 1.43; what is stored is still there."""
        stored = bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.clock.advance(timedelta(days=40).total_seconds())
        for _ in range(2):
            assert isinstance(reason_of(page), LoginRequiredError)
        assert len(refreshes(bot.wiki)) == 1
        assert bot.store.load(bot.key("Alice")) is stored
        assert waits == []

    def test_credential_that_was_forgotten_is_not_revived_by_a_refresh(self, bot, kind):
        """Somebody logged out meanwhile."""
        bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.expire_tokens("Alice")
        bot.store.forget(bot.key("Alice"))
        assert isinstance(reason_of(page), LoginRequiredError)
        assert bot.store.entries() == ()
        assert refreshes(bot.wiki) == []


class TestRefreshOfOthers:
    """Access tokens that nothing renews."""

    @pytest.mark.parametrize("kind", ["2.0 owner-only"])
    def test_expired_token_without_a_refresh_token_is_log_in_again(self, bot, waits, kind):
        """Nothing but a person can help."""
        bot.log_in(kind)
        page = saved_page(bot)
        bot.wiki.expire_tokens("Alice")
        assert isinstance(reason_of(page), LoginRequiredError)
        assert refreshes(bot.wiki) == []
        assert waits == []


class TestBadInput:
    """Each has its own error, at once, and what was stored is still there."""

    @pytest.mark.parametrize("url", ["nonsense:", "oracle+secret://a", ":"])
    def test_store_that_does_not_exist(self, stock_bot, monkeypatch, waits, url):
        """The site can be made; its login and its requests raise."""
        monkeypatch.setenv("PWB_OAUTH_STORE", url)
        monkeypatch.setattr(sites, "accounts", Accounts())
        pwb_oauth.install()
        site = stock_bot.site("Alice")
        for attempt in (site.login, lambda: site.userinfo):
            with pytest.raises(ConfigurationError, match="PWB_OAUTH_STORE") as caught:
                attempt()
            assert "secret" not in str(caught.value)
        assert waits == []

    @pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}', ""])
    def test_stored_value_that_cannot_be_read(self, bot, monkeypatch, waits, text):
        """A login that would overwrite it is not made by us."""
        bot.log_in("2.0 owner-only")
        monkeypatch.setattr(bot.store, "load", lambda key: Credential.from_json(text))
        site = bot.site("Alice")
        for attempt in (site.login, lambda: site.userinfo):
            with pytest.raises(TokenStoreError):
                attempt()
        assert waits == []

    @pytest.mark.parametrize("method", ["entries", "load", "locked"])
    def test_keyring_that_is_locked_or_gone_half_way(self, bot, monkeypatch, waits, method):
        """Before, between and after the requests; it works again once it is back."""
        bot.log_in("2.0")
        page = saved_page(bot)
        bot.wiki.expire_tokens("Alice")
        with monkeypatch.context() as patch:

            def fail(*arguments: object) -> None:
                raise StoreUnavailableError("The keyring is locked. Unlock it.")

            patch.setattr(bot.store, method, fail)
            if method == "load":
                patch.setattr(sites, "accounts", Accounts(bot.store))
            assert isinstance(reason_of(page), StoreUnavailableError)
        assert waits == []
        page.save(quiet=True)
        assert authors(bot.wiki, "Test") == ["Alice", "Alice"]

    @pytest.mark.parametrize("fault", ["html", "empty", "half-json"])
    @pytest.mark.parametrize("kind", RENEWABLE)
    def test_token_endpoint_that_answers_nonsense(self, bot, waits, fault, kind):
        """At the start of a bot it is said at once."""
        stored = bot.log_in(kind)
        bot.wiki.expire_tokens("Alice")
        bot.wiki.fail_next(fault, count=9, path=TOKEN_ENDPOINT)
        site = bot.site("Alice")
        with pytest.raises(TransportError):
            site.login()
        assert waits == []
        assert bot.store.load(bot.key("Alice")) is stored
