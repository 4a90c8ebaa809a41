"""Tests of the web tools' database store on SQLite, and of what is the same in every database."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import create_engine, event

from pwb_oauth import SqlTokenStore
from pwb_oauth.errors import ConfigurationError, MissingExtraError, StoreUnavailableError
from pwb_oauth.stores import locks, retrying
from pwb_oauth.testing.sealed_contract import SealedStoreContract
from pwb_oauth.web import purging
from pwb_oauth.web.sealed_store import LOCK_TIMEOUT, SealedRow
from pwb_oauth.web.sql import SqlSealedStore
from sqlite_writer import writing
from test_sql_store import CREDENTIAL, KEY, NEW, assert_clean, change, rows

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
DAY = timedelta(days=1)
ROW = SealedRow("0" * 32, "meta.wikimedia.org", "4321", "0123abcd", "sealed", NOW, NOW)
OTHER = replace(ROW, row_id="1" * 32)
RENEWED = replace(ROW, key_id="abcd0123", sealed="renewed")


@pytest.fixture
def path(tmp_path):
    """The database's file."""
    return tmp_path / "user_sessions.db"


@pytest.fixture
def url(path):
    """The database's URL."""
    return f"sqlite:///{path}"


@pytest.fixture
def store(url):
    """An empty store."""
    return SqlSealedStore(url)


@pytest.fixture
def held(store):
    """A store that holds one row."""
    store.add(ROW)
    return store


def engine_of(store):
    """The engine by which a store connects."""
    return store._rows.database._engine


def pragma(store, statement):
    """Let every later connection of a store begin with a PRAGMA."""
    event.listen(engine_of(store), "connect", lambda connection, _: connection.execute(statement))


def statements(store, do):
    """How many statements are sent to the database by a call."""
    sent = []
    listening = (engine_of(store), "before_cursor_execute", lambda *each: sent.append(each))
    event.listen(*listening)
    do()
    event.remove(*listening)
    return len(sent)


def plans(store, do):
    """How SQLite goes about each statement of a call: what EXPLAIN QUERY PLAN says of it."""
    seen = []

    def explain(connection, cursor, statement, parameters, context, many):
        if statement.startswith(("SELECT", "DELETE")) and "pwb_oauth_sealed" in statement:
            given = parameters[0] if many else parameters
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            seen.extend(row[-1] for row in plan)

    event.listen(engine_of(store), "before_cursor_execute", explain)
    do()
    event.remove(engine_of(store), "before_cursor_execute", explain)
    return seen


def replace_it(held):
    """What a refresh does under the lock."""
    return held.replace(RENEWED.key_id, RENEWED.sealed)


class TestSqlSealedStore(SealedStoreContract):
    """The contract, in a file."""

    @pytest.fixture
    def store(self, store):
        return store

    @pytest.fixture
    def opening(self, url):
        return f"from pwb_oauth.web.sql import SqlSealedStore\nstore = SqlSealedStore({url!r})"

    @pytest.fixture
    def application(self, path):
        """It has begun, but neither read nor written: SQLite would make others wait."""

        @contextmanager
        def begun():
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("BEGIN")
            yield
            connection.execute("ROLLBACK")
            connection.close()

        return begun

    def test_purge_that_waits_for_a_writer_holds_nobody_meanwhile(self, store, path, monkeypatch):
        """It would else go on by fewer rows, and pause for longer, the more others do."""
        store.add(ROW)
        held = []
        monkeypatch.setattr(purging, "pause", held.append)
        after = NOW + DAY
        with writing(path, 1.5):
            assert store.purge(logged_in_before=after, used_before=after) == 1
        assert 0 < sum(held) < 1


class TestUrl:
    """What the store may be given."""

    def test_of_an_engine_the_url_is_used(self, url, path):
        """Its connections are the application's."""
        engine = create_engine(url, connect_args={"isolation_level": None})
        opened = []
        event.listen(engine, "connect", lambda *_: opened.append(1))
        store = SqlSealedStore(engine)
        store.add(ROW)
        assert SqlSealedStore(url).get(ROW.row_id) == ROW
        assert opened == []
        assert repr(store) == f"SqlSealedStore('{url}')"

    def test_password_of_an_engine_is_used_and_hidden(self):
        """It stands in the URL."""
        store = SqlSealedStore(create_engine("mysql+pymysql://me:s3cret@host/name"))
        assert engine_of(store).url.password == "s3cret"
        assert "s3cret" not in f"{store!r} {store}"

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("sqlite://", "file"),
            ("sqlite:///:memory:", "file"),
            ("oracle://me:s3cret@h/d", "no URL"),
            ("s3cret", "no URL"),
        ],
    )
    def test_url_that_is_of_no_use_is_refused_by_the_name_of_its_setting(self, url, words):
        """A web tool has no option of a command."""
        with pytest.raises(ConfigurationError, match="PWB_OAUTH_DATABASE_URL") as caught:
            SqlSealedStore(url)
        assert words in str(caught.value)
        for other in ("PWB_OAUTH_STORE", "--store", "memory:."):
            assert other not in str(caught.value)
        assert_clean(caught.value)

    def test_sqlalchemy_is_an_extra(self, monkeypatch):
        """Where it is missing the error names the extra."""
        for name in list(sys.modules):
            if name.startswith(("pwb_oauth.stores.sql_", "pwb_oauth.web.sql_")):
                monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "sqlalchemy", None)
        with pytest.raises(MissingExtraError, match=r"pwb-oauth\[sql\]"):
            SqlSealedStore("sqlite:////x")

    def test_importing_the_name_loads_no_sqlalchemy(self):
        """It is loaded when a store is opened."""
        code = (
            "import sys; from pwb_oauth.web.sql import SqlSealedStore; "
            "sys.exit('sqlalchemy' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


class TestLocked:
    """Refreshing."""

    def test_no_connection_is_open_while_nothing_is_going_on(self, held):
        """Nor, with SQLite, while the wiki is asked."""
        opened, now_open = [], []
        event.listen(engine_of(held), "connect", lambda connection, _: opened.append(connection))
        event.listen(engine_of(held), "connect", lambda connection, _: now_open.append(connection))
        event.listen(engine_of(held), "close", lambda connection, _: now_open.remove(connection))
        with held.locked(ROW.row_id) as entry:
            assert now_open == []
            assert replace_it(entry)
        with pytest.raises(ZeroDivisionError), held.locked(ROW.row_id):
            raise ZeroDivisionError
        held.get(ROW.row_id)
        held.touch(ROW.row_id, NOW + DAY)
        held.end(ROW.row_id, NOW)
        held.purge(logged_in_before=NOW, used_before=NOW)
        held.delete(ROW.row_id)
        assert len(opened) > 7
        assert now_open == []

    def test_lock_leaves_nothing_in_the_row(self, held, path):
        """What was written to see whether there is room is gone."""
        with held.locked(ROW.row_id):
            pass
        with held.locked(ROW.row_id) as entry:
            assert replace_it(entry)
        (row,) = rows(path, "pwb_oauth_sealed")
        assert row["reserved"] == ""

    def test_write_that_fails_for_a_moment_is_tried_again(self, held, monkeypatch):
        """The wiki took the old tokens back."""
        monkeypatch.setattr(retrying.time, "sleep", lambda _: None)
        write, tries = held._rows.replace, []

        def away_at_first(*arguments, **named):
            tries.append(1)
            if len(tries) < 4:
                raise StoreUnavailableError("away")
            return write(*arguments, **named)

        monkeypatch.setattr(held._rows, "replace", away_at_first)
        with held.locked(ROW.row_id) as entry:
            assert replace_it(entry) is True
        assert held.get(ROW.row_id) == RENEWED

    def test_write_whose_answer_is_lost_counts(self, held, monkeypatch):
        """The second try finds what the first one wrote."""
        monkeypatch.setattr(retrying.time, "sleep", lambda _: None)
        write, tries = held._rows.replace, []

        def lost_at_first(*arguments, **named):
            written = write(*arguments, **named)
            tries.append(written)
            if len(tries) < 2:
                raise StoreUnavailableError("lost")
            return written

        monkeypatch.setattr(held._rows, "replace", lost_at_first)
        with held.locked(ROW.row_id) as entry:
            assert replace_it(entry) is True
        assert tries == [True, True]
        assert held.get(ROW.row_id) == RENEWED

    def test_replace_does_not_overwrite_what_came_between(self, held, path):
        """Even where the lock was lost: only what was read under it is replaced."""
        with held.locked(ROW.row_id) as entry:
            change(path, "UPDATE pwb_oauth_sealed SET sealed = 'later'")
            assert replace_it(entry) is False
            assert replace_it(entry) is False
        assert held.get(ROW.row_id).sealed == "later"

    @pytest.mark.parametrize("gone", ["DELETE FROM pwb_oauth_sealed", "UPDATE … SET ended_at"])
    def test_replace_revives_nothing_that_went_between(self, held, path, gone):
        """Even where the lock was lost."""
        with held.locked(ROW.row_id) as entry:
            if gone.startswith("DELETE"):
                change(path, gone)
            else:
                held.end(ROW.row_id, NOW)
            assert replace_it(entry) is False
        kept = held.get(ROW.row_id)
        assert kept is None or kept == replace(ROW, ended_at=NOW)

    def test_waiting_thread_gives_up(self, held, monkeypatch):
        """With an error that says what to look for."""
        assert held._rows.database.lock_timeout == LOCK_TIMEOUT
        monkeypatch.setattr(held._rows.database, "lock_timeout", 0.1)
        for use in (held.locked(ROW.row_id).__enter__, lambda: held.delete(ROW.row_id)):
            with held.locked(ROW.row_id), ThreadPoolExecutor(1) as thread:
                error = thread.submit(use).exception(10)
            assert isinstance(error, StoreUnavailableError)
            assert "See whether the wiki hangs" in str(error)
            assert_clean(error)

    def test_waiting_process_gives_up(self, held, url, monkeypatch):
        """A thread of another store stands for it: it has a lock of the file alone in its way."""
        monkeypatch.setattr(held._rows.database, "lock_timeout", 0.1)
        with (
            locks.file_lock(held._rows.database.file, ROW.row_id[:3]),
            pytest.raises(StoreUnavailableError, match=r"for 0 seconds\. Look for a script"),
        ):
            held.locked(ROW.row_id).__enter__()

    def test_files_of_locks_do_not_grow_in_number_with_the_rows(self, held):
        """They stay behind, so rows share them."""
        for number in range(40):
            with held.locked(f"abc{number:029x}"):
                pass
        folder = locks.lock_path("").parent
        assert len(list(folder.iterdir())) == 1


class TestSchema:
    """The table and its version."""

    def test_table_is_made_on_first_use(self, store, path):
        """Not when the store is opened; the file is its owner's."""
        assert not path.exists()
        assert store.get(ROW.row_id) is None
        assert rows(path, "pwb_oauth_schema") == [{"part": "sealed", "version": 1}]
        assert path.stat().st_mode & 0o777 == 0o600

    def test_token_store_may_lie_in_the_same_database(self, held, url, path):
        """Each has its tables and its version."""
        tokens = SqlTokenStore(url, NEW)
        tokens.save(KEY, CREDENTIAL)
        assert held.get(ROW.row_id) == ROW
        assert tokens.load(KEY) == CREDENTIAL
        versions = {row["part"]: row["version"] for row in rows(path, "pwb_oauth_schema")}
        assert versions == {"sealed": 1, "tokens": 1}

    def test_newer_version_is_refused_and_unharmed(self, held, path):
        """The error says to upgrade; who has read before goes on reading, and writes nothing."""
        change(path, "UPDATE pwb_oauth_schema SET version = 2")
        before = path.read_bytes()
        assert_refuses(held, "upgrade pwb-oauth")
        assert_all_refuse(SqlSealedStore(f"sqlite:///{path}"), "upgrade pwb-oauth")
        assert path.read_bytes() == before

    def test_row_is_read_by_one_statement(self, held):
        """Only who reads for the first time looks whether the tables are there."""
        assert statements(held, lambda: held.get(ROW.row_id)) == 1

    def test_nothing_is_found_by_reading_the_whole_table(self, held):
        """However many rows there are, each call goes by an index."""
        moments = {"logged_in_before": NOW - DAY, "used_before": NOW - DAY}
        for number in range(4):
            old = NOW - (2 * DAY if number % 2 else -DAY)
            held.add(replace(ROW, row_id=f"{number:032x}f"[1:], logged_in_at=old))
        seen = plans(held, lambda: held.purge(**moments))
        seen += plans(held, lambda: held.delete_all("meta.wikimedia.org", "no one"))
        for name in ("logged_in", "last_used", "ended", "of_user"):
            assert any(f"INDEX pwb_oauth_sealed_{name} " in step for step in seen)
        assert not [step for step in seen if "SCAN" in step or "TEMP B-TREE" in step]


def assert_all_refuse(store, words):
    """Every method raises our error, of that type and no other, and says what to do."""
    times = {"logged_in_before": NOW, "used_before": NOW}
    uses = [lambda: store.get(ROW.row_id), lambda: store.delete_all(ROW.wiki, ROW.subject)]
    assert_refuses(store, words, *uses, lambda: store.purge(**times))


def assert_refuses(store, words, *more):
    """What changes something raises our error."""
    for use in (
        lambda: store.add(OTHER),
        lambda: store.locked(ROW.row_id).__enter__(),
        lambda: store.touch(ROW.row_id, NOW + DAY),
        lambda: store.end(ROW.row_id, NOW),
        lambda: store.delete(ROW.row_id),
        *more,
    ):
        with pytest.raises(StoreUnavailableError, match=words) as caught:
            use()
        assert type(caught.value) is StoreUnavailableError
        assert_clean(caught.value)


class TestBadDatabase:
    """One error for all of it, with the operator's next step; what is stored is unharmed."""

    def test_read_only_database_can_be_read(self, held):
        """And nothing else: a refresh is refused before the wiki is asked."""
        pragma(held, "PRAGMA query_only = 1")
        assert held.get(ROW.row_id) == ROW
        assert_refuses(held, "only be read")
        assert held.get(ROW.row_id) == ROW

    def test_full_database_refuses_a_refresh_before_the_wiki_is_asked(self, held, path):
        """Whoever wants to log out can."""
        pages = path.stat().st_size // 4096
        pragma(held, f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreUnavailableError, match="full") as caught, held.locked(ROW.row_id):
            raise AssertionError("the wiki would be asked")
        assert_clean(caught.value)
        assert held.get(ROW.row_id) == ROW
        assert held.delete(ROW.row_id) == ROW

    def test_writer_that_does_not_get_in_raises_before_the_wiki_is_asked(self, held, path, url):
        """An application has written into the same file, and not committed."""
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        impatient = SqlSealedStore(url + "?timeout=0.1")
        assert_refuses(impatient, "held")
        assert impatient.get(ROW.row_id) == ROW
        blocker.execute("ROLLBACK")
        blocker.close()
        with impatient.locked(ROW.row_id) as entry:
            assert replace_it(entry)

    def test_file_that_is_no_database_is_left_alone(self, store, path):
        """It may be something else."""
        path.write_bytes(b"my thesis" * 1000)
        assert_all_refuse(store, "no SQLite database")
        assert path.read_bytes() == b"my thesis" * 1000

    def test_folder_that_is_not_there_is_named_as_the_cause(self, tmp_path):
        """It is not made: the name may be wrong."""
        assert_all_refuse(SqlSealedStore(f"sqlite:///{tmp_path}/no/t.db"), "folder")

    # PyMySQL leaves the socket to the garbage collector, which must come for it here.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    @pytest.mark.parametrize("driver", ["mysql+pymysql", "postgresql+psycopg"])
    def test_server_that_does_not_answer(self, tmp_path, driver):
        """The error names the setting, and no password."""
        parameter = "unix_socket" if driver.startswith("mysql") else "host"
        url = f"{driver}://me:s3cret@/d?{parameter}={tmp_path}"
        with pytest.raises(StoreUnavailableError, match="PWB_OAUTH_DATABASE_URL") as caught:
            SqlSealedStore(url).get(ROW.row_id)
        assert_clean(caught.value)
        del caught
        gc.collect()

    @pytest.mark.parametrize("column", ["logged_in_at", "last_used_at", "ended_at"])
    @pytest.mark.parametrize("value", ["tomorrow", 7, b"\xff"])
    def test_damaged_row_is_an_error_of_ours(self, held, path, column, value):
        """And can be deleted as the error says."""
        held.add(OTHER)
        statement = f"UPDATE pwb_oauth_sealed SET {column} = ? WHERE row_id = ?"  # noqa: S608
        change(path, statement, value, ROW.row_id)
        for use in (lambda: held.get(ROW.row_id), held.locked(ROW.row_id).__enter__):
            with pytest.raises(StoreUnavailableError, match=r"damaged\. Delete it") as caught:
                use()
            assert_clean(caught.value)
        assert held.get(OTHER.row_id) == OTHER

    def test_log_of_sqlalchemy_shows_no_parameter(self, store, caplog):
        """An application may have it log each statement."""
        caplog.set_level("INFO", "sqlalchemy")
        store.add(replace(ROW, sealed="gAAAAsecret"))
        assert store.get(ROW.row_id).sealed == "gAAAAsecret"
        assert "INSERT INTO pwb_oauth_sealed" in caplog.text
        assert "gAAAAsecret" not in caplog.text
        assert ROW.row_id not in caplog.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
class TestFork:
    """A child of a fork, such as a worker of a server that loaded the application first."""

    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_child_waits_for_no_thread_of_its_parent(self, held):
        """A thread of the parent holds the row, and lets it go; its copy in the child does not."""
        release = threading.Event()
        entered = threading.Barrier(2)

        def hold():
            with held.locked(ROW.row_id):
                entered.wait(10)
                release.wait(30)

        with ThreadPoolExecutor(1) as thread:
            holding = thread.submit(hold)
            entered.wait(10)
            child = os.fork()
            if not child:
                code = 1
                try:
                    with held.locked(ROW.row_id) as entry:
                        code = 0 if replace_it(entry) else 2
                finally:
                    os._exit(code)
            release.set()
            holding.result(10)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status == 0
        assert held.get(ROW.row_id) == RENEWED
