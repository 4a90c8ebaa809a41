"""Tokens go only where they belong, by way of real Pywikibot."""

from __future__ import annotations

import http.server
import threading
from types import SimpleNamespace

import pytest
import pywikibot
import requests
from pywikibot import family
from pywikibot.comms import http as pywikibot_http
from pywikibot.exceptions import OtherPageSaveError
from requests.adapters import HTTPAdapter

from bot_actions import authors, noted_waits, save  # noqa: F401
from pwb_oauth import clock, sites
from pwb_oauth.account import Account
from pwb_oauth.credential import Consumer, Credential, OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.tokens import TokenKey

KINDS = ("1.0a", "2.0", "2.0 owner-only")
EACH = pytest.mark.parametrize("kind", KINDS)


class Elsewhere(http.server.ThreadingHTTPServer):
    """A server that is not the wiki's, and remembers what it was sent."""

    daemon_threads = True

    def __init__(self, location=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.location = location
        self.seen = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.seen.append((self.path, dict(self.headers), self.rfile.read(length)))
        self.send_response_only(302 if self.server.location else 200)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET  # noqa: N815  # the name that the base class looks for

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere():
    """A server that is not the wiki's."""
    with Elsewhere() as server:
        yield server


def secrets_of(credential):
    """What must not be in any request to another server."""
    token = credential.access_token
    values = [getattr(token, name, None) for name in ("value", "refresh_token", "key", "secret")]
    return [value for value in (*values, credential.consumer.secret) if value]


def assert_nothing_of(credential, seen):
    """Neither a header nor a body holds a secret, and nobody was named."""
    for path, headers, body in seen:
        whole = f"{path} {headers} {body!r}"
        assert not [secret for secret in secrets_of(credential) if secret in whole]
        assert not {"Authorization", "Cookie"} & headers.keys()


def family_of(name, host, protocol="http"):
    """A family like any other of that name."""
    methods = {
        "name": name,
        "langs": {"en": host},
        "protocol": classmethod(lambda cls, code: protocol),
        "scriptpath": classmethod(lambda cls, code: "/w"),
    }
    return type("Family", (family.Family,), methods)()


class TestRedirect:
    """A wiki, or somebody in its place, sends the request elsewhere."""

    @EACH
    @pytest.mark.parametrize("status", [301, 302, 307])
    def test_edit_that_is_redirected_is_an_error_and_goes_nowhere(
        self, bot, elsewhere, waits, monkeypatch, kind, status
    ):
        """Neither the token nor the text reaches the other server."""
        stored = bot.log_in(kind)
        page = save(bot.site("Alice"))
        page.text = "more"
        with Elsewhere(f"{elsewhere.url}/w/api.php") as front:
            monkeypatch.setattr(
                _Handler, "send_response_only", _with_status(_Handler, status, front)
            )
            self._put_before(bot, front, monkeypatch)
            with pytest.raises(OtherPageSaveError) as caught:
                page.save()
        assert isinstance(caught.value.reason, ConfigurationError)
        assert "redirects" in str(caught.value.reason)
        assert elsewhere.seen == []
        assert len(front.seen) == 1
        assert authors(bot.wiki, "Test") == ["Alice"]
        assert waits == []
        assert bot.store.load(bot.key("Alice")) is stored

    @staticmethod
    def _put_before(bot, front, monkeypatch):
        """Let the wiki's address lead to another server, as a proxy or a stolen name does."""

        class Detour(HTTPAdapter):
            def send(self, request, **options):
                answered = request.url
                request.url = request.url.replace(bot.wiki.url, front.url)
                reply = super().send(request, **options)
                reply.url = request.url = answered
                return reply

        adapters = pywikibot_http.session.adapters.copy()
        monkeypatch.setattr(pywikibot_http.session, "adapters", adapters)
        pywikibot_http.session.mount(bot.wiki.url, Detour())

    def test_page_that_is_redirected_is_followed_without_a_token(self, bot, elsewhere):
        """A page may lead anywhere; nothing goes with it."""
        stored = bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        site.login()
        with Elsewhere(f"{elsewhere.url}/w/api.php") as front:
            pywikibot_http.request(site, f"{front.url.removeprefix('http:')}/wiki/Page")
            assert_nothing_of(stored, front.seen)
        assert len(elsewhere.seen) == 1
        assert_nothing_of(stored, elsewhere.seen)


def _with_status(handler, status, front):
    real = handler.send_response_only

    def send(self, code, *arguments):
        real(self, status if self.server is front else code, *arguments)

    return send


class TestImageServer:
    """Files come from another server, or from another path."""

    @EACH
    def test_download_carries_no_token(self, bot, elsewhere, tmp_path, kind):
        """``FilePage.download`` fetches an address that the wiki gives."""
        stored = bot.log_in(kind)
        site = bot.site("Alice")
        site.login()
        file = pywikibot.FilePage(site, "File:A.png")
        version = SimpleNamespace(url=f"{elsewhere.url}/a/A.png", sha1="", size=2)
        file.download(str(tmp_path / "A.png"), revision=version)
        assert len(elsewhere.seen) == 1
        assert_nothing_of(stored, elsewhere.seen)

    @EACH
    def test_file_on_the_wikis_own_server_is_fetched_without_a_token(self, bot, kind):
        """Only api.php and rest.php take it."""
        bot.log_in(kind)
        site = bot.site("Alice")
        save(site)
        bot.wiki.log.clear()
        for path in ("/w/images/a/A.png", "/w/load.php", "/wiki/Test", "/w/img_auth.php/a/A.png"):
            pywikibot_http.request(site, path)
            pywikibot_http.fetch(bot.wiki.url + path)
        assert len(bot.wiki.log) == 8
        assert {entry.mechanism for entry in bot.wiki.log} == {"none"}
        assert not any("Authorization" in entry.headers for entry in bot.wiki.log)

    def test_fetch_of_the_api_by_its_whole_address_carries_no_token(self, bot):
        """Without a site nobody says whose it would be."""
        bot.log_in("2.0 owner-only")
        bot.site("Alice").login()
        bot.wiki.log.clear()
        pywikibot_http.fetch(f"{bot.wiki.api_url}?action=query&format=json")
        assert [entry.mechanism for entry in bot.wiki.log] == ["none"]


class TestSharedFamilyName:
    """Two farms with a family of the same name: their sites are equal to Pywikibot."""

    @pytest.fixture
    def other(self):
        """Another wiki."""
        with SandboxWiki() as wiki:
            yield wiki

    @pytest.fixture
    def sites_of_both(self, bot, other, monkeypatch):
        """Alice's sites of two farms, whose families have one name."""
        first = bot.site("Alice")
        host = other.url.removeprefix("http://")
        monkeypatch.setitem(family.Family._families, "sandbox", family_of("sandbox", host))
        second = bot.site("Alice")
        assert first == second
        assert hash(first) == hash(second)
        return first, second

    @EACH
    def test_other_wiki_gets_no_token(self, bot, other, sites_of_both, kind):
        """Not even when the site of the first one has just been signed in."""
        stored = bot.log_in(kind)
        first, second = sites_of_both
        save(first)
        assert sites.account_of(second) is None
        pywikibot_http.request(second, "/w/api.php?action=query&meta=userinfo&format=json")
        assert len(other.log)
        assert {entry.mechanism for entry in other.log} == {"none"}
        sent = [(entry.path, dict(entry.headers), b"") for entry in other.log]
        assert_nothing_of(stored, sent)

    def test_other_wiki_gets_its_own_token(self, bot, other, sites_of_both):
        """Each wiki sees the one that it gave, and edits by turns are done by it."""
        bot.log_in("2.0 owner-only")
        theirs = other.add_consumer("theirs", owner="Alice", owner_only=True)
        host = other.url.removeprefix("http://")
        token = OAuth2AccessToken(theirs.access_token)
        consumer = Consumer(theirs.key, theirs.secret, "2.0", owner_only=True)
        bot.store.save(TokenKey(host, "Alice"), Credential(consumer, token, "Alice", clock.now()))
        for number in range(2):
            for site in sites_of_both:
                save(site, f"Page {number}")
        for wiki in (bot.wiki, other):
            assert [authors(wiki, f"Page {number}") for number in range(2)] == [["Alice"]] * 2
            assert not [entry for entry in wiki.log if entry.error]

    def test_site_of_one_cannot_ask_the_other(self, bot, other, sites_of_both, waits):
        """By an address that a script has made up."""
        bot.log_in("2.0 owner-only")
        first, _ = sites_of_both
        first.login()
        other.log.clear()
        with pytest.raises(ConfigurationError, match="does not go there"):
            pywikibot_http.request(first, f"{other.url.removeprefix('http:')}/w/api.php")
        assert len(other.log) == 0


class TestFarm:
    """One login serves Wikimedia's wikis, each at its own address."""

    @pytest.fixture
    def asked(self, bot, monkeypatch):
        """The addresses and accounts of what Pywikibot would have sent."""
        asked = []

        def fetch(uri, method="GET", **options):
            asked.append((uri, options.get("auth")))
            response = requests.Response()
            response.status_code, response.url = 200, uri
            response._content = b'{"query":{"userinfo":{"id":7,"name":"Alice","rights":[]}}}'
            return response

        monkeypatch.setattr(pywikibot_http, "fetch", fetch)
        key = TokenKey("meta.wikimedia.org", "Alice")
        consumer = Consumer("k", "s", "1.0a", owner_only=True)
        token = OAuth1AccessToken("t", "s")
        bot.store.save(key, Credential(consumer, token, "Alice", clock.now()))
        return asked

    def ask(self, asked, code, name, uri):
        site = pywikibot.Site(code, name, user="Alice")
        account = sites.account_of(site)
        if account is not None:
            account.confirm()
        asked.clear()
        pywikibot_http.request(site, uri)

    @pytest.mark.parametrize(
        ("code", "name", "host"),
        [
            ("en", "wikipedia", "en.wikipedia.org"),
            ("commons", "commons", "commons.wikimedia.org"),
            ("wikidata", "wikidata", "www.wikidata.org"),
            ("meta", "meta", "meta.wikimedia.org"),
        ],
    )
    def test_wiki_of_the_farm_is_asked_as_the_account(self, asked, code, name, host):
        """At its own api.php."""
        self.ask(asked, code, name, "/w/api.php")
        ((url, auth),) = asked
        assert url == f"https://{host}/w/api.php"
        assert auth.key == TokenKey("meta.wikimedia.org", "Alice")

    @pytest.mark.parametrize(
        "uri",
        [
            "//commons.wikimedia.org/w/api.php",
            "//en.wikipedia.org.example.org/w/api.php",
            "//upload.wikimedia.org/w/api.php",
            "//en.m.wikipedia.org/w/api.php",
            "//en.wikipedia.org:8443/w/api.php",
        ],
    )
    def test_wiki_of_the_farm_cannot_ask_the_api_of_another_host(self, asked, uri):
        """Each site asks its own server."""
        with pytest.raises(ConfigurationError, match="does not go there"):
            self.ask(asked, "en", "wikipedia", uri)
        assert asked == []

    @pytest.mark.parametrize(
        "uri", ["//upload.wikimedia.org/wikipedia/commons/a/a9/Example.jpg", "/static/favicon.ico"]
    )
    def test_file_of_the_farm_is_fetched_anonymously(self, asked, uri):
        """An image server has no use for a token."""
        self.ask(asked, "en", "wikipedia", uri)
        ((_, auth),) = asked
        assert not isinstance(auth, Account)

    def test_family_that_calls_itself_wikipedia_gets_no_token(self, asked, monkeypatch):
        """The host decides, not the family's name."""
        monkeypatch.setitem(
            family.Family._families, "wikipedia", family_of("wikipedia", "wiki.example", "https")
        )
        pywikibot._sites.clear()
        assert sites.account_of(pywikibot.Site("en", "wikipedia", user="Alice")) is None
