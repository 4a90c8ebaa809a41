"""How to connect to a database: which ones may be named, and when each driver gives up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from pwb_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

    from pwb_oauth.stores.sql_purpose import Purpose

_BACKENDS = ("sqlite", "mysql", "mariadb", "postgresql")
_CONNECT_TIMEOUT = 10
_SQLITE_TIMEOUT = 30
_MOST_HELD = 120
# A server that waits for a lock sends nothing.
_SILENCE = _MOST_HELD + 30
_LIBPQ = {
    "connect_timeout": _CONNECT_TIMEOUT,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "pysqlite": {"timeout": _SQLITE_TIMEOUT, "isolation_level": None},
    "pymysql": {
        "connect_timeout": _CONNECT_TIMEOUT,
        "read_timeout": _SILENCE,
        "write_timeout": _SILENCE,
    },
    "mysqldb": {"connect_timeout": _CONNECT_TIMEOUT},
    "psycopg": _LIBPQ,
    "psycopg2": _LIBPQ,
}
"""The seconds after which each driver gives up. What the URL says goes before."""

# How long a lock may be held by a machine that is not heard of any more; limits of the server that
# would cut off a wait or a renewal are lifted.
_MYSQL_LIMITS = {"wait_timeout": _MOST_HELD}
_MARIADB_LIMITS = {"idle_transaction_timeout": _MOST_HELD, "max_statement_time": 0}
_POSTGRESQL_LIMITS = {
    "idle_in_transaction_session_timeout": f"{_MOST_HELD}s",
    "statement_timeout": "0",
}


def make_engine(url: str | URL, purpose: Purpose) -> Engine:
    """Make an engine that keeps no connection and hides what it sends.

    Raises:
        ConfigurationError: The URL cannot be used, or its driver is not installed.
    """
    return _make(_parse(url, purpose), purpose)


def set_limits(connection: Connection, lock_timeout: float) -> None:
    """Say to the server how many seconds to wait for a lock, for this connection alone."""
    dialect = connection.dialect
    if dialect.name == "postgresql":
        settings = {**_POSTGRESQL_LIMITS, "lock_timeout": f"{lock_timeout:.0f}s"}.items()
        connection.execute(select(*(func.set_config(*limit, True) for limit in settings)))
    elif dialect.name != "sqlite":
        mariadb = _MARIADB_LIMITS if getattr(dialect, "is_mariadb", False) else {}
        limits = {**_MYSQL_LIMITS, **mariadb, "innodb_lock_wait_timeout": int(lock_timeout)}
        written = ", ".join(f"{name} = {value}" for name, value in limits.items())
        connection.exec_driver_sql(f"SET SESSION {written}")


def _parse(written: str | URL, purpose: Purpose) -> URL:
    try:
        url = make_url(written)
        fits = url.get_backend_name() in _BACKENDS and not url.get_dialect().is_async
    except (SQLAlchemyError, ImportError, TypeError, ValueError):
        fits = False
    if not fits:
        raise _unfit(purpose)
    return _parse_sqlite(url, purpose) if url.get_backend_name() == "sqlite" else url


def _parse_sqlite(url: URL, purpose: Purpose) -> URL:
    path = url.database or ""
    is_file = path not in ("", ":memory:") and not path.startswith("file:")
    if not is_file or url.get_driver_name() != "pysqlite" or url.query.keys() - {"timeout"}:
        raise ConfigurationError(
            "Credentials are kept in an SQLite database only if it is a file: write "
            "sqlite:////path/of/the/file, without parameters, for what is now in "
            f"{purpose.named_in}. {purpose.not_in_memory}".rstrip()
        )
    return url.set(database=os.path.realpath(path))


def _make(url: URL, purpose: Purpose) -> Engine:
    defaults = dict(_ARGUMENTS.get(url.get_driver_name(), {}))
    if "unix_socket" in url.query and url.get_driver_name() == "pymysql":
        # It would read the system's certificates for each connection.
        defaults["ssl_disabled"] = True
    options: dict[str, Any] = {}
    if url.get_backend_name() != "sqlite":
        options["isolation_level"] = "READ COMMITTED"
    try:
        return create_engine(
            url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={name: defaults[name] for name in defaults.keys() - url.query},
            **options,
        )
    except ImportError as exc:
        problem = ConfigurationError(
            f"The driver that the URL in {purpose.named_in} names is not installed ({exc.name}). "
            "For mysql+pymysql and mariadb+pymysql: pip install PyMySQL. For postgresql+psycopg: "
            "pip install 'psycopg[binary]'."
        )
    except (SQLAlchemyError, TypeError, ValueError):
        problem = _unfit(purpose)
    # Raised here and not above, since the context might quote the URL.
    raise problem


def _unfit(purpose: Purpose) -> ConfigurationError:
    return ConfigurationError(
        f"In {purpose.named_in} is no URL of a database that credentials can be kept in. Write "
        "sqlite:////path/of/a/file, mariadb+pymysql://user:password@host/name, mysql+pymysql://… "
        "or postgresql+psycopg://…"
    )
