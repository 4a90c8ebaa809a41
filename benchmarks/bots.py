"""Pywikibot folders that are signed in each in its own way, and the processes that use them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from pwb_oauth import Consumer, Wiki, authorization, open_token_store
from pwb_oauth.credential import OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.testing import file_keyring
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from pwb_oauth.credential import Credential
    from pwb_oauth.testing import SandboxWiki

USERS = ("Alice", "Bob")
_KEYRING = "PYTHON_KEYRING_BACKEND"
_IN_A_FILE = "pwb_oauth.testing.file_keyring.FileKeyring"


class Bot:
    """A home with a Pywikibot folder.

    Attributes:
        folder: The Pywikibot folder.
    """

    def __init__(self, wiki: SandboxWiki, home: Path) -> None:
        """Make the home; nobody is signed in."""
        self._wiki = wiki
        self.folder = home / "pywikibot"
        self.folder.mkdir(parents=True)
        self._config = wiki.write_pywikibot_config(self.folder, USERS[0])
        homes = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "LOCALAPPDATA")
        self._variables = {
            **dict.fromkeys(homes, str(home)),
            "PYWIKIBOT_DIR": str(self.folder),
            file_keyring.VARIABLE: str(home / "keyring.json"),
            "NO_PROXY": "127.0.0.1",
        }

    def use_password(self) -> None:
        """Sign in as Pywikibot does by a password."""
        lines = [f"({user!r}, {self._wiki.users[user].password!r})\n" for user in USERS]
        passwords = self.folder / "user-password.py"
        passwords.write_text("".join(lines))
        passwords.chmod(0o600)
        self._configure("password_file = 'user-password.py'\n")

    def use_stock_oauth(self) -> None:
        """Sign in by Pywikibot's own OAuth, with the four secrets in its configuration."""
        credential = owner_only(self._wiki, USERS[0], "1.0a")
        consumer, token = credential.consumer, credential.access_token
        if isinstance(token, OAuth1AccessToken):
            four = (consumer.key, consumer.secret, token.key, token.secret)
            host = self._wiki.url.removeprefix("http://")
            self._configure(f"authenticate[{host!r}] = {four!r}\n")

    def use_keyring(self, oauth_version: str) -> None:
        """Sign in with ours, by credentials in a keyring."""
        # Only who logs in is told which keyring to use; the list of accounts tells the others.
        with patch.dict(os.environ, {**self._variables, _KEYRING: _IN_A_FILE}):
            store = open_token_store("keyring:")
            for user in USERS:
                credential = owner_only(self._wiki, user, oauth_version)
                store.save(TokenKey(Wiki.from_url(self._wiki.api_url).name, user), credential)
        self._configure("__import__('pwb_oauth').install()\n")

    def clear_cache(self) -> None:
        """Let the next process begin with an empty cache folder and no cookies."""
        for found in self.folder.glob("apicache*"):
            shutil.rmtree(found)
        for found in self.folder.glob("*.lwp"):
            found.unlink()

    def start(self, code: str) -> subprocess.Popen[str]:
        """Run Python in this home."""
        return subprocess.Popen(  # noqa: S603  # our own code, no shell
            [sys.executable, "-c", code],
            env={**_without_keyring(), **self._variables},
            cwd=Path(__file__).resolve().parents[1],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str) -> str:
        """Run Python in this home to its end, and give what it wrote."""
        process = self.start(code)
        output, errors = process.communicate(timeout=120)
        if process.returncode:
            raise RuntimeError(errors)
        return output

    def _configure(self, line: str) -> None:
        with self._config.open("a") as file:
            file.write(line)


def _without_keyring() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != _KEYRING}


def owner_only(wiki: SandboxWiki, user: str, oauth_version: str) -> Credential:
    """What an owner-only consumer of that user yields, registered anew."""
    name = f"Benchmark {len(wiki.consumers)}"
    registered = wiki.add_consumer(name, oauth_version=oauth_version, owner=user, owner_only=True)
    consumer = Consumer(registered.key, registered.secret, oauth_version, owner_only=True)
    value = str(registered.access_token)
    token = (
        OAuth1AccessToken(value, str(registered.access_secret))
        if oauth_version == "1.0a"
        else OAuth2AccessToken(value)
    )
    return authorization.adopt(Wiki.from_url(wiki.api_url), consumer, token)
