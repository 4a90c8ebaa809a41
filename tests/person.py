"""A person with a home of their own, who types ``pwb-oauth`` at a terminal or pipes to it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import keyring
import pexpect

from pwb_oauth.testing import file_keyring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.testing import SandboxWiki

_SECONDS = 30


class Person:
    """A home with a keyring in a file, a Pywikibot folder that knows the wiki, and a browser.

    The browser only notes where it was sent: what a person does there, the test does.

    Attributes:
        wiki: The wiki that the family ``sandbox`` means.
        home: Their home.
        folder: Their Pywikibot folder, with a ``user-config.py`` that does not install pwb_oauth.
        variables: What their environment holds beside the usual.
    """

    command = Path(sys.executable).with_name("pwb-oauth")

    def __init__(self, wiki: SandboxWiki, home: Path, user: str = "Alice") -> None:
        self.wiki = wiki
        self.home = home
        self.folder = home / "pywikibot"
        self.folder.mkdir(parents=True)
        self.config = wiki.write_pywikibot_config(self.folder, user)
        self._visited = home / "visited"
        homes = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "LOCALAPPDATA")
        self.variables = {
            **dict.fromkeys(homes, str(home)),
            "PYWIKIBOT_DIR": str(self.folder),
            "PYTHON_KEYRING_BACKEND": "pwb_oauth.testing.file_keyring.FileKeyring",
            file_keyring.VARIABLE: str(home / "keyring.json"),
            "BROWSER": str(self._browser()),
            "NO_PROXY": "127.0.0.1",
            "TERM": "xterm",
        }

    @property
    def host(self) -> str:
        """The wiki's host and port, which is how a token store names it."""
        return self.wiki.url.removeprefix("http://")

    @property
    def visited(self) -> list[str]:
        """Where their browser was sent."""
        return self._visited.read_text().splitlines() if self._visited.exists() else []

    def at_terminal(self, *arguments: str, command: str | None = None) -> pexpect.spawn:
        """Type the command at a terminal. End with :func:`ended`."""
        return pexpect.spawn(
            command or str(self.command),
            list(arguments),
            env=self.environment,
            cwd=str(self.home),
            encoding="utf-8",
            timeout=_SECONDS,
            dimensions=(24, 200),
        )

    def over_pipe(
        self, *arguments: str, typed: str = "", command: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command without a terminal, with this on its standard input."""
        return subprocess.run(  # noqa: S603  # our own command, no shell
            [command or self.command, *arguments],
            input=typed,
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """All of their environment."""
        return {**os.environ, **self.variables}

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Let this process have their environment and their keyring for a while."""
        before = keyring.get_keyring()
        with mock.patch.dict(os.environ, self.variables):
            keyring.set_keyring(file_keyring.FileKeyring())
            try:
                yield
            finally:
                keyring.set_keyring(before)

    def _browser(self) -> Path:
        script = self.home / "browser"
        script.write_text(f'#!/bin/sh\necho "$1" >>"{self._visited}"\n')
        script.chmod(0o700)
        return script


def ended(terminal: pexpect.spawn) -> tuple[int, str]:
    """Wait for the command's end; its exit code, and what it showed since it was last expected."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.exitstatus, terminal.before
