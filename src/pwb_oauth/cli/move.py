"""``pwb-oauth move``: bring credentials from one token store to another."""

from __future__ import annotations

import shlex
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pwb_oauth.cli import choice, options, storage, terminal
from pwb_oauth.cli.exits import Exit
from pwb_oauth.cli.steps import Status
from pwb_oauth.credential import OAuth2AccessToken
from pwb_oauth.errors import ConfigurationError, LoginRequiredError, PwbOAuthError, TokenStoreError
from pwb_oauth.tokens import MemoryTokenStore, open_token_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from pwb_oauth.credential import Credential
    from pwb_oauth.tokens import TokenKey, TokenStore
    from pwb_oauth.wiki import Wiki

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


@click.command(epilog=options.WIKI_HELP)
@options.wiki_argument
@click.option(
    "--to",
    metavar="URL",
    callback=options.check_store,
    help="Where to move it.  [default: $PWB_OAUTH_STORE]",
)
@options.user_option()
@click.option("--all", "everything", is_flag=True, help="Move every account that fits.")
@options.store_option
@options.json_option
def move(
    wiki: Wiki | None,
    to: str | None,
    user: str | None,
    everything: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Move credentials to another token store.

    Each is written there, read back from there, and only then forgotten here. A run that was
    stopped is finished by another one. Stop your bots before, and start them again with the new
    store.

    Where several accounts fit it asks which, whatever user-config.py says.

    A URL with a password is refused on a command line: put it into PWB_OAUTH_STORE, leave --to
    out, and name the old store by --store. Where both have one, leave one of them to the driver's
    own file.

    With --json standard output is one document: each account, what became of it (moved, or left
    and why), and the store that it was moved to. All else is on standard error.

    \b
    Examples:
      pwb-oauth move --to sqlite:////home/me/tokens.sqlite
      pwb-oauth move --all --store keyring:
      pwb-oauth move --all --to keyring: --json
    """
    source, target = open_token_store(store), open_token_store(to)
    _check(source, target)
    moves = _Moves(source, target, to, terminal.aside() if as_json else terminal.console())
    try:
        complete = _carry_out(moves, wiki, user, everything=everything)
    finally:
        if as_json:
            terminal.print_json({"accounts": moves.report})
    if not complete:
        click.get_current_context().exit(Exit.FAILED)
    terminal.say(moves.next_step)


def _check(source: TokenStore, target: TokenStore) -> None:
    if _is_same(source.url, target.url):
        raise ConfigurationError(
            f"That would move from {source.url} to itself. Name the new store by --to, or the old "
            "one by --store."
        )
    if target.read_only or isinstance(target, MemoryTokenStore):
        raise ConfigurationError(
            f"{target.url} cannot keep a credential. Name another store by --to, such as keyring:."
        )
    if source.read_only:
        raise ConfigurationError(
            f"{source.url} can only be read: nothing can be moved out of it. Log in to the other "
            "store instead: pwb-oauth login --with-token --store URL"
        )


def _is_same(one: str, other: str) -> bool:
    """Whether two URLs name one store. One file may have two names."""
    files = [Path(url.partition("///")[2]) for url in (one, other) if url.startswith("sqlite")]
    if all(file.exists() for file in files) and len(files) > 1:
        return files[0].samefile(files[1])
    return one == other


def _carry_out(moves: _Moves, wiki: Wiki | None, user: str | None, *, everything: bool) -> bool:
    """Move what is meant, and say whether that is all of it."""
    source, target = moves.source, moves.target
    if everything:
        here, there = choice.entries(source, wiki, user), choice.entries(target, wiki, user)
        keys = sorted({entry.key for entry in (*here, *there)})
        if keys:
            return moves.move_each(keys)
    moves.move(_key(source, target, wiki, user))
    return True


def _key(source: TokenStore, target: TokenStore, wiki: Wiki | None, user: str | None) -> TokenKey:
    """The one account that is meant, also when a run was stopped that had all but moved it."""
    if not choice.entries(source, wiki, user):
        there = choice.entries(target, wiki, user)
        if len(there) == 1:
            return there[0].key
    return choice.one_entry(source, wiki, user).key


class _Moves:
    """What goes from one store to another.

    Attributes:
        source: Where from.
        target: Where to.
        report: For programs: each account that was tried, and what became of it.
    """

    def __init__(
        self, source: TokenStore, target: TokenStore, to: str | None, out: Console
    ) -> None:
        """Name the stores; ``to`` is the target's URL as it was given. People read ``out``."""
        self.source = source
        self.target = target
        self.report: list[dict[str, Any]] = []
        self._to = to
        self._out = out

    def move_each(self, keys: Sequence[TokenKey]) -> bool:
        """Move all that can be moved, name the others, and say whether there were none."""
        return sum(map(self._tried, keys)) == len(keys)

    def _tried(self, key: TokenKey) -> bool:
        try:
            self.move(key)
        except PwbOAuthError as error:
            terminal.warn(f"{_name(key)} was not moved: {error}")
            return False
        return True

    def move(self, key: TokenKey) -> None:
        """Move one account, or clear what is left of it after a run that was stopped."""
        try:
            self._move(key)
        except PwbOAuthError as error:
            self._note(key, Status.LEFT, str(error))
            raise
        self._note(key, Status.MOVED)

    def _note(self, key: TokenKey, status: Status, problem: str | None = None) -> None:
        self.report.append(
            {
                "wiki": key.wiki,
                "username": key.username,
                "status": status.value,
                "problem": problem,
                "store": self.target.url if status is Status.MOVED else None,
            }
        )

    def _move(self, key: TokenKey) -> None:
        with self.source.locked(key) as held:  # no bot renews it meanwhile
            credential = held.credential
            if credential is not None:
                self._bring(key, credential)
            elif self.target.load(key) is None:
                raise LoginRequiredError(
                    f"The credential of {_name(key)} is gone. Log in: {key.login_command}"
                )
            # Whatever a run has left that was stopped while it forgot is found by this alone.
            self.source.forget(key)
        done = "is" if credential is None else "is now"
        self._out.print(f"{_name(key)} {done} in {self.target.url}.", markup=False)

    @property
    def next_step(self) -> str:
        """What a person does once all is moved."""
        return (
            f"Bots that are running still go by {self.source.url}, where they find themselves "
            f"logged out. Start them again {storage.how_found(self.target, self._to)}."
        )

    def _bring(self, key: TokenKey, credential: Credential) -> None:
        there = self.target.load(key)
        if there is not None:
            if _is_newer_of_same_login(there, credential):
                return
            if there.logged_in_at > credential.logged_in_at:
                raise self._refusal(key, there, credential)
            if there.logged_in_at < credential.logged_in_at:
                terminal.say(
                    f"{_name(key)}: the credential of {there.logged_in_at:%F} that was in "
                    f"{self.target.url} is replaced by the newer one."
                )
        self.target.save(key, credential)
        if open_token_store(self._to).load(key) != credential:
            raise TokenStoreError(
                f"{self.target.url} does not give back what was written to it. {_name(key)} is "
                f"still in {self.source.url}. Look into the new store, and try again."
            )

    def _refusal(self, key: TokenKey, there: Credential, here: Credential) -> TokenStoreError:
        forget = f"pwb-oauth logout {key.wiki} --user {shlex.quote(key.username)} --store"
        when = f"{there.logged_in_at:%F %R} UTC, here {here.logged_in_at:%F %R}"
        return TokenStoreError(
            f"{self.target.url} has a newer credential of {_name(key)} ({when}). Both were left "
            f"as they are. Forget the one that you do not need: {forget} "
            f"{shlex.quote(self.source.url)}, or {forget} {shlex.quote(self.target.url)}"
        )


def _name(key: TokenKey) -> str:
    return f"{key.username} on {key.wiki}"


def _is_newer_of_same_login(one: Credential, other: Credential) -> bool:
    """Whether a credential is the other, as it is or renewed since; then the other one is dead."""
    if one.logged_in_at != other.logged_in_at:
        return False
    return one == other or _issued_at(one) > _issued_at(other)


def _issued_at(credential: Credential) -> datetime:
    token = credential.access_token
    issued_at = token.issued_at if isinstance(token, OAuth2AccessToken) else None
    return issued_at or _LONG_AGO
