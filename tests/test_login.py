"""The drop-in for upstream's login manager."""

from __future__ import annotations

import webbrowser

import pytest
import pywikibot
from pywikibot.login import OauthLoginManager as UpstreamLoginManager

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
from pwb_oauth import OAuthLoginManager
from pwb_oauth.credential import OAuth1AccessToken
from pwb_oauth.errors import (
    AuthorizationDeniedError,
    ConfigurationError,
    LoginRequiredError,
    StateMismatchError,
    StoreUnavailableError,
    TokenRequestError,
    UsernameMismatchError,
)

CALLBACK = "http://127.0.0.1:9/callback"


class Browser:
    """A person and their browser."""

    def __init__(self, wiki, monkeypatch) -> None:
        self.wiki = wiki
        self.user = "Alice"
        self.allow = True
        self.opened: list[str] = []
        self.paste = lambda address: address
        monkeypatch.setattr(webbrowser, "open", self.opened.append)
        monkeypatch.setattr(pywikibot, "input", self.answer)

    def answer(self, question: str) -> str:
        return self.paste(self.wiki.approve(self.opened[-1], self.user, allow=self.allow))


@pytest.fixture
def browser(bot, monkeypatch):
    """Alice at her browser."""
    return Browser(bot.wiki, monkeypatch)


@pytest.fixture
def consumer(bot):
    """An OAuth 1.0a consumer with a callback URL."""
    return bot.wiki.add_consumer("tool", oauth_version="1.0a", callback_url=CALLBACK)


def upstream_manager(site, consumer):
    """The manager as upstream's scripts make it."""
    return OAuthLoginManager(password=consumer.secret, site=site, user=consumer.key)


class TestOAuthLoginManager:
    """``OAuthLoginManager`` with the stored credential."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_login_and_logout(self, bot, kind):
        """The site is the account's, then nobody's, then the account's again."""
        bot.log_in(kind)
        manager = OAuthLoginManager(site=bot.site("Alice"))
        assert isinstance(manager, UpstreamLoginManager)
        for _ in range(2):
            assert manager.login() is True
            assert manager.site.userinfo["name"] == "Alice"
            assert manager.site.logged_in()
            manager.logout()
            assert "anon" in manager.site.userinfo
            assert not manager.site.logged_in()

    @pytest.mark.parametrize("kind", KINDS)
    def test_identity_is_a_dict_of_what_the_wiki_says(self, bot, kind):
        """Upstream's tests want a dict."""
        bot.log_in(kind)
        identity = OAuthLoginManager(site=bot.site("Alice")).identity
        assert type(identity) is dict
        assert identity["username"] == "Alice"

    @pytest.mark.parametrize("kind", RENEWABLE)
    def test_identity_of_an_expired_token_is_asked_with_a_renewed_one(self, bot, kind):
        """A bot that runs for longer than an access token lives."""
        bot.log_in(kind)
        manager = OAuthLoginManager(site=bot.site("Alice"))
        bot.wiki.expire_tokens("Alice")
        assert manager.identity["username"] == "Alice"

    @pytest.mark.parametrize("kind", ["1.0a", "1.0a owner-only"])
    def test_tokens_are_tuples_under_oauth_1(self, bot, kind):
        """As upstream's."""
        stored = bot.log_in(kind)
        manager = OAuthLoginManager(site=bot.site("Alice"))
        assert manager.credential is stored
        assert manager.consumer_token == (stored.consumer.key, stored.consumer.secret)
        assert manager.access_token == (stored.access_token.key, stored.access_token.secret)

    @pytest.mark.parametrize("kind", ["2.0", "2.0 owner-only"])
    def test_tokens_are_none_under_oauth_2(self, bot, kind):
        """It has no such pairs."""
        stored = bot.log_in(kind)
        manager = OAuthLoginManager(site=bot.site("Alice"))
        assert manager.credential is stored
        assert manager.consumer_token is None
        assert manager.access_token is None

    def test_user_names_the_account(self, bot):
        """The site acts for it from then on."""
        bot.log_in("2.0 owner-only")
        bot.log_in("2.0 owner-only", "Bob")
        site = bot.site("Alice")
        OAuthLoginManager(site=site, user="bob").login()
        save(site)
        assert authors(bot.wiki, "Test") == ["Bob"]

    def test_without_a_credential_login_and_logout_raise_and_the_rest_is_none(self, bot, no_prompt):
        """Absent is None, and a failure never False."""
        manager = OAuthLoginManager(site=bot.site("Alice"))
        for attempt in (manager.login, manager.logout):
            with pytest.raises(LoginRequiredError, match=f"pwb-oauth login {bot.host}"):
                attempt()
        assert manager.credential is None
        assert manager.identity is None
        assert manager.consumer_token is None
        assert manager.access_token is None

    def test_without_a_credential_others_are_listed(self, bot, no_prompt):
        """The user may have meant one of them."""
        bot.log_in("2.0 owner-only", "Bob")
        bot.log_in("2.0 owner-only", "Admin")
        with pytest.raises(ConfigurationError, match="'Admin', 'Bob'"):
            OAuthLoginManager(site=bot.site("Alice")).login()

    @pytest.mark.parametrize("retry", [False, True])
    def test_failure_raises_whatever_retry_says(self, bot, waits, retry):
        """Upstream's would go on without an end."""
        bot.log_in("1.0a")
        bot.wiki.revoke("Alice")
        manager = OAuthLoginManager(site=bot.site("Alice"))
        with pytest.raises(LoginRequiredError):
            manager.login(retry=retry)
        with pytest.raises(LoginRequiredError):
            _ = manager.identity
        assert waits == []

    @pytest.mark.parametrize("kind", RENEWABLE)
    def test_refresh_that_fails_ends_the_login_at_once(self, bot, waits, kind):
        """A wiki that answers nonsense; what is stored stays as it is."""
        stored = bot.log_in(kind)
        site = bot.site("Alice")
        bot.wiki.expire_tokens("Alice")
        for fault in ("html", "empty", "half-json"):
            bot.wiki.fail_next(fault, path=TOKEN_ENDPOINT)
            with pytest.raises(pywikibot.exceptions.FatalServerError):
                OAuthLoginManager(site=site).login()
            assert bot.store.load(bot.key("Alice")) == stored
        assert waits == []
        OAuthLoginManager(site=site).login()
        assert len(refreshes(bot.wiki)) == 4

    def test_repr_shows_no_secret(self, bot, consumer):
        """Only who is meant."""
        stored = bot.log_in("1.0a")
        for manager in (
            OAuthLoginManager(site=bot.site("Alice")),
            upstream_manager(bot.site("Alice"), consumer),
        ):
            assert consumer.secret not in repr(manager)
            assert stored.access_token.secret not in repr(manager)


class TestOAuthLoginManagerWithAConsumer:
    """``OAuthLoginManager`` as upstream's: it obtains an access token."""

    def test_login_asks_the_user_stores_and_signs_in(self, bot, browser, consumer):
        """The whole address the browser ended on is pasted."""
        manager = upstream_manager(bot.site("Alice"), consumer)
        assert manager.access_token is None
        assert manager.login() is True
        stored = bot.store.load(bot.key("Alice"))
        assert stored.consumer.key == consumer.key
        assert manager.access_token == (stored.access_token.key, stored.access_token.secret)
        assert manager.consumer_token == (consumer.key, consumer.secret)
        assert manager.identity["username"] == "Alice"
        assert manager.site.userinfo["name"] == "Alice"
        save(manager.site)
        assert authors(bot.wiki, "Test") == ["Alice"]

    def test_query_string_alone_is_enough(self, bot, browser, consumer):
        """That is what upstream asks for."""
        browser.paste = lambda address: address.partition("?")[2]
        assert upstream_manager(bot.site("Alice"), consumer).login() is True

    def test_code_of_a_consumer_without_callback_is_enough(self, bot, browser):
        """``oob``: the wiki shows a code."""
        consumer = bot.wiki.add_consumer("tool", oauth_version="1.0a")
        browser.paste = lambda address: address.partition("oauth_verifier=")[2].partition("&")[0]
        assert upstream_manager(bot.site("Alice"), consumer).login() is True
        assert bot.store.load(bot.key("Alice")).consumer.key == consumer.key

    def test_site_of_nobody_becomes_the_users(self, bot, browser, consumer):
        """Where usernames names nobody, whoever approves is right."""
        manager = upstream_manager(bot.site(), consumer)
        manager.login()
        assert manager.username == "Alice"
        assert manager.site.username() == "Alice"
        assert manager.site.logged_in()

    def test_stored_credential_is_used_unless_forced(self, bot, browser, consumer):
        """``force`` asks the user again."""
        upstream_manager(bot.site("Alice"), consumer).login()
        manager = upstream_manager(bot.site("Alice"), consumer)
        assert manager.access_token is not None
        manager.login()
        assert len(browser.opened) == 1
        manager.login(force=True)
        assert len(browser.opened) == 2

    def test_token_of_another_consumer_is_not_shown_beside_this_one(self, bot, consumer):
        """A pair that does not belong together signs nothing."""
        bot.log_in("1.0a")
        manager = upstream_manager(bot.site("Alice"), consumer)
        assert manager.consumer_token == (consumer.key, consumer.secret)
        assert manager.access_token is None

    def test_access_token_that_is_set_is_taken_over(self, bot, no_prompt):
        """An owner-only consumer's, without asking anybody."""
        consumer = bot.wiki.add_consumer(
            "own", oauth_version="1.0a", owner="Alice", owner_only=True
        )
        manager = upstream_manager(bot.site("Alice"), consumer)
        manager.access_token = (consumer.access_token, consumer.access_secret)
        assert manager.access_token == (consumer.access_token, consumer.access_secret)
        assert manager.identity["username"] == "Alice"
        assert manager.login() is True
        token = OAuth1AccessToken(consumer.access_token, consumer.access_secret)
        assert bot.store.load(bot.key("Alice")).access_token == token
        save(manager.site)
        assert authors(bot.wiki, "Test") == ["Alice"]

    def test_force_asks_the_user_although_a_token_is_set(self, bot, browser, consumer):
        """As upstream."""
        manager = upstream_manager(bot.site("Alice"), consumer)
        manager.access_token = ("0" * 32, "1" * 32)
        manager.login(force=True)
        assert len(browser.opened) == 1
        assert manager.access_token[0] != "0" * 32

    def test_new_credential_is_used_from_the_next_request_on(self, bot, browser, consumer):
        """Although the account was at work with another one."""
        bot.log_in("1.0a")
        site = bot.site("Alice")
        save(site)
        upstream_manager(site, consumer).login(force=True)
        sent = secrets_sent(bot.wiki.log[-1])[0]
        assert f'oauth_consumer_key="{consumer.key}"' in sent

    def test_user_who_is_not_the_sites_is_refused_and_nothing_is_stored(
        self, bot, browser, consumer
    ):
        """Both names are in the message."""
        browser.user = "Bob"
        manager = upstream_manager(bot.site("Alice"), consumer)
        with pytest.raises(UsernameMismatchError, match=r"'Bob'.*'Alice'") as caught:
            manager.login()
        assert (caught.value.expected, caught.value.actual) == ("Alice", "Bob")
        assert bot.store.entries() == ()
        assert edits(bot.wiki) == []

    def test_cancel_is_an_error_and_what_was_stored_is_still_there(self, bot, browser, consumer):
        """OAuth 1.0a sends the browser nowhere then."""
        stored = bot.log_in("1.0a")
        browser.allow = False
        with pytest.raises((AuthorizationDeniedError, StateMismatchError)):
            upstream_manager(bot.site("Alice"), consumer).login(force=True)
        assert bot.store.load(bot.key("Alice")) is stored

    @pytest.mark.parametrize("answer", ["", "nonsense", "?oauth_token=0&oauth_verifier=1", "\0"])
    def test_answer_that_is_not_ours_is_an_error(self, bot, browser, consumer, answer):
        """And what was stored is still there."""
        stored = bot.log_in("1.0a")
        browser.paste = lambda address: answer
        with pytest.raises((StateMismatchError, TokenRequestError, ConfigurationError)) as caught:
            upstream_manager(bot.site("Alice"), consumer).login(force=True)
        assert str(caught.value)
        assert bot.store.load(bot.key("Alice")) is stored

    def test_wrong_secret_is_an_error(self, bot, browser, consumer):
        """Nobody is sent to the browser with it."""
        manager = OAuthLoginManager("0" * 32, bot.site("Alice"), consumer.key)
        with pytest.raises(TokenRequestError):
            manager.login()
        assert browser.opened == []

    @pytest.mark.parametrize("user", [None, ""])
    def test_secret_without_a_key_is_an_error(self, bot, user):
        """A consumer has both."""
        with pytest.raises(ConfigurationError, match="key"):
            OAuthLoginManager(password="0" * 32, site=bot.site("Alice"), user=user)

    def test_store_that_cannot_be_written_is_an_error(self, bot, browser, consumer, monkeypatch):
        """The site is not signed in with what would be lost."""

        def fail(*arguments: object) -> None:
            raise StoreUnavailableError("The keyring is locked. Unlock it.")

        monkeypatch.setattr(bot.store, "save", fail)
        manager = upstream_manager(bot.site("Alice"), consumer)
        with pytest.raises(StoreUnavailableError):
            manager.login()
        assert not manager.site.logged_in()
