"""Keeps credentials in the operating system's keyring."""

from __future__ import annotations

import configparser
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pwb_oauth.credential import Credential
from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.stores.index import AccountIndex, IndexRow
from pwb_oauth.stores.locks import file_lock
from pwb_oauth.stores.split import SplitText, TornTextError
from pwb_oauth.tokens import TokenEntry, TokenKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyring.backend import KeyringBackend

    from pwb_oauth.tokens import LockedCredential

# What back ends let escape beside KeyringError and OSError. One of them can only have been raised
# if its module has been imported by the back end.
_ESCAPING = (
    ("secretstorage.exceptions", "SecretStorageException"),
    ("jeepney.wrappers", "DBusErrorResponse"),
    ("dbus.exceptions", "DBusException"),
    ("pywintypes", "error"),
    ("win32ctypes.pywin32.pywintypes", "error"),
)
# Whatever a back end does wrong, since any package may bring one: Pywikibot would ask it again for
# hours, and its thread of asynchronous saves would die of some.
_ANY_FAULT = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
_LOCKED = frozenset({"KeyringLocked", "LockedException", "PromptDismissedException"})
_ALTERNATIVES = (
    "Or name another store in PWB_OAUTH_STORE, --store or --to: sqlite:////path, or another "
    "database, keeps tokens encrypted (pwb-oauth key makes the key); env: takes one account from "
    "the variables PWB_OAUTH_WIKI, PWB_OAUTH_USERNAME and PWB_OAUTH_TOKEN; memory: forgets "
    "everything when the process ends."
)


class KeyringTokenStore:
    """Keeps credentials in the operating system's keyring, and lists them in an index.

    In a keyring's own program an account is ``pwb_oauth:<user name>@<wiki>`` with its user name;
    a long credential has more items, whose names end in ``#a1``, ``#b1`` and so on. An account that
    was deleted there is not there: :meth:`load` returns None, and it stays listed until it is
    forgotten or saved again.

    Whatever moment a process is killed at, an account is stored as it was, as it is to be, or not
    at all. A new account is first listed as incomplete, then written to the keyring, then listed as
    complete; one that goes is first listed as incomplete and taken from the list last. So the list
    names whatever may be in the keyring, and the next :meth:`save` or :meth:`forget` finds what was
    left behind. A known account is written to the keyring first: a renewed access token must be
    kept even if the list cannot be written.
    """

    url = "keyring:"
    read_only = False

    def __init__(self) -> None:
        """Find the index. The keyring itself is opened when it is needed."""
        self._index = AccountIndex(self.url)
        self._items = _KeyringItems(self._index)

    def __repr__(self) -> str:
        """The class alone."""
        return f"{type(self).__name__}()"

    def require_keyring(self) -> None:
        """Reach the keyring, which other methods do only where an account is listed.

        Raises:
            StoreUnavailableError: There is no keyring, it is locked, or it went away.
        """
        self._items.get("pwb_oauth", "pwb_oauth")

    def load(self, key: TokenKey) -> Credential | None:
        """Read a credential. Without an entry in the index no keyring is touched.

        Raises:
            TokenStoreError: It is there and cannot be read.
            StoreUnavailableError: There is no keyring, it is locked, or it went away.
        """
        if not self._listed(key):
            return None
        text = self._read(key)
        return None if text is None else Credential.from_json(text)

    def save(self, key: TokenKey, credential: Credential) -> None:
        """Keep a credential, in the place of one that is there already.

        Raises:
            StoreUnavailableError: There is no keyring, it is locked, or it went away; what was
                there before still is.
        """
        with self._index.lock():
            self._write(key, credential)

    def forget(self, key: TokenKey) -> bool:
        """Delete a credential, readable or not.

        Returns:
            Whether one was there.

        Raises:
            StoreUnavailableError: There is no keyring, it is locked, or it went away.
        """
        with self._index.lock():
            row = self._index.find(key)
            if row is None:
                return False
            text = self._text(key)
            in_keyring = text.exists()
            self._index.put(replace(row, complete=False))
            text.delete()
            self._index.remove(key)
            return row.complete or in_keyring

    def entries(self) -> tuple[TokenEntry, ...]:
        """What is stored, sorted by key. No keyring is touched."""
        return self._index.entries()

    @contextmanager
    def locked(self, key: TokenKey) -> Iterator[LockedCredential]:
        """Hold the lock of a credential against every other thread and process.

        Raises:
            TokenStoreError: The credential is there and cannot be read.
            StoreUnavailableError: The keyring or the lock cannot be used.
        """
        with file_lock(self.url, key.wiki, key.username):
            yield _Locked(self.load(key), partial(self._replace, key))

    def _replace(self, key: TokenKey, credential: Credential) -> bool:
        with self._index.lock():
            # What is kept counts, not what is listed: a login may have been stopped in between.
            stored = self.load(key)
            there = stored is not None and stored.logged_in_at == credential.logged_in_at
            if there:
                self._write(key, credential)
            return there

    def _write(self, key: TokenKey, credential: Credential) -> None:
        entry = TokenEntry.of(key, credential, self.url)
        text = self._text(key)
        if not self._listed(key):
            text.exists()  # raises where there is no keyring, before the index says anything
            self._index.put(IndexRow(entry, complete=False))
        text.write(credential.to_json())
        self._index.put(IndexRow(entry, complete=True, back_end=self._items.back_end))

    def _read(self, key: TokenKey) -> str | None:
        text = self._text(key)
        try:
            return text.read()
        except TornTextError:
            pass
        with self._index.lock():  # nobody is writing now
            return text.read()

    def _listed(self, key: TokenKey) -> bool:
        row = self._index.find(key)
        return row is not None and row.complete

    def _text(self, key: TokenKey) -> SplitText:
        return SplitText(self._items, f"pwb_oauth:{key.username}@{key.wiki}", key.username)


@dataclass(frozen=True)
class _Locked:
    """A credential in the keyring, while nobody else may renew it."""

    credential: Credential | None = field(repr=False)
    replace: Callable[[Credential], bool] = field(repr=False)


class _KeyringItems:
    """The keyring's items, with every failure of a back end as a StoreUnavailableError."""

    def __init__(self, index: AccountIndex) -> None:
        """Open no keyring yet."""
        self._index = index

    @property
    def back_end(self) -> str:
        """The class of the keyring, as ``module.Class``."""
        cls = type(_back_end())
        return f"{cls.__module__}.{cls.__qualname__}"

    def get(self, service: str, username: str) -> str | None:
        value = self._call("get_password", service, username)
        return None if value is None else str(value)

    def set(self, service: str, username: str, value: str) -> None:
        self._call("set_password", service, username, value)

    def delete(self, service: str, username: str) -> None:
        self._call("delete_password", service, username)

    def _call(self, method: str, *arguments: str) -> Any:
        _load_back_end(self._index.back_end)
        back_end = _back_end()
        try:
            return getattr(back_end, method)(*arguments)
        except _backend_errors() as exc:
            problem = type(exc).__name__
        # Raised here and not above, since the context would lead to the back end's secrets.
        if method == "get_password" and problem == "ItemNotFoundException":
            raise TornTextError  # it was deleted between being found and being read
        raise _unavailable(problem)


def _load_back_end(name: str | None) -> None:
    """Use the keyring that accounts were put into, unless another one was chosen.

    To find one by itself the keyring library loads every back end and its entry points, which takes
    a quarter of a second; an environment variable, its configuration and the program come first.
    """
    import keyring.core  # noqa: PLC0415  # only where a credential is stored

    if name is None or getattr(keyring.core, "_keyring_backend", name) is not None:
        return
    with suppress(*_ANY_FAULT, configparser.Error):  # then it finds one by itself, or says why not
        chosen = keyring.core.load_env() or keyring.core.load_config()
        keyring.set_keyring(chosen or keyring.core.load_keyring(name))


def _back_end() -> KeyringBackend:
    """The keyring that the keyring library has chosen.

    Raises:
        StoreUnavailableError: There is none, or the one that is configured cannot be loaded.
    """
    import keyring  # noqa: PLC0415  # only where a credential is stored
    from keyring.backends import fail, null  # noqa: PLC0415

    try:
        backend = keyring.get_keyring()
    except (ImportError, AttributeError, ValueError, RuntimeError, configparser.Error) as exc:
        raise StoreUnavailableError(
            "The keyring that PYTHON_KEYRING_BACKEND or keyringrc.cfg names cannot be loaded "
            f"({exc}). Correct the setting or take it out. {_ALTERNATIVES}"
        ) from exc
    if isinstance(backend, (fail.Keyring, null.Keyring)) or _is_makeshift(backend):
        raise _unavailable("NoKeyringError")
    return backend


def _is_makeshift(backend: KeyringBackend) -> bool:
    """Whether keyring fell back to a file in clear text, or one that asks for a password.

    Nobody chose it where neither the environment nor keyring's configuration names it.
    """
    from keyring.util import platform_  # noqa: PLC0415  # _backend has imported keyring

    first = next(iter(getattr(backend, "backends", [backend])))
    if not type(first).__module__.startswith("keyrings.alt."):
        return False
    chosen = os.environ.get("PYTHON_KEYRING_BACKEND")
    return not chosen and not Path(platform_.config_root(), "keyringrc.cfg").exists()


def _backend_errors() -> tuple[type[BaseException], ...]:
    from keyring.errors import KeyringError  # noqa: PLC0415  # _backend has imported it

    loaded = ((sys.modules.get(module), name) for module, name in _ESCAPING)
    escaping = [getattr(module, name) for module, name in loaded if module]
    return (KeyringError, *_ANY_FAULT, *escaping)


def _unavailable(problem: str) -> StoreUnavailableError:
    if problem == "NoKeyringError":
        return StoreUnavailableError(
            "There is no keyring on this machine that can be used. Install and unlock one (on "
            f"Linux a Secret Service such as gnome-keyring, or KWallet). {_ALTERNATIVES}"
        )
    if problem in _LOCKED:
        return StoreUnavailableError(
            f"The keyring is locked. Nothing was deleted: unlock it and try again. {_ALTERNATIVES}"
        )
    return StoreUnavailableError(
        f"The keyring failed ({problem}). Nothing was deleted: see that it is running and "
        f"unlocked, and try again. {_ALTERNATIVES}"
    )
