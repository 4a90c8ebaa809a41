"""Which account a site acts as: several in one process, the only one, none."""

from __future__ import annotations

from queue import Queue

import pytest
import pywikibot
from pywikibot import config
from pywikibot.comms import http
from pywikibot.exceptions import NoUsernameError, OtherPageSaveError
from pywikibot.login import LoginStatus

import pwb_oauth
from bot_actions import (
    RENEWABLE,
    authors,
    edits,
    fail_at_a_prompt,  # noqa: F401
    in_threads,
    own_put_thread,  # noqa: F401
    refreshes,
    save,
    secrets_sent,
)
from pwb_oauth import KeyringTokenStore, sites
from pwb_oauth.accounts import Accounts
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.testing import file_keyring

PAIRS = (("2.0", "2.0"), ("1.0a", "2.0 public"), ("1.0a owner-only", "2.0 owner-only"))


@pytest.fixture
def password_file(bot, monkeypatch):
    """Pywikibot's password file, with Bob's password in it."""
    path = bot.folder / "user-password.py"
    path.write_text(f"('Bob', {bot.wiki.users['Bob'].password!r})\n")
    path.chmod(0o600)
    monkeypatch.setattr(config, "password_file", str(path))
    return path


class TestTwoAccountsOnOneWiki:
    """In one process, with threads and asynchronous saves."""

    @pytest.mark.parametrize("kinds", PAIRS)
    def test_every_edit_is_by_the_right_one(self, bot, put_thread, kinds):
        """Eight threads, half of the saves asynchronous, tokens that expire on the way."""
        users = ("Alice", "Bob")
        kind_of = dict(zip(users, kinds, strict=True))
        for user in users:
            bot.log_in(kind_of[user], user)
        sites = {user: bot.site(user) for user in users}
        assert sites["Alice"] == sites["Bob"]  # equal for Pywikibot, and two objects
        done: Queue = Queue()

        def work(number: int) -> None:
            user = users[number % 2]
            if number in (2, 3) and kind_of[user] in RENEWABLE:
                bot.wiki.expire_tokens(user)
            save(sites[user], f"{user} {number}")
            page = pywikibot.Page(sites[user], f"{user} {number} later")
            page.text = "later"
            page.save(quiet=True, asynchronous=True, callback=lambda page, error: done.put(error))

        assert in_threads(8, work) == []
        assert [done.get(timeout=20) for _ in range(8)] == [None] * 8
        assert put_thread.is_alive()
        for number in range(8):
            user = users[number % 2]
            assert authors(bot.wiki, f"{user} {number}") == [user]
            assert authors(bot.wiki, f"{user} {number} later") == [user]

    def test_each_has_its_own_cookies(self, bot):
        """A cookie that the wiki set for one is never sent for the other."""
        bot.log_in("2.0 owner-only")
        bot.log_in("2.0 owner-only", "Bob")
        alice, bob = bot.site("Alice"), bot.site("Bob")
        save(alice)
        count = len(bot.wiki.log)
        for site in (bob, alice):
            site.simple_request(action="query", meta="siteinfo").submit()
        sent = {entry.user: secrets_sent(entry)[1] for entry in list(bot.wiki.log)[count:]}
        assert sent == {"Alice": "UseDC=master", "Bob": None}

    def test_logout_of_one_leaves_the_other(self, bot):
        """Each site for itself."""
        bot.log_in("1.0a owner-only")
        bot.log_in("1.0a owner-only", "Bob")
        alice, bob = bot.site("Alice"), bot.site("Bob")
        alice.logout()
        save(bob)
        assert authors(bot.wiki, "Test") == ["Bob"]
        assert "anon" in alice.userinfo

    def test_refresh_of_one_leaves_the_other(self, bot):
        """Only what expired is renewed."""
        bot.log_in("2.0")
        bot.log_in("2.0", "Bob")
        alice, bob = bot.site("Alice"), bot.site("Bob")
        bot.wiki.expire_tokens("Alice")
        save(alice, "Hers")
        save(bob, "His")
        assert len(refreshes(bot.wiki)) == 1
        assert (authors(bot.wiki, "Hers"), authors(bot.wiki, "His")) == (["Alice"], ["Bob"])


@pytest.mark.usefixtures("no_prompt")
class TestSiteOfNobody:
    """``usernames`` names nobody."""

    @pytest.mark.parametrize("kind", ["1.0a owner-only", "2.0"])
    def test_only_stored_account_is_used(self, bot, kind):
        """From the constructor on."""
        bot.log_in(kind)
        site = bot.site()
        assert site.username() == "Alice"
        assert site.logged_in()
        save(site)
        assert authors(bot.wiki, "Test") == ["Alice"]

    def test_several_accounts_are_listed(self, bot):
        """Reading works as it always did; an edit and a login do not."""
        bot.log_in("1.0a owner-only")
        bot.log_in("2.0 owner-only", "Bob")
        site = bot.site()
        assert "anon" in site.userinfo
        for attempt in (site.login, lambda: site.tokens["csrf"]):
            with pytest.raises(ConfigurationError, match=r"names no account.*'Alice', 'Bob'"):
                attempt()
        assert edits(bot.wiki) == []

    def test_account_that_is_named_later_is_used(self, bot):
        """``site.login(user=…)``."""
        bot.log_in("1.0a owner-only")
        bot.log_in("2.0 owner-only", "Bob")
        site = bot.site()
        site.login(user="Bob")
        save(site)
        assert authors(bot.wiki, "Test") == ["Bob"]

    def test_usernames_of_the_configuration_choose(self, bot):
        """As for every Pywikibot script."""
        bot.log_in("1.0a owner-only")
        bot.log_in("2.0 owner-only", "Bob")
        config.usernames["sandbox"]["en"] = "Bob"
        assert bot.site().userinfo["name"] == "Bob"

    def test_user_of_the_site_chooses_against_the_configuration(self, bot):
        """``pywikibot.Site(user='Bob')``."""
        bot.log_in("1.0a owner-only")
        bot.log_in("2.0 owner-only", "Bob")
        config.usernames["sandbox"]["en"] = "Alice"
        assert bot.site("Bob").userinfo["name"] == "Bob"


class TestSiteOfAStranger:
    """``usernames`` names an account without a credential, while others are stored."""

    def test_without_a_password_the_others_are_listed_and_nobody_is_asked(self, bot, no_prompt):
        """No login, no edit, nothing anonymous."""
        bot.log_in("1.0a owner-only")
        site = bot.site("Bob")
        for attempt in (site.login, lambda: site.tokens["csrf"]):
            with pytest.raises(ConfigurationError, match=r"'Bob' has neither.*'Alice'"):
                attempt()
        with pytest.raises(OtherPageSaveError) as caught:
            save(site)
        assert isinstance(caught.value.reason, ConfigurationError)
        assert edits(bot.wiki) == []

    def test_with_a_password_it_is_used(self, bot, no_prompt, password_file):
        """A credential of another account changes nothing for this one."""
        bot.log_in("1.0a owner-only")
        site = bot.site("Bob")
        site.login()
        save(site)
        assert authors(bot.wiki, "Test") == ["Bob"]
        assert edits(bot.wiki)[0].mechanism == "cookie"

    def test_with_cookies_of_an_earlier_login_they_are_used(self, bot, no_prompt, password_file):
        """Pywikibot keeps them in a file."""
        bot.site("Bob").login()
        http.cookie_jar.clear()
        password_file.write_text("")
        bot.log_in("1.0a owner-only")
        site = bot.site("Bob")
        site.login()
        assert site.userinfo["name"] == "Bob"

    def test_login_as_the_stranger_leaves_the_account(self, bot, no_prompt, password_file):
        """``site.login(user=…)`` from an account to a password."""
        bot.log_in("1.0a owner-only")
        site = bot.site("Alice")
        save(site, "Hers")
        site.login(user="Bob")
        save(site, "His")
        assert (authors(bot.wiki, "Hers"), authors(bot.wiki, "His")) == (["Alice"], ["Bob"])


class TestSiteWithoutACredential:
    """As stock, with the hooks installed."""

    def test_password_of_the_file_signs_in_and_out(self, bot, no_prompt, password_file):
        """By cookies, and ``action=logout``."""
        site = bot.site("Bob")
        assert "anon" in site.userinfo
        site.login()
        assert site.logged_in()
        assert not site.is_oauth_token_available()
        save(site)
        assert authors(bot.wiki, "Test") == ["Bob"]
        site.logout()
        assert bot.wiki.log.select(action="logout")
        assert "anon" in site.userinfo

    def test_person_is_asked_for_the_password(self, bot, monkeypatch):
        """By ``pywikibot.input``."""
        asked = []

        def answer(question: str, **options: object) -> str:
            asked.append(question)
            return bot.wiki.users["Bob"].password

        monkeypatch.setattr(pywikibot, "input", answer)
        site = bot.site("Bob")
        site.login()
        assert len(asked) == 1
        assert site.logged_in()

    def test_login_as_another_user_is_as_stock(self, bot, no_prompt, password_file):
        """Pywikibot does not look at ``user`` where somebody is logged in."""
        site = bot.site("Bob")
        site.login()
        site.login(user="Alice")
        assert site.username() == "Bob"
        assert site.userinfo["name"] == "Bob"

    @pytest.mark.parametrize("user", ["Bob", None])
    def test_config_authenticate_signs_in(self, bot, monkeypatch, user):
        """Pywikibot's own OAuth 1.0a, with its own errors."""
        consumer = bot.wiki.add_consumer("s", oauth_version="1.0a", owner="Bob", owner_only=True)
        four = (consumer.key, consumer.secret, consumer.access_token, consumer.access_secret)
        monkeypatch.setitem(config.authenticate, bot.host, four)
        if user is None:
            with pytest.raises(NoUsernameError, match="No username has been defined"):
                bot.site()
            return
        site = bot.site(user)
        assert site._loginstatus is LoginStatus.AS_USER
        save(site)
        assert authors(bot.wiki, "Test") == ["Bob"]

    def test_credential_counts_before_config_authenticate(self, bot, monkeypatch):
        """Somebody who migrates may leave the old lines for a while."""
        consumer = bot.wiki.add_consumer("s", oauth_version="1.0a", owner="Bob", owner_only=True)
        four = (consumer.key, consumer.secret, consumer.access_token, consumer.access_secret)
        monkeypatch.setitem(config.authenticate, bot.host, four)
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        save(site)
        assert authors(bot.wiki, "Test") == ["Alice"]
        site.logout()
        assert "anon" in site.userinfo

    def test_requests_are_those_of_stock(self, bot):
        """The same ones, in the same order, with the same parameters."""

        def record() -> list[tuple]:
            bot.wiki.log.clear()
            for file in (bot.folder / "apicache").iterdir():
                file.unlink()
            site = bot.site("Bob")
            site.simple_request(action="query", meta="siteinfo").submit()
            http.request(site, "/w/index.php?title=Sandbox")
            return [(e.method, e.path, dict(e.params), secrets_sent(e)) for e in bot.wiki.log]

        with_hooks = record()
        pwb_oauth.uninstall()
        assert record() == with_hooks


class TestKeyring:
    """What is asked of the operating system's keyring."""

    def test_each_account_is_read_once(self, bot, tmp_path, monkeypatch):
        """By login, two edits, a second site object and another thread; never for a request."""
        monkeypatch.setenv(file_keyring.VARIABLE, str(tmp_path / "keyring.json"))
        monkeypatch.setattr("keyring.get_keyring", file_keyring.FileKeyring)
        store = KeyringTokenStore()
        for user in ("Alice", "Bob"):
            store.save(bot.key(user), bot.credential("2.0 owner-only", user))
        monkeypatch.setattr(sites, "accounts", Accounts(KeyringTokenStore()))
        read = []
        get = file_keyring.FileKeyring.get_password
        monkeypatch.setattr(
            file_keyring.FileKeyring,
            "get_password",
            lambda self, *what: read.append(what) or get(self, *what),
        )

        def work(number: int) -> None:
            save(pywikibot.Site("en", "sandbox", user=("Alice", "Bob")[number % 2]), f"{number}")

        for user in ("Alice", "Bob"):
            site = bot.site(user)
            site.login()
            save(site, f"{user} 1")
            save(bot.site(user), f"{user} 2")
        assert in_threads(4, work) == []
        assert {username for _, username in read} == {"Alice", "Bob"}
        assert len(read) == len(set(read))  # a long token lies in two entries
