"""The example web tools as programs of their own, each with a database and a home of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from pwb_oauth.encryption import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.credential import OAuthVersion
    from pwb_oauth.testing import SandboxWiki
    from pwb_oauth.testing.sandbox.model import Consumer

EXAMPLES = Path(__file__).parents[1] / "examples"
URLS = os.environ.get("PWB_OAUTH_TEST_DB_URLS", "").split()
NO_SERVER = "PWB_OAUTH_TEST_DB_URLS names no database server (CI: .ci/with-databases)"
_SECONDS = 60
_GRANTS = {
    "Patrol desk": ["basic", "patrol"],
    "Poll": ["basic"],
    "Thanks": ["basic", "editpage", "createeditmovepage"],
    "Uploader": ["basic", "editpage", "createeditmovepage", "uploadfile"],
}


@dataclass
class Database:
    """An empty database; ``url`` is SQLAlchemy's.

    Attributes:
        django: What the Django example is told of it.
    """

    url: str
    django: dict[str, str] = field(default_factory=dict)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Do something to it behind the tool's back, and give the rows."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []


@contextmanager
def database_on(server: str | None, folder: Path) -> Iterator[Database]:
    """A database of its own, which goes afterwards.

    Args:
        server: SQLAlchemy's URL of a server; None for a file of SQLite's.
        folder: Where the file is made.
    """
    if server is None:
        path = folder / "tool.sqlite3"
        yield Database(f"sqlite:///{path}", {"DATABASE_NAME": str(path)})
        return
    url, name = make_url(server), f"pwb_oauth_test_{secrets.token_hex(6)}"
    admin = create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = "postgresql" if url.get_backend_name() == "postgresql" else "mysql"
    told = {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": name,
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": str(url.query.get("unix_socket") or url.query.get("host") or url.host or ""),
    }
    try:
        yield Database(
            url.set(database=name).render_as_string(hide_password=False),
            {f"DATABASE_{key}": value for key, value in told.items()},
        )
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))


@dataclass
class Tool:
    """A web tool that runs.

    Attributes:
        url: Where; by another host name than the wiki's, so that they are two sites to a browser.
        wiki: Whose users sign in.
        consumer: It is registered as.
        database: Where it keeps its user sessions.
        folder: Its home.
    """

    url: str
    wiki: SandboxWiki
    consumer: Consumer
    database: Database
    folder: Path

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.folder / "log"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])


@contextmanager
def django_review(
    wiki: SandboxWiki,
    folder: Path,
    server: str | None = None,
    oauth_version: OAuthVersion = "2.0",
) -> Iterator[Tool]:
    """``examples/django_review``, as its README starts it."""
    with database_on(server, folder) as database:
        tool = _registered("Patrol desk", wiki, folder, database, oauth_version)
        variables = {
            **_variables(tool),
            **database.django,
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(40),
        }
        manage = [sys.executable, str(EXAMPLES / "django_review" / "manage.py")]
        _run([*manage, "migrate"], variables, tool.log)
        serve = [*manage, "runserver", "--insecure", "--noreload", f"127.0.0.1:{tool.port}"]
        with _serving(serve, variables, tool):
            yield tool


@contextmanager
def flask_whoami(wiki: SandboxWiki, folder: Path) -> Iterator[Tool]:
    """``examples/flask_whoami``, as its README starts it."""
    with database_on(None, folder) as database:
        tool = _registered("Poll", wiki, folder, database)
        more = {"FLASK_POLL_FILE": str(folder / "poll.sqlite")}
        with _flask(tool, EXAMPLES / "flask_whoami", "whoami", more):
            yield tool


@contextmanager
def flask_upload(wiki: SandboxWiki, folder: Path, server: str | None = None) -> Iterator[Tool]:
    """``examples/flask_upload``, as its README starts it."""
    with database_on(server, folder) as database:
        tool = _registered("Uploader", wiki, folder, database)
        config = wiki.write_pywikibot_config(folder / "pywikibot")
        more = {"FLASK_UPLOAD_SITE": "sandbox:en", "PYWIKIBOT_DIR": str(config.parent)}
        with _flask(tool, EXAMPLES / "flask_upload", "upload", more):
            yield tool


@contextmanager
def background_job(wiki: SandboxWiki, folder: Path) -> Iterator[Tool]:
    """``examples/background_job``, as its README starts it, without a worker."""
    with database_on(None, folder) as database:
        tool = _registered("Thanks", wiki, folder, database)
        more = {"FLASK_QUEUE_FILE": str(folder / "queue.sqlite")}
        with _flask(tool, EXAMPLES / "background_job", "tool", more):
            yield tool


@contextmanager
def _flask(tool: Tool, place: Path, module: str, more: dict[str, str]) -> Iterator[None]:
    variables = {
        **_variables(tool),
        **more,
        "FLASK_SECRET_KEY": secrets.token_urlsafe(40),
        "PWB_OAUTH_DATABASE_URL": tool.database.url,
    }
    serve = [sys.executable, "-m", "flask", "--app", str(place / module), "run"]
    with _serving([*serve, "--port", str(tool.port)], variables, tool):
        yield


def _registered(
    name: str,
    wiki: SandboxWiki,
    folder: Path,
    database: Database,
    oauth_version: OAuthVersion = "2.0",
) -> Tool:
    url = f"http://localhost:{_free_port()}"
    consumer = wiki.add_consumer(
        name,
        oauth_version=oauth_version,
        callback_url=f"{url}/oauth/callback",
        grants=_GRANTS[name],
    )
    return Tool(url, wiki, consumer, database, folder)


def _variables(tool: Tool) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("PWB_OAUTH_")
    }
    return {
        **inherited,
        **dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(tool.folder)),
        "PWB_OAUTH_WIKI": tool.wiki.api_url,
        "PWB_OAUTH_CLIENT_ID": tool.consumer.key,
        "PWB_OAUTH_CLIENT_SECRET": str(tool.consumer.secret),
        "PWB_OAUTH_CALLBACK_URL": tool.consumer.callback_url,
        "PWB_OAUTH_OAUTH_VERSION": tool.consumer.oauth_version,
        "PWB_OAUTH_ENCRYPTION_KEYS": new_key(),
        "NO_PROXY": "127.0.0.1,localhost",
    }


def _run(command: list[str], variables: dict[str, str], log: Path) -> None:
    with log.open("a") as output:
        subprocess.run(  # noqa: S603  # our own program
            command,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
            timeout=_SECONDS,
        )


@contextmanager
def _serving(command: list[str], variables: dict[str, str], tool: Tool) -> Iterator[None]:
    with tool.log.open("a") as output:
        process = subprocess.Popen(  # noqa: S603  # our own program
            command, env=variables, stdout=output, stderr=subprocess.STDOUT, cwd=tool.folder
        )
        try:
            _wait_for(tool, process)
            yield
        finally:
            process.terminate()
            process.wait(_SECONDS)


def _wait_for(tool: Tool, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with closing(socket.socket()) as caller:
            if caller.connect_ex(("127.0.0.1", tool.port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"the web tool did not start:\n{tool.log.read_text()}")


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
