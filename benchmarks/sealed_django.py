"""Django's store of user sessions, on any number of databases in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django
import pymysql
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from sqlalchemy import make_url

if TYPE_CHECKING:
    from pwb_oauth.web.django.store import DjangoSealedStore

TABLE = "pwb_oauth_sealedusersession"


class _Router:
    """Names the database of the store that is asked just now."""

    alias = "default"

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        return self.alias if model._meta.app_label == "pwb_oauth" else None  # noqa: SLF001

    db_for_write = db_for_read


class _StoreOn:
    """A store that leads the router to its own database for each call."""

    def __init__(self, store: DjangoSealedStore, alias: str) -> None:
        self._store = store
        self._alias = alias

    def __getattr__(self, name: str) -> Any:
        _Router.alias = self._alias
        return getattr(self._store, name)


def store_on(url: str) -> Any:
    """A store on the database of an SQLAlchemy URL, whose tables are made if they are missing."""
    if not settings.configured:
        settings.configure(
            INSTALLED_APPS=[
                "django.contrib.auth",
                "django.contrib.contenttypes",
                "pwb_oauth.web.django",
            ],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            DATABASE_ROUTERS=[_Router()],
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            USE_TZ=True,
        )
        django.setup()
    from pwb_oauth.web.django.store import DjangoSealedStore  # noqa: PLC0415  # after the set-up

    alias = str(len(connections.databases))
    given = {"default": connections.databases["default"], alias: _database(url)}
    connections.databases[alias] = connections.configure_settings(given)[alias]
    call_command("migrate", database=alias, verbosity=0, skip_checks=True)
    return _StoreOn(DjangoSealedStore(), alias)


def _database(written: str) -> dict[str, Any]:
    url = make_url(written)
    kind = url.get_backend_name()
    if kind == "sqlite":
        # As docs/web-tools.md has it: a file of its own.
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.database}
    engine = "postgresql" if kind == "postgresql" else "mysql"
    if engine == "mysql":
        pymysql.version_info = (2, 2, 1, "final", 0)  # Django asks for mysqlclient's
        pymysql.install_as_MySQLdb()
    options: dict[str, Any] = {}
    if "options" in url.query:
        options["options"] = url.query["options"]
    if "unix_socket" in url.query:
        options["ssl_disabled"] = True  # PyMySQL would read the system's certificates each time
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": url.database,
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": str(url.query.get("unix_socket") or url.query.get("host") or url.host or ""),
        "OPTIONS": options,
    }
