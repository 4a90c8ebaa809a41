"""Checks of the token store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth.checks.finding import Finding
from pwb_oauth.errors import LoginRequiredError, PwbOAuthError, StoreUnavailableError
from pwb_oauth.stores.keyring import KeyringTokenStore

if TYPE_CHECKING:
    from pwb_oauth.checks.machine import AccountSeen, Machine


def check_store(machine: Machine) -> list[Finding]:
    """The token store can be opened, and every credential in it can be read."""
    try:
        store = machine.store.answer()
        machine.entries.answer()
        if isinstance(store, KeyringTokenStore):
            store.require_keyring()
    except PwbOAuthError as error:
        return [Finding.of(error)]
    found = map(_unreadable, machine.accounts)
    return list(dict.fromkeys(finding for finding in found if finding is not None))


def check_login(machine: Machine) -> list[Finding]:
    """An account is stored."""
    entries = machine.entries.known("the token store cannot be used")
    if entries:
        return []
    store, named = machine.store.answer(), machine.named
    where = f" for {named.central.name}" if named else ""
    command = f"pwb-oauth login {named.central.name}" if named else "pwb-oauth login"
    return [Finding(f"{store.url} holds no credential{where}.", f"Log in: {command}")]


def _unreadable(account: AccountSeen) -> Finding | None:
    error = account.credential.error()
    if error is None:
        return None
    if isinstance(error, LoginRequiredError):
        return _missing(account)
    finding = Finding.of(error)
    if isinstance(error, StoreUnavailableError):
        return finding  # the same for all of them
    whose = f"{account.key.username} on {account.key.wiki}"
    return Finding(f"{whose}: {finding.problem}", finding.remedy)


def _missing(account: AccountSeen) -> Finding:
    return Finding(
        f"{account.key.username} on {account.key.wiki} is listed as stored, but the keyring that "
        "is in use does not hold it.",
        "If you have several keyrings, let PYTHON_KEYRING_BACKEND name the one that you logged in "
        f"with; else log in again: {account.key.login_command}",
    )
