"""Tests of where a wiki's entry points are."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.wiki import Wiki, central_host, is_loopback

META = Wiki("https://meta.wikimedia.org")


class TestWiki:
    """A MediaWiki installation."""

    @pytest.mark.parametrize(
        ("given", "server", "script_path"),
        [
            ("meta.wikimedia.org", "https://meta.wikimedia.org", "/w"),
            ("META.Wikimedia.ORG", "https://meta.wikimedia.org", "/w"),
            ("https://en.wikipedia.org/wiki/Main_Page", "https://en.wikipedia.org", "/w"),
            ("https://example.org/mw/api.php", "https://example.org", "/mw"),
            ("https://example.org/api.php?action=query", "https://example.org", ""),
            ("https://example.org/w/index.php?title=A/B", "https://example.org", "/w"),
            ("https://example.org/w/rest.php/oauth2/authorize", "https://example.org", "/w"),
            ("https://example.org:443/wiki/A", "https://example.org", "/w"),
            ("http://localhost:80", "http://localhost", "/w"),
            ("http://localhost:8080/w/api.php", "http://localhost:8080", "/w"),
            ("localhost:8080", "http://localhost:8080", "/w"),
            ("127.1.2.3/mw/api.php", "http://127.1.2.3", "/mw"),
            ("[::1]:8080", "http://[::1]:8080", "/w"),
            ("localhost.example.org", "https://localhost.example.org", "/w"),
            ("http://[::1]:8080/", "http://[::1]:8080", "/w"),
            ("https://user:password@example.org/", "https://example.org", "/w"),
            ("my_wiki", "https://my_wiki", "/w"),
            ("xn--bcher-kva.example", "https://xn--bcher-kva.example", "/w"),
            ("bücher.example.", "https://bücher.example.", "/w"),
            ("हिन्दी.example", "https://हिन्दी.example", "/w"),
            (f"{'a' * 63}.example", f"https://{'a' * 63}.example", "/w"),
            ("10.0.0.1:81", "https://10.0.0.1:81", "/w"),
        ],
    )
    def test_from_url_finds_server_and_script_path(self, given, server, script_path):
        """From a host name, a page or an entry point."""
        assert Wiki.from_url(given) == Wiki(server, script_path)

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "https://",
            "ftp://example.org",
            "file:///etc/passwd",
            "javascript://x",
            "https://[::1",
            "https://example.org:port/",
            "https://example.org:99999/",
            "foo bar",
            " ",
            ".",
            "example..org",
            "../../etc",
            "exam%70le.org",
            "a" * 64,
            f"wiki.{'a' * 64}.example",
            "ü" * 70,
            "\ud800.example",
            "a." * 127,
            "[::1::2]",
            "wiki\x1b[31m.example",
        ],
    )
    def test_from_url_of_no_wiki_is_refused(self, given):
        """The error says what an address looks like."""
        with pytest.raises(ConfigurationError, match=r"test\.wikipedia\.org"):
            Wiki.from_url(given)

    def test_entry_points_lie_at_the_script_path(self):
        """index.php, api.php and rest.php."""
        wiki = Wiki("https://example.org:8443", "/mw")
        assert wiki.host == "example.org:8443"
        assert wiki.index_url == "https://example.org:8443/mw/index.php"
        assert wiki.api_url == "https://example.org:8443/mw/api.php"
        assert wiki.rest_url == "https://example.org:8443/mw/rest.php"

    def test_page_url_escapes_title_and_query(self):
        """Whatever is in the title."""
        parts = urlsplit(META.page_url("Special:Ä & b", wpname="1+1=2"))
        assert parts.path == "/w/index.php"
        assert parse_qs(parts.query) == {"title": ["Special:Ä & b"], "wpname": ["1+1=2"]}

    def test_addresses_for_people_are_the_central_wikis(self):
        """A consumer for Wikipedia is registered, and its grants are withdrawn, at Meta."""
        wiki = Wiki.from_url("de.wikipedia.org")
        assert wiki.central == META
        form = wiki.registration_url(
            "2.0", name="N", version="1", description="D", callback_url=None
        )
        for address in (form, wiki.grants_url):
            assert address.startswith(
                "https://meta.wikimedia.org/w/index.php?title=Special%3AOAuth"
            )

    @pytest.mark.parametrize(
        ("version", "callback", "form", "particular"),
        [
            ("1.0a", None, "oauth1a", {"wpownerOnly": ["1"]}),
            ("2.0", None, "oauth2", {"wpownerOnly": ["1"]}),
            ("1.0a", "http://x/c", "oauth1a", {"wpcallbackUrl": ["http://x/c"]}),
            (
                "2.0",
                "http://x/c?d=1&e",
                "oauth2",
                {
                    "wpcallbackUrl": ["http://x/c?d=1&e"],
                    "wpoauth2IsConfidential": ["1"],
                    "wpoauth2GrantTypes[]": ["authorization_code", "refresh_token"],
                },
            ),
        ],
    )
    def test_registration_url_fills_the_form_in(self, version, callback, form, particular):
        """Each protocol has a form of its own; what does not belong to it is left out."""
        url = META.registration_url(
            version, name="A & B", version="1.2", description="Ä", callback_url=callback
        )
        filled = parse_qs(urlsplit(url).query)
        if callback is not None:
            particular = {**particular, "wpgranttype": ["normal"]}
        assert filled == {
            "title": [f"Special:OAuthConsumerRegistration/propose/{form}"],
            "wpname": ["A & B"],
            "wpversion": ["1.2"],
            "wpdescription": ["Ä"],
            "wpwiki": ["*"],
            **particular,
        }

    def test_other_wiki_is_its_own_central_wiki(self):
        """Script path and port included."""
        wiki = Wiki("http://localhost:8080", "/mw")
        assert wiki.central is wiki
        assert META.central is META

    @pytest.mark.parametrize(
        ("url", "name"),
        [
            ("https://example.org/w/api.php", "example.org"),
            ("https://example.org:8443/wiki/Main_Page", "example.org:8443"),
            ("https://example.org/~mallory/w/api.php", "example.org/~mallory/w/api.php"),
            ("https://example.org/api.php", "example.org/api.php"),
            ("https://meta.wikimedia.org/evil/api.php", "meta.wikimedia.org/evil/api.php"),
            ("http://127.0.0.1:8080/w/api.php", "127.0.0.1:8080"),
            ("http://localhost/mw/api.php", "localhost/mw/api.php"),
            ("http://[::1]:8080/mw/api.php", "[::1]:8080/mw/api.php"),
        ],
    )
    def test_name_tells_wikis_of_one_host_apart_and_is_read_back(self, url, name):
        """Whoever has a folder on a host may run a wiki in it."""
        wiki = Wiki.from_url(url)
        assert wiki.name == name
        assert Wiki.from_url(wiki.name) == wiki

    @pytest.mark.parametrize(
        "url",
        [
            "https://meta.wikimedia.org/w/api.php",
            "https://meta.wikimedia.org/w/api.php?action=query&x=../..",
            "https://meta.wikimedia.org/w/api.php?x=@evil.example\\ /?#",
            "https://meta.wikimedia.org:443/w/api.php",
            "https://META.wikimedia.org/w/api.php",
            "https://meta.wikimedia.org/w/rest.php",
            "https://meta.wikimedia.org/w/rest.php/oauth2/resource/profile",
            "https://meta.wikimedia.org/w/rest.php/v1/page/AC%2FDC",
        ],
    )
    def test_accepts_tokens_at_its_own_apis(self, url):
        """api.php and what lies under rest.php."""
        assert META.accepts_tokens_at(url)

    @pytest.mark.parametrize(
        "url",
        [
            "https://meta.wikimedia.org/w/index.php",
            "https://meta.wikimedia.org/wiki/Main_Page",
            "https://meta.wikimedia.org/w/api.php5",
            "https://meta.wikimedia.org/w/api.php/x",
            "https://meta.wikimedia.org/w/rest.phpx",
            "https://meta.wikimedia.org/api.php",
            "https://meta.wikimedia.org/x/w/api.php",
            "https://meta.wikimedia.org/w/rest.php/../index.php",
            "https://meta.wikimedia.org/w/rest.php/%2e%2e/index.php",
            "https://meta.wikimedia.org/w/rest.php/..%2findex.php",
            "https://meta.wikimedia.org/w/rest.php/..%5cindex.php",
            "https://meta.wikimedia.org/w/./api.php",
            "http://meta.wikimedia.org/w/api.php",
            "https://meta.wikimedia.org:8443/w/api.php",
            "https://en.wikipedia.org/w/api.php",
            "https://meta.wikimedia.org.evil.example/w/api.php",
            "https://evil.example/w/api.php#https://meta.wikimedia.org/w/api.php",
            "https://evil.example?@meta.wikimedia.org/w/api.php",
            "https://evil.example#?@meta.wikimedia.org/w/api.php",
            "https://meta.wikimedia.org/w/index.php?/w/api.php",
            "https://meta.wikimedia.org?/w/api.php",
        ],
    )
    def test_accepts_no_tokens_elsewhere(self, url):
        """Another host, scheme, port or path, in whatever disguise."""
        assert not META.accepts_tokens_at(url)

    def test_what_one_wiki_said_of_a_url_is_not_what_another_says(self):
        """Each is asked for itself, although answers are kept."""
        at = META.api_url
        assert META.accepts_tokens_at(at)
        assert not Wiki("https://en.wikipedia.org").accepts_tokens_at(at)
        assert not Wiki(META.server, "/other").accepts_tokens_at(at)
        assert META.accepts_tokens_at(at)

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example\\@meta.wikimedia.org/w/api.php",
            "https://evil.example\\\t@meta.wikimedia.org/w/api.php",
            "https://meta.wikimedia.org@evil.example/w/api.php",
            "https://someone@meta.wikimedia.org/w/api.php",
            "https://meta.wikimedia.org\t/w/api.php",
        ],
    )
    def test_accepts_no_tokens_at_what_requests_reads_otherwise(self, url):
        """urllib3 ends the host at a backslash, where urllib.parse goes on to the @."""
        try:
            accepted = META.accepts_tokens_at(url)
        except ConfigurationError:
            accepted = False
        assert not accepted

    @pytest.mark.parametrize(
        "server",
        ["https://example.org", "http://localhost:8080", "http://127.0.0.2", "http://[::1]:80"],
    )
    def test_safe_transport_is_let_pass(self, server):
        """https, or this machine."""
        Wiki(server).require_safe_transport()

    @pytest.mark.parametrize(
        "server", ["http://example.org", "http://localhost.example.org", "http://10.0.0.1"]
    )
    def test_clear_text_over_a_network_is_refused(self, server):
        """The error says where https is set."""
        with pytest.raises(ConfigurationError, match="protocol"):
            Wiki(server).require_safe_transport()


class TestCentralHost:
    """Which wiki consumers are registered on."""

    @pytest.mark.parametrize(
        "host",
        [
            "meta.wikimedia.org",
            "commons.wikimedia.org",
            "test.wikipedia.org",
            "de.wiktionary.org",
            "www.wikidata.org",
            "mediawiki.org",
        ],
    )
    def test_wikimedias_wikis_share_meta(self, host):
        """One login serves them all."""
        assert central_host(host) == "meta.wikimedia.org"

    @pytest.mark.parametrize(
        "host",
        [
            "evilwikipedia.org",
            "wikipedia.org.evil.example",
            "en.wikipedia.org:8443",
            "translatewiki.net",
            "localhost",
            "127.0.0.1:8080",
            "[::1]:80",
            "org",
        ],
    )
    def test_other_wikis_are_their_own(self, host):
        """Names that only look alike too."""
        assert central_host(host) == host


class TestIsLoopback:
    """Which host names are this machine."""

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
    def test_this_machine_is(self, host):
        """By name or by address."""
        assert is_loopback(host)

    @pytest.mark.parametrize(
        "host", ["", "example.org", "127.0.0.1.nip.io", "::", "10.0.0.1", "128.0.0.1"]
    )
    def test_everything_else_is_not(self, host):
        """Names that resolve to it cannot be trusted."""
        assert not is_loopback(host)
