"""Which accounts a process has, and the one a name stands for."""

from __future__ import annotations

import keyring
import pytest

from pwb_oauth import clock
from pwb_oauth.accounts import Accounts
from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.tokens import MemoryTokenStore, TokenKey
from pwb_oauth.wiki import Wiki

WIKI = Wiki("https://wiki.example.org")
OTHER_WIKI = Wiki("https://other.example.org")


def credential(value: str = "token", username: str = "Alice") -> Credential:
    """A credential of an owner-only consumer."""
    consumer = Consumer(None, owner_only=True)
    return Credential(consumer, OAuth2AccessToken(value), username, clock.now())


@pytest.fixture
def store():
    """A store with Alice and Bob on one wiki, and Carol on another."""
    store = MemoryTokenStore()
    for wiki, name in ((WIKI, "Bob"), (WIKI, "Alice"), (OTHER_WIKI, "Carol")):
        store.save(TokenKey(wiki.host, name), credential(f"token-of-{name}", name))
    return store


@pytest.fixture
def accounts(store):
    """The accounts of that store."""
    return Accounts(store)


class TestStore:
    """``Accounts.store``."""

    def test_store_named_by_the_environment_is_opened_on_first_use(self, monkeypatch):
        """Making the object opens nothing, so that importing the library does not either."""
        monkeypatch.setenv("PWB_OAUTH_STORE", "memory:")
        accounts = Accounts()
        assert accounts._store is None
        assert isinstance(accounts.store, MemoryTokenStore)
        assert accounts.store is accounts.store

    @pytest.mark.parametrize("url", ["nonsense:", "memory:more", "sqlite://"])
    def test_store_that_does_not_exist_is_an_error_until_it_is_corrected(self, monkeypatch, url):
        """What was wrong with the variable is not remembered."""
        monkeypatch.setenv("PWB_OAUTH_STORE", url)
        accounts = Accounts()
        with pytest.raises(ConfigurationError, match="PWB_OAUTH_STORE"):
            accounts.usernames(WIKI)
        monkeypatch.setenv("PWB_OAUTH_STORE", "memory:")
        assert accounts.usernames(WIKI) == []

    def test_machine_without_a_keyring_has_no_accounts_and_no_error(self, monkeypatch):
        """Without an entry in the index no keyring is touched: Pywikibot works as always."""

        def touch() -> None:
            pytest.fail("the keyring was touched")

        monkeypatch.setattr(keyring, "get_keyring", touch)
        assert Accounts().find(WIKI, "Alice") is None
        assert Accounts().find(WIKI, None) is None


class TestUsernames:
    """``Accounts.usernames``."""

    def test_usernames_are_those_of_the_wiki_and_sorted(self, accounts):
        """Accounts of other wikis are left out."""
        assert accounts.usernames(WIKI) == ["Alice", "Bob"]
        assert accounts.usernames(OTHER_WIKI) == ["Carol"]

    def test_every_wiki_of_the_farm_has_the_accounts_of_the_central_one(self, store):
        """One login serves all wikis with single sign-on."""
        store.save(TokenKey("meta.wikimedia.org", "Dora"), credential(username="Dora"))
        for host in ("de.wikipedia.org", "www.wikidata.org", "meta.wikimedia.org"):
            assert Accounts(store).usernames(Wiki.from_url(host)) == ["Dora"]


class TestFind:
    """``Accounts.find``."""

    @pytest.mark.parametrize("name", ["Alice", "alice", " Alice "])
    def test_name_in_any_spelling_finds_its_account(self, accounts, name):
        """Names are compared as the wiki writes them."""
        assert accounts.find(WIKI, name).key == TokenKey(WIKI.host, "Alice")

    def test_name_that_is_not_stored_finds_nothing(self, accounts):
        """Another wiki's account of that name is not meant."""
        assert accounts.find(WIKI, "Carol") is None

    def test_no_name_finds_the_only_account(self, accounts):
        """As where usernames names nobody."""
        assert accounts.find(OTHER_WIKI, None).key.username == "Carol"

    def test_no_name_finds_nothing_among_several(self, accounts):
        """Nobody guesses which is meant."""
        assert accounts.find(WIKI, None) is None

    def test_same_account_is_found_again(self, accounts):
        """Threads share its cookies, its renewal and its locks."""
        assert accounts.find(WIKI, "Alice") is accounts.find(WIKI, "alice")

    def test_accounts_of_equal_names_on_two_wikis_are_two(self, accounts, store):
        """A token never meets another wiki."""
        store.save(TokenKey(WIKI.host, "Carol"), credential(username="Carol"))
        here, there = accounts.find(WIKI, "Carol"), accounts.find(OTHER_WIKI, "Carol")
        assert here is not there
        assert here.wiki == WIKI

    @pytest.mark.parametrize(
        "url", ["wiki.example.org/~mallory/w/api.php", "wiki.example.org/api.php"]
    )
    def test_wikis_in_two_folders_of_a_host_are_two(self, accounts, store, url):
        """Each finds its own account, and neither the other's."""
        theirs = Wiki.from_url(url)
        assert accounts.usernames(theirs) == []
        assert accounts.find(theirs, "Alice") is None
        store.save(TokenKey(theirs.name, "Alice"), credential("theirs"))
        assert accounts.find(theirs, "Alice").credential.access_token.value == "theirs"
        assert accounts.find(theirs, "Alice").wiki == theirs
        assert accounts.find(WIKI, "Alice").credential.access_token.value == "token-of-Alice"

    def test_login_of_another_process_is_seen_at_once(self, accounts, store):
        """The index is asked at every call."""
        assert accounts.find(WIKI, "Dora") is None
        store.save(TokenKey(WIKI.host, "Dora"), credential(username="Dora"))
        assert accounts.find(WIKI, "Dora").key.username == "Dora"

    def test_forgotten_account_is_gone_at_once(self, accounts, store):
        """A logout of another process counts, whatever is in memory."""
        accounts.find(WIKI, "Alice")
        store.forget(TokenKey(WIKI.host, "Alice"))
        assert accounts.find(WIKI, "Alice") is None
        assert accounts.find(WIKI, None).key.username == "Bob"

    def test_account_that_was_forgotten_and_stored_again_has_the_new_credential(
        self, accounts, store
    ):
        """What the first login left in memory is not used for the second."""
        key = TokenKey(WIKI.host, "Alice")
        assert accounts.find(WIKI, "Alice").credential.access_token.value == "token-of-Alice"
        store.forget(key)
        assert accounts.find(WIKI, "Alice") is None
        store.save(key, credential("second"))
        assert accounts.find(WIKI, "Alice").credential.access_token.value == "second"

    def test_login_of_another_process_is_what_the_next_request_goes_out_with(self, accounts, store):
        """Although the account was at work with another credential, which still works."""
        key = TokenKey(WIKI.host, "Alice")
        assert accounts.find(WIKI, "Alice").credential.access_token.value == "token-of-Alice"
        store.save(key, credential("second"))
        assert accounts.find(WIKI, "Alice").credential.access_token.value == "second"

    def test_account_stays_the_same_object_while_nobody_logs_in(self, accounts, store):
        """Its cookies and locks live as long as it does; a refresh is no login."""
        key = TokenKey(WIKI.host, "Alice")
        before = accounts.find(WIKI, "Alice")
        renewed = before.credential.renewed(OAuth2AccessToken("renewed"))
        store.save(key, renewed)
        assert accounts.find(WIKI, "Alice") is before

    def test_account_stays_the_same_object_where_the_list_could_not_be_written(
        self, accounts, store, monkeypatch
    ):
        """Else it would ask the wiki again before each request whose the access token is."""
        key, listed = TokenKey(WIKI.host, "Alice"), store.entries()
        store.save(key, credential("second"))
        monkeypatch.setattr(store, "entries", lambda: listed)
        account = accounts.find(WIKI, "Alice")
        account.confirm()
        assert accounts.find(WIKI, "Alice") is account
        monkeypatch.undo()
        store.save(key, credential("third"))
        assert accounts.find(WIKI, "Alice").credential.access_token.value == "third"


class TestSignInLock:
    """``Account.sign_in_lock``."""

    def test_each_account_has_its_own_lock(self, accounts):
        """Two users sign in side by side."""
        alice, bob = accounts.find(WIKI, "Alice"), accounts.find(WIKI, "Bob")
        assert alice.sign_in_lock is not bob.sign_in_lock

    def test_account_of_a_new_login_has_the_lock_of_the_one_before(self, accounts, store):
        """A site that signs in just now is not signed in a second time beside that."""
        before = accounts.find(WIKI, "Alice")
        assert before.credential
        store.save(before.key, credential("second"))
        after = accounts.find(WIKI, "Alice")
        assert after is not before
        assert after.sign_in_lock is before.sign_in_lock


class TestDescribeChoice:
    """``Accounts.describe_choice``."""

    def test_error_for_nobody_lists_the_accounts(self, accounts):
        """And says how to name one."""
        error = accounts.describe_choice(WIKI, None)
        assert isinstance(error, ConfigurationError)
        assert "'Alice', 'Bob'" in str(error)
        assert "usernames" in str(error)
        assert "Carol" not in str(error)

    def test_error_for_a_stranger_lists_the_accounts_and_the_login_command(self, accounts):
        """Both ways out are named."""
        error = str(accounts.describe_choice(WIKI, "dora"))
        assert "'dora'" in error
        assert "'Alice', 'Bob'" in error
        assert "pwb-oauth login wiki.example.org --user Dora" in error
