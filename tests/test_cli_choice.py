"""Which stored account is meant, and which wiki and callback a word means."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from pwb_oauth import configuration
from pwb_oauth.cli import choice, options
from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.errors import ConfigurationError, LoginRequiredError
from pwb_oauth.tokens import MemoryTokenStore, TokenKey
from pwb_oauth.wiki import Wiki

META = "meta.wikimedia.org"
ALICE, BOB, CAROL = (
    TokenKey(META, "Alice"),
    TokenKey(META, "Bob"),
    TokenKey("wiki.example", "Carol"),
)


def store_of(*keys):
    store = MemoryTokenStore()
    consumer, token = Consumer(None, owner_only=True), OAuth2AccessToken("a")
    for key in keys:
        now = datetime(2026, 1, 1, tzinfo=timezone.utc)
        store.save(key, Credential(consumer, token, key.username, now))
    return store


@pytest.fixture(autouse=True)
def nobody_to_ask(monkeypatch):
    monkeypatch.setattr(choice.terminal, "is_interactive", lambda: False)


@pytest.fixture
def configured(monkeypatch, tmp_path):
    """Say which wiki user-config.py names; None for none, an error for one that cannot be run."""

    def configure(site):
        path = tmp_path / "user-config.py"
        if site is not None:
            path.touch()

        def default_site():
            if isinstance(site, Exception):
                raise site
            return site

        monkeypatch.setattr(configuration, "file_path", lambda: path)
        monkeypatch.setattr(configuration, "default_site", default_site)

    return configure


class TestOneEntry:
    """The account that is meant."""

    @pytest.mark.parametrize(
        ("wiki", "user", "key"),
        [
            ("test.wikipedia.org", "alice", ALICE),
            ("commons.wikimedia.org", "Bob", BOB),
            ("wiki.example", None, CAROL),
            (None, "Carol", CAROL),
            (None, "bob", BOB),
        ],
    )
    def test_named_it_is_found(self, wiki, user, key):
        """By any wiki of its farm, and the user name as people write it."""
        named = None if wiki is None else Wiki.from_url(wiki)
        assert choice.one_entry(store_of(ALICE, BOB, CAROL), named, user).key == key

    def test_only_one_it_needs_no_name(self, configured):
        """Wherever Pywikibot works by default."""
        configured(("wikipedia", "test"))
        assert choice.one_entry(store_of(CAROL), None, None).key == CAROL

    def test_no_wiki_named_it_is_the_configured_one(self, configured):
        """Pywikibot's own configuration fills in what is left out."""
        configured(("wikipedia", "test"))
        assert choice.one_entry(store_of(ALICE, CAROL), None, None).key == ALICE

    @pytest.mark.parametrize(
        "site", [None, ("wikipedia", "nonsense"), ("i18n", "i18n"), ConfigurationError("broken")]
    )
    def test_configuration_does_not_help_it_lists_them(self, configured, site):
        """There is no file, it names a wiki without an account, or it cannot be run."""
        configured(site)
        with pytest.raises(ConfigurationError, match=f"Alice on {META}; Carol on wiki.example"):
            choice.one_entry(store_of(ALICE, CAROL), None, None)

    def test_several_on_one_wiki_it_lists_them(self, configured, monkeypatch):
        """Even if usernames names one: what is forgotten or moved is not guessed."""
        configured(("wikipedia", "test"))
        named = configuration.ConfiguredAccount("wikipedia", "test", "Alice")
        monkeypatch.setattr(configuration, "accounts", lambda: (named,))
        store = store_of(ALICE, BOB, CAROL)
        with pytest.raises(ConfigurationError, match=f"Alice on {META}; Bob on {META}. Name one"):
            choice.one_entry(store, None, None)
        # Whoever only reads gets what scripts work as.
        assert choice.one_entry(store, None, None, as_scripts_do=True).key == ALICE

    @pytest.mark.parametrize(
        ("wiki", "user", "says"),
        [
            (None, None, "holds no credential. Log in: pwb-oauth login$"),
            ("en.wikipedia.org", None, f"for {META}. Log in: pwb-oauth login {META}"),
            (None, "Dora", "credential of 'Dora'. Log in"),
        ],
    )
    def test_none_fits_it_says_how_to_log_in(self, wiki, user, says):
        """Exit code 4."""
        named = None if wiki is None else Wiki.from_url(wiki)
        with pytest.raises(LoginRequiredError, match=says):
            choice.one_entry(store_of(), named, user)
        with pytest.raises(LoginRequiredError, match=says):
            choice.some_entries(store_of(), named, user)

    def test_entries_all_that_fit(self):
        """In the store's order."""
        found = choice.entries(store_of(CAROL, BOB, ALICE), Wiki.from_url("de.wikipedia.org"), None)
        assert [entry.key for entry in found] == [ALICE, BOB]


class TestHost:
    """A wiki that has its api.php elsewhere than in ``/w``."""

    DORA = TokenKey("wiki.example/mw/api.php", "Dora")

    def test_host_alone_is_named_it_is_found(self):
        """Unless the host has one in the usual place, too."""
        named = Wiki.from_url("wiki.example")
        found = choice.entries(store_of(ALICE, self.DORA), named, None)
        assert [entry.key for entry in found] == [self.DORA]
        found = choice.entries(store_of(CAROL, self.DORA), named, None)
        assert [entry.key for entry in found] == [CAROL]

    def test_another_wiki_of_the_host_is_named_it_is_not(self):
        """Nobody is logged out of one when the other was meant."""
        named = Wiki.from_url("https://wiki.example/other/api.php")
        assert choice.entries(store_of(self.DORA), named, None) == []


class TestReadWiki:
    """What a WIKI on the command line means."""

    @pytest.mark.parametrize(
        ("text", "server"),
        [
            ("wikipedia:test", "https://test.wikipedia.org"),
            ("commons:", "https://commons.wikimedia.org"),
            ("de.wikipedia.org", "https://de.wikipedia.org"),
            ("https://www.mediawiki.org/wiki/A:B", "https://www.mediawiki.org"),
            ("localhost:8080", "http://localhost:8080"),
            ("127.0.0.1:8080/w/api.php", "http://127.0.0.1:8080"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("wiki.example:8443", "https://wiki.example:8443"),
        ],
    )
    def test_it_is_found(self, text, server):
        """By family and code, by host name, by the URL of any page."""
        assert options.read_wiki(text).server == server

    @pytest.mark.parametrize("text", ["nonsense:en", "wikipedia:nonsense", ":", ""])
    def test_it_is_none(self, text):
        """The error says what can be given."""
        with pytest.raises(ConfigurationError, match="URL of one of"):
            options.read_wiki(text)
