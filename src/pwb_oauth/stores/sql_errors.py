"""What a database's refusal means, without repeating a word of it.

Drivers put addresses, user names and parts of statements into their messages, so only their codes
are read. The driver of SQLite has codes from Python 3.11 on, so there it is the messages, which
hold nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from pwb_oauth.errors import ReadOnlyStoreError, StoreUnavailableError, TokenStoreError

if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError

    from pwb_oauth.stores.sql_purpose import Purpose

# Sources: the error references of MariaDB and MySQL; PostgreSQL 15, appendix A.
_CODES = {
    **dict.fromkeys((1142, 1143, 1227, 1290, 1792, 1836, "25006", "42501"), "read-only"),
    **dict.fromkeys((1021, 1026, 1114, "53100"), "full"),
    **dict.fromkeys((1205, "55P03"), "held"),
    **dict.fromkeys((1044, 1045, 1049, 1698, "28000", "28P01", "3D000"), "refused"),
}
# Source: sqlite.org/rescode.html.
_SQLITE = {
    "attempt to write a readonly database": "read-only",
    "database or disk is full": "full",
    "database is locked": "held",
    "file is not a database": "damaged",
    "database disk image is malformed": "damaged",
    "unable to open database file": "folder",
}

_KINDS = {
    "read-only": ReadOnlyStoreError,
    "damaged": TokenStoreError,
}
_MESSAGES = {
    "full": "The database or its disk is full, so that nothing can be stored. What was stored is "
    "unharmed: make room and try again.",
    "held": "Another process has held this account in the database for too long. Look for a script "
    "that hangs, end it, and try again.",
    "read-only": "The database that is named as the store can only be read. What was stored is "
    "unharmed: allow its user to read and write the tables pwb_oauth_…, or correct the name.",
    "refused": "The database server does not let us in. Check user name, password and the name of "
    "the database in {named_in}.",
    "damaged": "The file that is named as the store is no SQLite database, or is damaged. It was "
    "left as it is: correct the name, or put a copy back.",
    "folder": "The SQLite file that is named as the store cannot be opened. Correct the name, or "
    "make the file and its folder readable and writable for you.",
}


def typed(error: SQLAlchemyError, purpose: Purpose) -> TokenStoreError:
    """The error of ours that an error of a database stands for."""
    code = _code(error)
    meaning = _CODES.get(code) if code is not None else _sqlite_meaning(error)
    if meaning is not None:
        return _KINDS.get(meaning, StoreUnavailableError)(
            _MESSAGES[meaning].format(named_in=purpose.named_in)
        )
    name = type(error).__name__ if code is None else f"{type(error).__name__} {code}"
    return StoreUnavailableError(
        f"The database that is named in {purpose.named_in} failed ({name}). What was stored is "
        "unharmed: see that the URL is right and that the database can be reached, and try again."
    )


def _code(error: SQLAlchemyError) -> int | str | None:
    """The number that MariaDB and MySQL give, or the SQLSTATE of PostgreSQL."""
    original = getattr(error, "orig", None)
    # PyMySQL tells a SQLSTATE as well, which says less: HY000 of a table that is full.
    number = next(iter(getattr(original, "args", ())), None)
    if isinstance(number, int):
        return number
    sqlstate = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return sqlstate if isinstance(sqlstate, str) else None


def _sqlite_meaning(error: SQLAlchemyError) -> str | None:
    message = str(error.orig) if isinstance(error, DBAPIError) else ""
    return _SQLITE.get(message)
