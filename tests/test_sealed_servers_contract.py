"""The contract of the web tools' stores, on the servers that PWB_OAUTH_TEST_DB_URLS names."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import NullPool, create_engine, text

from pwb_oauth.testing.sealed_contract import SealedStoreContract
from pwb_oauth.web.sql import SqlSealedStore
from test_sql_servers import server

__all__ = ["server"]  # the fixture


class TestSqlSealedStore(SealedStoreContract):
    """The contract, on a server."""

    @pytest.fixture
    def store(self, server):
        return SqlSealedStore(server.url())

    @pytest.fixture
    def opening(self, server):
        url = server.url()
        return f"from pwb_oauth.web.sql import SqlSealedStore\nstore = SqlSealedStore({url!r})"

    @pytest.fixture
    def application(self, server):
        """It has written, has read the rows, and goes on seeing them as they were."""

        @contextmanager
        def begun():
            engine = create_engine(
                server.url(), poolclass=NullPool, isolation_level="REPEATABLE READ"
            )
            with engine.connect() as connection:
                connection.execute(text("CREATE TEMPORARY TABLE of_the_application (x INTEGER)"))
                connection.execute(text("INSERT INTO of_the_application VALUES (1)"))
                connection.execute(text("SELECT * FROM pwb_oauth_sealed")).all()
                yield
                connection.rollback()

        return begun
