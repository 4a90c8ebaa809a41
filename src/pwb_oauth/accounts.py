"""The accounts of this process: which are stored, and the one a name stands for."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from pwb_oauth import forks
from pwb_oauth.account import Account
from pwb_oauth.errors import ConfigurationError, LoginRequiredError
from pwb_oauth.tokens import TokenKey, open_token_store

if TYPE_CHECKING:
    from datetime import datetime

    from pwb_oauth.tokens import TokenEntry, TokenStore
    from pwb_oauth.wiki import Wiki

    _Stored = tuple[tuple[TokenEntry, ...], dict[str, dict[str, TokenEntry]]]


class Accounts:
    """The accounts of one token store.

    Which there are is asked of the store's index at every call, which reads no secret: a login in
    another process is seen at once.
    """

    def __init__(self, store: TokenStore | None = None) -> None:
        """Take this store, or open the one that ``PWB_OAUTH_STORE`` names when it is needed."""
        self._store = store
        self._accounts: dict[TokenKey, Account] = {}
        self._stored: _Stored = ((), {})
        self._listed: dict[TokenKey, datetime | None] = {}
        self.begin_anew()
        forks.renew_in_children(self)

    def begin_anew(self) -> None:
        """In a child of a fork: a lock of its own."""
        self._lock = threading.Lock()

    @property
    def store(self) -> TokenStore:
        """The store, opened on first use."""
        with self._lock:
            if self._store is None:
                self._store = open_token_store()
            return self._store

    def usernames(self, wiki: Wiki) -> list[str]:
        """The accounts that are stored for a wiki, sorted."""
        return list(self._entries(wiki))

    def find(self, wiki: Wiki, username: str | None) -> Account | None:
        """The account of that name, or where no name is given the only one of that wiki.

        Returns:
            None if it is not stored, or if several are and none is named.
        """
        stored = self._entries(wiki)
        if username is not None:
            # It is mostly written as the wiki does already.
            entry = stored.get(username) or stored.get(
                TokenKey(wiki.central.name, username).username
            )
        else:
            entry = next(iter(stored.values())) if len(stored) == 1 else None
        return None if entry is None else self._open(wiki, entry)

    def describe_choice(
        self, wiki: Wiki, username: str | None
    ) -> LoginRequiredError | ConfigurationError:
        """The error that lists the stored accounts when none of them is the one asked for."""
        names = ", ".join(map(repr, self.usernames(wiki)))
        asked = (
            "usernames of user-config.py names no account"
            if username is None
            else f"{username!r} has neither a stored credential nor a password"
        )
        key = TokenKey(wiki.central.name, username or "NAME")
        if not names:
            return LoginRequiredError(
                f"No account is stored for {wiki.host}. Log in: {key.login_command}"
            )
        return ConfigurationError(
            f"{asked} for {wiki.host}. Stored there: {names}. "
            f"Name one of them in usernames, or log in: {key.login_command}"
        )

    def _entries(self, wiki: Wiki) -> dict[str, TokenEntry]:
        """What is stored for a wiki, by user name; the same list of a store is sorted out once."""
        entries = self.store.entries()
        listed, by_wiki = self._stored
        if entries is not listed:
            by_wiki = defaultdict(dict)
            for entry in entries:
                by_wiki[entry.key.wiki][entry.key.username] = entry
            self._stored = (entries, dict(by_wiki))
        return by_wiki.get(wiki.central.name, {})

    def _open(self, wiki: Wiki, entry: TokenEntry) -> Account:
        key, listed = entry.key, entry.logged_in_at
        account = self._accounts.get(key)
        if account is None:
            self._listed[key] = listed
            return self._accounts.setdefault(key, Account(key, self.store, wiki.central))
        # A list that could not be written is older than what was read, and stays as it was.
        if not account.is_of_login(listed) and listed != self._listed[key]:
            # Somebody logged in anew, perhaps in another process.
            self._listed[key] = listed
            successor = Account(key, self.store, wiki.central)
            # A site may just be signing in as the one before.
            successor.sign_in_lock = account.sign_in_lock
            account = self._accounts[key] = successor
        return account
