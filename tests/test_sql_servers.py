"""Tests of the database store on real servers: those that PWB_OAUTH_TEST_DB_URLS names.

The variable holds SQLAlchemy URLs, separated by spaces. Each test makes a database (MariaDB, MySQL)
or a schema (PostgreSQL) of its own there and drops it again.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from pwb_oauth import OAuth2AccessToken, SqlTokenStore, TokenKey
from pwb_oauth.errors import ReadOnlyStoreError, StoreUnavailableError, TokenStoreError
from pwb_oauth.stores import turns
from pwb_oauth.stores.sql_schema import TABLES
from pwb_oauth.testing.contract import TokenStoreContract
from test_sql_store import CREDENTIAL, KEY, NEW, OTHER, RENEWED, assert_clean

URLS = os.environ.get("PWB_OAUTH_TEST_DB_URLS", "").split()
NO_SERVER = "PWB_OAUTH_TEST_DB_URLS names no database server (CI: .ci/with-databases)"
AT_ONCE = 2.0
"""Seconds in which a busy machine does what is done at once."""

BEGIN = f"""
import os, sys, threading, time
from dataclasses import replace
from pwb_oauth import OAuth2AccessToken, SqlTokenStore, TokenKey
store = SqlTokenStore(sys.argv[1], {NEW!r})
KEY = TokenKey({KEY.wiki!r}, {KEY.username!r})
"""
HOLD = """
with store.locked(KEY) as held:
    print("held", flush=True)
    sys.stdin.read()
"""
# A child that lives on, forked by one thread while another one holds the lock.
HOLD_AND_FORK = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
entered = threading.Event()
def hold():
    with store.locked(KEY):
        entered.set()
        time.sleep(60)
threading.Thread(target=hold).start()
entered.wait(30)
child = os.fork()
if not child:
    os.close(1)
    time.sleep(60)
    os._exit(0)
print("held", child, flush=True)
"""
COUNT_UP = """
def count_up():
    for _ in range(3):
        with store.locked(KEY) as held:
            number = int(held.credential.access_token.value)
            time.sleep(0.005)
            token = OAuth2AccessToken(str(number + 1), "refresh")
            assert held.replace(held.credential.renewed(token))
threads = [threading.Thread(target=count_up) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
FIRST_USE = """
print("ready", flush=True)
sys.stdin.readline()
for number in range(3):
    assert store.load(TokenKey("w", "Nobody")) is None
    store = SqlTokenStore(sys.argv[1], sys.argv[2])
"""


@contextmanager
def running(url, script):
    """A process that runs a script, once it has said something."""
    process = subprocess.Popen(  # noqa: S603  # our own script
        [sys.executable, "-c", BEGIN + script, url, NEW],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class Server:
    """A place of its own on a database server."""

    def __init__(self, url):
        self._url = make_url(url)
        self.is_postgresql = self._url.get_backend_name() == "postgresql"
        self._name = f"pwb_oauth_test_{secrets.token_hex(6)}"
        self._admin = create_engine(url, poolclass=NullPool)
        self.execute(f"CREATE {'SCHEMA' if self.is_postgresql else 'DATABASE'} {self._name}")

    def drop(self):
        """Leave nothing behind."""
        if self.is_postgresql:
            self.execute(f"DROP SCHEMA {self._name} CASCADE")
        else:
            self.execute(f"DROP DATABASE {self._name}")

    def url(self, options="", **parameters):
        """The URL; ``options`` are PostgreSQL's."""
        if self.is_postgresql:
            parameters["options"] = f"-csearch_path={self._name} {options}".strip()
            parameters["application_name"] = self._name
            named = self._url.update_query_dict(parameters)
        else:
            named = self._url.set(database=self._name).update_query_dict(parameters)
        return named.render_as_string(hide_password=False)

    def execute(self, statement):
        """Do something outside, and return the rows."""
        with self._admin.begin() as connection:
            result = connection.execute(text(statement))
            return result.all() if result.returns_rows else []

    def table(self, name):
        """The full name of a table."""
        return f"{self._name}.{name}"

    def connections(self):
        """The ids of the connections that are open."""
        if self.is_postgresql:
            rows = self.execute("SELECT pid, application_name FROM pg_stat_activity")
        else:
            rows = self.execute("SELECT id, db FROM information_schema.processlist")
        return [number for number, name in rows if name == self._name]

    def cut_off(self):
        """End every connection, as a restart of the server does."""
        for number in self.connections():
            self.execute(
                f"SELECT pg_terminate_backend({number})" if self.is_postgresql else f"KILL {number}"
            )
        self.wait_until_idle()

    def wait_until_idle(self):
        """Wait for the server to notice that connections were closed."""
        give_up_at = time.monotonic() + 5 * AT_ONCE
        while self.connections():
            assert time.monotonic() < give_up_at, "a connection was left open"
            time.sleep(0.02)


@pytest.fixture(
    params=URLS or [pytest.param("", marks=pytest.mark.skip(reason=NO_SERVER))],
    ids=lambda url: url.partition("+")[0] or "none",
)
def server(request):
    """A place of its own on each server."""
    server = Server(request.param)
    yield server
    server.drop()


@pytest.fixture
def store(server):
    """An empty store."""
    return SqlTokenStore(server.url(), NEW)


@pytest.fixture
def held(store):
    """A store that holds one credential."""
    store.save(KEY, CREDENTIAL)
    return store


class TestSqlTokenStore(TokenStoreContract):
    """The contract, on a server."""

    @pytest.fixture
    def store(self, store):
        return store


class TestLocked:
    """Renewing, with others at work."""

    def test_processes_and_threads_take_turns(self, held, server):
        """4 processes with 4 threads each add 1 three times: nothing is lost."""
        held.save(KEY, CREDENTIAL.renewed(OAuth2AccessToken("0", "refresh")))
        workers = [
            subprocess.Popen(  # noqa: S603  # our own script
                [sys.executable, "-c", BEGIN + COUNT_UP, server.url()], stderr=subprocess.PIPE
            )
            for _ in range(4)
        ]
        assert [worker.communicate(timeout=60)[1] for worker in workers] == [b""] * 4
        assert held.load(KEY).access_token.value == "48"

    def test_kill_lets_go_at_once(self, held, server):
        """What SIGKILL leaves behind locks nobody out."""
        with running(server.url(), HOLD) as holder:
            assert holder.stdout.readline() == "held\n"
            with ThreadPoolExecutor(1) as thread:
                waiting = thread.submit(held.save, KEY, RENEWED)
                threading.Event().wait(0.2)
                assert not waiting.done()
                holder.kill()
                began = time.monotonic()
                waiting.result(30)
                assert time.monotonic() - began < AT_ONCE
        assert held.load(KEY) == RENEWED

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    def test_child_of_a_fork_does_not_keep_the_lock(self, held, server):
        """The parent is killed; its child, which was forked meanwhile, lives on."""
        with running(server.url(), HOLD_AND_FORK) as holder:
            child = int(holder.stdout.readline().split()[1])
            try:
                holder.kill()
                began = time.monotonic()
                with held.locked(KEY) as entry:
                    assert entry.replace(RENEWED)
                assert time.monotonic() - began < AT_ONCE
                os.kill(child, 0)
            finally:
                os.kill(child, signal.SIGKILL)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_child_that_leaves_the_block_does_not_harm_its_parent(self, held):
        """Its end of the connection goes nowhere."""
        with held.locked(KEY) as entry:
            child = os.fork()
            if child:
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                with ThreadPoolExecutor(1) as thread:
                    thread.submit(held.save, OTHER, CREDENTIAL).result(30)
                assert entry.replace(RENEWED)
        if not child:
            code = 1
            try:
                code = 0 if held.load(KEY) == CREDENTIAL else 2
            finally:
                os._exit(code)
        assert held.load(KEY) == RENEWED

    def test_logout_does_not_wait_for_a_renewal(self, held):
        """And is not undone by it, nor is a login that follows."""
        with held.locked(KEY) as entry, ThreadPoolExecutor(1) as thread:
            assert thread.submit(held.forget, KEY).result(10) is True
            assert entry.replace(RENEWED) is False
        held.save(KEY, RENEWED)
        assert held.load(KEY) == RENEWED

    def test_connection_that_is_lost_meanwhile_loses_no_token(self, held, server):
        """The server was restarted while the wiki was asked."""
        with held.locked(KEY) as entry:
            server.cut_off()
            assert entry.replace(RENEWED) is True
        assert held.load(KEY) == RENEWED

    def test_connection_that_is_lost_does_not_hide_an_error(self, held, server):
        """What went wrong inside gets out."""
        entered = held.locked(KEY)
        entered.__enter__()
        server.cut_off()
        error = ZeroDivisionError()
        assert not entered.__exit__(type(error), error, None)
        assert held.load(KEY) == CREDENTIAL

    def test_no_connection_is_open_while_nothing_is_going_on(self, held, server):
        """One while a lock is held, however many threads wait for it, and none after that."""
        server.wait_until_idle()
        with ThreadPoolExecutor(8) as threads:
            with held.locked(KEY):
                waiting = [threads.submit(held.save, KEY, CREDENTIAL) for _ in range(8)]
                threading.Event().wait(0.3)
                assert len(server.connections()) == 1
            for each in waiting:
                each.result(30)
        server.wait_until_idle()

    def test_renewals_of_a_process_are_capped(self, held, server):
        """Servers limit the connections of a user."""
        release = threading.Event()
        holding = []

        def hold(number):
            with held.locked(TokenKey(KEY.wiki, f"User {number}")):
                holding.append(number)
                release.wait(30)

        with ThreadPoolExecutor(7) as threads:
            renewals = [threads.submit(hold, number) for number in range(7)]
            give_up_at = time.monotonic() + 5 * AT_ONCE
            while len(holding) < turns.MAX_HELD and time.monotonic() < give_up_at:
                time.sleep(0.05)
            threading.Event().wait(0.3)
            assert len(holding) == len(server.connections()) == turns.MAX_HELD
            release.set()
            for each in renewals:
                each.result(30)
        assert len(holding) == 7

    def test_settings_of_the_server_do_not_weaken_it(self, held, server, monkeypatch):
        """Isolation level, autocommit, time-outs: the next one waits, and sees what was written."""
        monkeypatch.setattr(turns.turns, "lock", lambda *_: threading.Lock())
        if server.is_postgresql:
            limits = "-cstatement_timeout=500 -cidle_in_transaction_session_timeout=500"
            level = "-cdefault_transaction_isolation=serializable"
            url = server.url(f"{level} {limits} -clock_timeout=500")
        else:
            limits = "wait_timeout = 1, innodb_lock_wait_timeout = 1, autocommit = 1"
            url = server.url(init_command=f"SET SESSION {limits}", autocommit="true")
        store = SqlTokenStore(url, NEW)

        def second():
            with store.locked(KEY) as entry:
                return entry.credential

        with ThreadPoolExecutor(1) as thread:
            with store.locked(KEY) as entry:
                waiting = thread.submit(second)
                threading.Event().wait(2)
                assert not waiting.done()
                assert len(server.connections()) == 2
                assert entry.replace(RENEWED) is True
            assert waiting.result(30) == RENEWED


class TestSchema:
    """The tables' version."""

    def test_processes_may_come_first_together(self, server):
        """One of them makes the tables, and none fails."""
        for _ in range(2):
            workers = [
                subprocess.Popen(  # noqa: S603  # our own script
                    [sys.executable, "-c", BEGIN + FIRST_USE, server.url(), NEW],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
                for _ in range(4)
            ]
            for worker in workers:
                worker.stdout.readline()
            for worker in workers:
                worker.stdin.write(b"\n")
                worker.stdin.flush()
            assert [worker.communicate(timeout=60)[1] for worker in workers] == [b""] * 4
            versions = server.execute(f"SELECT * FROM {server.table('pwb_oauth_schema')}")  # noqa: S608
            assert [tuple(row) for row in versions] == [("tokens", 1)]
            for table in ("schema", "tokens", "locks"):
                server.execute(f"DROP TABLE {server.table('pwb_oauth_' + table)}")

    def test_newer_version_is_refused_and_unharmed(self, held, server):
        """By those who have used it before, too."""
        server.execute(f"UPDATE {server.table('pwb_oauth_schema')} SET version = 2")  # noqa: S608
        for store in (held, SqlTokenStore(server.url(), NEW)):
            with pytest.raises(TokenStoreError, match="upgrade pwb-oauth") as caught:
                store.save(KEY, RENEWED)
            assert_clean(caught.value)
        server.execute(f"UPDATE {server.table('pwb_oauth_schema')} SET version = 1")  # noqa: S608
        assert held.load(KEY) == CREDENTIAL

    def test_older_version_is_upgraded_and_keeps_its_rows(self, held, server, monkeypatch):
        """A step that was cut off is done again, by one of those who come then."""
        steps = []

        def step(connection):
            steps.append(1)
            threading.Event().wait(0.2)
            connection.execute(
                text("ALTER TABLE pwb_oauth_tokens ADD COLUMN IF NOT EXISTS more INTEGER")
            )
            if fails:
                raise StoreUnavailableError("cut off")

        monkeypatch.setattr(TABLES, "steps", (*TABLES.steps, step))
        fails = True
        with pytest.raises(StoreUnavailableError, match="cut off"):
            held.load(KEY)
        fails = False
        steps.clear()
        with ThreadPoolExecutor(4) as threads:
            loaded = threads.map(lambda _: held.load(KEY), range(4))
        assert list(loaded) == [CREDENTIAL] * 4
        assert steps == [1]
        versions = server.execute(f"SELECT version FROM {server.table('pwb_oauth_schema')}")  # noqa: S608
        assert [row[0] for row in versions] == [2]

    def test_names_differ_by_case_and_blanks(self, store):
        """Whatever the server's collation."""
        names = ["Example user", "Example User", "Éxample user", "Example useṙ", "🐘" * 60]
        for name in names:
            store.save(TokenKey(KEY.wiki, name), CREDENTIAL)
        assert {entry.key.username for entry in store.entries()} == set(names)


class TestBadServer:
    """Each has its own error, and what is stored is unharmed."""

    def test_server_that_can_only_be_read(self, held, server):
        """A renewal is refused before the wiki is asked."""
        if server.is_postgresql:
            url = server.url("-cdefault_transaction_read_only=on")
        else:
            url = server.url(init_command="SET SESSION TRANSACTION READ ONLY")
        reader = SqlTokenStore(url, NEW)
        assert reader.load(KEY) == CREDENTIAL
        for use in (
            lambda: reader.locked(KEY).__enter__(),
            lambda: reader.save(KEY, RENEWED),
            lambda: reader.forget(KEY),
        ):
            with pytest.raises(ReadOnlyStoreError, match="only be read") as caught:
                use()
            assert_clean(caught.value)
        assert held.load(KEY) == CREDENTIAL

    def test_row_that_is_held_too_long_is_said(self, held, server, monkeypatch):
        """By a script that hangs, on another machine perhaps."""
        with held.locked(KEY):
            pass  # now the row of the lock is there
        waiting = SqlTokenStore(server.url(), NEW)
        monkeypatch.setattr(waiting._rows._database, "lock_timeout", 1)
        with held._rows._database._engine.connect() as other:
            other.execute(text("SELECT * FROM pwb_oauth_locks FOR UPDATE"))
            with pytest.raises(StoreUnavailableError, match="Look for a script"):
                waiting.locked(KEY).__enter__()
            other.rollback()
        assert held.load(KEY) == CREDENTIAL

    def test_wrong_password_is_not_repeated(self, server):
        """Nor anything else that the server says."""
        url = make_url(server.url()).set(username="nobody_here", password="s3cret")
        store = SqlTokenStore(url.render_as_string(hide_password=False), NEW)
        with pytest.raises(StoreUnavailableError, match="PWB_OAUTH_STORE") as caught:
            store.entries()
        assert_clean(caught.value)
        assert "nobody_here" not in str(caught.value)

    def test_connection_that_is_lost_is_an_error_of_ours(self, held, server):
        """The next call opens another one."""

        def work(connection):
            server.cut_off()
            return connection.execute(text("SELECT 1")).scalar()

        with pytest.raises(StoreUnavailableError) as caught:
            held._rows._database.run(work)
        assert_clean(caught.value)
        assert held.load(KEY) == CREDENTIAL
