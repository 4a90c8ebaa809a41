"""The credentials in a database, as rows."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from pwb_oauth.encryption import Encrypted
from pwb_oauth.errors import ConfigurationError, TokenStoreError
from pwb_oauth.stores.sql_schema import tokens
from pwb_oauth.tokens import TokenEntry, TokenKey

if TYPE_CHECKING:
    from sqlalchemy import Connection, Delete, RowMapping, Update

    from pwb_oauth.credential import OAuthVersion
    from pwb_oauth.stores.sql_database import Database


class CredentialRows:
    """The rows of ``pwb_oauth_tokens``. Each method is a transaction of its own.

    Every method raises TokenStoreError if the database does not do it.
    """

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database

    def find(self, account: str, inside: Connection | None = None) -> Encrypted | None:
        """The credential of an account.

        Args:
            account: What :func:`account_of` returned, here and below.
            inside: The connection that holds the account's lock, if one does.
        """
        wanted = select(tokens.c.key_id, tokens.c.value).where(tokens.c.account == account)
        row = self._database.run(
            lambda connection: connection.execute(wanted).first(), inside=inside
        )
        return None if row is None else Encrypted(str(row.key_id), str(row.value))

    def put(self, entry: TokenEntry, encrypted: Encrypted) -> None:
        """Write a credential, in the place of one that is there."""
        row = _row(entry, encrypted)

        def write(connection: Connection) -> None:
            # No upsert: databases write it differently, and hide whether there was a row.
            there = update(tokens).where(tokens.c.account == row["account"])
            if not connection.execute(there.values(row)).rowcount:
                connection.execute(insert(tokens).values(row))

        self._database.run(write, write=True)

    def replace(self, entry: TokenEntry, encrypted: Encrypted, read: str) -> bool:
        """Write a credential in the place of the one that was read.

        It may be repeated when it is not known whether it succeeded.

        Args:
            entry: What is known of it.
            encrypted: The credential.
            read: The encrypted text that it is to replace.

        Returns:
            Whether it is written now. False if another one is there, or none.
        """
        row = _row(entry, encrypted)
        statement = (
            update(tokens)
            .where(tokens.c.account == row["account"])
            .where(tokens.c.value.in_([read, encrypted.value]))
            .values(row)
        )
        return self._changes(statement)

    def delete(self, account: str) -> bool:
        """Delete a row, and say whether there was one."""
        return self._changes(delete(tokens).where(tokens.c.account == account))

    def entries(self, store: str) -> tuple[TokenEntry, ...]:
        """What is there, sorted by key. No encrypted text is read.

        Args:
            store: The URL of the store, for the entries.
        """
        columns = [column for column in tokens.c if column.name not in ("account", "value")]
        wanted = select(*columns)
        rows = self._database.run(lambda connection: connection.execute(wanted).mappings().all())
        return tuple(sorted((_entry(row, store) for row in rows), key=lambda entry: entry.key))

    def _changes(self, statement: Delete | Update) -> bool:
        return self._database.run(
            lambda connection: connection.execute(statement).rowcount > 0, write=True
        )


def account_of(key: TokenKey) -> str:
    """The primary key of an account's row: 64 hexadecimal digits.

    Raises:
        ConfigurationError: The user name holds half a character, as no wiki's does.
    """
    try:
        return hashlib.sha256(f"{key.wiki}\0{key.username}".encode()).hexdigest()
    except UnicodeEncodeError:
        problem = "The user name or the wiki's is not Unicode. Write it anew."
    raise ConfigurationError(problem)


def _row(entry: TokenEntry, encrypted: Encrypted) -> dict[str, Any]:
    return {
        "account": account_of(entry.key),
        "wiki": entry.key.wiki,
        "username": entry.key.username,
        "oauth_version": entry.oauth_version,
        "grants": json.dumps(entry.grants),
        "logged_in_at": _write_time(entry.logged_in_at),
        "expires_at": _write_time(entry.expires_at),
        "key_id": encrypted.key_id,
        "value": encrypted.value,
    }


def _entry(row: RowMapping, store: str) -> TokenEntry:
    try:
        return TokenEntry(
            key=TokenKey(row["wiki"], row["username"]),
            oauth_version=_version(row["oauth_version"]),
            store=store,
            logged_in_at=_read_time(row["logged_in_at"]),
            expires_at=_read_time(row["expires_at"]),
            grants=tuple(map(str, json.loads(row["grants"]))),
        )
    except (ValueError, TypeError, AttributeError, RecursionError, ConfigurationError):
        pass
    raise TokenStoreError(
        "A row of the table pwb_oauth_tokens is damaged. It was left as it is: delete the row, "
        "and log in again with its account."
    )


def _version(text: str) -> OAuthVersion:
    if text == "1.0a":
        return "1.0a"
    if text == "2.0":
        return "2.0"
    raise ValueError(text)


def _write_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(timezone.utc).isoformat()


def _read_time(text: str | None) -> datetime | None:
    moment = None if text is None else datetime.fromisoformat(text)
    if moment is not None and moment.tzinfo is None:
        raise ValueError(text)
    return moment
