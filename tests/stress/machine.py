"""A home on this machine with a token store of its own, and the processes that work in it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pwb_oauth import Consumer, Wiki, authorization
from pwb_oauth.credential import OAuth2AccessToken
from pwb_oauth.testing import file_keyring
from pwb_oauth.tokens import TokenKey, open_token_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from pwb_oauth.credential import Credential
    from pwb_oauth.testing import SandboxWiki
    from pwb_oauth.tokens import TokenStore

CALLBACK = "http://127.0.0.1:9/callback"
_HERE = Path(__file__).parent
_PATIENCE = 900.0
"""Seconds after which a test no longer believes that something will happen."""


class Machine:
    """A home with a token store, which all processes share that work in it."""

    def __init__(
        self, folder: Path, wiki: SandboxWiki, store: str = "keyring:", **variables: str
    ) -> None:
        """Make the home, with a Pywikibot folder in it that installs pwb_oauth."""
        self.folder = folder
        self.wiki = wiki
        (folder / "pywikibot").mkdir(parents=True)
        config = wiki.write_pywikibot_config(folder / "pywikibot")
        with config.open("a") as file:
            file.write("max_retries = 3\nretry_wait = 1\n__import__('pwb_oauth').install()\n")
        homes = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "LOCALAPPDATA")
        self.variables = {
            **dict.fromkeys(homes, str(folder)),
            "PYWIKIBOT_DIR": str(folder / "pywikibot"),
            "PYTHON_KEYRING_BACKEND": "pwb_oauth.testing.file_keyring.FileKeyring",
            file_keyring.VARIABLE: str(folder / "keyring.json"),
            "PWB_OAUTH_STORE": store,
            **variables,
        }

    @contextmanager
    def store(self) -> Iterator[TokenStore]:
        """The store, as a process of this home sees it."""
        before = dict(os.environ)
        os.environ.update(self.variables)
        try:
            yield open_token_store()
        finally:
            os.environ.clear()
            os.environ.update(before)

    def key(self, user: str) -> TokenKey:
        """What the account's credential is stored by."""
        return TokenKey(Wiki.from_url(self.wiki.api_url).central.host, user)

    def save(self, credential: Credential) -> None:
        """Store a credential, as a login does."""
        with self.store() as store:
            store.save(self.key(credential.username), credential)

    def start(self, script: str, name: str, **told: Any) -> Worker:
        """Start a worker."""
        told |= {"name": name, "api_url": self.wiki.api_url}
        return Worker(script, self, told)


def credential(wiki: SandboxWiki, consumer: Consumer, user: str) -> Credential:
    """What a login as that user yields."""
    address = Wiki.from_url(wiki.api_url)
    pending = authorization.begin_authorization(address, consumer)
    answer = wiki.approve(pending.url, user)
    return authorization.complete_authorization(address, pending, answer)


def owner_only_credential(wiki: SandboxWiki, user: str) -> Credential:
    """What an owner-only consumer of that user yields, registered anew."""
    name = f"Stress {len(wiki.consumers)}"
    registered = wiki.add_consumer(name, owner=user, owner_only=True)
    consumer = Consumer(registered.key, registered.secret, owner_only=True)
    token = OAuth2AccessToken(str(registered.access_token))
    return authorization.adopt(Wiki.from_url(wiki.api_url), consumer, token)


def register(wiki: SandboxWiki, **options: Any) -> Consumer:
    """A consumer of OAuth 2.0, unless the options say otherwise."""
    name = f"Stress {len(wiki.consumers)}"
    registered = wiki.add_consumer(name, owner="Admin", callback_url=CALLBACK, **options)
    version = options.get("oauth_version", "2.0")
    return Consumer(registered.key, registered.secret, version, callback_url=CALLBACK)


class Worker:
    """A process of a home."""

    def __init__(self, script: str, machine: Machine, told: dict[str, Any]) -> None:
        self.name: str = told["name"]
        self._report = machine.folder / f"{self.name}.report"
        self._complaints = machine.folder / f"{self.name}.stderr"
        told["report"] = str(self._report)
        self._said = b""
        with self._complaints.open("wb") as complaints:
            self._process = subprocess.Popen(  # noqa: S603  # our own script, no shell
                [sys.executable, str(_HERE / script), json.dumps(told)],
                env={**os.environ, **machine.variables},
                cwd=machine.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
            )

    def tell(self, word: str) -> None:
        """Send a line."""
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n".encode())
        self._process.stdin.flush()

    def expect(self, word: str) -> None:
        """Wait for a line, which must be that one."""
        assert self._process.stdout
        deadline = time.monotonic() + _PATIENCE
        while b"\n" not in self._said:
            left = deadline - time.monotonic()
            readable = left > 0 and select.select([self._process.stdout], [], [], left)[0]
            piece = os.read(self._process.stdout.fileno(), 4096) if readable else b""
            assert piece, f"{self.name} never said {word!r}: {self.complaints}"
            self._said += piece
        line, _, self._said = self._said.partition(b"\n")
        assert line.decode() == word, (self.name, line, self.complaints)

    @property
    def complaints(self) -> str:
        """The end of its standard error."""
        return self._complaints.read_text()[-2000:]

    @property
    def reports(self) -> list[dict[str, Any]]:
        """What it reported of each edit."""
        text = self._report.read_text() if self._report.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def kill(self) -> None:
        """SIGKILL, and nothing that it could do about it."""
        self._process.kill()
        self._close()

    def stop(self) -> int:
        """End its input, and wait until it has ended."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._close()

    def _close(self) -> None:
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()


class Crew:
    """Workers that do the same thing at the same time."""

    def __init__(self, workers: list[Worker]) -> None:
        self.workers = workers

    def __enter__(self) -> Self:
        """Wait until all can begin."""
        try:
            for worker in self.workers:
                worker.expect("ready")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End all."""
        self._stop()

    def _stop(self) -> None:
        for worker in self.workers:
            worker.stop()

    def begin_round(self) -> None:
        """Let all begin."""
        for worker in self.workers:
            worker.tell("go")

    def end_round(self) -> None:
        """Wait until all are done."""
        for worker in self.workers:
            worker.expect("done")

    @property
    def reports(self) -> list[dict[str, Any]]:
        """What all reported of each edit."""
        return [line for worker in self.workers for line in worker.reports]

    @property
    def errors(self) -> list[str]:
        """What went wrong with their edits."""
        return [report["error"] for report in self.reports if report["error"]]


def wait_until(condition: Any, what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)
