"""Keeps credentials in a database, encrypted, for any number of processes and machines."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from pwb_oauth.credential import Credential
from pwb_oauth.encryption import Cipher
from pwb_oauth.errors import MissingExtraError, StoreUnavailableError
from pwb_oauth.stores.retrying import RETRY_TIME, until_written
from pwb_oauth.tokens import TokenEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pwb_oauth.encryption import Encrypted
    from pwb_oauth.tokens import LockedCredential, TokenKey

LIST_LIFETIME = 1.0
"""Seconds for which :meth:`SqlTokenStore.entries` does not ask the database again."""


class SqlTokenStore:
    """Keeps credentials in a database, encrypted.

    Each is encrypted for its account under the newest key of ``PWB_OAUTH_ENCRYPTION_KEYS``; wiki,
    user name, grants and times stand beside it and are not. To change the key put a new one before
    the old one, call :meth:`reencrypt`, and take the old one out.

    The tables are made on first use. Their names begin with ``pwb_oauth_``; the database may hold
    others.

    :meth:`entries`, which is asked at every request, answers from memory for a second: that is how
    long a login or logout of another process may go unnoticed; this process's are seen at once.
    While the database is away, what it listed last stands.
    """

    read_only = False

    def __init__(self, url: str, encryption_keys: str | None = None) -> None:
        """Connect to nothing yet.

        Args:
            url: The database, as SQLAlchemy writes it: ``sqlite:////path``,
                ``mariadb+pymysql://user:password@host/name``, ``mysql+pymysql://…`` or
                ``postgresql+psycopg://…``.
            encryption_keys: The application's keys, newest first, separated by spaces. None reads
                ``PWB_OAUTH_ENCRYPTION_KEYS``.

        Raises:
            ConfigurationError: The URL or a key cannot be used, or there is no key.
            MissingExtraError: SQLAlchemy or cryptography is not installed.
        """
        try:
            from pwb_oauth.stores.sql_database import Database  # noqa: PLC0415  # an extra
            from pwb_oauth.stores.sql_locks import AccountLocks  # noqa: PLC0415
            from pwb_oauth.stores.sql_purpose import TOKENS  # noqa: PLC0415
            from pwb_oauth.stores.sql_rows import CredentialRows, account_of  # noqa: PLC0415
            from pwb_oauth.stores.sql_schema import TABLES  # noqa: PLC0415
        except ModuleNotFoundError:
            raise MissingExtraError("sql") from None
        database = Database(url, TOKENS, TABLES)
        self.url = database.name
        self._cipher = Cipher.of("store", encryption_keys)
        self._account_of = account_of
        self._rows = CredentialRows(database)
        self._locks = AccountLocks(database)
        self._list = _List(partial(self._rows.entries, self.url))

    def __repr__(self) -> str:
        """The class and the database, without its password."""
        return f"{type(self).__name__}({self.url!r})"

    def load(self, key: TokenKey) -> Credential | None:
        """Read a credential.

        Raises:
            TokenDecryptionError: The key that it needs is not at hand, or it is damaged.
            TokenStoreError: It was written by a newer version of this library.
            StoreUnavailableError: The database cannot be used.
        """
        return self._decrypt(key, self._rows.find(self._account_of(key)))

    def save(self, key: TokenKey, credential: Credential) -> None:
        """Keep a credential, in the place of one that is there already.

        It waits for a renewal of that one, which would otherwise overwrite it.

        Raises:
            ReadOnlyStoreError: The database can only be read.
            StoreUnavailableError: The database cannot be used; what was there before still is.
        """
        entry = TokenEntry.of(key, credential, self.url)
        with self._locks.hold(self._account_of(key)):
            self._rows.put(entry, self._encrypt(key, credential))
            self._list.forget()

    def forget(self, key: TokenKey) -> bool:
        """Delete a credential, readable or not. It does not wait for a renewal.

        Returns:
            Whether one was there.

        Raises:
            ReadOnlyStoreError: The database can only be read.
            StoreUnavailableError: The database cannot be used.
        """
        was_there = self._rows.delete(self._account_of(key))
        self._list.forget()
        return was_there

    def entries(self) -> tuple[TokenEntry, ...]:
        """What is stored, sorted by key, as it was a second ago at most. No secret is read.

        Raises:
            TokenStoreError: The database cannot be used, and never listed anything before.
        """
        return self._list.get()

    @contextmanager
    def locked(self, key: TokenKey) -> Iterator[LockedCredential]:
        """Hold the lock of a credential against every other thread, process and machine.

        No connection but the lock's is open meanwhile, and that is used for nothing else.

        Raises:
            TokenDecryptionError: The credential cannot be decrypted.
            ReadOnlyStoreError: The database can only be read.
            StoreUnavailableError: The database cannot be used, or the lock was not to be had.
        """
        account = self._account_of(key)
        with self._locks.hold(account) as connection:
            found = self._rows.find(account, connection)
            credential = self._decrypt(key, found)
            yield _Locked(
                credential, None if found is None else found.value, partial(self._replace, key)
            )

    def reencrypt(self) -> int:
        """Encrypt every credential under the newest key, so that the others can be taken out.

        Returns:
            How many credentials there are.

        Raises:
            TokenDecryptionError: One cannot be decrypted. Those listed before it are done.
        """
        entries = self._rows.entries(self.url)
        for entry in entries:
            with self.locked(entry.key) as held:
                if held.credential is not None:
                    held.replace(held.credential)
        return len(entries)

    def _replace(self, key: TokenKey, read: str, credential: Credential) -> str | None:
        """Put a credential in the place of the one that was read.

        The wiki took the old tokens back, so this is tried for some seconds. It uses a connection
        of its own: the lock's may have been cut off while the wiki was asked.

        Args:
            key: Whose it is.
            read: The encrypted text that is to be replaced.
            credential: What comes there.

        Returns:
            The encrypted text that is there now; None if ``read`` was not there any more.
        """
        entry = TokenEntry.of(key, credential, self.url)
        encrypted = self._encrypt(key, credential)
        replaced = until_written(partial(self._rows.replace, entry, encrypted, read))
        self._list.forget()
        return encrypted.value if replaced else None

    def _encrypt(self, key: TokenKey, credential: Credential) -> Encrypted:
        return self._cipher.encrypt(credential.to_json(), key.wiki, key.username)

    def _decrypt(self, key: TokenKey, found: Encrypted | None) -> Credential | None:
        if found is None:
            return None
        return Credential.from_json(self._cipher.decrypt(found, key.wiki, key.username))


class _Locked:
    """A credential in the database, while nobody else may renew it."""

    def __init__(
        self,
        credential: Credential | None,
        stored: str | None,
        replace: Callable[[str, Credential], str | None],
    ) -> None:
        """Hold what was read, as it is stored, and what puts another in its place."""
        self.credential = credential
        self._stored = stored
        self._replace = replace

    def replace(self, credential: Credential) -> bool:
        """Put a renewed credential in the place of the one that is there."""
        if self._stored is not None:
            self._stored = self._replace(self._stored, credential)
        return self._stored is not None


class _List:
    """What the database lists, and for how long that is good.

    It needs no lock, which a forked child could find held for ever: at worst it is asked twice.
    """

    def __init__(self, ask: Callable[[], tuple[TokenEntry, ...]]) -> None:
        self._ask = ask
        self._known: tuple[TokenEntry, ...] | None = None
        self._good_until = 0.0
        self._state = object()

    def get(self) -> tuple[TokenEntry, ...]:
        known, state = self._known, self._state
        if known is not None:
            if time.monotonic() < self._good_until:
                return known
            # Other threads do with what is known while this one asks.
            self._good_until = time.monotonic() + RETRY_TIME
        try:
            listed = self._ask()
        except StoreUnavailableError:
            if known is None:
                raise
            return known
        if self._state is state:  # else this process changed something while it was read
            self._known = listed
            self._good_until = time.monotonic() + LIST_LIFETIME
        return listed

    def forget(self) -> None:
        """Ask again next time."""
        self._state = object()
        self._known = None
