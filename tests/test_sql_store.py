"""Tests of the database store on SQLite, and of what is the same in every database."""

from __future__ import annotations

import gc
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from pwb_oauth import SqlTokenStore, TokenKey, open_token_store
from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.errors import (
    ConfigurationError,
    MissingExtraError,
    ReadOnlyStoreError,
    StoreUnavailableError,
    TokenDecryptionError,
    TokenStoreError,
)
from pwb_oauth.stores import locks, sql, sql_rows
from pwb_oauth.stores.sql_errors import typed
from pwb_oauth.stores.sql_purpose import TOKENS
from pwb_oauth.stores.sql_schema import TABLES
from pwb_oauth.testing.contract import TokenStoreContract

OLD = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NEW = "__________________________________________8="
KEY = TokenKey("meta.wikimedia.org", "Example user")
OTHER = TokenKey("meta.wikimedia.org", "Another user")
OBTAINED = datetime(2026, 1, 2, tzinfo=timezone.utc)
CREDENTIAL = Credential(
    Consumer("client-id", "client-secret", callback_url="http://127.0.0.1:8080/"),
    OAuth2AccessToken("access-value", "refresh-value", OBTAINED + timedelta(hours=4), OBTAINED),
    KEY.username,
    OBTAINED,
    grants=("basic", "editpage"),
)
RENEWED = CREDENTIAL.renewed(
    OAuth2AccessToken("renewed-value", "renewed-refresh", OBTAINED + timedelta(hours=8))
)
SECRETS = ("client-secret", "access-value", "refresh-value", "renewed-value", OLD[:20], NEW[:20])


@pytest.fixture
def path(tmp_path):
    """The database's file."""
    return tmp_path / "credentials.db"


@pytest.fixture
def url(path):
    """The database's URL."""
    return f"sqlite:///{path}"


@pytest.fixture
def store(url):
    """An empty store."""
    return SqlTokenStore(url, NEW)


@pytest.fixture
def held(store):
    """A store that holds one credential."""
    store.save(KEY, CREDENTIAL)
    return store


def rows(path, table="pwb_oauth_tokens"):
    """What stands in the database."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]  # noqa: S608
    connection.close()
    return found


def change(path, statement, *values):
    """Meddle with the database."""
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()


def pragma(store, statement):
    """Let every later connection of a store begin with a PRAGMA."""
    engine = store._rows._database._engine
    event.listen(engine, "connect", lambda connection, _: connection.execute(statement))


def count_connections(store):
    """A list that grows with each connection, and shrinks when one is closed."""
    engine = store._rows._database._engine
    opened, now_open = [], []
    event.listen(engine, "connect", lambda connection, _: opened.append(connection))
    event.listen(engine, "connect", lambda connection, _: now_open.append(connection))
    event.listen(engine, "close", lambda connection, _: now_open.remove(connection))
    return opened, now_open


def assert_clean(error):
    """Neither the error nor anything that hangs on it quotes a secret, a statement or a driver."""
    assert error.__context__ is None
    assert error.__cause__ is None
    shown = "".join(traceback.format_exception_only(error))
    assert not [secret for secret in SECRETS if secret in shown]
    for word in ("SELECT", "UPDATE", "sqlite3.", "s3cret", "sqlalche.me"):
        assert word not in shown


def _of_pymysql(number, sqlstate):
    error = Exception(number, "s3cret")
    error.sqlstate = sqlstate
    return error


class TestSqlTokenStore(TokenStoreContract):
    """The contract, in a file."""

    @pytest.fixture
    def store(self, store):
        return store


class TestWhatIsStored:
    """The rows."""

    def test_every_secret_is_encrypted(self, held, path):
        """Wiki, user name, times and grants can be read without the key; nothing else."""
        (row,) = rows(path)
        assert not [secret for secret in SECRETS if secret in str(row)]
        assert not [secret for secret in SECRETS if secret.encode() in path.read_bytes()]
        assert (row["wiki"], row["username"]) == (KEY.wiki, KEY.username)
        assert row["oauth_version"] == "2.0"
        assert row["expires_at"] == "2026-01-02T04:00:00+00:00"
        assert row["key_id"] == held._cipher.key_id

    def test_file_is_its_owners(self, held, path):
        """Whose credentials these are is nobody else's business."""
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o660)
        SqlTokenStore(held.url, NEW).save(OTHER, CREDENTIAL)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660

    def test_swapped_rows_are_of_no_use(self, held, path):
        """A row in the place of another account's does not become that account."""
        held.save(OTHER, replace(CREDENTIAL, username=OTHER.username))
        mine, other = (row["account"] for row in rows(path))
        change(path, "UPDATE pwb_oauth_tokens SET account = 'x' WHERE account = ?", mine)
        change(path, "UPDATE pwb_oauth_tokens SET account = ? WHERE account = ?", mine, other)
        change(path, "UPDATE pwb_oauth_tokens SET account = ? WHERE account = 'x'", other)
        for key in (KEY, OTHER):
            with pytest.raises(TokenDecryptionError, match="another account"):
                held.load(key)

    def test_names_that_a_collation_takes_for_equal_are_two_accounts(self, store):
        """Case and accents count, as they do on the wiki."""
        names = ["Example user", "Example User", "Éxample user", "Example user\u3000x"]
        keys = [TokenKey(KEY.wiki, name) for name in names]
        for key in keys:
            store.save(key, replace(CREDENTIAL, username=key.username))
        assert [entry.key for entry in store.entries()] == sorted(keys)
        assert [store.load(key).username for key in keys] == names

    def test_lock_of_an_account_holds_nothing(self, held, path):
        """What is left of a forgotten account is a digest."""
        with held.locked(KEY):
            pass
        held.forget(KEY)
        assert rows(path) == []
        (row,) = rows(path, "pwb_oauth_locks")
        assert row["reserved"] == ""
        assert len(row["account"]) == 64

    def test_log_of_sqlalchemy_shows_no_parameter(self, store, caplog):
        """An application may have it log each statement."""
        caplog.set_level("INFO", "sqlalchemy")
        store.save(KEY, CREDENTIAL)
        assert store.load(KEY) == CREDENTIAL
        assert "UPDATE pwb_oauth_tokens" in caplog.text
        assert KEY.username not in caplog.text
        assert store._rows.find(sql_rows.account_of(KEY)).value not in caplog.text

    def test_user_name_that_is_not_unicode_is_refused(self, store):
        """As a command line may give it."""
        with pytest.raises(ConfigurationError, match="Unicode"):
            store.save(TokenKey("w", "\udcff"), CREDENTIAL)


class TestUrl:
    """What the store may be named."""

    def test_relative_path_stays_where_it_was(self, tmp_path, monkeypatch):
        """A script that changes its folder goes on with the same file."""
        monkeypatch.chdir(tmp_path)
        store = SqlTokenStore("sqlite:///t.db", NEW)
        monkeypatch.chdir("/")
        store.save(KEY, CREDENTIAL)
        assert (tmp_path / "t.db").exists()
        assert store.url == f"sqlite:///{tmp_path}/t.db"

    def test_password_and_parameters_are_hidden(self):
        """A parameter may be a password too."""
        url = "mysql+pymysql://me:s3cret@host:3307/name?ssl_key_password=s3cret"
        store = SqlTokenStore(url, NEW)
        assert store.url == "mysql+pymysql://me:***@host:3307/name"
        assert "s3cret" not in f"{store!r} {store}"

    @pytest.mark.parametrize(
        "url",
        [
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite:///file:x?uri=true&mode=memory",
            "sqlite:////x?isolation_level=DEFERRED",
        ],
    )
    def test_sqlite_in_memory_is_refused(self, url):
        """Each connection would be another database."""
        with pytest.raises(
            ConfigurationError, match=r"file.*PWB_OAUTH_STORE, --store or --to.*memory:"
        ) as caught:
            SqlTokenStore(url, NEW)
        assert_clean(caught.value)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "s3cret",
            "oracle://me:s3cret@h/d",
            "nonsense+s3cret://h",
            "mysql+nonsense://me:s3cret@h/d",
            "postgresql+asyncpg://me:s3cret@h/d",
            "sqlite+aiosqlite:////tmp/s3cret",
            "mysql+pymysql://me:s3cret@h:s3cret/d",
        ],
    )
    def test_other_url_is_refused_without_repeating_it(self, url):
        """It may hold a password."""
        with pytest.raises(ConfigurationError, match="PWB_OAUTH_STORE, --store or --to") as caught:
            SqlTokenStore(url, NEW)
        assert_clean(caught.value)

    def test_driver_that_is_not_installed_is_named(self, monkeypatch):
        """And how to install one."""
        monkeypatch.setitem(sys.modules, "pymysql", None)
        with pytest.raises(
            ConfigurationError, match=r"PWB_OAUTH_STORE, --store or --to .* pip install PyMySQL"
        ) as caught:
            SqlTokenStore("mysql+pymysql://me:s3cret@h/d", NEW)
        assert_clean(caught.value)

    def test_sqlalchemy_is_an_extra(self, monkeypatch):
        """Where it is missing the error names the extra."""
        for name in [name for name in sys.modules if name.startswith("pwb_oauth.stores.sql_")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "sqlalchemy", None)
        with pytest.raises(MissingExtraError, match=r"pwb-oauth\[sql\]"):
            SqlTokenStore("sqlite:////x", NEW)

    def test_unknown_parameter_is_a_setting_to_correct(self):
        """The driver's complaint becomes an error of ours."""
        store = SqlTokenStore("mysql+pymysql://me:s3cret@h/d?nonsense=s3cret", NEW)
        with pytest.raises(
            ConfigurationError, match=r"PWB_OAUTH_STORE, --store or --to .* question mark"
        ) as caught:
            store.load(KEY)
        assert_clean(caught.value)

    def test_importing_the_name_loads_no_sqlalchemy(self):
        """It is loaded when a store is opened."""
        code = (
            "import sys; from pwb_oauth import SqlTokenStore; sys.exit('sqlalchemy' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


class TestOpenTokenStore:
    """Opening it by its URL."""

    def test_url_opens_the_store(self, url, monkeypatch):
        """From the argument and from the variable; the keys from theirs."""
        monkeypatch.setenv("PWB_OAUTH_ENCRYPTION_KEYS", NEW)
        open_token_store(url).save(KEY, CREDENTIAL)
        monkeypatch.setenv("PWB_OAUTH_STORE", url)
        store = open_token_store()
        assert type(store) is SqlTokenStore
        assert store.load(KEY) == CREDENTIAL
        assert open_token_store(store.url).load(KEY) == CREDENTIAL

    def test_missing_key_is_said_when_it_is_opened(self, url, path):
        """Before a person has logged in for nothing."""
        with pytest.raises(ConfigurationError, match="PWB_OAUTH_ENCRYPTION_KEYS"):
            open_token_store(url)
        assert not path.exists()


class TestKeys:
    """Changing the application's key."""

    def test_old_and_new_rows_load(self, url):
        """While both keys are there."""
        SqlTokenStore(url, OLD).save(KEY, CREDENTIAL)
        both = SqlTokenStore(url, f"{NEW} {OLD}")
        both.save(OTHER, replace(CREDENTIAL, username=OTHER.username))
        assert both.load(KEY) == CREDENTIAL
        assert both.load(OTHER).access_token == CREDENTIAL.access_token
        assert SqlTokenStore(url, NEW).load(OTHER).access_token == CREDENTIAL.access_token

    def test_missing_key_is_named_and_the_row_unharmed(self, url, path):
        """It can be read again once the key is back; it is listed, and can be forgotten."""
        old = SqlTokenStore(url, OLD)
        old.save(KEY, CREDENTIAL)
        before = rows(path)
        new = SqlTokenStore(url, NEW)
        with pytest.raises(TokenDecryptionError, match=old._cipher.key_id) as caught:
            new.load(KEY)
        assert_clean(caught.value)
        with pytest.raises(TokenDecryptionError), new.locked(KEY):
            pass
        assert rows(path) == before
        assert [entry.key for entry in new.entries()] == [KEY]
        assert old.load(KEY) == CREDENTIAL
        assert new.forget(KEY) is True

    def test_login_replaces_what_cannot_be_decrypted(self, url):
        """That is what the error says."""
        SqlTokenStore(url, OLD).save(KEY, CREDENTIAL)
        SqlTokenStore(url, NEW).save(KEY, CREDENTIAL)
        assert SqlTokenStore(url, NEW).load(KEY) == CREDENTIAL

    def test_renewal_moves_a_row_to_the_newest_key(self, url):
        """Without anybody's doing."""
        SqlTokenStore(url, OLD).save(KEY, CREDENTIAL)
        with SqlTokenStore(url, f"{NEW} {OLD}").locked(KEY) as entry:
            assert entry.replace(RENEWED)
        assert SqlTokenStore(url, NEW).load(KEY) == RENEWED

    def test_reencrypt_moves_all(self, url, path):
        """Then the old key can be taken out."""
        old = SqlTokenStore(url, OLD)
        for name in ("A", "B"):
            old.save(TokenKey(KEY.wiki, name), replace(CREDENTIAL, username=name))
        both = SqlTokenStore(url, f"{NEW} {OLD}")
        assert both.reencrypt() == 2
        new = SqlTokenStore(url, NEW)
        assert {row["key_id"] for row in rows(path)} == {new._cipher.key_id}
        assert new.load(TokenKey(KEY.wiki, "B")) == replace(CREDENTIAL, username="B")


class TestEntries:
    """The list, which is asked at every request."""

    def test_own_change_is_seen_at_once(self, store):
        """Saving, renewing and forgetting."""
        assert store.entries() == ()
        store.save(KEY, CREDENTIAL)
        assert len(store.entries()) == 1
        with store.locked(KEY) as entry:
            entry.replace(RENEWED)
            assert store.entries()[0].expires_at == RENEWED.expires_at
        store.forget(KEY)
        assert store.entries() == ()

    def test_database_is_asked_once_a_second(self, held, monkeypatch):
        """A login of another process is seen after that."""
        opened, _ = count_connections(held)
        first = held.entries()
        SqlTokenStore(held.url, NEW).save(OTHER, CREDENTIAL)
        now = sql.time.monotonic()
        monkeypatch.setattr(sql.time, "monotonic", lambda: now + 0.5)
        assert [held.entries() for _ in range(100)] == [first] * 100
        assert len(opened) == 1
        monkeypatch.setattr(sql.time, "monotonic", lambda: now + 2)
        assert [entry.key for entry in held.entries()] == [OTHER, KEY]

    def test_clock_that_jumps_does_not_matter(self, held, monkeypatch):
        """The time of day is not asked."""
        held.entries()
        SqlTokenStore(held.url, NEW).save(OTHER, CREDENTIAL)
        monkeypatch.setattr(sql.time, "time", lambda: 0.0)
        monkeypatch.setattr(sql, "LIST_LIFETIME", 0.0)
        held._list.forget()
        held.entries()
        assert len(held.entries()) == 2

    def test_change_while_the_list_is_read_is_not_overlooked(self, held):
        """A list that was read before is not kept."""
        read = held._list._ask

        def read_slowly():
            listed = read()
            if not saved:
                saved.append(True)
                held.save(OTHER, CREDENTIAL)
            return listed

        saved = []
        held._list._ask = read_slowly
        held.entries()
        assert [entry.key for entry in held.entries()] == [OTHER, KEY]

    def test_last_list_stands_while_the_database_is_away(self, held, path, monkeypatch):
        """A script whose token is good goes on; a store that was never read does not."""
        listed = held.entries()
        monkeypatch.setattr(sql, "LIST_LIFETIME", 0.0)
        away = path.rename(path.with_suffix(".away"))
        path.mkdir()
        assert held.entries() == listed
        with pytest.raises(StoreUnavailableError):
            SqlTokenStore(held.url, NEW).entries()
        path.rmdir()
        away.rename(path)
        assert held.entries() == listed

    def test_database_that_is_away_is_not_asked_at_every_request(self, held, path, monkeypatch):
        """Each time would take the time-out of a connection."""
        held.entries()
        now = sql.time.monotonic()
        path.rename(path.with_suffix(".away"))
        path.mkdir()
        asked = []
        event.listen(held._rows._database._engine, "do_connect", lambda *_: asked.append(1))
        for later in range(10):
            monkeypatch.setattr(sql.time, "monotonic", lambda later=later: now + 2 + later)
            held.entries()
        assert len(asked) == 1

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("oauth_version", "3.0"),
            ("oauth_version", b"\xff"),
            ("wiki", ""),
            ("grants", "{"),
            ("grants", "7"),
            ("grants", "[" * 100_000),
            ("expires_at", "tomorrow"),
            ("logged_in_at", "2026-01-02T00:00:00"),
            ("expires_at", 12.5),
        ],
    )
    def test_damaged_row_is_an_error_of_ours(self, held, path, column, value):
        """Not one about JSON or dates."""
        change(path, f"UPDATE pwb_oauth_tokens SET {column} = ?", value)  # noqa: S608
        with pytest.raises(TokenStoreError, match="damaged") as caught:
            held.entries()
        assert_clean(caught.value)

    @pytest.mark.parametrize("column", ["key_id", "value"])
    @pytest.mark.parametrize("value", ["", "x", b"\xff\x00", 5, 0.5])
    def test_damaged_credential_is_an_error_of_ours(self, held, path, column, value):
        """And stays as it is."""
        change(path, f"UPDATE pwb_oauth_tokens SET {column} = ?", value)  # noqa: S608
        before = rows(path)
        with pytest.raises(TokenDecryptionError) as caught:
            held.load(KEY)
        assert_clean(caught.value)
        assert rows(path) == before


class TestLocked:
    """Renewing."""

    def test_no_connection_is_open_while_nothing_is_going_on(self, held):
        """Nor, with SQLite, while the wiki is asked."""
        opened, now_open = count_connections(held)
        held.load(KEY)
        held.entries()
        with held.locked(KEY) as entry:
            assert now_open == []
            entry.replace(RENEWED)
        with pytest.raises(ZeroDivisionError), held.locked(KEY):
            raise ZeroDivisionError
        held.forget(KEY)
        assert len(opened) > 5
        assert now_open == []

    def test_replace_twice_writes_both(self, held):
        """Whoever holds the lock may change his mind."""
        with held.locked(KEY) as entry:
            assert entry.replace(RENEWED)
            assert entry.replace(CREDENTIAL)
        assert held.load(KEY) == CREDENTIAL

    def test_logout_does_not_wait_for_a_renewal(self, held):
        """And is not undone by it."""
        with held.locked(KEY) as entry:
            assert held.forget(KEY) is True
            assert entry.replace(RENEWED) is False
            assert entry.replace(RENEWED) is False
        assert held.load(KEY) is None

    def test_write_that_fails_for_a_moment_is_tried_again(self, held, monkeypatch):
        """The wiki took the old tokens back."""
        monkeypatch.setattr(sql.time, "sleep", lambda _: None)
        write, tries = held._rows.replace, []

        def away_at_first(*arguments):
            tries.append(1)
            if len(tries) < 4:
                raise StoreUnavailableError("away")
            return write(*arguments)

        monkeypatch.setattr(held._rows, "replace", away_at_first)
        with held.locked(KEY) as entry:
            assert entry.replace(RENEWED) is True
        assert held.load(KEY) == RENEWED

    def test_write_whose_answer_is_lost_counts(self, held, monkeypatch):
        """The second try finds what the first one wrote."""
        monkeypatch.setattr(sql.time, "sleep", lambda _: None)
        write, tries = held._rows.replace, []

        def lost_at_first(*arguments):
            written = write(*arguments)
            tries.append(written)
            if len(tries) < 2:
                raise StoreUnavailableError("lost")
            return written

        monkeypatch.setattr(held._rows, "replace", lost_at_first)
        with held.locked(KEY) as entry:
            assert entry.replace(RENEWED) is True
        assert held.load(KEY) == RENEWED

    def test_write_that_goes_on_failing_is_given_up(self, held, monkeypatch):
        """With the error of the last try; what was stored is unharmed."""
        now = [0.0]
        monkeypatch.setattr(sql.time, "monotonic", lambda: now[0])
        monkeypatch.setattr(sql.time, "sleep", lambda by: now.__setitem__(0, now[0] + by))

        def away(*_):
            raise StoreUnavailableError("away")

        monkeypatch.setattr(held._rows, "replace", away)
        with pytest.raises(StoreUnavailableError, match="away"), held.locked(KEY) as entry:
            entry.replace(RENEWED)
        assert sql.RETRY_TIME <= now[0] <= sql.RETRY_TIME + 1
        assert held.load(KEY) == CREDENTIAL

    def test_replace_does_not_overwrite_what_came_between(self, held, url):
        """Even where the lock was lost: only what was read under it is replaced."""
        later = replace(CREDENTIAL, logged_in_at=OBTAINED + timedelta(days=1))
        with held.locked(KEY) as entry:
            row = SqlTokenStore(url, NEW)
            row._rows.put(
                sql.TokenEntry.of(KEY, later, url),
                row._cipher.encrypt(later.to_json(), *vars(KEY).values()),
            )
            assert entry.replace(RENEWED) is False
        assert held.load(KEY) == later

    def test_reencrypting_waits_for_a_renewal(self, held):
        """It reads nothing that is about to be replaced."""
        with ThreadPoolExecutor(1) as thread:
            with held.locked(KEY) as entry:
                waiting = thread.submit(held.reencrypt)
                threading.Event().wait(0.2)
                assert not waiting.done()
                assert entry.replace(RENEWED) is True
            assert waiting.result(10) == 1
        assert held.load(KEY) == RENEWED

    def test_waiting_thread_gives_up(self, held, monkeypatch):
        """With an error that says what to look for."""
        monkeypatch.setattr(held._rows._database, "lock_timeout", 0.1)
        with held.locked(KEY), ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(held.locked(KEY).__enter__)
            with pytest.raises(StoreUnavailableError, match="Other threads"):
                waiting.result(10)

    def test_lock_file_that_cannot_be_used_is_an_error(self, held, monkeypatch):
        """Nothing is changed without it."""
        monkeypatch.setattr(locks, "lock_path", lambda *_: Path("/proc/nothing/x.lock"))
        with pytest.raises(StoreUnavailableError, match="cannot be locked"), held.locked(KEY):
            pass
        assert held.load(KEY) == CREDENTIAL


class TestSchema:
    """The tables' version."""

    def test_tables_are_made_on_first_use(self, store, path):
        """Not when the store is opened."""
        assert not path.exists()
        assert store.entries() == ()
        assert rows(path, "pwb_oauth_schema") == [{"part": "tokens", "version": 1}]

    def test_other_tables_are_left_alone(self, store, path):
        """The database may be an application's."""
        change(path, "CREATE TABLE application (x)")
        change(path, "CREATE TABLE pwb_oauth_schema (part VARCHAR PRIMARY KEY, version INTEGER)")
        change(path, "INSERT INTO pwb_oauth_schema VALUES ('sealed', 7)")
        store.save(KEY, CREDENTIAL)
        assert rows(path, "application") == []
        versions = {row["part"]: row["version"] for row in rows(path, "pwb_oauth_schema")}
        assert versions == {"sealed": 7, "tokens": 1}

    @pytest.mark.parametrize("version", [2, 99, "x"])
    def test_newer_version_is_refused_and_unharmed(self, held, path, version):
        """The error says to upgrade, and every method raises it."""
        change(path, "UPDATE pwb_oauth_schema SET version = ?", version)
        before = path.read_bytes()
        for store in (held, SqlTokenStore(held.url, NEW)):
            for use in (
                lambda store: store.load(KEY),
                lambda store: store.save(KEY, RENEWED),
                lambda store: store.forget(KEY),
                lambda store: store.entries(),
                lambda store: store.locked(KEY).__enter__(),
            ):
                store._list.forget()
                with pytest.raises(TokenStoreError, match="upgrade pwb-oauth") as caught:
                    use(store)
                assert type(caught.value) is TokenStoreError
                assert_clean(caught.value)
        assert path.read_bytes() == before

    def test_older_version_is_upgraded_once(self, held, path, monkeypatch):
        """Step by step; what is stored stays."""
        steps = []

        def step(connection):
            steps.append(1)
            connection.execute(text("ALTER TABLE pwb_oauth_tokens ADD COLUMN more INTEGER"))

        monkeypatch.setattr(TABLES, "steps", (*TABLES.steps, step))
        assert held.load(KEY) == CREDENTIAL
        assert SqlTokenStore(held.url, NEW).load(KEY) == CREDENTIAL
        assert steps == [1]
        assert rows(path, "pwb_oauth_schema") == [{"part": "tokens", "version": 2}]

    def test_step_that_fails_changes_nothing(self, held, path, monkeypatch):
        """The next one who tries begins where the last one began."""

        def step(connection):
            connection.execute(text("ALTER TABLE pwb_oauth_tokens ADD COLUMN more INTEGER"))
            raise OperationalError("s3cret", {}, Exception("s3cret"))

        before = rows(path)
        monkeypatch.setattr(TABLES, "steps", (*TABLES.steps, step))
        with pytest.raises(StoreUnavailableError) as caught:
            held.load(KEY)
        assert_clean(caught.value)
        monkeypatch.undo()
        assert held.load(KEY) == CREDENTIAL
        assert rows(path) == before

    def test_many_threads_may_come_first(self, url):
        """One of them makes the tables."""
        stores = [SqlTokenStore(url, NEW) for _ in range(8)]
        keys = [TokenKey(KEY.wiki, f"User {number}") for number in range(8)]
        barrier = threading.Barrier(8)

        def save(store, key):
            barrier.wait()
            store.save(key, replace(CREDENTIAL, username=key.username))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(save, stores, keys))
        assert [entry.key for entry in stores[0].entries()] == keys


class TestBadDatabase:
    """Each has its own error, and what is stored is unharmed."""

    def test_read_only_database_can_be_read(self, held):
        """And nothing else: a renewal is refused before the wiki is asked."""
        pragma(held, "PRAGMA query_only = 1")
        assert held.load(KEY) == CREDENTIAL
        assert len(held.entries()) == 1
        for use in (
            lambda: held.save(KEY, RENEWED),
            lambda: held.forget(KEY),
            lambda: held.locked(KEY).__enter__(),
        ):
            with pytest.raises(ReadOnlyStoreError, match="only be read") as caught:
                use()
            assert_clean(caught.value)
        assert held.load(KEY) == CREDENTIAL

    def test_full_database_refuses_a_renewal_before_the_wiki_is_asked(self, held, path):
        """It can be read, and goes on once there is room."""
        pages = path.stat().st_size // 4096
        pragma(held, f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreUnavailableError, match="full") as caught, held.locked(KEY):
            raise AssertionError("the wiki would be asked")
        assert_clean(caught.value)
        with pytest.raises(StoreUnavailableError, match="full"):
            held.save(OTHER, CREDENTIAL)
        assert held.load(KEY) == CREDENTIAL
        pragma(held, "PRAGMA max_page_count = 1000")
        with held.locked(KEY) as entry:
            assert entry.replace(RENEWED) is True

    def test_locked_database_is_waited_for(self, held, url, path):
        """Then the error says that somebody holds it."""
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        impatient = SqlTokenStore(url + "?timeout=0.1", NEW)
        with pytest.raises(StoreUnavailableError, match="held") as caught:
            impatient.save(KEY, RENEWED)
        assert_clean(caught.value)
        assert impatient.load(KEY) == CREDENTIAL
        blocker.execute("ROLLBACK")
        blocker.close()
        impatient.save(KEY, RENEWED)

    def test_file_that_is_no_database_is_left_alone(self, store, path):
        """It may be something else."""
        path.write_bytes(b"my thesis" * 1000)
        with pytest.raises(TokenStoreError, match="no SQLite database") as caught:
            store.save(KEY, CREDENTIAL)
        assert_clean(caught.value)
        assert path.read_bytes() == b"my thesis" * 1000

    def test_folder_that_is_not_there_is_named_as_the_cause(self, tmp_path):
        """It is not made: the name may be wrong."""
        store = SqlTokenStore(f"sqlite:///{tmp_path}/no/t.db", NEW)
        with pytest.raises(StoreUnavailableError, match="folder") as caught:
            store.save(KEY, CREDENTIAL)
        assert_clean(caught.value)

    # PyMySQL leaves the socket to the garbage collector.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_server_that_does_not_answer(self, tmp_path):
        """The password stays out of the error."""
        for url in (
            f"mysql+pymysql://me:s3cret@localhost/d?unix_socket={tmp_path}/none",
            f"postgresql+psycopg://me:s3cret@/d?host={tmp_path}",
        ):
            with pytest.raises(StoreUnavailableError, match="can be reached") as caught:
                SqlTokenStore(url, NEW).entries()
            assert_clean(caught.value)
            gc.collect()

    @pytest.mark.parametrize(
        ("original", "kind", "words"),
        [
            (Exception(1205, "s3cret"), StoreUnavailableError, "hangs"),
            (Exception(1213, "s3cret"), StoreUnavailableError, "1213"),
            (Exception(1114, "s3cret"), StoreUnavailableError, "make room"),
            # As PyMySQL gives it since 1.2: seen of a MariaDB whose tablespace was full.
            (_of_pymysql(1114, "HY000"), StoreUnavailableError, "make room"),
            (Exception(1290, "s3cret"), ReadOnlyStoreError, "only be read"),
            (Exception(1045, "s3cret"), StoreUnavailableError, "password"),
            (SimpleNamespace(sqlstate="53100"), StoreUnavailableError, "make room"),
            (SimpleNamespace(pgcode="25006"), ReadOnlyStoreError, "only be read"),
            (SimpleNamespace(sqlstate="55P03"), StoreUnavailableError, "hangs"),
            (Exception("s3cret"), StoreUnavailableError, "OperationalError"),
            (Exception(), StoreUnavailableError, "OperationalError"),
        ],
    )
    def test_refusals_of_servers_have_a_meaning(self, original, kind, words):
        """Their codes are read, their words are not repeated."""
        error = typed(OperationalError("SELECT s3cret", {"p": "s3cret"}, original), TOKENS)
        assert type(error) is kind
        assert words in str(error)
        assert_clean(error)

    @pytest.mark.parametrize(
        ("original", "names"),
        [
            (Exception(1290), "that is named as the store"),
            (Exception("attempt to write a readonly database"), "that is named as the store"),
            (Exception("file is not a database"), "that is named as the store"),
            (Exception("unable to open database file"), "that is named as the store"),
            (Exception(1045), "PWB_OAUTH_STORE, --store or --to"),
            (Exception(1213), "PWB_OAUTH_STORE, --store or --to"),
        ],
        ids=repr,
    )
    def test_wherever_its_name_came_from_the_message_is_right(self, original, names):
        """From the variable, or from an option of the command."""
        message = str(typed(OperationalError("", {}, original), TOKENS))
        assert names in message
        assert message.count("PWB_OAUTH_STORE") == names.count("PWB_OAUTH_STORE")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
class TestFork:
    """A child of a fork."""

    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_child_waits_for_no_thread_of_its_parent(self, held):
        """The parent's thread holds an account; the child uses the store, that account too."""
        release = threading.Event()
        entered = threading.Event()

        def hold():
            with held.locked(KEY):
                entered.set()
                release.wait(10)

        thread = threading.Thread(target=hold)
        thread.start()
        entered.wait(10)
        child = os.fork()
        if not child:
            code = 1
            try:
                # From the file's lock, which outlasts the parent's thread.
                loaded = held.load(KEY) == CREDENTIAL
                held.save(OTHER, CREDENTIAL)
                with held.locked(KEY) as entry:
                    code = 0 if loaded and entry.replace(RENEWED) else 2
            finally:
                os._exit(code)
        threading.Event().wait(0.2)
        release.set()
        thread.join()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert held.load(KEY) == RENEWED
