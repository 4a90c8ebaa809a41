"""What the demo does for one kind of consumer: allow, store, run the script, check the wiki."""

from __future__ import annotations

import os
import subprocess
import sys
import webbrowser
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pwb_oauth import authorization
from pwb_oauth.cli.callback import CallbackListener
from pwb_oauth.credential import Consumer, parse_owner_only
from pwb_oauth.testing.file_keyring import VARIABLE
from pwb_oauth.tokens import TokenKey, open_token_store
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.credential import Credential, OAuthVersion
    from pwb_oauth.testing import SandboxWiki
    from pwb_oauth.testing.sandbox import LogEntry

_SECONDS_FOR_SCRIPT = 60
_ANY_PORT = "http://127.0.0.1:0/callback"
_CONFIG_LINE = "__import__('pwb_oauth').install()\n"


@dataclass(frozen=True)
class Kind:
    """A kind of consumer."""

    name: str
    oauth_version: OAuthVersion
    owner_only: bool = False
    confidential: bool = True


KINDS = (
    Kind("OAuth 2.0", "2.0"),
    Kind("OAuth 2.0, public", "2.0", confidential=False),
    Kind("OAuth 2.0, owner-only", "2.0", owner_only=True),
    Kind("OAuth 1.0a", "1.0a"),
    Kind("OAuth 1.0a, owner-only", "1.0a", owner_only=True),
)


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        kind: The kind of consumer.
        said: What the script printed, by its step.
        credited: Whom the wiki credits the edit to; None if there is none.
        problems: What was not as it should be.
    """

    kind: Kind
    said: dict[str, str] = field(default_factory=dict)
    credited: str | None = None
    problems: list[str] = field(default_factory=list)

    def expect(self, what: str, actual: object, expected: object) -> None:
        """Note a problem unless both are the same."""
        if actual != expected:
            self.problems.append(f"{what}: expected {expected!r}, but it was {actual!r}")


class Stage:
    """One kind of consumer, with a home, a keyring and a Pywikibot folder of its own."""

    def __init__(self, wiki: SandboxWiki, kind: Kind, folder: Path, user: str) -> None:
        """Make the folders."""
        self.wiki = wiki
        self.kind = kind
        self.folder = folder
        self.user = user
        (folder / "pywikibot").mkdir(parents=True)

    def prepare(self, *, in_browser: bool) -> None:
        """Register the consumer, have the access allowed, and store the credential."""
        credential = self._adopt() if self.kind.owner_only else self._authorize(in_browser)
        self.user = credential.username
        self.wiki.write_pywikibot_config(self.folder / "pywikibot", self.user)
        with (self.folder / "pywikibot" / "user-config.py").open("a") as config:
            config.write(_CONFIG_LINE)
        key = TokenKey(self._address.central.name, credential.username)
        with environment(self._variables()):
            open_token_store().save(key, credential)

    def run(self) -> Outcome:
        """Run the script, and hold what it says against what the wiki saw."""
        outcome = Outcome(self.kind)
        before = len(self.wiki.log)
        try:
            ran = self._run_script()
        except subprocess.TimeoutExpired:
            outcome.problems.append(f"the script did not end within {_SECONDS_FOR_SCRIPT} seconds")
            return outcome
        for line in ran.stdout.splitlines():
            step, found, what = line.partition(": ")
            if found:
                outcome.said[step] = what
        if ran.returncode:
            outcome.problems.append(f"the script failed: {ran.stderr.strip()[-1000:]}")
        self._check(outcome, list(self.wiki.log)[before:])
        return outcome

    def _run_script(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # our own script, no shell
            [sys.executable, str(example("quickstart.py"))],
            env={**os.environ, **self._variables()},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS_FOR_SCRIPT,
            check=False,
        )

    @property
    def _address(self) -> Wiki:
        return Wiki.from_url(self.wiki.api_url)

    def _adopt(self) -> Credential:
        registered = self.wiki.add_consumer(
            self.kind.name, oauth_version=self.kind.oauth_version, owner=self.user, owner_only=True
        )
        parts: tuple[str | None, ...] = (registered.access_token,)
        if self.kind.oauth_version == "1.0a":
            parts = (registered.key, registered.secret, *parts, registered.access_secret)
        consumer, access_token = parse_owner_only(":".join(map(str, parts)))
        return authorization.adopt(self._address, consumer, access_token)

    def _authorize(self, in_browser: bool) -> Credential:
        with CallbackListener(_ANY_PORT) as callback:
            registered = self.wiki.add_consumer(
                self.kind.name,
                oauth_version=self.kind.oauth_version,
                owner="Admin",
                callback_url=callback.url,
                confidential=self.kind.confidential,
            )
            consumer = Consumer(
                registered.key,
                registered.secret,
                self.kind.oauth_version,
                callback_url=callback.url,
            )
            pending = authorization.begin_authorization(self._address, consumer)
            complete = partial(authorization.complete_authorization, self._address, pending)
            if not in_browser:
                return complete(self.wiki.approve(pending.url, self.user))
            self._ask_person(pending.url)
            return callback.wait(complete)

    def _ask_person(self, url: str) -> None:
        password = self.wiki.users[self.user].password
        click.echo(f"{self.kind.name}: sign in as {self.user}, password {password}, and allow it:")
        click.echo(f"  {url}\n")
        webbrowser.open(url)

    def _check(self, outcome: Outcome, log: list[LogEntry]) -> None:
        nobody, somebody = "127.0.0.1 (anonymous)", f"{self.user} (signed in)"
        outcome.expect("before", outcome.said.get("before"), nobody)
        outcome.expect("after sign-in", outcome.said.get("after sign-in"), somebody)
        outcome.expect("edit by", outcome.said.get("edit by"), self.user)
        outcome.expect("after sign-out", outcome.said.get("after sign-out"), nobody)
        page = self.wiki.pages.get(f"User:{self.user}/quickstart")
        outcome.credited = page.revisions[-1].user if page else None
        outcome.expect("the revision's author", outcome.credited, self.user)
        edits = [entry for entry in log if (entry.action, entry.user) == ("edit", self.user)]
        mechanism = "oauth1" if self.kind.oauth_version == "1.0a" else "oauth2"
        outcome.expect("edit requests", [edit.mechanism for edit in edits], [mechanism])

    def _variables(self) -> dict[str, str]:
        """What keeps the script away from the real home, keyring and configuration."""
        home = str(self.folder)
        return {
            **dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "LOCALAPPDATA"), home),
            "PYWIKIBOT_DIR": str(self.folder / "pywikibot"),
            "PYTHON_KEYRING_BACKEND": "pwb_oauth.testing.file_keyring.FileKeyring",
            VARIABLE: str(self.folder / "keyring.json"),
            "PWB_OAUTH_STORE": "keyring:",
        }


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables, and put back what was there."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def example(name: str) -> Path:
    """An example: in the installed package, or in the checkout that is installed in place."""
    installed = Path(str(resources.files("pwb_oauth"))) / "examples" / name
    return installed if installed.exists() else _checkout() / "examples" / name


def _checkout() -> Path:
    return Path(__file__).resolve().parents[3]
