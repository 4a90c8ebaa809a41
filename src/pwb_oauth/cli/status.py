"""``pwb-oauth status``: which accounts are stored, and whether their wikis accept them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from pwb_oauth.account import Account
from pwb_oauth.checks.claims import consumer_key
from pwb_oauth.checks.parallel import Crew
from pwb_oauth.cli import choice, options, storage, terminal
from pwb_oauth.cli.exits import Exit, exit_of
from pwb_oauth.cli.identification import identify
from pwb_oauth.errors import PwbOAuthError, UsernameMismatchError
from pwb_oauth.tokens import TokenKey, open_token_store
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from rich.console import Console

    from pwb_oauth.credential import Credential
    from pwb_oauth.identity import Identity
    from pwb_oauth.tokens import TokenEntry, TokenStore


@click.command(epilog=options.WIKI_HELP)
@options.wiki_argument
@click.option("--offline", is_flag=True, help="Ask no wiki. Show what is stored.")
@options.store_option
@options.json_option
def status(wiki: Wiki | None, offline: bool, store: str | None, as_json: bool) -> None:
    """Show the stored accounts, and whether wikis accept them.

    An access token that has expired is renewed on the way, as it is when a script runs. Exits with
    4 if a wiki refuses one of the accounts or none is stored, with 1 if a wiki cannot be asked or
    a credential cannot be read; the latter is no failure with --offline, which then shows what is
    known all the same.

    \b
    Examples:
      pwb-oauth status
      pwb-oauth status wikipedia:test
      pwb-oauth status --offline --json
    """
    kept_in = open_token_store(store)
    stored = choice.entries(kept_in, wiki, None)
    crew = Crew()
    report_on = _read if offline else _ask
    with terminal.at_work("Reading" if offline else "Asking"):
        reports = crew.for_each(partial(report_on, crew.watched(kept_in), wiki), stored)
    if as_json:
        terminal.print_json({"accounts": [report.to_json() for report in reports]})
    for report in () if as_json else reports:
        report.print_to(terminal.console())
    if not reports:
        raise choice.nothing(kept_in, wiki, None)
    click.get_current_context().exit(_exit_code(reports, offline=offline))


@dataclass(frozen=True)
class _Report:
    """An account, and what the wiki said.

    Attributes:
        entry: What the store lists.
        credential: What it holds; None if that cannot be read.
        identity: What the wiki says of the access token; None if it was not asked or said nothing.
        problem: Why not, or what is wrong all the same.
    """

    entry: TokenEntry
    credential: Credential | None = None
    identity: Identity | None = None
    problem: PwbOAuthError | None = None

    @property
    def accepted(self) -> bool | None:
        """Whether the wiki accepts the access token; None if that is not known."""
        if self.is_refused:
            return False
        return None if self.identity is None else True

    @property
    def is_refused(self) -> bool:
        """Whether the wiki refuses it, or there is none."""
        return self.problem is not None and exit_of(self.problem) == Exit.NO_CREDENTIAL

    @property
    def grants(self) -> tuple[str, ...]:
        """What the user granted; empty if not known."""
        return self.identity.grants if self.identity else self.entry.grants

    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends; None if it does not expire."""
        return self.credential.expires_at if self.credential else self.entry.expires_at

    def to_json(self) -> dict[str, Any]:
        """For programs; null is what is not known."""
        consumer = self.credential and self.credential.consumer
        return {
            "wiki": self.entry.key.wiki,
            "username": self.entry.key.username,
            "oauth_version": self.entry.oauth_version,
            "consumer": self.credential and consumer_key(self.credential),
            "owner_only": consumer and consumer.owner_only,
            "grants": self.grants,
            "store": self.entry.store,
            "logged_in_at": terminal.write_time(self.entry.logged_in_at),
            "expires_at": terminal.write_time(self.expires_at),
            "renewable": self.credential and self.credential.refreshable,
            "accepted": self.accepted,
            "problem": self.problem and str(self.problem),
        }

    def print_to(self, console: Console) -> None:
        """For people: a block of lines."""
        key = self.entry.key
        console.print(self._mark(), Text(f"{key.username} on {key.wiki}", "bold"))
        for line in self._lines():
            console.print(f"  - {line}", markup=False)

    def _mark(self) -> Text:
        if self.problem is not None:
            return Text("✗", "red") if self.is_refused else Text("!", "yellow")
        return Text("✓", "green") if self.identity else Text("•")

    def _lines(self) -> list[str]:
        if self.problem is not None:
            first = [str(self.problem)]
        else:
            first = ["The wiki accepts the access token"] if self.identity else []
        return [
            *first,
            f"OAuth {self.entry.oauth_version}{self._consumer()}",
            f"Grants: {', '.join(self.grants) or 'not known'}",
            f"Stored in {storage.name_store(self.entry.store)}",
            *self._times(),
        ]

    def _consumer(self) -> str:
        if self.credential is None:
            return ""
        whose = "owner-only consumer" if self.credential.consumer.owner_only else "consumer"
        return f", {whose} {consumer_key(self.credential) or 'whose key is not known'}"

    def _times(self) -> Iterator[str]:
        if self.entry.logged_in_at is not None:
            yield f"Logged in {_written(self.entry.logged_in_at)}"
        if self.expires_at is None:
            yield "Does not expire"
        else:
            renewed = self.credential is not None and self.credential.refreshable
            yield f"Expires {_written(self.expires_at)}{', and is renewed by itself' * renewed}"


def _account(store: TokenStore, wiki: Wiki | None, entry: TokenEntry) -> Account:
    is_named = wiki is not None and wiki.central.name == entry.key.wiki
    home = wiki.central if wiki is not None and is_named else Wiki.from_url(entry.key.wiki)
    return Account(entry.key, store, home)


def _read(store: TokenStore, wiki: Wiki | None, entry: TokenEntry) -> _Report:
    """Report what is stored; no wiki is asked."""
    try:
        return _Report(entry, _account(store, wiki, entry).credential)
    except PwbOAuthError as error:
        return _Report(entry, problem=error)


def _ask(store: TokenStore, wiki: Wiki | None, entry: TokenEntry) -> _Report:
    """Report what is stored, and what the wiki says of it."""
    account = _account(store, wiki, entry)
    credential = identity = None
    problem: PwbOAuthError | None = None
    try:
        credential = account.credential
        identity = identify(account)
        credential = account.credential  # renewed, perhaps
        if TokenKey(entry.key.wiki, identity.username) != entry.key:
            problem = UsernameMismatchError(entry.key.username, identity.username)
    except PwbOAuthError as error:
        problem = error
    return _Report(entry, credential, identity, problem)


def _exit_code(reports: list[_Report], *, offline: bool) -> Exit:
    if any(report.is_refused for report in reports):
        return Exit.NO_CREDENTIAL
    # Who works offline may well have locked the keyring.
    failed = not offline and any(report.problem for report in reports)
    return Exit.FAILED if failed else Exit.FINE


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
