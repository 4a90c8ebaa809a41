"""Signing sites in and out."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import pywikibot
import requests
from pywikibot.login import LoginStatus
from pywikibot.site import ClosedSite

from bot_actions import (
    authors,
    in_threads,
    noted_waits,  # noqa: F401
    save,
)
from pwb_oauth import sites
from pwb_oauth.errors import (
    IdentityError,
    UsernameMismatchError,
)


class TestAccountOf:
    """``sites.account_of``."""

    def test_closed_wiki_has_no_account(self, bot, monkeypatch):
        """Nobody signs in there, and Pywikibot's own rules hold."""
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        assert sites.account_of(site).key == bot.key("Alice")
        monkeypatch.setattr(site, "__class__", ClosedSite)
        assert sites.account_of(site) is None

    def test_disabled_site_has_no_account(self, bot):
        """Pywikibot's own switch counts."""
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        site._oauth_disabled = True
        assert sites.account_of(site) is None


class TestSignIn:
    """``sites.sign_in``."""

    def test_consumer_without_the_grant_basic_is_an_identity_error(self, bot, waits):
        """The wiki says nothing at all to it; the site can be made nevertheless."""
        bot.log_in("2.0", grants=["editpage"])
        site = bot.site("Alice")
        assert site._loginstatus is LoginStatus.NOT_LOGGED_IN
        for _ in range(2):
            with pytest.raises(
                IdentityError, match=r"readapidenied.*grant 'basic'.*pwb-oauth login"
            ):
                site.login()
        assert waits == []

    @pytest.mark.parametrize("fault", ["html", "empty", "half-json"])
    def test_answer_that_is_none_of_api_php_is_an_identity_error_at_once(self, bot, waits, fault):
        """Pywikibot alone would ask again for minutes."""
        stored = bot.log_in("2.0 owner-only")
        bot.wiki.fail_next(fault, count=99, path="/api.php")
        site = bot.site("Alice")
        count = len(bot.wiki.log)
        with pytest.raises(IdentityError, match=f"{bot.wiki.api_url} does not answer as api.php"):
            site.login()
        assert len(bot.wiki.log) == count + 1
        assert waits == []
        assert bot.store.load(bot.key("Alice")) is stored

    def test_wiki_that_is_overloaded_is_asked_again(self, bot, waits):
        """A 503 is Pywikibot's to retry, as for every request."""
        bot.log_in("2.0 owner-only")
        bot.wiki.fail_next("503", count=2, path="/api.php")
        site = bot.site("Alice")
        assert site.logged_in()
        assert len(waits) == 2

    def test_wiki_that_has_had_enough_is_asked_again(self, bot):
        """HTTP 429 comes with a page of text, and with the wish to wait."""
        response = requests.Response()
        response.url, response._content = bot.wiki.api_url, b"<p>Too many requests"
        for status, refused in ((429, False), (403, True)):
            response.status_code = status
            with pytest.raises(IdentityError) if refused else nullcontext():
                sites.require_json(bot.site("Alice"), response)

    def test_threads_of_one_site_sign_in_once(self, bot):
        """Signing in takes the site's userinfo away for a moment."""
        bot.log_in("2.0 owner-only")
        bot.wiki.fail_next("html", path="/api.php")
        site = bot.site("Alice")
        assert not site.logged_in()
        count = len(bot.wiki.log)

        def ask(number: int) -> None:
            site.simple_request(action="query", meta="siteinfo").submit()

        assert in_threads(8, ask) == []
        assert site.logged_in()
        assert len(bot.wiki.log) == count + 8 + 1

    def test_credential_that_another_process_stored_is_confirmed_before_it_edits(self, bot):
        """Somebody logged in again, as another user by mistake."""
        bot.log_in("1.0a")
        page = save(bot.site("Alice"))
        bot.wiki.revoke("Alice")
        bot.store.save(bot.key("Alice"), bot.credential("1.0a", "Bob"))
        page.text = "Bob's"
        with pytest.raises(pywikibot.exceptions.OtherPageSaveError) as caught:
            page.save()
        assert isinstance(caught.value.reason, UsernameMismatchError)
        assert authors(bot.wiki, "Test") == ["Alice"]


class TestSignOut:
    """``sites.sign_out``."""

    def test_cookies_of_a_password_login_are_not_the_anonymous_sites(self, bot):
        """Pywikibot's one jar may hold a session of the same account."""
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        site.logout()
        other = bot.site("Bob")
        pywikibot.login.ClientLoginManager(bot.wiki.users["Bob"].password, other, "Bob").login()
        del other.userinfo
        assert other.userinfo["name"] == "Bob"
        assert "anon" in site.userinfo
