"""``pwb-oauth logout``: forget stored credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pwb_oauth.cli import choice, options, terminal
from pwb_oauth.cli.browser import open_in_browser
from pwb_oauth.cli.exits import Exit
from pwb_oauth.tokens import open_token_store
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from pwb_oauth.tokens import TokenKey


@click.command(epilog=options.WIKI_HELP)
@options.wiki_argument
@options.user_option()
@click.option("--all", "all_accounts", is_flag=True, help="Every account that fits.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before all are forgotten.")
@click.option("--open", "open_page", is_flag=True, help="Open the page that withdraws the grant.")
@options.store_option
def logout(
    wiki: Wiki | None,
    user: str | None,
    all_accounts: bool,
    yes: bool,
    open_page: bool,
    store: str | None,
) -> None:
    """Forget a stored credential, and the cookies that came with it.

    The wiki is not asked, and what you granted stays granted: only you can withdraw that, on the
    page whose address is shown. A script that is running stops at its next request.

    Where several accounts fit it asks which, whatever user-config.py says. With --all it asks
    before it forgets more than one; without a terminal it goes on.

    \b
    Examples:
      pwb-oauth logout wikipedia:test --user ExampleBot
      pwb-oauth logout --all --open
    """
    kept_in = open_token_store(store)
    if all_accounts:
        keys = [entry.key for entry in choice.some_entries(kept_in, wiki, user)]
        if not yes and not _may_forget(keys):
            terminal.say("Nothing was forgotten.")
            click.get_current_context().exit(Exit.FAILED)
    else:
        keys = [choice.one_entry(kept_in, wiki, user).key]
    for key in keys:
        # An account's cookies live in the processes that use it, which drop them as soon as they
        # see that it is gone. None of them is ever in a file.
        kept_in.forget(key)
        terminal.console().print(f"Logged out of {key.wiki} as {key.username}.", markup=False)
    _show_grants(keys, open_page)


def _may_forget(keys: list[TokenKey]) -> bool:
    if len(keys) == 1 or not terminal.is_interactive():
        return True
    for key in keys:
        terminal.say(f"  {key.username} on {key.wiki}")
    return terminal.confirm(f"Forget these {len(keys)} credentials?")


def _show_grants(keys: list[TokenKey], open_page: bool) -> None:
    """Say where each grant itself is withdrawn, since MediaWiki lets no program do that."""
    for url in sorted({Wiki.from_url(key.wiki).grants_url for key in keys}):
        terminal.console().print(f"To withdraw the grant itself, go to {url}", markup=False)
        if open_page and not open_in_browser(url):
            terminal.say("There is no browser to open here.")
