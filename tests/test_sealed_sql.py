"""Tests of the web tools' database store on SQLite, and of what is the same in every database."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

import pytest

from pwb_oauth.testing.sealed_contract import SealedStoreContract
from pwb_oauth.web.sql import SqlSealedStore


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
        @contextmanager
        def begun():
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("BEGIN")
            yield
            connection.execute("ROLLBACK")
            connection.close()

        return begun
