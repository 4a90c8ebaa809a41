"""``pwb-oauth register``: a filled-in form for registering a consumer."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pwb_oauth import grants
from pwb_oauth.cli import options, registration, terminal
from pwb_oauth.cli.browser import open_in_browser
from pwb_oauth.cli.callback import DEFAULT_URL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pwb_oauth.credential import OAuthVersion
    from pwb_oauth.wiki import Wiki


@click.command(epilog=options.WIKI_HELP)
@options.new_wiki_argument
@click.option("--owner-only", is_flag=True, help="A consumer for your own account alone.")
@options.callback_option(
    "A consumer for any account, to which the browser comes back at URL.", flag_value=DEFAULT_URL
)
@click.option("--oauth", type=options.OAUTH_VERSION, default="2.0", show_default=True)
@click.option(
    "--for",
    "purposes",
    type=click.Choice(list(grants.PURPOSES)),
    multiple=True,
    default=("editing",),
    show_default=True,
    help="What the bot does. May be repeated.",
)
@click.option("--name", help="What the consumer is called.  [default: Pywikibot]")
@click.option("--open", "open_page", is_flag=True, help="Open the form in your browser.")
@options.idle_store_option
@options.json_option
def register(
    wiki: Wiki | None,
    owner_only: bool,
    callback: str | None,
    oauth: OAuthVersion,
    purposes: Sequence[str],
    name: str | None,
    open_page: bool,
    as_json: bool,
) -> None:
    """Show the form that registers a consumer, filled in.

    What the wiki's form does not take from its address is listed beside it.

    An owner-only consumer serves the account that registers it, and is approved at once. Any other
    consumer serves all accounts that allow it, but somebody has to approve it first.

    --callback without URL means http://127.0.0.1:7926/callback, where pwb-oauth login listens.

    \b
    Examples:
      pwb-oauth register wikipedia:test --owner-only --for editing --for uploading
      pwb-oauth register --open --callback
    """
    if owner_only == (callback is not None):
        raise click.UsageError(
            "Say --owner-only, for a bot that only you run, or --callback, for a consumer by "
            "which several accounts log in."
        )
    wiki = wiki or options.default_wiki()
    url = registration.form_url(wiki, oauth, callback, name)
    needed = grants.needed_for(purposes)
    login = _login_command(wiki, oauth, callback)
    if as_json:
        terminal.print_json(
            {
                "wiki": wiki.central.name,
                "url": url,
                "oauth_version": oauth,
                "owner_only": owner_only,
                "callback_url": callback,
                "grants": needed,
                "login_command": login,
            }
        )
    else:
        _show(url, needed, login, owner_only=owner_only)
    if open_page and not open_in_browser(url):
        terminal.say("There is no browser to open here.")


def _login_command(wiki: Wiki, oauth: OAuthVersion, callback: str | None) -> str:
    """What to type once the consumer is registered."""
    words = ["pwb-oauth", "login", wiki.central.name]
    if callback is not None:
        words += ["--consumer", "KEY"]
        if oauth != "2.0":
            words += ["--oauth", oauth]
        if callback != DEFAULT_URL:
            words += ["--callback", callback]
    return shlex.join(words)


def _show(url: str, needed: Sequence[str], login: str, *, owner_only: bool) -> None:
    out = terminal.console()
    whose = " as the account that the bot is to use" if owner_only else ""
    out.print(f"Sign in to the wiki{whose}, and open this form:\n\n  {url}\n", markup=False)
    if needed:
        out.print(_table(needed))
    else:
        out.print("Tick no grant: reading comes with every consumer.")
    out.print("Tick the box at the end too, by which you agree to the wiki's rules. Submit it.\n")
    out.print(_what_next(login, owner_only=owner_only), markup=False)


def _table(needed: Sequence[str]) -> Table:
    table = Table("Tick these grants", "name", box=SIMPLE_HEAD)
    for grant in needed:
        table.add_row(grants.label(grant), grant)
    return table


def _what_next(login: str, *, owner_only: bool) -> str:
    if owner_only:
        return (
            "The consumer is approved at once, and the wiki shows its access token, once. Then:\n"
            f"  {login}"
        )
    return (
        "The wiki shows the consumer's key and secret: keep both. You need an e-mail address that "
        "is confirmed there.\nSomebody has to approve the consumer, which on Wikimedia takes days "
        f"to weeks. Until then only you can log in by it:\n  {login}"
    )
