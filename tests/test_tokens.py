"""Tests of the token stores that need nothing else, and of opening one."""

from __future__ import annotations

import pickle
from datetime import datetime, timezone

import pytest

from pwb_oauth.credential import (
    Consumer,
    Credential,
    OAuth1AccessToken,
    OAuth2AccessToken,
)
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.stores.keyring import KeyringTokenStore
from pwb_oauth.testing.contract import TokenStoreContract
from pwb_oauth.tokens import (
    EnvironmentTokenStore,
    MemoryTokenStore,
    TokenEntry,
    TokenKey,
    open_token_store,
)

MOMENT = datetime(2026, 1, 2, tzinfo=timezone.utc)
VARIABLES = {
    "PWB_OAUTH_WIKI": "test.wikipedia.org",
    "PWB_OAUTH_USERNAME": "Example user",
    "PWB_OAUTH_TOKEN": "secret.bearer.token",
}
PASSWORD_URL = "nosuch+driver://user:secret-password@host/database"


class TestTokenKey:
    """Which account a credential belongs to."""

    @pytest.mark.parametrize(
        "written", ["Example user", "example user", "Example_user", " example_user "]
    )
    def test_user_name_is_written_as_the_wiki_does(self, written):
        """However a configuration spells it, it is one account."""
        assert TokenKey("w", written) == TokenKey("w", "Example user")
        assert TokenKey("w", written).username == "Example user"

    @pytest.mark.parametrize(
        "written", ["\u00dfeta tester", "\u00dfeta_tester", " \u00dfeta_tester "]
    )
    def test_initial_without_a_capital_stays(self, written):
        """Python makes two letters of the sharp s, which would be another user's name."""
        key = TokenKey("w", written)
        assert key.username == "\u00dfeta tester"
        assert key != TokenKey("w", "SSeta tester")

    @pytest.mark.parametrize(("wiki", "name"), [("", "U"), ("w", ""), ("w", " "), ("w", "_")])
    def test_key_without_wiki_or_name_is_refused(self, wiki, name):
        """Both are needed."""
        with pytest.raises(ConfigurationError):
            TokenKey(wiki, name)

    def test_keys_sort_by_wiki_then_name(self):
        """As lists show them."""
        keys = [TokenKey("b", "A"), TokenKey("a", "B"), TokenKey("a", "A")]
        assert sorted(keys) == keys[::-1]

    def test_login_command_can_be_pasted(self):
        """Names with blanks and quotes too."""
        command = TokenKey("meta.wikimedia.org", "O'Neil's bot").login_command
        assert command.startswith("pwb-oauth login meta.wikimedia.org --user ")
        assert command.endswith("""'O'"'"'Neil'"'"'s bot'""")


class TestTokenEntry:
    """What is known without reading a secret."""

    def test_of_a_credential_takes_what_is_no_secret(self):
        """Version, times and grants."""
        token = OAuth2AccessToken("secret", "secret-refresh", MOMENT)
        credential = Credential(Consumer("k"), token, "U", MOMENT, grants=("basic",))
        entry = TokenEntry.of(TokenKey("w", "U"), credential, "memory:")
        assert entry == TokenEntry(TokenKey("w", "U"), "2.0", "memory:", MOMENT, MOMENT, ("basic",))
        assert "secret" not in repr(entry)


class TestMemoryTokenStore(TokenStoreContract):
    """The contract, in memory."""

    @pytest.fixture
    def store(self):
        return MemoryTokenStore()

    def test_stores_share_nothing(self, store, key, credential):
        """Each begins empty."""
        store.save(key, credential)
        assert MemoryTokenStore().load(key) is None


class TestEnvironmentTokenStoreOAuth2(TokenStoreContract):
    """The contract, on variables with a bearer token."""

    read_only = True

    @pytest.fixture
    def store(self):
        return EnvironmentTokenStore(VARIABLES)

    @pytest.fixture
    def key(self):
        return TokenKey("meta.wikimedia.org", "Example user")

    @pytest.fixture
    def credential(self):
        consumer = Consumer(None, oauth_version="2.0", owner_only=True)
        return Credential(
            consumer, OAuth2AccessToken("secret.bearer.token"), "Example user", MOMENT
        )


class TestEnvironmentTokenStoreOAuth1(TokenStoreContract):
    """The contract, on variables with the four parts of OAuth 1.0a."""

    read_only = True

    @pytest.fixture
    def store(self):
        parts = {"PWB_OAUTH_TOKEN": "consumer:consumer-secret:access:access-secret"}
        return EnvironmentTokenStore({**VARIABLES, **parts})

    @pytest.fixture
    def key(self):
        return TokenKey("meta.wikimedia.org", "Example user")

    @pytest.fixture
    def credential(self):
        consumer = Consumer("consumer", "consumer-secret", "1.0a", owner_only=True)
        token = OAuth1AccessToken("access", "access-secret")
        return Credential(consumer, token, "Example user", MOMENT)


class TestEnvironmentTokenStore:
    """What the variables may hold."""

    @pytest.mark.parametrize("variables", [{}, dict.fromkeys(VARIABLES, " ")])
    def test_unset_variables_hold_nothing(self, variables):
        """Absent is None."""
        store = EnvironmentTokenStore(variables)
        assert store.entries() == ()
        assert store.load(TokenKey("meta.wikimedia.org", "Example user")) is None

    @pytest.mark.parametrize("missing", list(VARIABLES))
    def test_missing_variable_is_named(self, missing):
        """Some without the others are a mistake."""
        store = EnvironmentTokenStore({**VARIABLES, missing: ""})
        with pytest.raises(ConfigurationError, match=f"^{missing} must be set"):
            store.entries()

    @pytest.mark.parametrize(
        ("wiki", "host"),
        [
            ("en.wikipedia.org", "meta.wikimedia.org"),
            ("https://wiki.example.org:8443/wiki/Main", "wiki.example.org:8443"),
        ],
    )
    def test_wiki_may_be_a_host_name_or_a_url(self, wiki, host):
        """The account is the central wiki's."""
        (entry,) = EnvironmentTokenStore({**VARIABLES, "PWB_OAUTH_WIKI": wiki}).entries()
        assert entry.key == TokenKey(host, "Example user")

    @pytest.mark.parametrize("token", ["secret token", "secret:b", "a:b:secret:", "secret\u00e9"])
    def test_malformed_token_is_refused_unseen(self, token):
        """The error names the variable, not what is in it."""
        store = EnvironmentTokenStore({**VARIABLES, "PWB_OAUTH_TOKEN": token})
        with pytest.raises(ConfigurationError, match="PWB_OAUTH_TOKEN") as refused:
            store.load(TokenKey("meta.wikimedia.org", "Example user"))
        assert token not in str(refused.value)

    def test_wiki_in_another_folder_of_a_host_is_another_wiki(self):
        """Its name is what tells the account from one of the wiki at /w."""
        address = "https://wiki.example.org/~mallory/w/api.php"
        (entry,) = EnvironmentTokenStore({**VARIABLES, "PWB_OAUTH_WIKI": address}).entries()
        assert entry.key == TokenKey("wiki.example.org/~mallory/w/api.php", "Example user")

    @pytest.mark.parametrize("variables", [VARIABLES, None])
    def test_store_cannot_be_pickled(self, variables):
        """It would take the token along, which is in a mapping of its own."""
        with pytest.raises(TypeError, match="holds a secret"):
            pickle.dumps(EnvironmentTokenStore(variables))

    def test_process_environment_is_read_when_asked(self, monkeypatch):
        """A variable that is set later counts."""
        store = EnvironmentTokenStore()
        for name, value in VARIABLES.items():
            monkeypatch.setenv(name, value)
        loaded = store.load(TokenKey("meta.wikimedia.org", "Example user"))
        assert loaded.access_token == OAuth2AccessToken("secret.bearer.token")


class TestOpenTokenStore:
    """A store by its URL."""

    @pytest.mark.parametrize(
        ("url", "kind"),
        [
            ("keyring:", KeyringTokenStore),
            ("env:", EnvironmentTokenStore),
            ("memory:", MemoryTokenStore),
        ],
    )
    def test_url_names_the_store(self, url, kind, monkeypatch):
        """As an argument, and in the variable."""
        assert type(open_token_store(url)) is kind
        assert open_token_store(url).url == url
        monkeypatch.setenv("PWB_OAUTH_STORE", url)
        assert type(open_token_store()) is kind

    @pytest.mark.parametrize("value", [None, "", "  "])
    def test_default_is_the_keyring(self, value, monkeypatch):
        """Where the variable says nothing."""
        monkeypatch.delenv("PWB_OAUTH_STORE", raising=False)
        if value is not None:
            monkeypatch.setenv("PWB_OAUTH_STORE", value)
        assert type(open_token_store()) is KeyringTokenStore

    def test_argument_beats_the_variable(self, monkeypatch):
        """Who says it in code means it."""
        monkeypatch.setenv("PWB_OAUTH_STORE", "env:")
        assert type(open_token_store("memory:")) is MemoryTokenStore

    @pytest.mark.parametrize(
        "url", ["keyring:x", "Keyring:", "mem", "memory:memory:", "://", "redis://h/", PASSWORD_URL]
    )
    def test_unknown_url_is_refused_without_repeating_it(self, url, monkeypatch):
        """A database's URL holds a password."""
        with pytest.raises(
            ConfigurationError, match=r"keyring:, env: or memory: .* URL"
        ) as refused:
            open_token_store(url)
        monkeypatch.setenv("PWB_OAUTH_STORE", url)
        with pytest.raises(
            ConfigurationError, match="PWB_OAUTH_STORE, --store and --to"
        ) as of_variable:
            open_token_store()
        assert "secret" not in f"{refused.value} {of_variable.value}"
