"""Where a wiki is, of which somebody gives the host or a page."""

from __future__ import annotations

import pytest

from person import Person, ended
from pwb_oauth import configuration
from pwb_oauth.cli import locating, options
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.testing.sandbox.defaults import default_description
from pwb_oauth.wiki import Wiki


@pytest.fixture
def elsewhere():
    """A wiki that has its entry points below /mediawiki."""
    description = default_description("MediaWiki 1.43.9")
    description["site"]["script_path"] = "/mediawiki"
    with SandboxWiki(description) as wiki:
        yield wiki


class TestKnown:
    """``known``, which asks nobody."""

    @pytest.mark.parametrize(
        ("text", "api"),
        [
            ("de.wikipedia.org", "https://de.wikipedia.org/w/api.php"),
            ("https://commons.wikimedia.org/wiki/A/B", "https://commons.wikimedia.org/w/api.php"),
            ("https://wiki.example/mw/index.php?title=A", "https://wiki.example/mw/api.php"),
            ("127.0.0.1:8090", "http://127.0.0.1:8090/w/api.php"),
            ("wiki.openstreetmap.org", "https://wiki.openstreetmap.org/w/api.php"),
        ],
    )
    def test_wiki_is_known_from_what_is_given(self, text, api):
        """An entry point, a Wikimedia wiki, one of Pywikibot's, or one on this machine."""
        assert locating.known(text).api_url == api

    def test_pywikibot_knows_where_its_api_is(self, monkeypatch):
        """A family may say so."""
        monkeypatch.setattr(
            configuration, "wiki_of_host", lambda host: Wiki(f"https://{host}", "/mw")
        )
        assert locating.known("wiki.example").api_url == "https://wiki.example/mw/api.php"
        assert options.read_wiki("https://wiki.example/wiki/A").script_path == "/mw"

    def test_configuration_cannot_be_run_it_is_not_asked(self, monkeypatch):
        """The command may not need it."""

        def broken(host):
            raise ConfigurationError(host)

        monkeypatch.setattr(configuration, "wiki_of_host", broken)
        assert locating.known("wiki.example") is None

    def test_host_of_no_family_is_not_known(self):
        """Nor is a page on this machine."""
        assert locating.known("wiki.example") is None
        assert locating.known("http://127.0.0.1:8090/wiki/A") is None

    def test_no_address_is_an_error(self):
        """Before anybody is asked."""
        with pytest.raises(ConfigurationError):
            locating.known("https://")


class TestAsked:
    """``asked``, which reads the page."""

    def test_page_says_where_the_api_is(self, elsewhere):
        """By the link that each of MediaWiki's pages has in its head."""
        assert locating.asked(f"{elsewhere.url}/wiki/Main_Page").api_url == elsewhere.api_url

    def test_page_cannot_be_read_it_is_the_usual_place(self, elsewhere):
        """What is wrong then is said by whatever asks there."""
        for path in ("/nothing", "/mediawiki/"):
            assert locating.asked(f"{elsewhere.url}{path}").script_path == "/w"
        assert locating.asked("http://127.0.0.1:9/wiki/A").script_path == "/w"

    @pytest.mark.parametrize(
        "head",
        [
            "<link rel='EditURI' href='//evil.example/w/api.php?action=rsd'>",
            "<link rel='EditURI' href='https://127.0.0.1/w/api.php?action=rsd'>",
            "<link rel='EditURI' href='/a/api.php'><link rel='search' href='/b/api.php'>",
            "<meta name='generator'>",
            "<link rel='EditURI' href='http://[/api.php'>",
        ],
    )
    def test_page_leads_elsewhere_or_is_nonsense(self, elsewhere, monkeypatch, head):
        """A token is for the server that was named."""
        from werkzeug.wrappers import Response

        page = Response(f"<html><head>{head}</head>", content_type="text/html")
        monkeypatch.setitem(elsewhere._server._handlers, "/wiki/", lambda _context: page)
        assert locating.asked(f"{elsewhere.url}/wiki/A").api_url == f"{elsewhere.url}/w/api.php"

    def test_page_is_read_as_nobody(self, elsewhere, monkeypatch, tmp_path):
        """Not with what ``.netrc`` holds for the host."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        locating.asked(f"{elsewhere.url}/wiki/Main_Page")
        assert "Authorization" not in elsewhere.log[-1].headers

    def test_page_in_clear_text_is_refused(self):
        """Nothing is sent over a network."""
        with pytest.raises(ConfigurationError, match="not https"):
            locating.asked("http://wiki.example/wiki/A")


class TestCommands:
    """A person with an account on a wiki whose api.php is elsewhere."""

    def test_page_is_given_it_is_logged_in_to_and_found_again(self, elsewhere, tmp_path):
        """By a page of it at login, by its host afterwards."""
        person = Person(elsewhere, tmp_path / "person")
        consumer = elsewhere.add_consumer("Bot", owner="Alice", owner_only=True)
        page = f"{elsewhere.url}/wiki/Main_Page"
        ran = person.over_pipe("login", page, "--with-token", typed=f"{consumer.access_token}\n")
        assert ran.returncode == 0, ran.stderr
        assert person.over_pipe("whoami", elsewhere.url).stdout == "Alice\n"
        assert "Alice" in person.over_pipe("status", elsewhere.url).stdout
        assert person.over_pipe("status", elsewhere.url).returncode == 0
        assert "/mediawiki/" in person.over_pipe("register", page, "--owner-only").stdout
        code, text = ended(person.at_terminal("logout", person.host))
        assert (code, "Alice" in text) == (0, True)
        assert person.over_pipe("whoami", elsewhere.url).returncode == 4

    @pytest.mark.parametrize("line", ["x = (", "raise ValueError('s3cret')"])
    def test_configuration_cannot_be_run_it_is_the_usual_place(self, wiki, tmp_path, line):
        """As if Pywikibot were not there: logging in needs none of it."""
        person = Person(wiki, tmp_path / "person")
        person.config.write_text(f"{line}\n")
        consumer = wiki.add_consumer("Bot", owner="Alice", owner_only=True)
        page = f"{wiki.url}/wiki/Main_Page"
        ran = person.over_pipe("login", page, "--with-token", typed=f"{consumer.access_token}\n")
        assert ran.returncode == 0, ran.stderr
        assert "mistake in pwb-oauth" not in ran.stderr
        assert "s3cret" not in ran.stderr
