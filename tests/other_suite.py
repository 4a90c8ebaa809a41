"""Somebody else's tests, run by a pytest of their own with our plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from pwb_oauth.testing.live_environment import VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

    from pwb_oauth.testing import SandboxWiki

USERS = {"1.0a": "Alice", "2.0": "BotOwner"}
_SECONDS = 60
_PIECE = 8


class OtherSuite:
    """A folder with tests, and a home without a Pywikibot.

    Attributes:
        folder: Where the tests are.
        variables: What their environment holds beside the usual.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "suite"
        self.folder.mkdir()
        home = folder / "other-home"
        home.mkdir()
        self.variables = {"HOME": str(home), "NO_PROXY": "127.0.0.1", "COLUMNS": "200"}
        self.write("pytest.ini", "[pytest]\naddopts = --strict-markers --strict-config\n")

    def write(self, name: str, text: str) -> None:
        """Write a file of theirs, which only its owner may write to."""
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run their tests; what pytest said is on standard output."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PWB_OAUTH_", "PYWIKIBOT_", "PYTEST_"))
        }
        return subprocess.run(  # noqa: S603  # the interpreter of these tests
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
            env={**inherited, **self.variables},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )


class LiveSuite(OtherSuite):
    """Somebody's live tests, whose environment holds the tokens of two owner-only consumers.

    Attributes:
        wiki: The wiki that they take for a real one.
    """

    def __init__(self, folder: Path, wiki: SandboxWiki) -> None:
        super().__init__(folder)
        self.wiki = wiki
        one, two = (
            wiki.add_consumer(f"OAuth {v}", oauth_version=v, owner=USERS[v], owner_only=True)
            for v in ("1.0a", "2.0")
        )
        parts = (one.key, one.secret, one.access_token, one.access_secret)
        self.variables |= {
            VARIABLES["1.0a"]: ":".join(parts),
            VARIABLES["2.0"]: two.access_token,
            "PWB_OAUTH_TEST_WIKI": wiki.api_url,
            "PWB_OAUTH_TEST_WRITE": "1",
        }

    def titles(self) -> set[str]:
        """The pages that were not there at the beginning."""
        return {*self.wiki.pages} - {"Main Page", "Sandbox", "Protected"}

    def shown(self, text: str) -> set[str]:
        """The variables whose secret shows, in part at least."""
        return {
            name
            for name in VARIABLES.values()
            for secret in [self.variables[name]]
            if any(secret[at : at + _PIECE] in text for at in range(len(secret) - _PIECE + 1))
        }
