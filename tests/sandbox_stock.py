"""Stock Pywikibot with a configuration folder of its own, in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect

if TYPE_CHECKING:
    from pwb_oauth.testing import SandboxWiki

BOT = "BotOwner"
PWB = Path(sys.executable).with_name("pwb")
EVERY_GRANT = (
    "basic",
    "highvolume",
    "editpage",
    "createeditmovepage",
    "patrol",
    "uploadfile",
    "viewmywatchlist",
    "editmywatchlist",
)
START = """
import json
import pywikibot
from pywikibot import pagegenerators
site = pywikibot.Site('en', 'sandbox')
said = {}
"""


class StockPywikibot:
    """Pywikibot with a fresh configuration folder, run as someone would run a script."""

    def __init__(self, wiki: SandboxWiki, folder: Path) -> None:
        self.wiki = wiki
        # Pywikibot sorts revisions by their second: what a test does comes after the set-up.
        self.wiki.clock.advance(60)
        self.folder = folder
        self.config: Path | None = None

    def configure(self, user: str, **settings: Any) -> None:
        self.config = self.wiki.write_pywikibot_config(self.folder, user)
        with self.config.open("a") as file:
            file.writelines(f"{name} = {value!r}\n" for name, value in settings.items())

    def with_password(self, user: str, entry: str) -> None:
        """Sign in as `user` with the line `entry` of a password file."""
        passwords = self.folder / "passwords"
        self.folder.mkdir(exist_ok=True)
        passwords.write_text(entry)
        passwords.chmod(0o600)
        self.configure(user, password_file="passwords")

    def with_account_password(self, user: str) -> None:
        self.with_password(user, repr((user, self.wiki.users[user].password)))

    def with_oauth1(self, user: str, grants: tuple[str, ...] = EVERY_GRANT) -> None:
        """Use Pywikibot's own OAuth 1.0a, with an owner-only consumer."""
        consumer = self.wiki.add_consumer(
            "stock", oauth_version="1.0a", owner=user, owner_only=True, grants=grants
        )
        self.configure(user)
        four = (consumer.key, consumer.secret, consumer.access_token, consumer.access_secret)
        host = self.wiki.url.removeprefix("http://")
        with self.config.open("a") as file:
            file.write(f"authenticate[{host!r}] = {four!r}\n")

    def run(self, script: str) -> dict[str, Any]:
        """Run a script; what it puts into `said` comes back."""
        done = subprocess.run(  # noqa: S603 - the interpreter of these tests
            [sys.executable, "-c", f"{START}{script}\nprint('SAID', json.dumps(said))"],
            env=self._environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        last = done.stdout.strip().splitlines()[-1]
        return json.loads(last.removeprefix("SAID "))

    def pwb(self, *arguments: str, typed: str = "") -> str:
        """Run ``pwb``; what it printed on both outputs."""
        done = subprocess.run(  # noqa: S603 - Pywikibot's own command
            [PWB, *arguments],
            env=self._environment(),
            cwd=self.folder,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def pwb_at_terminal(self, *arguments: str) -> pexpect.spawn:
        """Run ``pwb`` where somebody can answer it."""
        return pexpect.spawn(
            str(PWB),
            list(arguments),
            env=self._environment(),
            cwd=str(self.folder),
            encoding="utf-8",
            timeout=30,
            dimensions=(24, 500),
        )

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYWIKIBOT_DIR": str(self.folder),
            "PYTHONPATH": "",
            # No browser: what a person does there, the test does.
            "BROWSER": "true",
            "TERM": "xterm",
        }
