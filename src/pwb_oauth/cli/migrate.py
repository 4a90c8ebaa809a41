"""``pwb-oauth migrate``: from secrets in Pywikibot's files to stored credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pwb_oauth import configuration
from pwb_oauth.cli import login, obtain, options, setup, storage, terminal
from pwb_oauth.cli.exits import Exit
from pwb_oauth.errors import LoginRequiredError, PwbOAuthError
from pwb_oauth.migration import find_secrets, installation, rewriting
from pwb_oauth.migration.finding import Kind
from pwb_oauth.migration.moving import Mover, take_out
from pwb_oauth.tokens import open_token_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pwb_oauth.cli.obtain import Registered
    from pwb_oauth.credential import OAuthVersion
    from pwb_oauth.migration.finding import Finding, Use
    from pwb_oauth.tokens import TokenKey, TokenStore
    from pwb_oauth.wiki import Wiki

_WHERE_TO_CHANGE = {
    Kind.PASSWORD: "Special:ChangePassword",
    Kind.BOT_PASSWORD: "Special:BotPasswords",
}
_OPEN_TO_OTHERS = 0o077


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show it. Change nothing, and ask no wiki.")
@setup.yes_option
@options.consumer_options
@options.store_option
def migrate(
    dry_run: bool,
    yes: bool,
    key: str | None,
    oauth: OAuthVersion | None,
    callback: str | None,
    no_browser: bool,
    store: str | None,
) -> None:
    """Move from secrets in Pywikibot's files to stored credentials.

    Finds passwords, BotPasswords, OAuth 1.0a tuples and session cookies in user-config.py, the
    password file and the cookie files. OAuth tuples are taken over as they are; for passwords you
    are led through a login. A secret is taken out of its file when the wiki has accepted what is
    stored instead. It can be stopped and run again at any point.

    What it will do is shown first, and you are asked; where nobody can be asked, nothing changes
    without --yes, and passwords go only of accounts that have logged in.

    A login asks for the access token of an owner-only consumer; with --consumer it is by that
    consumer, in your browser, as with pwb-oauth login.

    \b
    Examples:
      pwb-oauth migrate --dry-run
      pwb-oauth migrate
      pwb-oauth migrate --yes
    """
    registered = obtain.Registered.of_options(key, oauth, callback, no_browser)
    findings = find_secrets()
    if not findings:
        terminal.console().print("No secret is left in Pywikibot's files.")
        return
    movable = [finding for finding in findings if finding.problem is None]
    _show_plan(findings, open_token_store(store))
    if dry_run:
        return
    moved = _move(movable, store, registered, yes=yes) if movable else []
    _advise(moved)
    if len(moved) < len(findings):
        terminal.say("Do what is said of each that was left, then again: pwb-oauth migrate")
        click.get_current_context().exit(Exit.FAILED)


def _show_plan(findings: Sequence[Finding], store: TokenStore) -> None:
    stored = {entry.key for entry in store.entries()}
    console = terminal.console()
    for finding in findings:
        console.print(f"{finding}: {_plan(finding, stored)}", markup=False)
        if finding.token is not None and finding.problem is None:
            stored |= {use.key for use in finding.uses if use.key is not None}
    if any(finding.problem is None for finding in findings):
        path = configuration.file_path()
        source = installation.read(path)
        setup.show_difference(path, source, setup.with_line(source))


def _plan(finding: Finding, stored: set[TokenKey]) -> str:
    if finding.problem is not None:
        return f"is left, since {finding.problem}."
    whose = ", ".join(sorted({_account(use.wiki, use.username) for use in finding.uses}))
    if all(use.key in stored for use in finding.uses):
        return f"to be taken out once the wiki accepts what is stored ({whose})."
    if finding.token is not None:
        return f"to be stored and taken out once the wiki accepts it ({whose})."
    return f"to be taken out once you have logged in ({whose})."


def _account(wiki: Wiki, username: str | None) -> str:
    return f"{username or 'whose it is'} on {wiki.central.name}"


def _move(
    movable: Sequence[Finding], store: str | None, registered: Registered | None, *, yes: bool
) -> list[Finding]:
    """Move what can be moved, one line each.

    Returns:
        What was moved.
    """
    _require_installable()
    if registered is not None and not terminal.is_interactive():
        raise click.UsageError("--consumer needs somebody at a terminal, who logs in by it.")
    if not yes:
        setup.require_consent("Go on?")
    kept_in = storage.open_for_saving(store, movable[0].uses[0].wiki)
    hint = storage.hint_for_scripts(kept_in, store)
    if hint:
        terminal.warn(hint)
    console = terminal.console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    hidden = not console.is_terminal
    # Drawn after each, not by a thread of its own, which would not outlive a login.
    with Progress(
        *columns, console=console, auto_refresh=False, transient=True, disable=hidden
    ) as bar:
        log_in = _Login(kept_in, bar, registered) if terminal.is_interactive() else None
        mover = Mover(kept_in, log_in)
        return [one for one in bar.track(movable, description="Moving") if _is_moved(one, mover)]


def _is_moved(finding: Finding, mover: Mover) -> bool:
    """Move a secret, and say what became of it."""
    console = terminal.console()
    try:
        keys = mover.replace(finding)
        _install()
        take_out(finding)
    except PwbOAuthError as error:
        console.print(f"Left: {finding}. {error}", markup=False)
        return False
    names = " and ".join(f"{key.username} on {key.wiki}" for key in keys)
    console.print(f"Moved: {finding}, to {mover.store.url} as {names}", markup=False)
    return True


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
        login.report(key, credential, self._store.url)


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


def _advise(moved: Sequence[Finding]) -> None:
    """Name what should be changed now, because it lay in a file."""
    advice = (
        _advice(finding, use)
        for finding in moved
        for use in {use.wiki.central: use for use in finding.uses}.values()
    )
    for text in dict.fromkeys(filter(None, advice)):
        terminal.console().print(text, markup=False)


def _advice(finding: Finding, use: Use) -> str | None:
    wiki = use.wiki.central
    if finding.kind in _WHERE_TO_CHANGE:
        page = wiki.page_url(_WHERE_TO_CHANGE[finding.kind])
        return f"Now change the {finding.kind.value} of {use.username}: {page}"
    if finding.kind is Kind.OAUTH1 and finding.path.stat().st_mode & _OPEN_TO_OTHERS:
        return (
            f"Others could read {finding.path}. Withdraw what was granted there, and log in by a "
            f"new consumer: {wiki.grants_url}"
        )
    return None
