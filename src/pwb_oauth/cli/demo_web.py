"""``pwb-oauth demo --web``: an example web tool at work, against a wiki that comes along."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pwb_oauth.cli import terminal
from pwb_oauth.cli.demo_run import example
from pwb_oauth.encryption import new_key
from pwb_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pwb_oauth.testing import SandboxWiki

_HOST = "127.0.0.1"
_PATIENCE = 30.0
"""Seconds for the web tool to start."""


@dataclass(frozen=True)
class WebTool:
    """An example that visitors sign in to.

    Attributes:
        folder: Its folder among the examples.
        grants: What its consumer may do.
        prepare: What is run before it, as arguments of Python; nothing if empty.
        serve: What serves it, as arguments of Python; ``{port}`` stands for the port.
    """

    folder: str
    grants: tuple[str, ...]
    prepare: tuple[str, ...]
    serve: tuple[str, ...]


def _flask(app: str) -> tuple[str, ...]:
    return ("-m", "flask", "--app", app, "run", "--port", "{port}")


WEB_TOOLS = {
    "django": WebTool(
        "django_review",
        ("basic", "patrol"),
        ("manage.py", "migrate", "--verbosity", "0"),
        ("manage.py", "runserver", "--insecure", "--noreload", f"{_HOST}:{{port}}"),
    ),
    "flask": WebTool(
        "flask_upload",
        ("basic", "createeditmovepage", "editpage", "uploadfile"),
        (),
        _flask("upload"),
    ),
    "whoami": WebTool(
        "flask_whoami",
        ("mwoauth-authonly",),
        (),
        _flask("whoami"),
    ),
}


def run(wiki: SandboxWiki, name: str) -> None:
    """Serve a web tool until Ctrl-C, or until the process is told to end.

    Args:
        wiki: The wiki that its visitors sign in with.
        name: Which one of :data:`WEB_TOOLS`.

    Raises:
        ConfigurationError: It did not start.
    """
    signal.signal(signal.SIGTERM, _end)
    tool, port = WEB_TOOLS[name], _free_port()
    address = f"http://{_HOST}:{port}/"
    users = _sow(wiki)
    with tempfile.TemporaryDirectory(prefix="pwb-oauth-demo-") as folder:
        environment = _environment(wiki, tool, port, Path(folder))
        with _served(tool, port, environment) as server:
            _await(server, port)
            _introduce(wiki, name, address, users)
            with suppress(KeyboardInterrupt):
                server.wait()


def _end(number: int, _frame: object) -> NoReturn:
    """Leave by an exception, so that the web tool does not go on alone."""
    raise SystemExit(128 + number)


def _sow(wiki: SandboxWiki) -> dict[str, str]:
    """Give the wiki visitors, and something to do; the visitors' passwords by their names."""
    visitors = [wiki.add_user(name, groups=("sysop",)) for name in ("Reviewer", "Colleague")]
    newcomer = wiki.add_user("Newcomer").name
    wiki.add_page("Moon", "The Moon is made of rock.", user=newcomer)
    wiki.add_page("Moon", "The Moon is made of rock and dust.", user=newcomer)
    wiki.add_page("Sun", "The Sun is a star.", user=newcomer)
    return {user.name: user.password or "" for user in visitors}


def _environment(wiki: SandboxWiki, tool: WebTool, port: int, folder: Path) -> dict[str, str]:
    callback = f"http://{_HOST}:{port}/oauth/callback"
    consumer = wiki.add_consumer(tool.folder, callback_url=callback, grants=tool.grants)
    wiki.write_pywikibot_config(folder)
    return {
        **os.environ,
        "NO_PROXY": _HOST,
        "no_proxy": _HOST,
        "PYTHONPATH": str(example(tool.folder)),
        "PYWIKIBOT_DIR": str(folder),
        "PWB_OAUTH_WIKI": wiki.api_url,
        "PWB_OAUTH_CLIENT_ID": consumer.key,
        "PWB_OAUTH_CLIENT_SECRET": consumer.secret,
        "PWB_OAUTH_CALLBACK_URL": callback,
        "PWB_OAUTH_ENCRYPTION_KEYS": new_key(),
        "PWB_OAUTH_DATABASE_URL": f"sqlite:///{folder / 'visitors.sqlite'}",
        "DATABASE_NAME": str(folder / "review.sqlite3"),
        "DJANGO_SECRET_KEY": secrets.token_hex(),
        "FLASK_SECRET_KEY": secrets.token_hex(),
        "FLASK_POLL_FILE": str(folder / "poll.sqlite"),
        "FLASK_UPLOAD_SITE": "sandbox:en",
    }


@contextmanager
def _served(
    tool: WebTool, port: int, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the web tool; its log goes to standard error."""
    folder = example(tool.folder)
    if tool.prepare:
        ready = subprocess.run(  # noqa: S603  # our own
            [sys.executable, *tool.prepare], cwd=folder, env=environment, check=False
        )
        if ready.returncode:
            raise _did_not_start()
    arguments = [part.format(port=port) for part in tool.serve]
    server = subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield server
    finally:
        server.terminate()
        server.wait()


def _await(server: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < end:
        if _listens(port):
            return
        time.sleep(0.05)
    raise _did_not_start()


def _did_not_start() -> ConfigurationError:
    return ConfigurationError(
        "The web tool did not start; what it says stands above. It needs its framework: "
        "pip install 'pwb-oauth[django,flask]'"
    )


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
        return True
    return False


def _introduce(wiki: SandboxWiki, name: str, address: str, users: Mapping[str, str]) -> None:
    out = terminal.console()
    out.print(f"The example {name} is at {address}", soft_wrap=True, highlight=False)
    out.print(f"Its wiki runs at {wiki.url}. Sign in there as:", highlight=False)
    for user, password in users.items():
        out.print(f"  {user}, password {password}", highlight=False)
    out.print("Ctrl-C ends it.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
