"""What tables are made of, which version they are of, and how they are made and upgraded.

Each part of the library that keeps something has its tables, and a row in ``pwb_oauth_schema``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    DateTime,
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
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection
    from sqlalchemy.types import TypeEngine

ASCII: dict[str, Any] = {"charset": "ascii", "collation": "ascii_bin"}
UNICODE: dict[str, Any] = {"charset": "utf8mb4", "collation": "utf8mb4_bin"}
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mariadb_engine": "InnoDB"}
"""Row locks need InnoDB, whatever the server's default is."""


def digits(length: int) -> TypeEngine[str]:
    """A type for that many ASCII characters at most."""
    return String(length).with_variant(mysql.VARCHAR(length, **ASCII), "mysql", "mariadb")


def label(length: int) -> TypeEngine[str]:
    """A type for that many characters at most, which are equal only to themselves."""
    return String(length).with_variant(mysql.VARCHAR(length, **UNICODE), "mysql", "mariadb")


def name() -> TypeEngine[str]:
    """A type for any characters, which are equal only to themselves."""
    return Text().with_variant(mysql.TEXT(**UNICODE), "mysql", "mariadb")


def ascii_text() -> TypeEngine[str]:
    """A type for ASCII of any length."""
    return Text().with_variant(mysql.MEDIUMTEXT(**ASCII), "mysql", "mariadb")


def moment() -> TypeEngine[datetime]:
    """A type for a time in UTC, naive as databases have it."""
    return DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


schema = Table(
    "pwb_oauth_schema",
    MetaData(),
    Column("part", digits(16), primary_key=True),
    Column("version", Integer, nullable=False),
    **OPTIONS,
)


@dataclass
class Tables:
    """The tables of one part of the library.

    Attributes:
        part: Which one.
        steps: What leads from each version to the next. A step may be cut off and must then be
            repeatable, since MySQL and MariaDB roll back no change of a schema.
    """

    part: str
    steps: tuple[Callable[[Connection], None], ...]

    def are_current(self, connection: Connection, *, made: bool) -> bool:
        """Whether they are of the version that this library has.

        Args:
            connection: Where to look.
            made: Whether it is known that there are any.

        Raises:
            TokenStoreError: They are of a newer one.
        """
        return self._version(connection, made=made) == len(self.steps)

    def upgrade(self, connection: Connection) -> None:
        """Create or upgrade them. Nobody else may do so at the same time.

        Raises:
            TokenStoreError: They are of a newer version; nothing was changed.
        """
        before = self._version(connection, made=False)
        schema.create(connection, checkfirst=True)
        for step in self.steps[before:]:
            step(connection)
        values: dict[str, Any] = {"version": len(self.steps)}
        there = update(schema).where(schema.c.part == self.part)
        if not connection.execute(there.values(values)).rowcount:
            connection.execute(insert(schema).values(part=self.part, **values))

    def _version(self, connection: Connection, *, made: bool) -> int:
        """The version of the tables that are there; 0 if none are."""
        if not made and not inspect(connection).has_table(schema.name):
            return 0
        version = connection.scalar(select(schema.c.version).where(schema.c.part == self.part))
        if version is None:
            return 0
        if not isinstance(version, int) or version > len(self.steps):
            raise TokenStoreError(
                f"The tables pwb_oauth_… of the database are of version {version}, made by a newer "
                f"pwb-oauth; this one knows version {len(self.steps)}. Nothing was changed: "
                "upgrade pwb-oauth (pip install -U pwb-oauth)."
            )
        return version
