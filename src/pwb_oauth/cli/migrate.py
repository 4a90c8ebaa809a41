"""``pwb-oauth migrate``: from secrets in Pywikibot's files to stored credentials."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pwb_oauth import configuration
from pwb_oauth.cli import login, obtain, options, setup, storage, terminal
from pwb_oauth.cli.exits import Exit
from pwb_oauth.cli.steps import Status, plan
from pwb_oauth.errors import LoginRequiredError, PwbOAuthError
from pwb_oauth.migration import find_secrets, installation, rewriting
from pwb_oauth.migration.moving import Mover, take_out
from pwb_oauth.tokens import open_token_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from pwb_oauth.cli.obtain import Registered
    from pwb_oauth.cli.steps import Step
    from pwb_oauth.credential import OAuthVersion
    from pwb_oauth.migration.finding import Finding
    from pwb_oauth.tokens import TokenKey, TokenStore
    from pwb_oauth.wiki import Wiki


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show it. Change nothing, and ask no wiki.")
@setup.yes_option
@options.consumer_options
@options.store_option
@options.json_option
def migrate(
    dry_run: bool,
    yes: bool,
    key: str | None,
    oauth: OAuthVersion | None,
    callback: str | None,
    no_browser: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Move from secrets in Pywikibot's files to stored credentials.

    Finds passwords, BotPasswords, OAuth 1.0a tuples and session cookies in user-config.py, the
    password file and the cookie files. OAuth tuples are taken over as they are; for passwords you
    are led through a login. A secret is taken out of its file when the wiki has accepted what is
    stored instead. It can be stopped and run again at any point.

    What it will do is shown first, and you are asked; where nobody can be asked, nothing changes
    without --yes, and passwords go only of accounts that have logged in.

    A login asks for the access token of an owner-only consumer; with --consumer it is by that
    consumer, in your browser, as with pwb-oauth login. The consumer's secret is asked for once.

    With --json standard output is one document: each secret with its file and line, its accounts,
    what becomes of it (planned, moved, or left and why), and where to change it on the wiki. All
    else is on standard error.

    \b
    Examples:
      pwb-oauth migrate
      pwb-oauth migrate --yes
      pwb-oauth migrate --dry-run --json
    """
    registered = obtain.Registered.of_options(key, oauth, callback, no_browser)
    steps = _planned(find_secrets(), store)
    out = terminal.aside(quiet=dry_run) if as_json else terminal.console()
    try:
        _show_plan(out, steps)
        if not dry_run:
            _carry_out(out, steps, store, registered, yes=yes)
    finally:
        if as_json:
            terminal.print_json(_to_json(steps))
    if any(step.status is not Status.MOVED for step in steps) and not dry_run:
        terminal.say("Do what is said of each that was left, then again: pwb-oauth migrate")
        click.get_current_context().exit(Exit.FAILED)


def _planned(findings: Sequence[Finding], store: str | None) -> list[Step]:
    if not findings:
        return []
    return list(plan(findings, [entry.key for entry in open_token_store(store).entries()]))


def _show_plan(out: Console, steps: Sequence[Step]) -> None:
    for step in steps:
        out.print(step.announcement, markup=False)
    if not steps:
        out.print("No secret is left in Pywikibot's files.")
    if any(step.problem is None for step in steps):
        path = configuration.file_path()
        source = installation.read(path)
        setup.show_difference(out, path, source, setup.with_line(source))


def _to_json(steps: Sequence[Step]) -> dict[str, Any]:
    path = configuration.file_path()
    return {
        "secrets": [step.to_json() for step in steps],
        "user_config": {
            "file": str(path),
            "installs": installation.installing_line(installation.read(path)) is not None,
        },
    }


def _carry_out(
    out: Console,
    steps: Sequence[Step],
    store: str | None,
    registered: Registered | None,
    *,
    yes: bool,
) -> None:
    """Move what can be moved, and say what should be changed now.

    Raises:
        PwbOAuthError: Nothing can be moved, which is noted with each.
    """
    movable = [step for step in steps if step.problem is None]
    try:
        if movable:
            _move(out, movable, store, registered, yes=yes)
    except PwbOAuthError as error:
        for step in movable:
            step.problem = str(error)
        raise
    advice = [step.advice() for step in steps if step.status is Status.MOVED]
    for url, what in dict.fromkeys(chain.from_iterable(one.items() for one in advice)):
        out.print(f"{what}: {url}", markup=False)


def _move(
    out: Console,
    movable: Sequence[Step],
    store: str | None,
    registered: Registered | None,
    *,
    yes: bool,
) -> None:
    """Move what can be moved, one line each."""
    _require_installable()
    if registered is not None and not terminal.is_interactive():
        raise click.UsageError("--consumer needs somebody at a terminal, who logs in by it.")
    if not yes:
        setup.require_consent("Go on?")
    kept_in = storage.open_for_saving(store, movable[0].finding.uses[0].wiki)
    hint = storage.hint_for_scripts(kept_in, store)
    if hint:
        terminal.warn(hint)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    hidden = out.quiet or not out.is_terminal
    # Drawn after each, not by a thread of its own, which would not outlive a login.
    with Progress(*columns, console=out, auto_refresh=False, transient=True, disable=hidden) as bar:
        log_in = _Login(kept_in, bar, registered) if terminal.is_interactive() else None
        mover = Mover(kept_in, log_in)
        for step in bar.track(movable, description="Moving"):
            _take(step, mover, out)


def _take(step: Step, mover: Mover, out: Console) -> None:
    """Move a secret, and say what became of it."""
    try:
        keys = mover.replace(step.finding)
        _install()
        take_out(step.finding)
    except PwbOAuthError as error:
        step.problem = str(error)
        out.print(f"Left: {step.finding}. {error}", markup=False)
        return
    step.keys, step.store = keys, mover.store.url
    names = " and ".join(f"{key.username} on {key.wiki}" for key in keys)
    out.print(f"Moved: {step.finding}, to {step.store} as {names}", markup=False)


class _Login:
    """Leads a person through the login of an account, with the progress bar out of the way."""

    def __init__(self, store: TokenStore, bar: Progress, registered: Registered | None) -> None:
        self._store = store
        self._bar = bar
        self._registered = registered

    def __call__(self, wiki: Wiki, key: TokenKey) -> None:
        """Log in, and store the credential.

        Raises:
            LoginRequiredError: The person does not want to now.
            PwbOAuthError: They logged in with another account, or it failed.
        """
        self._bar.stop()
        try:
            self._log_in(wiki, key)
        finally:
            self._bar.start()

    def _log_in(self, wiki: Wiki, key: TokenKey) -> None:
        if not terminal.confirm(f"Log in to {key.wiki} as {key.username} now?"):
            raise LoginRequiredError(f"Log in later: {key.login_command}")
        credential = login.ask_person(wiki, key.username, self._registered)
        self._store.save(key, credential)
        login.report(self._bar.console, key, credential, self._store.url)


def _require_installable() -> None:
    """See that the line that lets Pywikibot know is there, or can be added.

    Raises:
        PwbOAuthError: It is not, and cannot. Without it nothing could replace a secret.
    """
    path = configuration.file_path()
    problem = rewriting.obstacle(path)
    if problem is not None and installation.installing_line(installation.read(path)) is None:
        raise PwbOAuthError(
            f"{path} needs the line {installation.LINE}, but {problem}. Nothing was changed."
        )


def _install() -> None:
    path = configuration.file_path()
    source = installation.read(path)
    new = setup.with_line(source)
    if new != source.text:
        installation.write(path, source, new)
