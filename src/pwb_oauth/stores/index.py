"""The index of accounts: what a store that cannot list its contents holds, without a secret.

It is the file ``accounts.json`` in the user's configuration folder, readable by its owner only.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import platformdirs

from pwb_oauth.errors import ConfigurationError, StoreUnavailableError, TokenStoreError
from pwb_oauth.stores.folders import make_private_folder
from pwb_oauth.stores.locks import file_lock
from pwb_oauth.tokens import TokenEntry, TokenKey

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

_FORMAT = 1
_REPLACE_TRIES = 10
_REPLACE_PAUSE = 0.02

_Stamp = tuple[int, int, int]
_Rows = dict[tuple[str, TokenKey], "IndexRow"]


@dataclass(frozen=True)
class IndexRow:
    """An account in the index.

    Attributes:
        entry: What is known of its credential.
        complete: False while the credential is being stored for the first time or is being deleted.
            Then it counts as not there, but the store may hold some of it.
        back_end: The class of the keyring that it was put into, as ``module.Class``; None if that
            is not known.
    """

    entry: TokenEntry
    complete: bool
    back_end: str | None = None


class AccountIndex:
    """The accounts of one store, read again whenever the file has changed."""

    def __init__(self, store: str) -> None:
        """Find the file; it is read when it is needed.

        Args:
            store: The URL of the store. Accounts of other stores are kept as they are.
        """
        self.path: Path = (
            platformdirs.user_config_path("pwb-oauth", appauthor=False) / "accounts.json"
        )
        self._store = store
        self._file = os.fspath(self.path)
        self._read_at: tuple[_Stamp | None, _Rows, tuple[TokenEntry, ...]] = (None, {}, ())

    def entries(self) -> tuple[TokenEntry, ...]:
        """The complete accounts, sorted by key.

        Raises:
            TokenStoreError: The file is damaged, or a newer version of this library wrote it.
            StoreUnavailableError: The file cannot be read.
        """
        return self._current()[1]

    def find(self, key: TokenKey) -> IndexRow | None:
        """One account. Raises what :meth:`entries` does."""
        return self._current()[0].get((self._store, key))

    @property
    def back_end(self) -> str | None:
        """The keyring that accounts were put into, if that is known."""
        return next((row.back_end for row in self._current()[0].values() if row.back_end), None)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the lock that :meth:`put` and :meth:`remove` are called under."""
        return file_lock("index", self._file)

    def put(self, row: IndexRow) -> None:
        """Add or replace an account.

        Raises:
            StoreUnavailableError: The file cannot be written; it is as it was.
        """
        rows = self._current()[0]
        self._write({**rows, (row.entry.store, row.entry.key): row})

    def remove(self, key: TokenKey) -> None:
        """Take an account out, if it is there. Raises what :meth:`put` does."""
        rows = self._current()[0]
        self._write({where: row for where, row in rows.items() if where != (self._store, key)})

    def _current(self) -> tuple[_Rows, tuple[TokenEntry, ...]]:
        try:
            status = os.stat(self._file)  # noqa: PTH116  # runs at every request
        except FileNotFoundError:
            return {}, ()
        except OSError as exc:
            raise self._unavailable("read", exc) from exc
        # The file is never changed, only replaced: another content is another inode or time.
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        read_at, rows, entries = self._read_at
        if stamp != read_at:
            rows = self._read()
            entries = self._complete(rows)
            self._read_at = (stamp, rows, entries)
        return rows, entries

    def _complete(self, rows: _Rows) -> tuple[TokenEntry, ...]:
        mine = [
            row.entry for row in rows.values() if row.complete and row.entry.store == self._store
        ]
        return tuple(sorted(mine, key=lambda entry: entry.key))

    def _read(self) -> _Rows:
        try:
            stored = json.loads(self.path.read_bytes())
            if stored["format"] != _FORMAT:
                raise TokenStoreError(
                    f"{self.path} was written by another version of pwb-oauth. "
                    "It was left as it is: upgrade pwb-oauth (pip install -U pwb-oauth)."
                )
            rows = [_read_row(account) for account in stored["accounts"]]
        except OSError as exc:
            raise self._unavailable("read", exc) from exc
        except (
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            RecursionError,
            ConfigurationError,
        ) as exc:
            raise TokenStoreError(
                f"{self.path}, the list of stored accounts, is damaged. It holds no secret: "
                "move it away, and log in again with each account."
            ) from exc
        return {(row.entry.store, row.entry.key): row for row in rows}

    def _write(self, rows: _Rows) -> None:
        text = json.dumps(
            {"format": _FORMAT, "accounts": [_write_row(row) for row in rows.values()]},
            indent=1,
        )
        new = self.path.with_suffix(".new")
        try:
            make_private_folder(self.path.parent)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            _replace(new, self.path)
        except OSError as exc:
            raise self._unavailable("written", exc) from exc

    def _unavailable(self, done: str, reason: OSError) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"{self.path}, the list of stored accounts, cannot be {done} ({reason.strerror}). "
            "Give yourself access to it and to its folder, look for a full disk, and try again."
        )


def _replace(new: Path, path: Path) -> None:
    """Put a file in the place of another, which on Windows waits until nobody is reading it."""
    for _ in range(_REPLACE_TRIES):
        try:
            new.replace(path)
        except PermissionError:  # noqa: PERF203
            time.sleep(_REPLACE_PAUSE)
        else:
            return
    new.replace(path)


def _write_row(row: IndexRow) -> dict[str, Any]:
    entry = row.entry
    return {
        "wiki": entry.key.wiki,
        "username": entry.key.username,
        "oauth_version": entry.oauth_version,
        "store": entry.store,
        "logged_in_at": entry.logged_in_at and entry.logged_in_at.isoformat(),
        "expires_at": entry.expires_at and entry.expires_at.isoformat(),
        "grants": entry.grants,
        "complete": row.complete,
        "back_end": row.back_end,
    }


def _read_row(stored: dict[str, Any]) -> IndexRow:
    version = stored["oauth_version"]
    if version not in ("1.0a", "2.0"):
        raise ValueError(version)
    entry = TokenEntry(
        key=TokenKey(_string(stored["wiki"]), _string(stored["username"])),
        oauth_version=version,
        store=_string(stored["store"]),
        logged_in_at=_read_time(stored["logged_in_at"]),
        expires_at=_read_time(stored["expires_at"]),
        grants=tuple(map(_string, stored["grants"])),
    )
    back_end = stored.get("back_end")
    return IndexRow(
        entry,
        complete=stored["complete"] is True,
        back_end=None if back_end is None else _string(back_end),
    )


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _read_time(text: str | None) -> datetime | None:
    moment = None if text is None else datetime.fromisoformat(text)
    if moment is not None and moment.tzinfo is None:
        raise ValueError(text)
    return moment
