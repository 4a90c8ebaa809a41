"""A keyring in a file, in clear text, for tests and the demo: never for real credentials."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

if TYPE_CHECKING:
    from filelock import FileLock

VARIABLE = "PWB_OAUTH_TEST_KEYRING"
"""The environment variable that names the file."""


class FileKeyring(KeyringBackend):
    """Keeps passwords in the JSON file that ``PWB_OAUTH_TEST_KEYRING`` names.

    Several processes can share it. keyring never chooses it by itself: ask for it with
    ``PYTHON_KEYRING_BACKEND=pwb_oauth.testing.file_keyring.FileKeyring``.
    """

    priority = -1

    def get_password(self, service: str, username: str) -> str | None:
        """Read a password."""
        return self._read().get(_name(service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a password."""
        with self._lock():
            self._write({**self._read(), _name(service, username): password})

    def delete_password(self, service: str, username: str) -> None:
        """Delete a password."""
        with self._lock():
            held = self._read()
            if held.pop(_name(service, username), None) is None:
                raise PasswordDeleteError("There is no such password.")
            self._write(held)

    @property
    def _path(self) -> Path:
        return Path(os.environ[VARIABLE])

    def _lock(self) -> FileLock:
        from filelock import FileLock  # noqa: PLC0415  # reading needs none

        return FileLock(f"{self._path}.lock")

    def _read(self) -> dict[str, str]:
        held: dict[str, str] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return held

    def _write(self, held: dict[str, str]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(held))
        fresh.replace(self._path)


def _name(service: str, username: str) -> str:
    return f"{service}\n{username}"
