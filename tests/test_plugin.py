"""What the hooks on Pywikibot's ``http`` do."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import pywikibot
import requests
from pywikibot import family
from pywikibot.comms import http
from pywikibot.exceptions import OtherPageSaveError

from bot_actions import (
    fail_at_a_prompt,  # noqa: F401
    noted_waits,  # noqa: F401
    save,
    secrets_sent,
)
from pwb_oauth import clock, sites
from pwb_oauth.account import Account
from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.errors import ConfigurationError, LoginRequiredError
from pwb_oauth.tokens import TokenKey

ALICE = {"query": {"userinfo": {"id": 7, "name": "Alice", "groups": [], "rights": []}}}


class Redirecting(requests.adapters.HTTPAdapter):
    """Turns the first answer into a redirect to the main page."""

    def send(self, request, **options):
        response = super().send(request, **options)
        if "Main_Page" not in request.url:
            response.status_code = 307
            response.headers["Location"] = "/w/index.php?title=Main_Page"
        return response


class Outbox:
    """What Pywikibot hands over to be sent, and does not send."""

    def __init__(self) -> None:
        self.sent: list[SimpleNamespace] = []

    def fetch(self, uri, method="GET", **options):
        self.sent.append(SimpleNamespace(url=uri, **options))
        response = requests.Response()
        response.status_code = 200
        response.url = uri
        response._content = json.dumps(ALICE).encode()
        return response

    def ask(self, site, uri, **options):
        """Make a request, and give what was to be sent."""
        self.sent.clear()
        http.request(site, uri, **options)
        assert len(self.sent) == 1
        return self.sent[0]


@pytest.fixture
def outbox(monkeypatch, bot):
    """Everything that Pywikibot sends while the test runs."""
    outbox = Outbox()
    monkeypatch.setattr(http, "fetch", outbox.fetch)
    return outbox


@pytest.fixture
def site_at(bot, outbox, monkeypatch):
    """A function that makes a site of Alice, who has a credential there."""

    def make(protocol: str, host: str, script_path: str = "/w"):
        methods = {
            "name": "elsewhere",
            "langs": {"en": host},
            "protocol": classmethod(lambda cls, code: protocol),
            "scriptpath": classmethod(lambda cls, code: script_path),
        }
        elsewhere = type("Family", (family.Family,), methods)()
        monkeypatch.setitem(family.Family._families, "elsewhere", elsewhere)
        consumer = Consumer(None, owner_only=True)
        token = OAuth2AccessToken("never-sent-anywhere")
        bot.store.save(TokenKey(host, "Alice"), Credential(consumer, token, "Alice", clock.now()))
        pywikibot._sites.clear()
        return pywikibot.Site("en", "elsewhere", user="Alice")

    return make


class TestHttpRequest:
    """``pywikibot.comms.http.request``."""

    @pytest.mark.parametrize(
        "uri",
        [
            "/w/api.php",
            "/w/api.php?action=query&titles=%2F..%2Findex.php",
            "/w/rest.php",
            "/w/rest.php/v1/page/Main_Page",
            "//WIKI.example.org:443/w/api.php",
            "https://wiki.example.org/w/api.php",
        ],
    )
    def test_request_of_the_sites_own_api_is_sent_as_the_account(self, site_at, outbox, uri):
        """Scheme, host, port and path are those of the site."""
        sent = outbox.ask(site_at("https", "wiki.example.org"), uri)
        assert isinstance(sent.auth, Account)
        assert sent.auth.key == TokenKey("wiki.example.org", "Alice")

    @pytest.mark.parametrize(
        "uri",
        [
            "/w/index.php?title=Main_Page",
            "/w/index.php?title=/w/api.php",
            "/w/index.php/w/api.php5",
            "/w/load.php",
            "/w/api.php5",
            "/wiki/Main_Page",
            "/",
            "//evil.example/wiki/Main_Page",
        ],
    )
    def test_request_of_another_page_is_anonymous(self, site_at, outbox, uri):
        """The wiki refuses OAuth there, and no other server sees the token."""
        sent = outbox.ask(site_at("https", "wiki.example.org"), uri)
        assert "auth" in vars(sent)
        assert not isinstance(sent.auth, Account)

    @pytest.mark.parametrize(
        ("uri", "options"),
        [
            ("//evil.example/w/api.php", {}),
            ("https://evil.example/w/api.php", {}),
            ("//user:word@evil.example/w/api.php", {}),
            ("//evil.example/elsewhere/api.php", {}),
            ("//evil.example/w/rest.php/v1/page/Main_Page", {}),
            ("//wiki.example.org:8443/w/api.php", {}),
            ("/w/api.php", {"protocol": "http"}),
            ("/w/%2e%2e/w/api.php", {}),
            ("/w/..%2fother/api.php", {}),
            ("/other/api.php", {}),
            ("/w/api.php/x", {}),
            ("/w/api.php/", {}),
            ("/w/api%2ephp/x", {}),
            ("/w/rest%2ephp/v1/../../../other/rest.php/v1", {}),
        ],
    )
    def test_request_of_another_api_is_refused(self, site_at, outbox, uri, options):
        """It neither gets the token nor is asked anonymously in the account's place."""
        site = site_at("https", "wiki.example.org")
        outbox.sent.clear()
        with pytest.raises(ConfigurationError, match=r"^A request of https://wiki.example.org "):
            http.request(site, uri, **options)
        assert outbox.sent == []

    def test_error_of_another_api_repeats_no_password_of_its_address(self, site_at):
        """An address may hold a user and a password."""
        site = site_at("https", "wiki.example.org")
        with pytest.raises(ConfigurationError) as caught:
            http.request(site, "//user:word@evil.example/w/api.php?token=word")
        assert "word" not in str(caught.value)

    @pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "[::1]:8080"])
    def test_http_on_this_machine_is_allowed(self, site_at, outbox, host):
        """Nobody can listen on loopback."""
        assert isinstance(outbox.ask(site_at("http", host), "/w/api.php").auth, Account)

    @pytest.mark.parametrize("host", ["wiki.example.org", "192.0.2.1", "localhost.example.org"])
    def test_http_over_a_network_is_refused(self, site_at, outbox, host):
        """The site can be made; each request of its API raises, and none goes out anonymously."""
        site = site_at("http", host)
        for ask in (site.login, lambda: site.userinfo, lambda: http.request(site, "/w/api.php")):
            with pytest.raises(ConfigurationError, match="is not https"):
                ask()
        assert outbox.sent == []
        assert not isinstance(outbox.ask(site, "/w/index.php").auth, Account)

    def test_account_is_that_of_the_user_name_at_the_moment(self, site_at, bot, outbox):
        """Nothing is kept on the site: asynchronous saves run in another thread."""
        site = site_at("https", "wiki.example.org")
        consumer, token = Consumer(None, owner_only=True), OAuth2AccessToken("bobs")
        bob = TokenKey("wiki.example.org", "Bob")
        bot.store.save(bob, Credential(consumer, token, "Bob", clock.now()))
        sites.account_named(site, "Bob").confirm()
        site._username = "Bob"
        assert outbox.ask(site, "/w/api.php").auth.key == bob

    def test_auth_of_the_caller_is_kept(self, site_at, outbox):
        """Somebody who says how to sign in is right."""
        site = site_at("https", "wiki.example.org")
        own = requests.auth.HTTPBasicAuth("user", "word")
        assert outbox.ask(site, "/w/api.php", auth=own).auth is own

    def test_site_without_a_credential_is_left_to_pywikibot(self, bot, outbox):
        """``config.authenticate`` is asked by Pywikibot itself."""
        sent = outbox.ask(bot.site("Bob"), "/w/api.php")
        assert "auth" not in vars(sent)

    def test_site_with_oauth_disabled_is_left_to_pywikibot(self, site_at, outbox):
        """Pywikibot's own switch counts for ours."""
        site = site_at("https", "wiki.example.org")
        site._oauth_disabled = True
        assert outbox.ask(site, "/w/api.php").auth is None

    def test_anonymous_request_carries_no_cookie_of_others(self, bot):
        """Pywikibot has one cookie jar for all: it may hold another account's session."""
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        http.cookie_jar.set_cookie(
            requests.cookies.create_cookie("session", "Bobs", domain="127.0.0.1")
        )
        http.request(site, "/w/index.php?title=Sandbox")
        assert secrets_sent(bot.wiki.log[-1]) == (None, None)

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_anonymous_request_carries_nothing_after_a_redirect_either(
        self, bot, monkeypatch, tmp_path, method
    ):
        """Requests would put cookies on each step, and a password of .netrc on a later one."""
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login bob password hunter2\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        http.cookie_jar.set_cookie(
            requests.cookies.create_cookie("session", "Bobs", domain="127.0.0.1")
        )
        monkeypatch.setattr(http.session, "adapters", http.session.adapters.copy())
        http.session.mount(bot.wiki.url, Redirecting())
        count = len(bot.wiki.log)
        http.request(site, "/w/index.php?title=Sandbox", method=method)
        sent = list(bot.wiki.log)[count:]
        assert [entry.params.get("title") for entry in sent] == ["Sandbox", "Main_Page"]
        assert [secrets_sent(entry) for entry in sent] == [(None, None)] * 2

    def test_rest_php_is_asked_as_the_account(self, bot):
        """The wiki takes the token there."""
        bot.log_in("2.0 owner-only")
        answer = http.request(bot.site("Alice"), "/w/rest.php/oauth2/resource/profile").json()
        assert answer["username"] == "Alice"

    def test_credential_that_was_forgotten_meanwhile_ends_in_an_error(self, bot, no_prompt):
        """The site was signed in: it does not go on anonymously or with a password."""
        bot.log_in("1.0a owner-only")
        page = save(bot.site("Alice"))
        bot.store.forget(bot.key("Alice"))
        page.text = "more"
        count = len(bot.wiki.log)
        for _ in range(2):
            with pytest.raises(OtherPageSaveError) as caught:
                page.save()
            assert isinstance(caught.value.reason, LoginRequiredError)
        assert len(bot.wiki.log) == count

    def test_site_whose_credential_was_forgotten_can_log_out(self, bot):
        """Then it is anonymous, as any site is after logout."""
        bot.log_in("1.0a owner-only")
        site = bot.site("Alice")
        bot.store.forget(bot.key("Alice"))
        site.logout()
        assert "anon" in site.userinfo


class TestHttpSession:
    """``pywikibot.comms.http.session``."""

    def test_account_has_a_session_and_cookies_of_its_own(self, bot):
        """A write sets a cookie; nobody else sends it."""
        bot.log_in("2.0 owner-only")
        bot.log_in("1.0a owner-only", "Bob")
        alice, bob = bot.site("Alice"), bot.site("Bob")
        save(alice)
        count = len(bot.wiki.log)
        save(alice, text="again")
        assert any(secrets_sent(entry)[1] for entry in list(bot.wiki.log)[count:])
        count = len(bot.wiki.log)
        http.request(bob, "/w/api.php?action=query&meta=userinfo&format=json")
        http.request(alice, "/w/index.php?title=Test")
        assert [secrets_sent(entry)[1] for entry in list(bot.wiki.log)[count:]] == [None, None]
        assert len(http.cookie_jar) == 0

    def test_adapters_proxies_and_certificates_are_pywikibots(self, bot, monkeypatch):
        """What a bot owner set on the session counts for accounts too, whenever it was set."""
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        seen = {}

        class Adapter(requests.adapters.HTTPAdapter):
            def send(self, request, **options):
                seen.update(options, url=request.url)
                return super().send(request, **options | {"proxies": {}})

        monkeypatch.setattr(http.session, "adapters", http.session.adapters.copy())
        http.session.mount(f"{bot.wiki.url}/w", Adapter())
        monkeypatch.setitem(http.session.proxies, "http", "http://127.0.0.1:1")
        monkeypatch.setattr(http.session, "cert", __file__)
        http.request(site, "/w/api.php?action=query&meta=userinfo&format=json")
        assert seen["url"].startswith(bot.wiki.api_url)
        assert not seen["proxies"]  # http is for this machine alone, and a proxy is another
        assert seen["cert"] == __file__

    def test_session_replaced_later_is_an_error_that_says_so(self, bot, waits, monkeypatch):
        """Nothing is sent by it: it would follow redirects and keep the cookies."""
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        count = len(bot.wiki.log)
        del site.userinfo
        with monkeypatch.context() as patch:
            patch.setattr(http, "session", requests.Session())
            with pytest.raises(ConfigurationError, match="session was replaced after"):
                _ = site.userinfo
        assert len(bot.wiki.log) == count
        assert waits == []

    def test_other_requests_go_by_the_session_that_was_there(self, bot, monkeypatch):
        """With all that its owner gave it."""
        monkeypatch.setitem(http.session.headers, "X-Owner", "me")
        http.fetch(bot.wiki.api_url)
        assert bot.wiki.log[-1].headers["X-Owner"] == "me"
        assert isinstance(http.session, requests.Session)
        assert http.session.cookies is http.cookie_jar
