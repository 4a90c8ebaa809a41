"""The Django store: the contract on SQLite and on servers, and what is Django's own."""

from __future__ import annotations

import os
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections, transaction

from django_site.routing import Router
from django_visitor import NO_SERVER, URLS, database, own_database, rows
from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.testing.sealed_contract import SealedStoreContract
from pwb_oauth.testing.sealed_fixtures import numbered
from pwb_oauth.web import purging
from pwb_oauth.web.django import connection
from pwb_oauth.web.django import store as store_module
from pwb_oauth.web.django.store import DjangoSealedStore
from sqlite_writer import writing

__all__ = ["database"]  # the fixture

DAY = timedelta(days=1)
TESTS = str(Path(__file__).parent)
OPENING = """
import os, sys
os.environ.update({environment!r})
sys.path.insert(0, {tests!r})
import django_site
django_site.set_up()
from pwb_oauth.web.django.store import DjangoSealedStore
store = DjangoSealedStore()
"""


class ThreadedStore(DjangoSealedStore):
    """Closes Django's connection of a thread, as Django does when a request is over."""

    def get(self, row_id):
        with over():
            return super().get(row_id)

    def delete_all(self, wiki, subject):
        with over():
            return super().delete_all(wiki, subject)


@contextmanager
def over():
    """The end of a request, in a thread of its own."""
    yield
    if threading.current_thread() is not threading.main_thread():
        connections.close_all()


def opening(**environment: str) -> str:
    """Python that opens the same store in another process."""
    environment = {"DJANGO_SITE_FOLDER": os.environ["DJANGO_SITE_FOLDER"], **environment}
    return OPENING.format(environment=environment, tests=TESTS)


class TestOwnFile(SealedStoreContract):
    """The contract, in an SQLite file of the store's own."""

    @pytest.fixture
    def store(self, database):
        return ThreadedStore()

    @pytest.fixture
    def opening(self):
        return opening(DJANGO_SITE_OWN_FILE="1")

    @pytest.fixture
    def application(self):
        @contextmanager
        def begun():
            with transaction.atomic():
                _write_something()
                yield
                transaction.set_rollback(True)

        return begun

    def test_purge_lets_others_read_until_it_commits(self, store, monkeypatch):
        """Who waits in SQLite until nobody reads lets nobody begin to, and may sleep meanwhile."""
        young, old = numbered(0), numbered(1)
        store.add(young)
        store.add(replace(old, last_used_at=old.last_used_at - 9 * DAY))
        seen = []
        free = store_module._free

        def read_before(rows):
            with ThreadPoolExecutor(1) as another_thread:
                seen.append(another_thread.submit(store.get, young.row_id).result())
            return free(rows)

        monkeypatch.setattr(store_module, "_free", read_before)
        before = young.last_used_at - DAY
        assert store.purge(logged_in_before=before - 9 * DAY, used_before=before) == 1
        assert {row.row_id for row in seen} == {young.row_id}

    def test_purge_that_waits_for_a_writer_holds_nobody_meanwhile(self, store, monkeypatch):
        """It would else go on by fewer rows, and pause for longer, the more others do."""
        old = numbered(1)
        store.add(old)
        held = []
        monkeypatch.setattr(purging, "pause", held.append)
        after = old.last_used_at + DAY
        with writing(connections[store_module._alias()].settings_dict["NAME"], 1.5):
            assert store.purge(logged_in_before=after, used_before=after) == 1
        assert 0 < sum(held) < 1


class TestSiteFile:
    """In the site's own SQLite file, which one transaction has at a time."""

    @pytest.fixture
    def store(self, database, monkeypatch):
        monkeypatch.setattr(Router, "own_file", False)
        monkeypatch.setattr(connection, "LOCK_TIMEOUT", 0.2)
        return DjangoSealedStore()

    def test_it_works_outside_of_transactions(self, store):
        """A refresh, a use and a logout."""
        row = numbered(1)
        store.add(row)
        with store.locked(row.row_id) as held:
            assert held.replace("0000abcd", "new")
        store.touch(row.row_id, row.last_used_at + DAY)
        renewed = replace(row, key_id="0000abcd", sealed="new", last_used_at=row.last_used_at + DAY)
        assert store.get(row.row_id) == renewed
        assert store.delete(row.row_id)

    def test_damaged_row_is_an_error_of_the_store(self, store):
        """SQLite keeps anything where a time should be."""
        store.add(numbered(1))
        with connections["default"].cursor() as cursor:
            cursor.execute("UPDATE pwb_oauth_sealedusersession SET last_used_at = 5")
        with pytest.raises(StoreUnavailableError, match="damaged"):
            store.get(numbered(1).row_id)

    def test_in_a_transaction_it_refuses_before_the_wiki_is_asked(self, store):
        """And says what to do."""
        row = numbered(1)
        store.add(row)
        with transaction.atomic():
            assert store.get(row.row_id) == row
            held = store.locked(row.row_id)
            with pytest.raises(StoreUnavailableError, match="UserSessionRouter"):
                held.__enter__()
        assert store.get(row.row_id) == row

    def test_in_a_transaction_a_use_is_noted_when_it_is_over(self, store):
        """Not by waiting for it."""
        row = numbered(1)
        store.add(row)
        with transaction.atomic():
            _write_something()
            store.touch(row.row_id, row.last_used_at + DAY)
            assert store.get(row.row_id) == row
        assert store.get(row.row_id) == replace(row, last_used_at=row.last_used_at + DAY)


@pytest.fixture(scope="module")
def server(request):
    """A database of its own on a server."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        own_database(request.param, monkeypatch) as db,
    ):
        yield request.param, db


@pytest.mark.skipif(not URLS, reason=NO_SERVER)
@pytest.mark.parametrize("server", ["mariadb", "postgresql"], indirect=True)
class TestServers(SealedStoreContract):
    """The contract, on real servers."""

    @pytest.fixture
    def store(self, server):
        rows().delete()
        return ThreadedStore()

    @pytest.fixture
    def opening(self, server):
        alias, name = server
        return opening(DJANGO_SITE_EVERYTHING=alias, DJANGO_SITE_DATABASE=name)

    @pytest.fixture
    def application(self, server):
        """It has read the rows, has written, and goes on seeing them as they were."""
        alias, _ = server

        @contextmanager
        def begun():
            with transaction.atomic(using=alias):
                list(rows())
                _write_something()
                yield
                transaction.set_rollback(True, using=alias)

        return begun


@pytest.mark.skipif(not URLS, reason=NO_SERVER)
@pytest.mark.parametrize("server", ["mariadb", "postgresql"], indirect=True)
class TestIdle:
    """A job that pauses for longer than the server lets a connection idle."""

    @pytest.fixture
    def store(self, server):
        rows().delete()
        store = DjangoSealedStore()
        store.add(numbered(1))
        return store

    def test_row_is_read_by_a_new_connection(self, store, server):
        """And so are those of one user."""
        for read in (
            lambda: store.get(numbered(1).row_id) == numbered(1),
            lambda: store.delete_all(numbered(1).wiki, numbered(1).subject) == 1,
        ):
            end_connection(server[0])
            assert read()

    @pytest.mark.parametrize("way", ["atomic()", "set_autocommit(False)"])
    def test_transaction_of_the_site_is_not_begun_anew(self, store, server, monkeypatch, way):
        """What it has done before is lost, and it must not go on as if it were not."""
        alias, _ = server
        usual = connections[alias]
        usual.close()
        # As where a transaction reads by the site's connection.
        monkeypatch.setattr(store_module, "_locks_rows", lambda: False)

        def read():
            end_connection(alias)
            store.get(numbered(1).row_id)

        with closing(usual):
            if way == "atomic()":
                read = transaction.atomic(using=alias)(read)
            else:
                usual.set_autocommit(False)
            with pytest.raises(StoreUnavailableError):
                read()


def end_connection(alias):
    """Let the server end the site's connection, as it does with one that is idle for too long."""
    ask, end = {
        "mariadb": ("SELECT CONNECTION_ID()", "KILL %s"),
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%s)"),
    }[alias]
    with connections[alias].cursor() as cursor:
        cursor.execute(ask)
        (number,) = cursor.fetchone()
    other = connections[alias].copy()
    with other.cursor() as cursor:
        cursor.execute(end, [number])
    other.close()


def _write_something():
    from django.contrib.auth.models import User

    User.objects.create(username=secrets.token_hex(4))
