"""What the hooks on Pywikibot's ``APISite`` do."""

from __future__ import annotations

import pickle
import sys

import pytest
from pywikibot import config
from pywikibot.login import LoginStatus

from bot_actions import (
    authors,
    fail_at_a_prompt,  # noqa: F401
    save,
    secrets_sent,
)
from pwb_oauth.errors import ConfigurationError, LoginRequiredError


class TestLogin:
    """``APISite.login``."""

    def test_constructor_signs_in_and_login_asks_nothing_more(self, bot):
        """``login(cookie_only=True)`` is what the constructor calls."""
        bot.log_in("2.0")
        site = bot.site("Alice")
        assert site._loginstatus is LoginStatus.AS_USER
        count = len(bot.wiki.log)
        site.login()
        assert site.logged_in()
        assert len(bot.wiki.log) == count

    @pytest.mark.parametrize("method", [lambda site: site.login(), lambda site: site.userinfo])
    def test_constructor_never_raises_and_the_next_request_does(self, bot, method):
        """A site can be made with a credential that is of no use."""
        bot.log_in("1.0a")
        bot.wiki.revoke("Alice")
        site = bot.site("Alice")
        assert site._loginstatus is LoginStatus.NOT_LOGGED_IN
        assert not site.logged_in()
        with pytest.raises(LoginRequiredError):
            method(site)
        assert not site.logged_in()

    def test_failed_login_does_not_stay_in_progress(self, bot):
        """In that status Pywikibot would not recover from badtoken."""
        bot.log_in("1.0a")
        site = bot.site("Alice")
        bot.wiki.revoke("Alice")
        del site.userinfo
        with pytest.raises(LoginRequiredError):
            site.login()
        assert site._loginstatus is LoginStatus.NOT_LOGGED_IN

    def test_login_as_another_user_acts_as_that_account(self, bot):
        """``site.login(user=…)``, in any spelling."""
        bot.log_in("1.0a owner-only")
        bot.log_in("2.0 owner-only", "Bob")
        site = bot.site("Alice")
        save(site, "Hers")
        site.login(user="bob")
        assert site.userinfo["name"] == "Bob"
        assert site.logged_in()
        save(site, "His")
        assert (authors(bot.wiki, "Hers"), authors(bot.wiki, "His")) == (["Alice"], ["Bob"])

    @pytest.mark.parametrize("before", [lambda site: None, lambda site: site.logout()])
    def test_credential_forgotten_meanwhile_is_said_each_time(self, bot, no_prompt, before):
        """Nobody is there to answer the prompt of a job whose credential was forgotten."""
        bot.log_in("1.0a")
        site = bot.site("Alice")
        before(site)
        bot.store.forget(bot.key("Alice"))
        for _ in range(2):
            with pytest.raises(LoginRequiredError, match="pwb-oauth login"):
                site.login()
        bot.log_in("1.0a")
        site.login()
        assert site.userinfo["name"] == "Alice"

    def test_login_meanwhile_is_not_mistaken_for_pywikibots_own(self, bot, no_prompt, monkeypatch):
        """Pywikibot would call it a failed login by OAuth as 127.0.0.1."""
        bot.log_in("1.0a")
        site = bot.site("Alice")
        bot.store.forget(bot.key("Alice"))
        real, calls = type(site).is_oauth_token_available, []

        def log_in_then_tell(site):
            calls.append(site)
            if len(calls) == 2:  # Pywikibot has just found that nobody is signed in
                bot.log_in("1.0a")
            return real(site)

        with monkeypatch.context() as patch:
            patch.setattr(type(site), "is_oauth_token_available", log_in_then_tell)
            with pytest.raises(ConfigurationError, match="Stored there: 'Alice'"):
                site.login()
        site.login()
        assert site.userinfo["name"] == "Alice"


class TestLogout:
    """``APISite.logout``."""

    def test_logout_asks_the_wiki_nothing(self, bot):
        """It would refuse ``action=logout`` under OAuth."""
        bot.log_in("1.0a owner-only")
        site = bot.site("Alice")
        count = len(bot.wiki.log)
        site.logout()
        assert len(bot.wiki.log) == count
        assert site._loginstatus is LoginStatus.NOT_LOGGED_IN
        assert not site.logged_in()

    def test_logout_drops_cookies_and_tokens(self, bot):
        """Neither is used by the next login."""
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        save(site)
        site.logout()
        assert site.tokens._tokens == {}
        count = len(bot.wiki.log)
        site.login()
        assert [secrets_sent(entry)[1] for entry in list(bot.wiki.log)[count:]] == [None]

    def test_site_keeps_no_secret(self, bot, monkeypatch):
        """Sites are pickled."""
        credential = bot.log_in("2.0")
        site = bot.site("Alice")
        save(site)
        # Pickle looks the fixture's class up by its name.
        cls = type(site.family)
        cls.__qualname__ = "Family"
        monkeypatch.setattr(sys.modules[cls.__module__], "Family", cls, raising=False)
        pickled = pickle.dumps(site)
        token = credential.access_token
        assert b"pwb_oauth." not in pickled  # a process without the library can read it
        for secret in (token.value, token.refresh_token, credential.consumer.secret):
            assert secret.encode() not in pickled
        assert pickle.loads(pickled).username() == "Alice"  # noqa: S301  # our own


class TestIsOauthTokenAvailable:
    """``APISite.is_oauth_token_available``."""

    def test_stored_credential_counts(self, bot):
        """Scripts and tests ask it."""
        bot.log_in("2.0 owner-only")
        assert bot.site("Alice").is_oauth_token_available() is True

    def test_site_without_a_credential_has_none(self, bot):
        """As stock."""
        assert bot.site("Alice").is_oauth_token_available() is False

    def test_config_authenticate_counts_as_before(self, bot, monkeypatch):
        """Four values are OAuth 1.0a, two are not."""
        site = bot.site("Alice")
        monkeypatch.setitem(config.authenticate, bot.host, ("a", "b", "c", "d"))
        assert site.is_oauth_token_available() is True
        monkeypatch.setitem(config.authenticate, bot.host, ("a", "b"))
        assert site.is_oauth_token_available() is False

    def test_disabled_site_has_none(self, bot):
        """``site._oauth_disabled`` keeps its meaning."""
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        site._oauth_disabled = True
        assert site.is_oauth_token_available() is False
