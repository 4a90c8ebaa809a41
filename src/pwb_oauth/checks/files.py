"""Checks of the files that hold secrets, or may."""

from __future__ import annotations

import shlex
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pwb_oauth import configuration, migration
from pwb_oauth.checks.finding import CannotTellError, Finding
from pwb_oauth.checks.scripts import require_configuration
from pwb_oauth.errors import ConfigurationError, PwbOAuthError
from pwb_oauth.stores.index import AccountIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.checks.machine import Machine
    from pwb_oauth.migration.finding import Finding as LyingSecret

_SQLITE = "sqlite:///"
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_secrets(machine: Machine) -> list[Finding]:
    """No password and no token lies in Pywikibot's files."""
    del machine
    require_configuration()
    try:
        found = migration.find_secrets()
    except PwbOAuthError as error:
        return [Finding.of(error)]
    return list(map(_lying, found))


def _lying(secret: LyingSecret) -> Finding:
    """Say what to do of a secret; what cannot be moved says so itself, in its second sentence."""
    if secret.problem is None:
        return Finding(f"A secret lies in a file: {secret}.", "Move it: pwb-oauth migrate")
    why, _, remedy = secret.problem.partition(". ")
    return Finding(f"A secret lies in a file: {secret}; {why}.", f"{remedy}.")


def check_permissions(machine: Machine) -> list[Finding]:
    """Nobody else can read or change these files."""
    if sys.platform == "win32":
        raise CannotTellError("Windows keeps its own account of who may read a file")
    return [
        Finding(
            f"Others can read or change {path} (its mode is {mode:o}).",
            f"Do: chmod go= {shlex.quote(str(path))}",
        )
        for path in _files(machine)
        if path.is_file() and (mode := stat.S_IMODE(path.stat().st_mode)) & _OF_OTHERS
    ]


def _files(machine: Machine) -> Iterator[Path]:
    """The files that hold secrets or may, and the list of accounts. Some may not be there."""
    config = configuration.file_path()
    # One that Pywikibot passes over for that reason another check names.
    if config.exists() and configuration.why_skipped(config) is None:
        yield config
    yield AccountIndex("keyring:").path
    try:
        store_url = machine.store.answer().url
    except PwbOAuthError:
        store_url = ""
    if store_url.startswith(_SQLITE):
        yield Path(store_url.removeprefix(_SQLITE))
    try:
        password_file = configuration.password_file()
        yield from configuration.cookie_files()
    except ConfigurationError:
        return
    if password_file is not None:
        yield password_file
