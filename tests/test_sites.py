"""Signing sites in and out."""

from __future__ import annotations

import contextlib
import copy
import pickle
from contextlib import nullcontext

import pytest
import pywikibot
import requests
from pywikibot import config
from pywikibot.comms import http
from pywikibot.family import AutoFamily
from pywikibot.login import LoginStatus
from pywikibot.site import APISite, ClosedSite
from requests.adapters import BaseAdapter

from bot_actions import (
    authors,
    in_threads,
    noted_waits,  # noqa: F401
    save,
)
from pwb_oauth import clock, signing_in, sites
from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.errors import (
    IdentityError,
    UsernameMismatchError,
)
from pwb_oauth.tokens import TokenKey


class Capturing(BaseAdapter):
    """Takes requests from a session, and answers that Alice sent them."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def send(self, request, **_):
        self.sent.append((request.url, dict(request.headers)))
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response._content = (
            b'{"query":{"userinfo":{"id":7,"name":"Alice","groups":[],"rights":[]}}}'
        )
        return response

    def close(self):
        pass


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

    def test_wiki_in_another_folder_of_the_host_has_no_account(self, bot):
        """Whoever has a folder there could let people run a bot on "their" wiki."""
        bot.log_in("2.0 owner-only")
        bot.site("Alice")
        bot.wiki.log.clear()
        site = pywikibot.Site(url=f"{bot.wiki.url}/~mallory/w/api.php", user="Alice")
        assert sites.account_of(site) is None
        assert [entry.headers.get("Authorization") for entry in bot.wiki.log if entry] == [None] * (
            len(bot.wiki.log)
        )
        assert len(bot.wiki.log)


class TestAccountOfFarm:
    """``sites.account_of`` for sites of the Wikimedia farm, and for what looks like one."""

    @pytest.fixture
    def sent(self, bot, monkeypatch):
        """What would be sent to the farm, where Alice is logged in."""
        consumer, token = Consumer(None, owner_only=True), OAuth2AccessToken("farm-token")
        bot.store.save(
            TokenKey("meta.wikimedia.org", "Alice"),
            Credential(consumer, token, "Alice", clock.now()),
        )
        adapter = Capturing()
        monkeypatch.setattr(http.session, "adapters", http.session.adapters.copy())
        http.session.mount("https://", adapter)
        return adapter.sent

    @pytest.mark.parametrize(
        "url",
        [
            "https://store.wikimedia.org/w/api.php",
            "https://people.wikimedia.org/~mallory/w/api.php",
            "https://meta.wikimedia.org/~mallory/api.php",
        ],
    )
    def test_host_of_its_domain_that_is_none_of_its_wikis_has_no_account(self, sent, url):
        """Shops, blogs and home pages are there too, and others run them."""
        site = APISite("stranger", AutoFamily("stranger", url), "Alice")
        with contextlib.suppress(pywikibot.exceptions.Error):
            site.simple_request(action="query", meta="siteinfo").submit()
        assert sites.account_of(site) is None
        assert sent
        assert [headers.get("Authorization") for _, headers in sent] == [None] * len(sent)

    @pytest.mark.parametrize(
        "name", [("test", "wikipedia"), ("meta", "meta"), ("wikidata", "wikidata")]
    )
    def test_wiki_of_the_farm_has_the_account(self, sent, name):
        """One login serves all that Pywikibot has families of."""
        host = "https://" + pywikibot.family.Family.load(name[1]).hostname(name[0])
        site = pywikibot.Site(*name, user="Alice")
        assert sites.account_of(site).key == TokenKey("meta.wikimedia.org", "Alice")
        http.request(site, site.apipath())
        url, headers = sent[-1]
        assert url.startswith(host)
        assert headers["Authorization"] == "Bearer farm-token"


class TestVisitor:
    """A site that acts as a web tool's visitor."""

    @pytest.mark.parametrize("thing", [None, 1, "x", object()])
    def test_most_things_are_nobodys(self, thing):
        """Whatever Pywikibot is given in the place of a site."""
        assert sites.visitor_of(thing) is None

    def test_account_is_the_visitors_whatever_is_stored(self, bot):
        """Also for ``site.login(user=…)``."""
        bot.log_in("2.0", "Alice")
        site = bot.site("Alice")
        stored = sites.account_of(site)
        assert sites.visitor_of(site) is None
        assert stored is not None
        vars(site)[sites.VISITOR] = visitor = object()
        assert sites.visitor_of(site) is visitor
        assert sites.account_of(site) is visitor
        assert sites.account_named(site, "Alice") is visitor
        assert site.username() == "Alice"

    def test_name_is_a_name(self):
        """In all that one does with names; only Pywikibot's hook asks for more."""
        name = sites.VisitorName("Alice", lambda: None)
        assert name == "Alice"
        assert hash(name) == hash("Alice")
        assert f"{name} {name!r}" == "Alice 'Alice'"
        assert type(name.title()) is str
        copies = (copy.copy(name), copy.deepcopy(name), pickle.loads(pickle.dumps(name)))  # noqa: S301
        assert [type(each) for each in copies] == [str] * 3
        assert set(copies) == {"Alice"}


class TestSignIn:
    """``signing_in.sign_in``."""

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

    def test_wiki_that_stays_overloaded_is_not_asked_again_and_again_for_one_request(
        self, bot, waits
    ):
        """A request that waits for the sign-in would repeat all its tries as often again."""
        bot.log_in("2.0 owner-only")
        bot.wiki.fail_next("html", path="/api.php")
        site = bot.site("Alice")
        assert not site.logged_in()
        bot.wiki.fail_next("503", count=1000, path="/api.php")
        count = len(bot.wiki.log)
        with pytest.raises(IdentityError, match=r"does not answer.*Try again later"):
            site.simple_request(action="query", meta="siteinfo").submit()
        assert len(bot.wiki.log) - count == config.max_retries + 1
        assert len(waits) <= config.max_retries
        assert not site.logged_in()

    def test_wiki_that_has_had_enough_is_asked_again(self, bot):
        """HTTP 429 comes with a page of text, and with the wish to wait."""
        response = requests.Response()
        response.url, response._content = bot.wiki.api_url, b"<p>Too many requests"
        for status, refused in ((429, False), (403, True)):
            response.status_code = status
            with pytest.raises(IdentityError) if refused else nullcontext():
                signing_in.require_json(bot.site("Alice"), response)

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
    """``signing_in.sign_out``."""

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
