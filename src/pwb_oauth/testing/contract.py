"""What every token store passes: one class of tests, which each store's own test subclasses.

::

    class TestMyTokenStore(TokenStoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return MyTokenStore(tmp_path / "tokens")

The test of a store that can only be read says ``read_only = True`` and also gives the fixtures
``key`` and ``credential``: the account that its ``store`` already holds, and the credential of it.
"""
# ruff: noqa: S101  # tests assert

from __future__ import annotations

import inspect
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from pwb_oauth.credential import (
    AccessToken,
    Consumer,
    Credential,
    OAuth1AccessToken,
    OAuth2AccessToken,
)
from pwb_oauth.errors import ReadOnlyStoreError
from pwb_oauth.tokens import TokenKey, TokenStore

_OBTAINED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
_OTHER = TokenKey("wiki.example.org:8443", "Another user")
_LONG_NAME = "Ñandú ‎使用者 أحمد 🐘 O'Neil/“Bot”: #a1@x" * 5
_WAIT = 10.0
_A_MOMENT = 0.2


class TokenStoreContract:
    """What a :class:`~pwb_oauth.TokenStore` does. The fixture ``store`` is the subclass's.

    Attributes:
        read_only: Whether the store can only be read. It decides which tests there are.
    """

    read_only = False

    def __init_subclass__(cls) -> None:
        """Leave out the tests that are not for this kind of store."""
        unfit = "writable" if cls.read_only else "refusing"
        for name, test in inspect.getmembers(cls, inspect.isfunction):
            if name.startswith("test_") and unfit in inspect.signature(test).parameters:
                setattr(cls, name, None)

    @pytest.fixture
    def store(self) -> TokenStore:
        """The store that is tested, empty unless it can only be read."""
        raise NotImplementedError("a test of a store overrides the fixture 'store'")

    @pytest.fixture
    def key(self) -> TokenKey:
        """An account."""
        return TokenKey("meta.wikimedia.org", "Example user")

    @pytest.fixture(params=["1.0a", "2.0"])
    def credential(self, request: pytest.FixtureRequest, key: TokenKey) -> Credential:
        """A credential of the account, of each OAuth version."""
        if request.param == "1.0a":
            token: AccessToken = OAuth1AccessToken("access-key", "access-secret")
            consumer = Consumer("consumer-key", "consumer-secret", "1.0a", owner_only=True)
        else:
            ends = _OBTAINED + timedelta(hours=4)
            token = OAuth2AccessToken("access-value", "refresh-value", ends, _OBTAINED)
            callback_url = "http://127.0.0.1:8080/callback"
            consumer = Consumer("client-id", "client-secret", callback_url=callback_url)
        return Credential(
            consumer, token, key.username, _OBTAINED, subject="4321", grants=("basic", "editpage")
        )

    @pytest.fixture
    def held(self, store: TokenStore, key: TokenKey, credential: Credential) -> TokenStore:
        """The store, holding the credential of the account."""
        if not self.read_only:
            store.save(key, credential)
        return store

    @pytest.fixture
    def writable(self, store: TokenStore) -> TokenStore:
        """The store, in tests of one that can be written."""
        return store

    @pytest.fixture
    def refusing(self, store: TokenStore) -> TokenStore:
        """The store, in tests of one that can only be read."""
        return store

    def test_store_follows_the_protocol(self, store: TokenStore) -> None:
        """The store has each name of the protocol, and a URL with a scheme."""
        assert isinstance(store, TokenStore)
        assert store.read_only is self.read_only
        assert store.url.partition(":")[1] == ":"

    def test_load_of_an_absent_account_is_none(self, held: TokenStore) -> None:
        """What is not there is None, not an error."""
        assert held.load(_OTHER) is None

    def test_load_returns_what_is_held(
        self, held: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """Consumer, access token and whose it is come back as they were."""
        loaded = held.load(key)
        assert loaded is not None
        assert loaded.consumer == credential.consumer
        assert loaded.access_token == credential.access_token
        assert loaded.username == credential.username

    def test_entries_describe_what_is_held(
        self, held: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """The account is listed, with its OAuth version, its end and the store's URL."""
        (entry,) = held.entries()
        assert entry.key == key
        assert entry.oauth_version == credential.oauth_version
        assert entry.expires_at == credential.expires_at
        assert entry.store == held.url

    def test_no_repr_shows_a_secret(
        self, held: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """Neither the store nor what it gives shows a secret when it is printed."""
        shown = f"{held!r} {held} {held.entries()!r} {held.load(key)!r} {held.url}"
        assert not [secret for secret in _secrets(credential) if secret in shown]

    def test_read_only_store_refuses_to_change(
        self, refusing: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """It refuses to save, to forget and to lock, and holds what it held."""
        with pytest.raises(ReadOnlyStoreError):
            refusing.save(key, credential)
        with pytest.raises(ReadOnlyStoreError):
            refusing.forget(key)
        with pytest.raises(ReadOnlyStoreError), refusing.locked(key):
            pass
        assert refusing.load(key) is not None

    def test_save_keeps_every_field(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """The whole credential comes back, and the index says when and for what it was given."""
        writable.save(key, credential)
        assert writable.load(key) == credential
        (entry,) = writable.entries()
        assert entry.logged_in_at == credential.logged_in_at
        assert entry.grants == credential.grants

    def test_save_of_the_least_credential_keeps_it(
        self, writable: TokenStore, key: TokenKey
    ) -> None:
        """What is not known stays unknown."""
        consumer = Consumer(None, owner_only=True)
        least = Credential(consumer, OAuth2AccessToken("value"), key.username, _OBTAINED)
        writable.save(key, least)
        assert writable.load(key) == least
        assert writable.entries()[0].expires_at is None

    def test_save_again_replaces(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """The last credential is the one that is there, once."""
        writable.save(key, credential)
        later = replace(credential, logged_in_at=_OBTAINED + timedelta(days=1), grants=("basic",))
        writable.save(key, later)
        assert writable.load(key) == later
        (entry,) = writable.entries()
        assert (entry.logged_in_at, entry.grants) == (later.logged_in_at, later.grants)

    @pytest.mark.parametrize("size", [1, 1000, 4 * 1024, 16 * 1024])
    def test_save_of_a_value_of_any_size_keeps_it(
        self, writable: TokenStore, key: TokenKey, size: int
    ) -> None:
        """Up to 16 KiB come back, also in the place of a longer or a shorter one."""
        for length in (size, 16 * 1024, size):
            credential = _sized(key, length)
            writable.save(key, credential)
            assert writable.load(key) == credential

    @pytest.mark.parametrize("name", ["é", _LONG_NAME, "a/b\\c:d*e?f", "..", "x" * 255])
    def test_save_under_any_user_name_keeps_it(
        self, writable: TokenStore, credential: Credential, name: str
    ) -> None:
        """Names need not be ASCII, nor names of files."""
        key = TokenKey("wiki.example.org", name)
        named = replace(credential, username=key.username)
        writable.save(key, named)
        assert writable.load(key) == named
        assert [entry.key for entry in writable.entries()] == [key]

    def test_accounts_are_independent(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """Saving and forgetting one account leaves every other as it is; they are sorted."""
        keys = [key, _OTHER, TokenKey(key.wiki, "Other"), TokenKey(_OTHER.wiki, key.username)]
        for each in keys:
            writable.save(each, replace(credential, username=each.username))
        assert [entry.key for entry in writable.entries()] == sorted(keys)
        assert writable.forget(key)
        assert writable.load(key) is None
        for each in keys[1:]:
            assert writable.load(each) == replace(credential, username=each.username)

    def test_forget_deletes(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """A forgotten credential is neither loaded nor listed, and can be saved again."""
        writable.save(key, credential)
        assert writable.forget(key) is True
        assert writable.load(key) is None
        assert writable.entries() == ()
        assert writable.forget(key) is False
        writable.save(key, credential)
        assert writable.load(key) == credential

    def test_forget_of_an_absent_account_is_false(self, writable: TokenStore) -> None:
        """Nothing was there, and that is no error."""
        assert writable.forget(_OTHER) is False

    def test_locked_holds_what_is_stored(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """The credential is read under the lock; None if none is there."""
        with writable.locked(key) as held:
            assert held.credential is None
        writable.save(key, credential)
        with writable.locked(key) as held:
            assert held.credential == credential
            assert not [secret for secret in _secrets(credential) if secret in repr(held)]

    def test_replace_writes(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """A renewed credential is stored before the lock is let go, and listed."""
        writable.save(key, credential)
        renewed = _renewed(key)
        with writable.locked(key) as held:
            assert held.replace(renewed) is True
            assert writable.load(key) == renewed
        assert writable.load(key) == renewed
        assert writable.entries()[0].expires_at == renewed.expires_at

    def test_entries_tell_each_change(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """Of a login, a renewal and a logout, although they were asked for before."""
        assert writable.entries() == ()
        writable.save(key, credential)
        assert [entry.expires_at for entry in writable.entries()] == [credential.expires_at]
        renewed = _renewed(key)
        with writable.locked(key) as held:
            held.replace(renewed)
        assert [entry.expires_at for entry in writable.entries()] == [renewed.expires_at]
        writable.forget(key)
        assert writable.entries() == ()

    def test_replace_of_an_absent_credential_writes_nothing(
        self, writable: TokenStore, key: TokenKey
    ) -> None:
        """There is nothing to put it in the place of."""
        with writable.locked(key) as held:
            assert held.replace(_renewed(key)) is False
        assert writable.load(key) is None
        assert writable.entries() == ()

    def test_forget_while_locked_is_not_undone(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """A refresh does not revive what was forgotten, whichever of the two waits."""
        writable.save(key, credential)
        with ThreadPoolExecutor(1) as another_thread:
            with writable.locked(key) as held:
                forgetting = another_thread.submit(writable.forget, key)
                wait([forgetting], _A_MOMENT)
                forgotten_first = forgetting.done()
                assert held.replace(_renewed(key)) is not forgotten_first
            assert forgetting.result(_WAIT) is True
        assert writable.load(key) is None
        assert writable.entries() == ()

    def test_login_while_locked_is_not_undone(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """A refresh does not overwrite a later login, whichever of the two waits."""
        writable.save(key, _renewed(key))
        later = replace(credential, logged_in_at=_OBTAINED + timedelta(days=1))
        with ThreadPoolExecutor(1) as another_thread:
            with writable.locked(key) as held:
                logging_in = another_thread.submit(writable.save, key, later)
                wait([logging_in], _A_MOMENT)
                logged_in_first = logging_in.done()
                assert held.replace(_renewed(key)) is not logged_in_first
            logging_in.result(_WAIT)
        assert writable.load(key) == later

    def test_locked_excludes_another_thread(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """The second thread waits, and then sees what the first one wrote."""
        writable.save(key, credential)
        entered = threading.Event()

        def wait_for_it() -> Credential | None:
            with writable.locked(key) as second:
                entered.set()
                return second.credential

        with ThreadPoolExecutor(1) as another_thread:
            with writable.locked(key) as first:
                waiting = another_thread.submit(wait_for_it)
                assert not entered.wait(_A_MOMENT)
                first.replace(_renewed(key))
            assert waiting.result(_WAIT) == _renewed(key)

    def test_locked_leaves_other_accounts_alone(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """The lock is one account's."""
        writable.save(_OTHER, credential)

        def lock_the_other() -> Credential | None:
            with writable.locked(_OTHER) as other:
                return other.credential

        with writable.locked(key), ThreadPoolExecutor(1) as another_thread:
            assert another_thread.submit(lock_the_other).result(_WAIT) == credential

    def test_lock_is_let_go_after_an_error(
        self, writable: TokenStore, key: TokenKey, credential: Credential
    ) -> None:
        """What fails under the lock gets out, changes nothing and locks nobody out."""
        writable.save(key, credential)
        with pytest.raises(ZeroDivisionError), writable.locked(key):
            raise ZeroDivisionError
        with writable.locked(key) as held:
            assert held.credential == credential


def _sized(key: TokenKey, size: int) -> Credential:
    value = ("0123456789abcdef" * (size // 16 + 1))[:size]
    consumer = Consumer(None, owner_only=True)
    return Credential(consumer, OAuth2AccessToken(value), key.username, _OBTAINED)


def _renewed(key: TokenKey) -> Credential:
    token = OAuth2AccessToken("renewed-value", "renewed-refresh", _OBTAINED + timedelta(hours=8))
    return Credential(Consumer("client-id"), token, key.username, _OBTAINED)


def _secrets(credential: Credential) -> list[str]:
    token = credential.access_token
    if isinstance(token, OAuth1AccessToken):
        held = [credential.consumer.secret, token.secret]
    else:
        held = [credential.consumer.secret, token.value, token.refresh_token]
    return [secret for secret in held if secret]
