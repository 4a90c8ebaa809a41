"""Tests of the web tools' database store on the servers that PWB_OAUTH_TEST_DB_URLS names."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import OperationalError

from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.stores import retrying, turns
from pwb_oauth.web import purging
from pwb_oauth.web.sealed_store import LOCK_TIMEOUT
from pwb_oauth.web.sql import SqlSealedStore
from test_sealed_sql import (
    DAY,
    NOW,
    OTHER,
    RENEWED,
    ROW,
    assert_refuses,
    engine_of,
    replace_it,
    statements,
)
from test_sql_servers import AT_ONCE, server
from test_sql_store import assert_clean

__all__ = ["server"]  # the fixture

# A child that lives on, forked by one thread while another one holds the row.
HOLD_AND_FORK = """
import os, sys, threading, time, warnings
from pwb_oauth.web.sql import SqlSealedStore
warnings.simplefilter("ignore", DeprecationWarning)
store = SqlSealedStore(sys.argv[1])
entered = threading.Event()
def hold():
    with store.locked(sys.argv[2]):
        entered.set()
        time.sleep(60)
threading.Thread(target=hold).start()
entered.wait(30)
child = os.fork()
if not child:
    os.close(1)
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
"""
FIRST_USE = """
import sys
from pwb_oauth.web.sql import SqlSealedStore
store = SqlSealedStore(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
assert store.get(sys.argv[2]) is None
"""


@contextmanager
def running(script, server):
    """A process that runs a script."""
    process = subprocess.Popen(  # noqa: S603  # our own script
        [sys.executable, "-c", script, server.url(), ROW.row_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def store(server):
    """An empty store."""
    return SqlSealedStore(server.url())


@pytest.fixture
def held(store):
    """A store that holds one row."""
    store.add(ROW)
    return store


class TestLocked:
    """Refreshing, with others at work."""

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    def test_child_of_a_fork_does_not_keep_the_lock(self, held, server):
        """The parent is killed; its child, which was forked meanwhile, lives on."""
        with running(HOLD_AND_FORK, server) as holder:
            child = int(holder.stdout.readline())
            try:
                holder.kill()
                began = time.monotonic()
                with held.locked(ROW.row_id) as entry:
                    assert replace_it(entry)
                assert time.monotonic() - began < AT_ONCE
                os.kill(child, 0)
            finally:
                os.kill(child, signal.SIGKILL)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_child_that_leaves_the_block_does_not_harm_its_parent(self, held, server):
        """Its end of the connection goes nowhere."""
        held.add(OTHER)
        impatient = SqlSealedStore(server.url())
        impatient._rows.database.lock_timeout = 1
        with held.locked(ROW.row_id) as entry:
            child = os.fork()
            if child:
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                with pytest.raises(StoreUnavailableError, match="held"):
                    impatient.end(ROW.row_id, NOW)
                assert replace_it(entry)
        if not child:
            code = 1
            try:
                code = 0 if held.delete(OTHER.row_id) else 2
            finally:
                os._exit(code)
        assert held.get(ROW.row_id) == RENEWED
        assert held.get(OTHER.row_id) is None

    def test_connection_that_is_lost_meanwhile_loses_no_token(self, held, server):
        """The server was restarted while the wiki was asked."""
        with held.locked(ROW.row_id) as entry:
            server.cut_off()
            assert replace_it(entry) is True
        assert held.get(ROW.row_id) == RENEWED

    def test_row_that_goes_while_the_lock_is_lost_does_not_come_back(self, held, server):
        """Nor is what came into its place overwritten."""
        held.add(OTHER)
        with held.locked(ROW.row_id) as entry:
            server.cut_off()
            with ThreadPoolExecutor(1) as thread:
                thread.submit(SqlSealedStore(server.url())._rows.delete, ROW.row_id, ends=None)
            assert replace_it(entry) is False
        with held.locked(OTHER.row_id) as entry:
            server.cut_off()
            server.execute(f"UPDATE {server.table('pwb_oauth_sealed')} SET sealed = 'later'")  # noqa: S608
            assert replace_it(entry) is False
        assert held.get(ROW.row_id) is None
        assert held.get(OTHER.row_id).sealed == "later"

    def test_second_try_does_not_wait_for_the_first(self, held, monkeypatch):
        """The connection that holds the row lives on, but did not do it."""
        monkeypatch.setattr(retrying, "RETRY_TIME", 1.0)
        held._rows.database.lock_timeout = 1
        failed = []

        def fail_once(connection, cursor, statement, *_):
            if "SET key_id" in statement and not failed:
                failed.append(1)
                raise OperationalError(statement, {}, Exception("s3cret"))

        event.listen(engine_of(held), "before_cursor_execute", fail_once)
        with held.locked(ROW.row_id) as entry:
            assert replace_it(entry) is True
        assert failed == [1]
        assert held.get(ROW.row_id) == RENEWED

    def test_connection_that_is_lost_does_not_hide_an_error(self, held, server):
        """What went wrong inside gets out."""
        entered = held.locked(ROW.row_id)
        entered.__enter__()
        server.cut_off()
        error = ZeroDivisionError()
        assert not entered.__exit__(type(error), error, None)
        assert held.get(ROW.row_id) == ROW

    def test_no_connection_is_open_while_nothing_is_going_on(self, held, server):
        """One while a row is held, however many threads wait for it, and none after that."""
        server.wait_until_idle()
        with ThreadPoolExecutor(8) as threads:
            with held.locked(ROW.row_id):
                waiting = [threads.submit(held.delete, ROW.row_id) for _ in range(8)]
                threading.Event().wait(0.3)
                assert len(server.connections()) == 1
            assert [each.result(30) for each in waiting].count(None) == 7
        server.wait_until_idle()

    def test_held_rows_of_a_process_are_capped(self, store, server):
        """Servers limit the connections of a user."""
        release = threading.Event()
        holding = []
        ids = [f"{number:032x}" for number in range(7)]
        for row_id in ids:
            store.add(replace(ROW, row_id=row_id))

        def hold(row_id):
            with store.locked(row_id):
                holding.append(row_id)
                release.wait(30)

        with ThreadPoolExecutor(7) as threads:
            refreshes = [threads.submit(hold, row_id) for row_id in ids]
            give_up_at = time.monotonic() + 5 * AT_ONCE
            while len(holding) < turns.MAX_HELD and time.monotonic() < give_up_at:
                time.sleep(0.05)
            threading.Event().wait(0.3)
            assert len(holding) == len(server.connections()) == turns.MAX_HELD
            release.set()
            for each in refreshes:
                each.result(30)
        assert sorted(holding) == ids

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
        store = SqlSealedStore(url)

        def second():
            with store.locked(ROW.row_id) as entry:
                return entry.row

        with ThreadPoolExecutor(1) as thread:
            with store.locked(ROW.row_id) as entry:
                waiting = thread.submit(second)
                threading.Event().wait(2)
                assert not waiting.done()
                assert len(server.connections()) == 2
                assert replace_it(entry) is True
            assert waiting.result(30) == RENEWED

    def test_row_that_is_held_too_long_is_said(self, held, server):
        """By a script that hangs, on another machine perhaps; nobody waits for minutes."""
        impatient = SqlSealedStore(server.url())
        impatient._rows.database.lock_timeout = 1
        with engine_of(held).connect() as other:
            other.execute(text("SELECT * FROM pwb_oauth_sealed FOR UPDATE"))
            began = time.monotonic()
            for use in (
                lambda: impatient.locked(ROW.row_id).__enter__(),
                lambda: impatient.delete(ROW.row_id),
                lambda: impatient.end(ROW.row_id, NOW),
            ):
                with pytest.raises(StoreUnavailableError, match="Look for a script") as caught:
                    use()
                assert_clean(caught.value)
            assert time.monotonic() - began < 3 + 2 * AT_ONCE
            other.rollback()
        assert held.get(ROW.row_id) == ROW


class _Purge:
    """A purge that stops in the middle of each batch, when it has chosen its rows."""

    def __init__(self, server):
        store = SqlSealedStore(server.url())
        self.purge = store.purge
        self.has_chosen = threading.Event()
        self.may_delete = threading.Event()
        event.listen(engine_of(store), "before_cursor_execute", self._stop)

    def _stop(self, connection, cursor, statement, *_):
        if statement.startswith("DELETE"):
            self.has_chosen.set()
            self.may_delete.wait(10)


class TestTogether:
    """Whatever is done at the same time, none fails."""

    def test_purges_do_not_wait_for_each_other(self, server, store):
        """One finishes while another one, which looked at some of its rows, is in mid-batch."""
        for number in range(60):
            at = NOW - (60 - number) * DAY
            used = at if number >= 10 else NOW
            row_id = f"{number:032x}"
            store.add(replace(ROW, row_id=row_id, logged_in_at=at, last_used_at=used))
        never = NOW - 99 * DAY
        first, second = _Purge(server), _Purge(server)
        with ThreadPoolExecutor(2) as threads:
            one = threads.submit(first.purge, logged_in_before=NOW - 45 * DAY, used_before=never)
            assert first.has_chosen.wait(10)
            other = threads.submit(second.purge, logged_in_before=never, used_before=NOW - 35 * DAY)
            assert second.has_chosen.wait(10)
            first.may_delete.set()
            try:
                assert one.result(LOCK_TIMEOUT / 2) == 15
            finally:
                second.may_delete.set()
            assert other.result(10) == 10

    def test_row_that_is_used_while_a_purge_chooses_is_kept(self, held, server):
        """Its visitor came back at the last moment."""
        other = SqlSealedStore(server.url())
        held.add(OTHER)

        def use(connection, cursor, statement, *_):
            if " IN (" in statement:
                other.touch(ROW.row_id, NOW + DAY)

        event.listen(engine_of(held), "before_cursor_execute", use)
        assert held.purge(logged_in_before=NOW - DAY, used_before=NOW + DAY / 2) == 1
        assert held.get(ROW.row_id) == replace(ROW, last_used_at=NOW + DAY)
        assert held.get(OTHER.row_id) is None

    def test_no_two_wait_for_each_other(self, store, monkeypatch):
        """Two purges, and everything else, on few rows: no deadlock."""
        monkeypatch.setattr(purging, "BATCH", 10)
        monkeypatch.setattr(purging, "pause", lambda _: None)
        ids = []

        def add():
            row_id = f"{random.getrandbits(128):032x}"
            unused = NOW - random.randrange(20) * DAY  # noqa: S311
            store.add(replace(ROW, row_id=row_id, last_used_at=unused))
            ids.append(row_id)

        def some():
            return random.choice(ids[-20:])  # noqa: S311

        def refresh():
            with store.locked(some()) as entry:
                replace_it(entry)

        uses = [
            add,
            refresh,
            lambda: store.touch(some(), NOW - random.randrange(20) * DAY),  # noqa: S311
            lambda: store.end(some(), NOW),
            lambda: store.delete(some()),
            *[lambda: store.purge(logged_in_before=NOW, used_before=NOW - 10 * DAY)] * 2,
        ]
        for _ in range(30):
            add()
        stop = time.monotonic() + AT_ONCE

        def go_on(use):
            while time.monotonic() < stop:
                use()

        with ThreadPoolExecutor(len(uses)) as threads:
            for each in [threads.submit(go_on, use) for use in uses]:
                each.result(60)


class TestSchema:
    """The table, its version and its indices."""

    def test_processes_may_come_first_together(self, server):
        """One of them makes the table, and none fails."""
        with running(FIRST_USE, server) as first, running(FIRST_USE, server) as second:
            for worker in (first, second):
                assert worker.stdout.readline() == "ready\n"
            for worker in (first, second):
                worker.stdin.write("\n")
                worker.stdin.flush()
            assert [worker.communicate(timeout=60)[1] for worker in (first, second)] == ["", ""]
        versions = server.execute(f"SELECT * FROM {server.table('pwb_oauth_schema')}")  # noqa: S608
        assert [tuple(row) for row in versions] == [("sealed", 1)]

    def test_newer_version_is_refused_and_unharmed(self, held, server):
        """Who has used it before goes on reading, and writes nothing."""
        server.execute(f"UPDATE {server.table('pwb_oauth_schema')} SET version = 2")  # noqa: S608
        new = SqlSealedStore(server.url())
        assert_refuses(held, "upgrade pwb-oauth", lambda: new.get(ROW.row_id))
        server.execute(f"UPDATE {server.table('pwb_oauth_schema')} SET version = 1")  # noqa: S608
        assert held.get(ROW.row_id) == ROW

    def test_row_is_read_by_one_statement(self, held):
        """Only who reads for the first time looks whether the tables are there."""
        assert statements(held, lambda: held.get(ROW.row_id)) == 1

    def test_nothing_is_found_by_reading_the_whole_table(self, store, server):
        """However many rows there are, each call goes by an index."""
        with engine_of(store).begin() as connection:
            store.get(ROW.row_id)
            rows = [vars(_aged(number)) | {"reserved": ""} for number in range(3000)]
            columns = ", ".join(rows[0])
            values = ", ".join(f":{name}" for name in rows[0])
            statement = f"INSERT INTO pwb_oauth_sealed ({columns}) VALUES ({values})"  # noqa: S608
            connection.execute(text(statement), rows)
        analyze = "ANALYZE" if server.is_postgresql else "ANALYZE TABLE"
        with engine_of(store).begin() as connection:
            connection.execute(text(f"{analyze} pwb_oauth_sealed")).close()
        plan = _plan(
            store,
            lambda: (
                store.get(ROW.row_id),
                store.delete_all("meta.wikimedia.org", "17"),
                store.purge(logged_in_before=NOW - 2999 * DAY, used_before=NOW - 2999 * DAY),
            ),
        )
        for name in ("logged_in", "last_used", "ended", "of_user"):
            assert f"pwb_oauth_sealed_{name}" in plan
        assert "Seq Scan" not in plan
        assert "'ALL'" not in plan


def _aged(number):
    at = (NOW - number * DAY).replace(tzinfo=None)
    return replace(
        ROW,
        row_id=f"{number:032x}",
        subject=str(number),
        logged_in_at=at,
        last_used_at=at,
        ended_at=at if number % 1000 == 17 else None,
    )


def _plan(store, do):
    """What EXPLAIN says of each SELECT of a call."""
    plan = []

    def explain(connection, cursor, statement, parameters, context, many):
        if statement.startswith("SELECT") and "FROM pwb_oauth_sealed" in statement:
            with connection.connection.cursor() as another:
                another.execute(f"EXPLAIN {statement}", parameters)
                plan.extend(map(str, another.fetchall()))

    event.listen(engine_of(store), "before_cursor_execute", explain)
    do()
    return "\n".join(plan)


class TestBadServer:
    """One error for all of it, with the operator's next step; what is stored is unharmed."""

    def test_server_that_can_only_be_read(self, held, server):
        """A refresh is refused before the wiki is asked."""
        if server.is_postgresql:
            url = server.url("-cdefault_transaction_read_only=on")
        else:
            url = server.url(init_command="SET SESSION TRANSACTION READ ONLY")
        reader = SqlSealedStore(url)
        assert reader.get(ROW.row_id) == ROW
        assert_refuses(reader, "only be read")
        assert held.get(ROW.row_id) == ROW

    def test_wrong_password_is_not_repeated(self, server):
        """Nor anything else that the server says; the setting is named."""
        url = make_url(server.url()).set(username="nobody_here", password="s3cret")
        store = SqlSealedStore(url.render_as_string(hide_password=False))
        with pytest.raises(StoreUnavailableError, match="PWB_OAUTH_DATABASE_URL") as caught:
            store.get(ROW.row_id)
        assert_clean(caught.value)
        assert "nobody_here" not in str(caught.value)

    def test_connection_that_is_lost_is_an_error_of_ours(self, held, server):
        """The next call opens another one."""
        cut = []

        def cut_off(*_):
            if not cut:
                cut.append(1)
                server.cut_off()

        event.listen(engine_of(held), "before_cursor_execute", cut_off)
        with pytest.raises(StoreUnavailableError) as caught:
            held.get(ROW.row_id)
        assert_clean(caught.value)
        assert held.get(ROW.row_id) == ROW
