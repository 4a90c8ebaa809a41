"""Where credentials are kept: what a token store is, and the two that need nothing else."""

from __future__ import annotations

import os
import re
import shlex
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pwb_oauth import clock, forks
from pwb_oauth.credential import Credential, OAuthVersion, Secret, parse_owner_only
from pwb_oauth.errors import ConfigurationError, ReadOnlyStoreError
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

_DATABASE = re.compile(r"(sqlite|mysql|mariadb|postgresql)(\+\w+)?://")
_SCHEMES = ("keyring", "env", "memory")


@dataclass(frozen=True, order=True)
class TokenKey:
    """Which account a credential belongs to.

    Attributes:
        wiki: :attr:`Wiki.name` of the wiki on which the consumer is registered: its host name, with
            the port where it is not the scheme's own. ``meta.wikimedia.org`` for every wiki of the
            Wikimedia farm.
        username: The user name as the wiki writes it: spaces for underscores, first letter upper.
    """

    wiki: str
    username: str

    def __post_init__(self) -> None:
        """Write the user name as the wiki does."""
        name = self.username.replace("_", " ").strip()
        initial = name[:1].upper()
        if len(initial) > 1:  # a wiki keeps the sharp s, which has no capital
            initial = name[:1]
        object.__setattr__(self, "username", initial + name[1:])
        if not self.wiki or not name:
            raise ConfigurationError("An account is named by its wiki and its user name.")

    @property
    def login_command(self) -> str:
        """What a person types to log this account in."""
        return f"pwb-oauth login {self.wiki} --user {shlex.quote(self.username)}"


@dataclass(frozen=True)
class TokenEntry:
    """What is known of a stored credential without reading a secret.

    Attributes:
        key: Whose it is.
        oauth_version: ``1.0a`` or ``2.0``.
        store: The URL of the store, such as ``keyring:``.
        logged_in_at: When it was obtained; None if not known.
        expires_at: When the access token ends; None if it does not expire. Aware UTC both.
        grants: What the user granted; empty if not known.
    """

    key: TokenKey
    oauth_version: OAuthVersion
    store: str
    logged_in_at: datetime | None = None
    expires_at: datetime | None = None
    grants: tuple[str, ...] = ()

    @classmethod
    def of(cls, key: TokenKey, credential: Credential, store: str) -> TokenEntry:
        """Describe a credential that a store holds."""
        return cls(
            key=key,
            oauth_version=credential.oauth_version,
            store=store,
            logged_in_at=credential.logged_in_at,
            expires_at=credential.expires_at,
            grants=credential.grants,
        )


@runtime_checkable
class LockedCredential(Protocol):
    """A stored credential, while nobody else may renew it."""

    @property
    def credential(self) -> Credential | None:
        """What the store held once the lock was taken; None if it was forgotten meanwhile."""

    def replace(self, credential: Credential) -> bool:
        """Put a renewed credential in the place of the one that is there.

        Returns:
            Whether it was written. False if the credential was forgotten meanwhile, or replaced by
            that of another login (``logged_in_at`` differs): a refresh undoes neither.
        """


class CredentialSource(Protocol):
    """What an account reads its credential from, and keeps it in when it is renewed."""

    @property
    def read_only(self) -> bool:
        """Whether nothing can be kept, so that :meth:`locked` raises ReadOnlyStoreError."""

    def load(self, key: TokenKey) -> Credential | None:
        """Read a credential.

        Raises:
            TokenStoreError: It is there and cannot be read.
            StoreUnavailableError: The store itself cannot be used.
        """

    def locked(self, key: TokenKey) -> AbstractContextManager[LockedCredential]:
        """Hold the lock of a credential against every other thread, process and machine.

        Use it to renew an access token: read it again, ask the wiki, replace it, let go.

        Raises:
            ReadOnlyStoreError: The store can only be read.
        """


@runtime_checkable
class TokenStore(CredentialSource, Protocol):
    """Where credentials are kept. Every method may be called from any thread.

    A credential that is not there is None; one that cannot be read raises, and stays as it is. A
    store that is :attr:`read_only` raises ReadOnlyStoreError from :meth:`save` and :meth:`forget`.
    """

    @property
    def url(self) -> str:
        """The URL that :func:`open_token_store` opens this store by, without any secret."""

    def save(self, key: TokenKey, credential: Credential) -> None:
        """Keep a credential, in the place of one that is there already.

        Raises:
            ReadOnlyStoreError: The store can only be read.
            StoreUnavailableError: The store cannot be used; what was there before still is.
        """

    def forget(self, key: TokenKey) -> bool:
        """Delete a credential, readable or not.

        Returns:
            Whether one was there.
        """

    def entries(self) -> tuple[TokenEntry, ...]:
        """What is stored, sorted by key, without reading a secret."""


@dataclass
class _Slot:
    """A credential in memory, and the lock under which it is renewed."""

    changed: Callable[[], None]
    lock: threading.RLock = field(default_factory=threading.RLock)
    guard: threading.Lock = field(default_factory=threading.Lock, repr=False)
    credential: Credential | None = field(default=None, repr=False)

    def put(self, credential: Credential | None) -> None:
        """Keep a credential, or none."""
        self.credential = credential
        self.changed()

    def replace(self, credential: Credential) -> bool:
        """Put a renewed credential in the place of the one that is there."""
        with self.guard:
            current = self.credential
            if current is None or current.logged_in_at != credential.logged_in_at:
                return False
            self.put(credential)
            return True

    def clear(self) -> bool:
        """Take the credential out, and say whether one was there."""
        with self.guard:
            was_there = self.credential is not None
            self.put(None)
            return was_there


class MemoryTokenStore:
    """Keeps credentials for as long as the process lives."""

    url = "memory:"
    read_only = False

    def __init__(self) -> None:
        """Begin empty."""
        self._slots: dict[TokenKey, _Slot] = {}
        self._listed: tuple[TokenEntry, ...] | None = None
        self._guard = threading.Lock()
        forks.renew_in_children(self)

    def begin_anew(self) -> None:
        """In a child of a fork: locks of its own. From here on the two stores differ."""
        self._guard = threading.Lock()
        self._slots = {
            key: _Slot(self._forget_list, credential=slot.credential)
            for key, slot in self._slots.items()
        }

    def __repr__(self) -> str:
        """The class alone."""
        return f"{type(self).__name__}()"

    def load(self, key: TokenKey) -> Credential | None:
        """Read a credential."""
        slot = self._slots.get(key)
        return slot.credential if slot else None

    def save(self, key: TokenKey, credential: Credential) -> None:
        """Keep a credential."""
        self._slot(key).put(credential)

    def forget(self, key: TokenKey) -> bool:
        """Delete a credential."""
        slot = self._slots.get(key)
        return slot is not None and slot.clear()

    def entries(self) -> tuple[TokenEntry, ...]:
        """What is stored, sorted by key; the same tuple until that changes."""
        with self._guard:
            if self._listed is None:
                held = ((key, slot.credential) for key, slot in self._slots.items())
                found = [TokenEntry.of(key, cred, self.url) for key, cred in held if cred]
                self._listed = tuple(sorted(found, key=lambda entry: entry.key))
            return self._listed

    @contextmanager
    def locked(self, key: TokenKey) -> Iterator[LockedCredential]:
        """Hold the lock of a credential against every other thread."""
        slot = self._slot(key)
        with slot.lock:
            yield slot

    def _slot(self, key: TokenKey) -> _Slot:
        with self._guard:
            return self._slots.setdefault(key, _Slot(self._forget_list))

    def _forget_list(self) -> None:
        with self._guard:
            self._listed = None


class EnvironmentTokenStore(Secret):
    """One account, read from environment variables: for containers and for Toolforge's jobs.

    ``PWB_OAUTH_WIKI`` is the wiki's host name or URL, ``PWB_OAUTH_USERNAME`` the account, and
    ``PWB_OAUTH_TOKEN`` what an owner-only consumer was given: the access token (OAuth 2.0), or
    consumer key, consumer secret, access token and access secret joined by colons (OAuth 1.0a).
    """

    url = "env:"
    read_only = True
    _VARIABLES = ("PWB_OAUTH_WIKI", "PWB_OAUTH_USERNAME", "PWB_OAUTH_TOKEN")

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Read from the given variables instead of the process's, if any are given."""
        self._environ = os.environ if environ is None else environ

    def __repr__(self) -> str:
        """The class alone."""
        return f"{type(self).__name__}()"

    def load(self, key: TokenKey) -> Credential | None:
        """Read the credential, if it is this account's.

        Raises:
            ConfigurationError: Some of the variables are set and some are not, or one is malformed.
        """
        return self._credential(key) if self._key() == key else None

    def save(self, key: TokenKey, credential: Credential) -> None:  # noqa: ARG002
        """Refuse: a process cannot change what its next run finds in the environment."""
        raise self._refusal()

    def forget(self, key: TokenKey) -> bool:  # noqa: ARG002
        """Refuse: a process cannot change what its next run finds in the environment."""
        raise self._refusal()

    def entries(self) -> tuple[TokenEntry, ...]:
        """The one account, if the variables are set."""
        key = self._key()
        if key is None:
            return ()
        return (TokenEntry(key, self._credential(key).oauth_version, self.url),)

    def locked(self, key: TokenKey) -> AbstractContextManager[LockedCredential]:  # noqa: ARG002
        """Refuse: nothing here can be renewed."""
        raise self._refusal()

    def _key(self) -> TokenKey | None:
        values = [self._environ.get(name, "").strip() for name in self._VARIABLES]
        if not any(values):
            return None
        missing = [name for name, value in zip(self._VARIABLES, values, strict=True) if not value]
        if missing:
            raise ConfigurationError(
                f"{' and '.join(missing)} must be set too: an account in environment variables "
                f"needs all of {', '.join(self._VARIABLES)}."
            )
        return TokenKey(Wiki.from_url(values[0]).central.name, values[1])

    def _credential(self, key: TokenKey) -> Credential:
        try:
            consumer, access_token = parse_owner_only(self._environ[self._VARIABLES[2]])
        except ConfigurationError as error:
            raise ConfigurationError(f"PWB_OAUTH_TOKEN is malformed. {error}") from None
        return Credential(consumer, access_token, key.username, clock.now())

    def _refusal(self) -> ReadOnlyStoreError:
        return ReadOnlyStoreError(
            "Environment variables can only be read. Change PWB_OAUTH_TOKEN where it is set, "
            "or name a store that can be written, such as keyring:, in PWB_OAUTH_STORE or by "
            "--store."
        )


def open_token_store(url: str | None = None) -> TokenStore:
    """Open a token store by its URL.

    Args:
        url: ``keyring:`` for the operating system's keyring, ``env:`` for environment variables,
            ``memory:`` for a store that ends with the process, or the URL of a database as
            :class:`pwb_oauth.SqlTokenStore` takes it. None reads ``PWB_OAUTH_STORE``, and means the
            keyring where that is not set.

    Raises:
        ConfigurationError: There is no such store, or what it needs is not set or installed.
        StoreUnavailableError: The store is not to be had on this machine.
    """
    from_environment = os.environ.get("PWB_OAUTH_STORE", "").strip()
    named = url if url is not None else from_environment or "keyring:"
    require_store_url(named)
    if _DATABASE.match(named):
        from pwb_oauth.stores.sql import SqlTokenStore  # noqa: PLC0415  # an extra

        return SqlTokenStore(named)
    scheme = named.removesuffix(":")
    if scheme == "env":
        return EnvironmentTokenStore()
    if scheme == "memory":
        return MemoryTokenStore()
    from pwb_oauth.stores.keyring import KeyringTokenStore  # noqa: PLC0415  # imports keyring

    return KeyringTokenStore()


def require_store_url(url: str) -> None:
    """Refuse what could never be the URL of a token store.

    Raises:
        ConfigurationError: It is none.
    """
    scheme, _, rest = url.partition(":")
    if not _DATABASE.match(url) and (rest or scheme not in _SCHEMES):
        # The URL of a database may hold a password, so it is not repeated.
        raise ConfigurationError(
            "There is no such token store. PWB_OAUTH_STORE, --store and --to take keyring:, env: "
            "or memory: or the URL of a database, such as sqlite:////path."
        )
