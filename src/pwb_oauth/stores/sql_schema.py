"""The tables of the database store.

``pwb_oauth_tokens`` has a row for each credential. Its primary key is a digest of wiki and user
name, so that it has one length and no collation: names that differ in case or in a blank at the
end are different accounts in every database. ``pwb_oauth_locks`` has a row for each account that
was ever stored, with nothing in it; that one is locked while a credential is renewed, so that a
logout need not wait for the wiki.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, Table

from pwb_oauth.stores.sql_tables import OPTIONS, Tables, ascii_text, digits, name

if TYPE_CHECKING:
    from sqlalchemy import Connection

metadata = MetaData()

tokens = Table(
    "pwb_oauth_tokens",
    metadata,
    Column("account", digits(64), primary_key=True),
    Column("wiki", name(), nullable=False),
    Column("username", name(), nullable=False),
    Column("oauth_version", digits(4), nullable=False),
    Column("grants", name(), nullable=False),  # JSON
    Column("logged_in_at", digits(32)),  # ISO 8601, UTC
    Column("expires_at", digits(32)),
    Column("key_id", digits(8), nullable=False),
    Column("value", ascii_text(), nullable=False),
    **OPTIONS,
)

locks = Table(
    "pwb_oauth_locks",
    metadata,
    Column("account", digits(64), primary_key=True),
    Column("reserved", ascii_text(), nullable=False),  # empty, but in what is rolled back
    **OPTIONS,
)


def _create_tables(connection: Connection) -> None:
    metadata.create_all(connection)


TABLES = Tables("tokens", (_create_tables,))
