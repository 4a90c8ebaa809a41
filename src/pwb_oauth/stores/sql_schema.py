"""The tables of the database store, and the version they are of.

``pwb_oauth_tokens`` has a row for each credential. Its primary key is a digest of wiki and user
name, so that it has one length and no collation: names that differ in case or in a blank at the
end are different accounts in every database. ``pwb_oauth_locks`` has a row for each account that
was ever stored, with nothing in it; that one is locked while a credential is renewed, so that a
logout need not wait for the wiki.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import mysql

from pwb_oauth.errors import TokenStoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.types import TypeEngine

_PART = "tokens"
_ASCII: dict[str, Any] = {"charset": "ascii", "collation": "ascii_bin"}
_UNICODE: dict[str, Any] = {"charset": "utf8mb4", "collation": "utf8mb4_bin"}
# Row locks need InnoDB, whatever the server's default is.
_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mariadb_engine": "InnoDB"}

metadata = MetaData()


def _digits(length: int) -> TypeEngine[str]:
    return String(length).with_variant(mysql.VARCHAR(length, **_ASCII), "mysql", "mariadb")


def _name() -> TypeEngine[str]:
    return Text().with_variant(mysql.TEXT(**_UNICODE), "mysql", "mariadb")


def _text() -> TypeEngine[str]:
    return Text().with_variant(mysql.MEDIUMTEXT(**_ASCII), "mysql", "mariadb")


schema = Table(
    "pwb_oauth_schema",
    metadata,
    Column("part", _digits(16), primary_key=True),
    Column("version", Integer, nullable=False),
    **_OPTIONS,
)

tokens = Table(
    "pwb_oauth_tokens",
    metadata,
    Column("account", _digits(64), primary_key=True),
    Column("wiki", _name(), nullable=False),
    Column("username", _name(), nullable=False),
    Column("oauth_version", _digits(4), nullable=False),
    Column("grants", _name(), nullable=False),  # JSON
    Column("logged_in_at", _digits(32)),  # ISO 8601, UTC
    Column("expires_at", _digits(32)),
    Column("key_id", _digits(8), nullable=False),
    Column("value", _text(), nullable=False),
    **_OPTIONS,
)

locks = Table(
    "pwb_oauth_locks",
    metadata,
    Column("account", _digits(64), primary_key=True),
    Column("reserved", _text(), nullable=False),  # empty, but in a transaction that is rolled back
    **_OPTIONS,
)


def _create_tables(connection: Connection) -> None:
    metadata.create_all(connection, tables=[tokens, locks])


STEPS = (_create_tables,)
"""What leads from each version to the next. A step may be cut off and must then be repeatable,
since MySQL and MariaDB roll back no change of a schema."""


def is_current(connection: Connection, *, made: bool) -> bool:
    """Whether the schema is of the version that this library has.

    Args:
        connection: Where to look.
        made: Whether it is known that there is one.

    Raises:
        TokenStoreError: It is of a newer one.
    """
    return _version(connection, made=made) == len(STEPS)


def upgrade(connection: Connection) -> None:
    """Create or upgrade the tables. Nobody else may do so at the same time.

    Raises:
        TokenStoreError: The schema is of a newer version; nothing was changed.
    """
    before = _version(connection, made=False)
    schema.create(connection, checkfirst=True)
    for step in STEPS[before:]:
        step(connection)
    values: dict[str, Any] = {"version": len(STEPS)}
    changed = connection.execute(update(schema).where(schema.c.part == _PART).values(values))
    if not changed.rowcount:
        connection.execute(insert(schema).values(part=_PART, **values))


def _version(connection: Connection, *, made: bool) -> int:
    """The version of the tables that are there; 0 if none are."""
    if not made and not inspect(connection).has_table(schema.name):
        return 0
    version = connection.scalar(select(schema.c.version).where(schema.c.part == _PART))
    if version is None:
        return 0
    if not isinstance(version, int) or version > len(STEPS):
        raise TokenStoreError(
            f"The tables pwb_oauth_… of the database are of version {version}, made by a newer "
            f"pwb-oauth; this one knows version {len(STEPS)}. Nothing was changed: upgrade "
            "pwb-oauth (pip install -U pwb-oauth)."
        )
    return version
